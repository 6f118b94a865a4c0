// Signing in and out, one's own page, users: with scripts and without, accessible in every look.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { awake, good, quiet } from '../lib/checks.mjs';
import { appearances, withAndWithoutScripts } from '../lib/appearances.mjs';
import { account, signIn, signInAs } from '../lib/people.mjs';
import { photograph } from '../lib/screenshots.mjs';
import { demoSite } from '../lib/site.mjs';

const site = demoSite();

for (const [appearance, options] of Object.entries(appearances)) {
  site.test(`the pages about people are accessible and without complaint (${appearance})`, async ({ open, server }) => {
    const page = await open(options);
    const visit = async (name) => {
      await good(page);
      await photograph(page, `${name}-${appearance}`);
    };
    await page.goto(`${server.url}sign-in`);
    await visit('sign-in');
    quiet(page);
    await signIn(page, 'admin', 'a wrong password');
    await page.getByRole('alert').waitFor();
    await visit('sign-in-refused');
    await signIn(page, 'admin');
    await awake(page);
    await account(page, 'admin').click();
    await visit('account');
    await page.getByLabel('Name of a new token').fill(`export-${appearance}`);
    await page.getByRole('button', { name: 'Make a token' }).click();
    await page.locator('.secret', { hasText: /^osa_[\w-]{43}$/ }).waitFor();
    await visit('account-token');
    await page.getByRole('link', { name: 'Manage users' }).click();
    await page.getByRole('heading', { name: 'Users' }).waitFor();
    await visit('users');
    quiet(page);
  });
}

for (const [how, options] of Object.entries(withAndWithoutScripts)) {
  site.test(`one signs in from a page, comes back to it, and signs out (${how} scripts)`, async ({ open, server }) => {
    const page = await open(options);
    await page.goto(`${server.url}nights/${server.failing}`);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, 'shifter', 'a wrong password');
    assert.match(await page.getByRole('alert').innerText(), /The name or the password is not right\./);
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'shifter');
    await signIn(page, 'shifter');
    await page.waitForURL(`${server.url}nights/${server.failing}`);
    await account(page, 'shifter').click();
    assert.equal(await page.getByRole('link', { name: 'Manage users' }).count(), 0);
    const users = await page.goto(`${server.url}users`);
    assert.equal(users.status(), 403);
    await page.goto(`${server.url}account`);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL(server.url);
    assert.equal(await page.getByRole('link', { name: 'Sign in' }).count(), 1);
    await page.goto(`${server.url}account`);
    assert.match(page.url(), /sign-in\?to=account$/);
  });
}

site.test('an administrator adds a user and takes the sign-in away again', async ({ open, server }) => {
  const page = await open();
  await page.goto(`${server.url}sign-in?to=users`);
  await signIn(page, 'admin');
  await page.getByLabel('Name', { exact: true }).fill('jane');
  await page.getByRole('combobox', { name: 'Role', exact: true }).selectOption('shifter');
  await page.getByLabel('First password').fill('correct horse');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('jane is added, shifter.').waitFor();
  const jane = await open();
  await jane.goto(`${server.url}sign-in?to=account`);
  await signIn(jane, 'jane', 'correct horse');
  await jane.getByRole('heading', { name: 'jane' }).waitFor();
  await page.getByRole('button', { name: 'Disable jane' }).click();
  await page.getByText('disabled since').waitFor();
  await jane.reload();
  assert.match(jane.url(), /sign-in/);
});

site.test('whoever is signed in sees the news like everybody', async ({ open, server }) => {
  const page = await open();
  await signInAs(page, server, 'viewer');
  await page.goto(`${server.url}nights/${server.fresh}`);
  await awake(page);
  const status = await server.api(`nights/${server.fresh}`);
  const run = await server.firstRun(`nights/${server.fresh}`);
  const analysis = server.analysis(server.fresh, status.prod_id);
  const line = `${run}.0000 lstchain_data_r0_to_dl1 ${status.prod_id} 2024-11-30 09:00 None None 1\n`;
  server.append(join(analysis, `sequence_LST1_${run}.0000.history`), line);
  await page.locator(`#map-${run}`, { hasText: '0000' }).waitFor({ timeout: 60_000 });
  quiet(page);
});

const SIGN_OUT = 'api/ui/sign_out_everywhere';

site.test('another site sends no form in somebody\'s name', async ({ open, server }) => {
  const page = await open();
  await signInAs(page, server, 'shifter');
  await awake(page);
  // From an address that is another site to the browser.
  const evil = await page.context().newPage();
  await evil.route('http://evil.test/', (route) => route.fulfill({
    contentType: 'text/html',
    body: `<form method="post" action="${server.url}${SIGN_OUT}"><button>win</button></form>`,
  }));
  await evil.goto('http://evil.test/');
  const [answer] = await Promise.all([
    evil.waitForResponse(`${server.url}${SIGN_OUT}`), evil.getByRole('button').click(),
  ]);
  assert.notEqual(answer.status(), 200);
  await page.reload();
  await account(page, 'shifter').waitFor();
});
