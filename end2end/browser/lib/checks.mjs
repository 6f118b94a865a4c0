// What every page must keep to.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

// The WebAssembly is at work: the server's first word has come in.
export async function awake(page) {
  await page.locator('.fresh', { hasText: /updated|complete/ }).first().waitFor();
}

// No rule of accessibility that axe knows is broken, the stricter ones included. The page's policy
// keeps foreign scripts out, so axe comes the way a debugger does.
export async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate((runOnly) => window.axe.run({ runOnly }), rules);
  const told = violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => n.html).join('\n  ')}`);
  assert.deepEqual(told, [], `${page.url()}: ${told.join('\n')}`);
}

// Nothing sticks out to the side.
export async function fits(page) {
  const [width, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert(width <= shown, `${page.url()}: ${width} of ${shown} pixels`);
}

// It fits, and every image is drawn.
export async function whole(page) {
  await page.evaluate(async () => {
    for (const image of document.images) image.loading = 'eager';
    await Promise.all([...document.images].map((image) => image.decode()));
  });
  await fits(page);
}

// It fits, and is accessible.
export async function good(page) {
  await fits(page);
  await accessible(page);
}

// The browser has complained about nothing, but for what is expected.
export function quiet(page, expected = /^$/) {
  assert.deepEqual(page.complaints.filter((text) => !expected.test(text)), []);
}
