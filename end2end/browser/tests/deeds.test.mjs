// What a shifter does in the browser, from a fresh night to a closed one, by buttons alone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from '../lib/browser.mjs';
import { Server } from '../lib/server.mjs';

let server, browser;
before(async () => {
  [server, browser] = [await Server.start(), await launch()];
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

// Long, since jobs run meanwhile and machines can be slow.
const PATIENCE = 240_000;

async function signedIn(name, options) {
  const page = await open(browser, options);
  await page.goto(`${server.url}sign-in`);
  const [, password] = await page.locator('.demo tr', { hasText: name }).locator('code').allTextContents();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.who', { hasText: name }).waitFor();
  return page;
}

// Confirms the plan that is shown, and tells whether it was carried out: a night that has changed
// meanwhile is answered with its new plan.
async function confirmed(page) {
  await page.getByRole('checkbox').check();
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.locator('.confirm button.main').click();
  const status = (await answer).status();
  assert([303, 409].includes(status), `answered with ${status}`);
  if (status === 303) await page.waitForURL(/\/nights\/[0-9-]+$/);
  return status === 303;
}

// What the browser complained about, but for plans that had changed.
const complaints = (page) => page.complaints.filter((text) => !/\b409\b/.test(text));

const state = (page) => page.locator('.title .state').first();

async function until(page, night, text) {
  await page.goto(`${server.url}nights/${night}`);
  await state(page).filter({ hasText: text }).waitFor({ timeout: PATIENCE });
}

test('a fresh night is launched, followed to its end and closed', async () => {
  const engine = process.env.OSA_SCHEDULER ?? 'local';
  assert.equal((await server.api('health')).scheduler.engine, engine);
  const page = await signedIn('shifter');
  const night = '2024-11-29';
  await page.goto(`${server.url}nights/${night}`);
  await accessible(page);
  await page.locator('.title').getByRole('link', { name: 'Launch the night…' }).click();
  await page.getByText('submit LST1_19122, after').waitFor();
  await accessible(page);
  await page.locator('.confirm button.main').click();
  assert.equal(await page.getByRole('heading', { name: 'What will happen' }).count(), 1, 'without the tick nothing is sent');
  await page.getByRole('checkbox').check();
  await page.locator('.confirm button.main').click();
  await page.waitForURL(`${server.url}nights/${night}`);
  await page.locator('table.logbook', { hasText: 'web:shifter' }).waitFor();
  await until(page, night, 'processed');

  await page.locator('.title').getByRole('link', { name: 'Close the night…' }).click();
  await page.getByText('NightFinished.txt').first().waitFor();
  await accessible(page);
  assert(await confirmed(page), 'nothing changes any more in a night that has been processed');
  await until(page, night, 'closed');
  await accessible(page);
  const flag = join(server.demo, 'data/OSA/Closer/20241129/v0.10.18/NightFinished.txt');
  assert.match(readFileSync(flag, 'utf8'), /\S/);
  assert.deepEqual(complaints(page), []);
  await page.context().close();
});

test('a night with every known error is brought to its close by the offered buttons', async () => {
  const page = await signedIn('shifter');
  const night = '2024-11-26';
  const address = `${server.url}nights/${night}`;
  await page.goto(address);
  const kinds = await page.locator('.blocker strong').count();
  assert(kinds >= 7, `${kinds} blockers`);
  const pressed = [];
  const deadline = Date.now() + PATIENCE;
  while ((await state(page).textContent()) !== 'processed') {
    assert(Date.now() < deadline, `pressed ${pressed.join(', ')}; still ${await page.locator('main').innerText()}`);
    // Read in one go: the page follows the night, and a button may be gone the next moment.
    const buttons = await page.locator('.blockers .remedies a.button').evaluateAll((all) =>
      all.map((button) => [button.textContent, button.getAttribute('href')]));
    if (buttons.length === 0) {
      // Jobs are at work, and the page follows them.
      await page.waitForTimeout(500);
      continue;
    }
    const [[label, link]] = buttons;
    await page.goto(server.url + link);
    // Where there is nothing left to confirm, the page was a second old: it is under way already.
    if ((await page.getByRole('checkbox').count()) > 0 && (await confirmed(page))) pressed.push(label);
    await page.goto(address);
  }
  assert(pressed.length >= 7, pressed.join(', '));
  await page.locator('.title').getByRole('link', { name: 'Close the night…' }).click();
  await page.getByRole('heading', { name: 'What will happen' }).waitFor();
  assert(await confirmed(page), 'nothing changes any more in a night that has been processed');
  await until(page, night, 'closed');
  assert.deepEqual(complaints(page), []);
  await page.context().close();
});

test('a viewer is shown no buttons, and nobody without signing in', async () => {
  const page = await signedIn('viewer');
  await page.goto(`${server.url}nights/2024-11-27`);
  assert.equal(await page.locator('a[href*="do?what="]').count(), 0);
  await page.context().close();
  const stranger = await open(browser);
  await stranger.goto(`${server.url}nights/2024-11-27/do?what=launch`);
  await stranger.getByRole('heading', { name: 'Sign in' }).waitFor();
  await stranger.context().close();
});
