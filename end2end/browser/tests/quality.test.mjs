// What is thought of the data quality: from the list of nights to the figure that shows why.
import assert from 'node:assert/strict';
import { good, quiet } from '../lib/checks.mjs';
import { appearances } from '../lib/appearances.mjs';
import { account, signIn } from '../lib/people.mjs';
import { demoSite } from '../lib/site.mjs';

const NIGHT = 'nights/2024-11-26';
// A cloud passed.
const CLOUDY = '19059';
const site = demoSite();

for (const [name, appearance] of Object.entries(appearances)) {
  site.test(`a bad run is seen from the list of nights down to its figure, ${name}`, async ({ open, server }) => {
    const page = await open(appearance);
    await page.goto(server.url);
    // Judged behind the pages, and pushed to those that are open.
    await page.locator('#night-2024-11-26').getByText('bad: 1 of 8').waitFor();
    await good(page);
    await page.getByRole('link', { name: '2024-11-26' }).click();
    await page.locator(`#run-${CLOUDY}`).getByRole('link', { name: 'bad' }).waitFor();
    const list = page.getByRole('region', { name: 'Data quality' });
    await list.getByText('Rate of cosmics too low').waitFor();
    await good(page);
    await list.getByRole('link', { name: `Run ${CLOUDY}` }).click();
    await page.getByRole('link', { name: /Rate of cosmics too low/ }).click();
    await page.getByRole('heading', { name: 'Triggers and rates' }).waitFor();
    assert.match(page.url(), /#figure-rate$/);
    await page.locator('#figure-rate .judged').getByText('Rate of cosmics too low').waitFor();
    await page.locator('#figure-cleaning .judged').getByText('ok').waitFor();
    await good(page);
    quiet(page);
  });
}

site.test('a night that is not closed has the figures of the night already', async ({ open, server }) => {
  const page = await open(appearances.light);
  await page.goto(`${server.url}${NIGHT}/datacheck?sheet=rates`);
  await page.getByText('not closed yet').waitFor();
  await page.locator('#figure-cosmics-rate img').evaluate((image) => {
    image.loading = 'eager';
    return image.decode();
  });
  await page.locator('#figure-cosmics-rate').getByText(`run ${CLOUDY}: Rate of cosmics too low`).waitFor();
  await good(page);
  quiet(page);
});

site.test('programs get verdicts and reasons', async ({ open, server }) => {
  const night = await server.api(NIGHT);
  const quality = night.sequences.find((own) => String(own.run) === CLOUDY).quality;
  assert.equal(quality.verdict, 'bad');
  assert(quality.findings.some((own) => own.quantity === 'cosmics_rate' && own.reason.includes('limit')));
});

site.test('who has looked is noted, seen by others at once, and can be taken back', async ({ open, server }) => {
  const page = await open(appearances.light);
  await page.goto(`${server.url}${NIGHT}/runs/${CLOUDY}/datacheck?sheet=rates`);
  await page.getByText('Nobody yet.').waitFor();
  const other = await open(appearances.phone);
  await other.goto(`${server.url}${NIGHT}`);
  await other.locator(`#run-${CLOUDY}`).getByRole('link', { name: 'bad' }).waitFor();
  await page.getByRole('region', { name: 'Who has looked at it' }).getByRole('link', { name: 'Sign in' }).click();
  await signIn(page, 'viewer');
  await account(page, 'viewer').waitFor();
  await page.goto(`${server.url}${NIGHT}/runs/${CLOUDY}/datacheck?sheet=rates`);
  await page.getByLabel('What I saw').fill('A cloud passed at the end.');
  await page.getByRole('button', { name: 'Note that I have looked' }).click();
  const notes = page.getByRole('region', { name: 'Who has looked at it' });
  await notes.getByText('A cloud passed at the end.').waitFor();
  await good(page);
  await other.getByText('A cloud passed at the end.').waitFor();
  await other.locator(`#run-${CLOUDY}`).getByRole('link', { name: 'seen' }).waitFor();
  await good(other);
  await notes.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText('Nobody yet.').waitFor();
  await other.getByText('A cloud passed at the end.').waitFor({ state: 'detached' });
  const [kept] = await server.api(`${NIGHT}/notes`);
  assert.equal(kept.withdrawn.author, 'web:viewer');
  quiet(page);
  quiet(other);
});
