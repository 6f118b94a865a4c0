// The datacheck files that lstchain made: a list that says what is missing, and pages without rights.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from '../lib/browser.mjs';
import { Server } from '../lib/server.mjs';

const looks = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
};
const NIGHT = 'nights/2024-11-25';
let server, browser;

before(async () => {
  server = await Server.start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const [name, look] of Object.entries(looks)) {
  test(`files of a night that is not closed, ${name}`, async () => {
    const page = await open(browser, look);
    await page.goto(`${server.url}${NIGHT}`);
    await page.getByRole('link', { name: 'Datacheck files' }).click();
    await page.getByRole('heading', { name: 'Datacheck files of night 2024-11-25' }).waitFor();
    const plot = page.getByRole('rowheader', { name: /drs4_pedestal/ }).getByRole('link');
    await page.getByText('the run is not merged yet').first().waitFor();
    await page.getByText('long-term datacheck (html)').waitFor();
    const [width, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert(width <= shown, `${width} of ${shown} pixels`);
    await accessible(page);
    const answer = await fetch(new URL(await plot.getAttribute('href'), server.url));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('Content-Type'), 'application/pdf');
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });
}

test('a page that lstchain made runs its scripts and reaches nothing of ours', async () => {
  const { prod_id } = await server.api(NIGHT);
  const dir = join(server.demo, 'data/OSA/DL1DataCheck_LongTerm', prod_id, '20241125');
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, 'DL1_datacheck_20241125.html'),
    `<!doctype html><title>before</title><p id="told"></p><script>
      const told = [];
      const tries = {
        cookie: () => document.cookie,
        storage: () => localStorage.length,
        opener: () => opener && opener.document.title,
      };
      for (const [name, attempt] of Object.entries(tries)) {
        try { told.push(name + ': ' + attempt()); } catch (error) { told.push(name + ' refused'); }
      }
      told.push('origin ' + origin);
      fetch('${server.url}api/v1/nights').then(() => 'reached', () => 'refused').then((how) => {
        told.push('network ' + how);
        document.querySelector('#told').textContent = told.join('; ');
      });
    </script>`,
  );
  const page = await open(browser, looks.light);
  await page.goto(`${server.url}${NIGHT}/products`);
  await page.getByRole('link', { name: 'DL1_datacheck_20241125.html' }).click();
  const told = page.locator('#told');
  await told.getByText('origin').waitFor();
  assert.equal(
    await told.textContent(),
    'cookie refused; storage refused; opener: null; origin null; network refused',
  );
  await page.context().close();
});
