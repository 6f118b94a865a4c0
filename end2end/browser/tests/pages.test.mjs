// Every page: complete without scripts, accessible, without complaint, in light, dark and narrow.
import assert from 'node:assert/strict';
import { accessible, awake, good, quiet } from '../lib/checks.mjs';
import { hasScripts, appearances, wall, withoutScripts } from '../lib/appearances.mjs';
import { photograph } from '../lib/screenshots.mjs';
import { demoSite } from '../lib/site.mjs';

let pages;
const site = demoSite({
  prepare: async (server) => {
    const night = server.failing;
    const status = await server.api(`nights/${night}`);
    const failed = status.sequences.find((s) => s.segments.some((g) => g.condition === 'failed'));
    const run = `nights/${night}/runs/${String(failed.sequence?.run ?? failed.run).padStart(5, '0')}`;
    const detail = await server.api(run);
    const log = detail.subruns.find((s) => s.condition === 'failed').logs.at(-1).name;
    pages = { nights: '', night: `nights/${night}`, run, log: `${run}/logs/${log}`, fresh: `nights/${server.fresh}` };
  },
});

for (const [appearance, options] of Object.entries({ ...appearances, wall })) {
  site.test(`every page is accessible and without complaint (${appearance})`, async ({ open, server }) => {
    const page = await open(options);
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(server.url + path);
      if (name !== 'log') await awake(page);
      await good(page);
      await photograph(page, `${name}-${appearance}`, appearance !== 'wall');
    }
    quiet(page);
  });
}

site.test('every page is complete without scripts', async ({ open, server }) => {
  const bare = await open(withoutScripts);
  const full = await open();
  for (const [name, path] of Object.entries(pages)) {
    await bare.goto(server.url + path);
    await full.goto(server.url + path);
    if (name !== 'log') await awake(full);
    const text = (page) => page.locator('main article').first().innerText();
    assert.equal(await text(bare), await text(full), name);
    if (name !== 'log') assert.match(await bare.locator('.fresh').innerText(), /^as of .* UTC$/);
    assert((await bare.locator('main a').count()) > 0, `${name} leads nowhere`);
  }
});

site.test('one click leads from a failed subrun in the map to its log', async ({ open, server }) => {
  const page = await open();
  await page.goto(server.url + pages.night);
  await page.locator('.track a.failed').first().click();
  await page.waitForURL(/runs\/\d{5}\?subrun=\d+#log/);
  await page.locator('section.log mark').first().waitFor();
  assert(await page.locator('section.log').isVisible());
});

site.test('everything can be reached by keyboard', async ({ open, server }) => {
  const page = await open();
  await page.goto(server.url + pages.night);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  assert.equal(new URL(page.url()).pathname, `/${pages.night}`);
  const reached = new Set();
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()));
  }
  assert(reached.has('Sequences'), 'the table that scrolls');
  assert([...reached].some((label) => label.startsWith('Log of failed subrun')), 'the failures');
});

site.test('the choice of colours is kept', async ({ open, server }) => {
  const page = await open({ colorScheme: 'light' });
  await page.goto(server.url);
  await awake(page);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByLabel('Colours').selectOption('Dark');
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.goto(server.url + pages.night);
  await awake(page);
  assert.equal(await ground(), dark);
  assert.equal(await page.getByLabel('Colours').inputValue(), 'dark');
  await page.getByLabel('Colours').selectOption('System colours');
  assert.equal(await ground(), light);
});

site.test('a wrong address leads on', async ({ open, server }) => {
  const page = await open();
  const answer = await page.goto(`${server.url}${pages.night.replaceAll('-', '')}`);
  assert.equal(answer.status(), 404);
  await accessible(page);
  await page.locator('main li a').first().click();
  await page.waitForURL(server.url + pages.night);
});

site.test('the interface for programs is described and can be tried', async ({ open, server }) => {
  for (const appearance of [{}, withoutScripts]) {
    const page = await open(appearance);
    await page.goto(server.url);
    await page.getByRole('link', { name: 'Interface for programs' }).click();
    await page.getByRole('heading', { name: 'Interface for programs' }).waitFor();
    if (hasScripts(appearance)) await accessible(page);
    const address = '/api/v1/nights/{date}/blockers';
    await page.getByText(address, { exact: true }).first().click();
    await page.locator('details[open]').getByLabel('date').fill('2024-11-26');
    await page.locator('details[open]').getByRole('button', { name: 'Try' }).click();
    await page.waitForURL('**/api/v1/nights/2024-11-26/blockers');
    assert.equal(JSON.parse(await page.locator('body').innerText()).date, '2024-11-26');
    quiet(page);
  }
});
