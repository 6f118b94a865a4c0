// Signing in and out, one's own page, users: with scripts and without, accessible in every look.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { accessible, awake, launch, open } from '../lib/browser.mjs';
import { Server } from '../lib/server.mjs';

const screenshots = join(dirname(fileURLToPath(import.meta.url)), '../../screenshots');
const looks = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
};

let server, browser;

before(async () => {
  server = await Server.start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function signIn(page, name, password = `demo-${name}`) {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

for (const [look, options] of Object.entries(looks)) {
  test(`the pages about people are accessible and without complaint (${look})`, async () => {
    mkdirSync(screenshots, { recursive: true });
    const page = await open(browser, options);
    const look_at = async (name) => {
      await accessible(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert(!wide, `${name} is wider than the screen`);
      await page.screenshot({ path: join(screenshots, `${name}-${look}.png`), fullPage: true });
    };
    await page.goto(`${server.url}sign-in`);
    await look_at('sign-in');
    assert.deepEqual(page.complaints, []);
    await signIn(page, 'admin', 'a wrong password');
    await page.getByRole('alert').waitFor();
    await look_at('sign-in-refused');
    await signIn(page, 'admin');
    await awake(page);
    await page.getByRole('link', { name: 'Account of admin admin' }).click();
    await look_at('account');
    await page.getByLabel('Name of a new token').fill(`export-${look}`);
    await page.getByRole('button', { name: 'Make a token' }).click();
    await page.locator('.secret', { hasText: /^osa_[\w-]{43}$/ }).waitFor();
    await look_at('account-token');
    await page.getByRole('link', { name: 'Manage users' }).click();
    await page.getByRole('heading', { name: 'Users' }).waitFor();
    await look_at('users');
    // The browser tells of the refusal when it likes.
    assert.deepEqual(page.complaints.filter((text) => !text.includes('422')), []);
    await page.context().close();
  });
}

for (const [how, options] of Object.entries({ with: {}, without: { javaScriptEnabled: false } })) {
  test(`one signs in from a page, comes back to it, and signs out (${how} scripts)`, async () => {
    const page = await open(browser, options);
    await page.goto(`${server.url}nights/${server.failing}`);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, 'shifter', 'a wrong password');
    assert.match(await page.getByRole('alert').innerText(), /The name or the password is not right\./);
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'shifter');
    await signIn(page, 'shifter');
    await page.waitForURL(`${server.url}nights/${server.failing}`);
    await page.getByRole('link', { name: 'Account of shifter shifter' }).click();
    assert.equal(await page.getByRole('link', { name: 'Manage users' }).count(), 0);
    const users = await page.goto(`${server.url}users`);
    assert.equal(users.status(), 403);
    await page.goto(`${server.url}account`);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL(server.url);
    assert.equal(await page.getByRole('link', { name: 'Sign in' }).count(), 1);
    await page.goto(`${server.url}account`);
    assert.match(page.url(), /sign-in\?to=account$/);
    await page.context().close();
  });
}

test('an administrator adds a user and takes the sign-in away again', async () => {
  const page = await open(browser);
  await page.goto(`${server.url}sign-in?to=users`);
  await signIn(page, 'admin');
  await page.getByLabel('Name', { exact: true }).fill('jane');
  await page.getByRole('combobox', { name: 'Role', exact: true }).selectOption('shifter');
  await page.getByLabel('First password').fill('correct horse');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('jane is added, shifter.').waitFor();
  const jane = await open(browser);
  await jane.goto(`${server.url}sign-in?to=account`);
  await signIn(jane, 'jane', 'correct horse');
  await jane.getByRole('heading', { name: 'jane' }).waitFor();
  await page.getByRole('button', { name: 'Disable jane' }).click();
  await page.getByText('disabled since').waitFor();
  await jane.reload();
  assert.match(jane.url(), /sign-in/);
  await jane.context().close();
  await page.context().close();
});

test('whoever is signed in sees the news like everybody', async () => {
  const page = await open(browser);
  await page.goto(`${server.url}sign-in`);
  await signIn(page, 'viewer');
  await page.goto(`${server.url}nights/${server.fresh}`);
  await awake(page);
  const status = await server.api(`nights/${server.fresh}`);
  const run = String(status.sequences.find((s) => s.kind === 'DATA').run).padStart(5, '0');
  const analysis = server.analysis(server.fresh, status.prod_id);
  const line = `${run}.0000 lstchain_data_r0_to_dl1 ${status.prod_id} 2024-11-30 09:00 None None 1\n`;
  server.append(join(analysis, `sequence_LST1_${run}.0000.history`), line);
  await page.locator(`#map-${run}`, { hasText: '0000' }).waitFor({ timeout: 60_000 });
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('another site sends no form in somebody\'s name', async () => {
  const page = await open(browser);
  await page.goto(`${server.url}sign-in`);
  await signIn(page, 'shifter');
  await awake(page);
  // From an address that is another site to the browser.
  const evil = await page.context().newPage();
  await evil.route('http://evil.test/', (route) => route.fulfill({
    contentType: 'text/html',
    body: `<form method="post" action="${server.url}sign-out/everywhere"><button>win</button></form>`,
  }));
  await evil.goto('http://evil.test/');
  const [answer] = await Promise.all([
    evil.waitForResponse(`${server.url}sign-out/everywhere`), evil.getByRole('button').click(),
  ]);
  assert.notEqual(answer.status(), 200);
  await page.reload();
  await page.getByRole('link', { name: 'Account of shifter shifter' }).waitFor();
  await page.context().close();
});
