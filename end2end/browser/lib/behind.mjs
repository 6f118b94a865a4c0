// What must work behind a reverse proxy that is set up by its recipe.
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { join } from 'node:path';
import { awake, quiet } from './checks.mjs';
import { account, signIn } from './people.mjs';
import { Proxy, freePort } from './proxies.mjs';
import { demoSite } from './site.mjs';

// A beat comes every two seconds; a proxy that collects them first would take minutes.
const SOON = 30_000;

// Reads news until this event has come so many times.
async function hear(url, event, times) {
  const end = new AbortController();
  const late = setTimeout(() => end.abort(new Error(`no ${times} of ${event} within ${SOON} ms`)), SOON);
  const answer = await fetch(url, { signal: end.signal });
  assert.equal(answer.status, 200);
  let said = '';
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    said += piece;
    if (said.split(`event: ${event}\n`).length > times) break;
  }
  clearTimeout(late);
}

// Tests with a proxy of this name before the demo site.
export async function behind(name) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/osa/`;
  const settings = { OSA_PREFIX: '/osa', OSA_TRUSTED_PROXIES: '127.0.0.1', OSA_ORIGIN: new URL(url).origin };
  let proxy;
  const site = demoSite({
    settings,
    prepare: async (server) => { proxy = await Proxy.start(name, port, new URL(server.url).host); },
  });
  after(() => proxy?.stop());

  site.test(`${name} passes news on as they come`, async () => {
    await hear(`${url}api/v1/nights/events`, 'beat', 3);
  });

  site.test(`behind ${name} a page follows the disk`, async ({ open, server }) => {
    const page = await open();
    const night = `nights/${server.fresh}`;
    await page.goto(url + night);
    await awake(page);
    const { prod_id: production } = await server.api(night);
    const run = await server.firstRun(night);
    const history = join(server.analysis(server.fresh, production), `sequence_LST1_${run}.0000.history`);
    server.append(history, `${run}.0000 lstchain_data_r0_to_dl1 ${production} 2024-11-30 09:00 None None 1\n`);
    await page.locator(`#map-${run}`, { hasText: '0000' }).waitFor({ timeout: SOON });
    quiet(page);
  });

  site.test(`behind ${name} one signs in and acts`, async ({ open }) => {
    const page = await open();
    await page.goto(`${url}sign-in`);
    await signIn(page, 'viewer');
    await account(page, 'viewer').click();
    assert.equal(page.url(), `${url}account`);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL(url);
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    quiet(page);
  });
}
