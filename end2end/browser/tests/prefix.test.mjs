// Behind a reverse proxy, under a path of its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { awake, launch, open } from '../lib/browser.mjs';
import { Server } from '../lib/server.mjs';

let server, browser;

before(async () => {
  server = await Server.start({ OSA_PREFIX: '/lst/osa' });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test('pages, links, news and scripts stay under the prefix', async () => {
  const page = await open(browser);
  const outside = [];
  page.on('request', (request) => {
    if (!new URL(request.url()).pathname.startsWith('/lst/osa')) outside.push(request.url());
  });
  await page.goto(server.url);
  await awake(page);
  await page.getByRole('link', { name: server.failing }).click();
  await awake(page);
  await page.locator('.track a.failed').first().click();
  await awake(page);
  await page.locator('section.log .files a').last().click();
  await page.locator('h1', { hasText: 'jobid' }).waitFor();
  await page.getByRole('link', { name: 'Nights', exact: true }).click();
  await awake(page);
  assert.equal(page.url(), server.url);
  assert.deepEqual(outside, []);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('signing in stays under the prefix, and so does its cookie', async () => {
  const page = await open(browser);
  await page.goto(server.url);
  await page.getByRole('link', { name: 'Sign in' }).click();
  assert.equal(page.url(), `${server.url}sign-in`);
  await page.getByLabel('Name', { exact: true }).fill('viewer');
  await page.getByLabel('Password').fill('demo-viewer');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(server.url);
  await page.getByRole('link', { name: 'Account of viewer viewer' }).click();
  assert.equal(page.url(), `${server.url}account`);
  const cookies = await page.context().cookies(server.url);
  const session = cookies.find((cookie) => cookie.name === 'osa_session');
  assert.deepEqual([session.path, session.httpOnly, session.sameSite], ['/lst/osa', true, 'Lax']);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.waitForURL(server.url);
  await page.getByRole('link', { name: 'Sign in' }).waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});
