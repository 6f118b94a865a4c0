// What a shifter does in the browser, from a fresh night to a closed one, by buttons alone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATIENCE, carryOut, choose, confirmed, plan, state, tick, untilState } from '../lib/actions.mjs';
import { accessible, quiet } from '../lib/checks.mjs';
import { signInAs } from '../lib/people.mjs';
import { demoSite } from '../lib/site.mjs';

const site = demoSite();

site.test('a fresh night is launched, followed to its end and closed', async ({ open, server }) => {
  const engine = process.env.OSA_SCHEDULER ?? 'local';
  assert.equal((await server.api('health')).scheduler.engine, engine);
  const page = await open();
  await signInAs(page, server, 'shifter');
  const night = '2024-11-29';
  await page.goto(`${server.url}nights/${night}`);
  await accessible(page);
  await choose(page, 'Launch the night…');
  await page.getByText('submit LST1_19122, after').waitFor();
  await accessible(page);
  await carryOut(page).click();
  assert.equal(await plan(page).count(), 1, 'without the tick nothing is sent');
  await tick(page).check();
  await carryOut(page).click();
  await page.locator('.banner', { hasText: /Launch the night: under way|submitted/ }).waitFor();
  await page.waitForURL(`${server.url}nights/${night}`);
  await page.locator('table.audit-log', { hasText: 'web:shifter' }).waitFor();
  await untilState(page, server, night, 'processed');

  await choose(page, 'Close the night…');
  await page.getByText('NightFinished.txt').first().waitFor();
  await accessible(page);
  assert(await confirmed(page), 'nothing changes any more in a night that has been processed');
  await untilState(page, server, night, 'closed');
  await accessible(page);
  const flag = join(server.demo, 'data/OSA/Closer/20241129/v0.10.18/NightFinished.txt');
  assert.match(readFileSync(flag, 'utf8'), /\S/);
  quiet(page);
});

site.test('a night with every known error is brought to its close by the offered buttons', async ({ open, server }) => {
  const page = await open();
  await signInAs(page, server, 'shifter');
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
    if ((await tick(page).count()) > 0 && (await confirmed(page))) pressed.push(label);
    await page.goto(address);
  }
  assert(pressed.length >= 7, pressed.join(', '));
  await choose(page, 'Close the night…');
  assert(await confirmed(page), 'nothing changes any more in a night that has been processed');
  await untilState(page, server, night, 'closed');
  quiet(page);
});

site.test('a viewer is shown no buttons, and nobody without signing in', async ({ open, server }) => {
  const page = await open();
  await signInAs(page, server, 'viewer');
  await page.goto(`${server.url}nights/2024-11-27`);
  assert.equal(await page.locator('a[href*="actions/new?what="]').count(), 0);
  const stranger = await open();
  await stranger.goto(`${server.url}nights/2024-11-27/actions/new?what=launch`);
  await stranger.getByRole('heading', { name: 'Sign in' }).waitFor();
});
