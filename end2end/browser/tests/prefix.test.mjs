// Behind a reverse proxy, under a path of its own.
import assert from 'node:assert/strict';
import { awake, quiet } from '../lib/checks.mjs';
import { account, signIn } from '../lib/people.mjs';
import { demoSite } from '../lib/site.mjs';

const site = demoSite({ settings: { OSA_PREFIX: '/lst/osa' } });

site.test('pages, links, news and scripts stay under the prefix', async ({ open, server }) => {
  const page = await open();
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
  quiet(page);
});

site.test('signing in stays under the prefix, and so does its cookie', async ({ open, server }) => {
  const page = await open();
  await page.goto(server.url);
  await page.getByRole('link', { name: 'Sign in' }).click();
  assert.equal(page.url(), `${server.url}sign-in`);
  await signIn(page, 'viewer');
  await page.waitForURL(server.url);
  await account(page, 'viewer').click();
  assert.equal(page.url(), `${server.url}account`);
  const cookies = await page.context().cookies(server.url);
  const session = cookies.find((cookie) => cookie.name === 'osa_session');
  assert.deepEqual([session.path, session.httpOnly, session.sameSite], ['/lst/osa', true, 'Lax']);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.waitForURL(server.url);
  await page.getByRole('link', { name: 'Sign in' }).waitFor();
  quiet(page);
});
