// The datacheck files that lstchain made: a list that says what is missing, and pages without rights.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { good, quiet } from '../lib/checks.mjs';
import { appearances } from '../lib/appearances.mjs';
import { demoSite } from '../lib/site.mjs';

const NIGHT = 'nights/2024-11-25';
const site = demoSite();

for (const [name, appearance] of Object.entries(appearances)) {
  site.test(`files of a night that is not closed, ${name}`, async ({ open, server }) => {
    const page = await open(appearance);
    await page.goto(`${server.url}${NIGHT}`);
    await page.getByRole('link', { name: 'Datacheck files' }).click();
    await page.getByRole('heading', { name: 'Datacheck files of night 2024-11-25' }).waitFor();
    const plot = page.getByRole('rowheader', { name: /drs4_pedestal/ }).getByRole('link');
    await page.getByText('the run is not merged yet').first().waitFor();
    await page.getByText('long-term datacheck (html)').waitFor();
    await good(page);
    const answer = await fetch(new URL(await plot.getAttribute('href'), server.url));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('Content-Type'), 'application/pdf');
    quiet(page);
  });
}

site.test('a page that lstchain made runs its scripts and reaches nothing of ours', async ({ open, server }) => {
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
  const page = await open(appearances.light);
  await page.goto(`${server.url}${NIGHT}/products`);
  await page.getByRole('link', { name: 'DL1_datacheck_20241125.html' }).click();
  const told = page.locator('#told');
  await told.getByText('origin').waitFor();
  assert.equal(
    await told.textContent(),
    'cookie refused; storage refused; opener: null; origin null; network refused',
  );
});
