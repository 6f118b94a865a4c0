// Data quality and provenance of a run: in every look, and without scripts.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, quiet, whole } from '../lib/checks.mjs';
import { hasScripts, appearances, withoutScripts } from '../lib/appearances.mjs';
import { demoSite } from '../lib/site.mjs';

const NIGHT = 'nights/2024-11-25';
let run;
const site = demoSite({
  prepare: async (server) => {
    run = await server.firstRun(NIGHT);
  },
});

// It is whole and accessible, as far as that can be seen without scripts.
async function sound(page, appearance) {
  if (!hasScripts(appearance)) return;
  await whole(page);
  await accessible(page);
}

for (const [name, appearance] of Object.entries({ ...appearances, 'without scripts': withoutScripts })) {
  site.test(`figures and graph of a run, ${name}`, async ({ open, server }) => {
    const page = await open(appearance);
    await page.goto(`${server.url}${NIGHT}/runs/${run}`);
    await page.getByRole('link', { name: 'Datacheck', exact: true }).click();
    await page.getByRole('heading', { name: `Datacheck of run ${run}` }).waitFor();
    for (const sheet of ['Pedestals: charge', 'Muon rings']) {
      await page.getByRole('link', { name: sheet, exact: true }).click();
      await page.getByRole('heading', { name: sheet }).waitFor();
      assert((await page.locator('figure').count()) >= 4);
      await sound(page, appearance);
    }
    await page.goto(`${server.url}${NIGHT}/runs/${run}`);
    await page.getByRole('link', { name: 'Provenance', exact: true }).click();
    await page.getByRole('heading', { name: `Provenance of run ${run}` }).waitFor();
    await page.getByRole('rowheader', { name: 'r0_to_dl1' }).first().waitFor();
    await sound(page, appearance);
    quiet(page);
  });
}

site.test('provenance is sent in every format, and once to whoever keeps it', async ({ open, server }) => {
  const address = `${server.url}api/v1/${NIGHT}/runs/${run}/provenance`;
  const begins = { json: '{', provn: 'document', ttl: '@prefix', jsonld: '{', svg: '<svg', pdf: '%PDF' };
  for (const [suffix, begin] of Object.entries(begins)) {
    const answer = await fetch(`${address}.${suffix}`);
    assert.equal(answer.status, 200, suffix);
    assert((await answer.text()).startsWith(begin), suffix);
    const again = await fetch(`${address}.${suffix}`, { headers: { 'If-None-Match': answer.headers.get('ETag') } });
    assert.equal(again.status, 304, suffix);
  }
  const turtle = await fetch(address, { headers: { Accept: 'text/turtle' } });
  assert.match(turtle.headers.get('Content-Type'), /^text\/turtle/);
  const document = await (await fetch(`${address}.json?filter=r0_to_dl1`)).json();
  assert(Object.keys(document.activity).length >= 3, Object.keys(document.activity));
});

site.test('a night without any datacheck says so', async ({ open, server }) => {
  const page = await open();
  const answer = await page.goto(`${server.url}nights/2024-11-29/datacheck`);
  assert.equal(answer.status(), 404);
  await page.getByText('no run has one').waitFor();
});

site.test('every figure and every sheet is a picture and a page for print, too', async ({ open, server }) => {
  const address = `${server.url}api/v1/${NIGHT}/runs/${run}/datacheck/flatfield-charge`;
  const begins = { svg: '<svg', png: '\x89PNG', pdf: '%PDF', csv: 'pixel', json: '{' };
  for (const name of ['mean-map', 'sheet']) {
    for (const [suffix, begin] of Object.entries(begins)) {
      const answer = await fetch(`${address}/${name}.${suffix}`);
      if (name === 'sheet' && suffix === 'csv') {
        assert.equal(answer.status, 404);
        continue;
      }
      assert.equal(answer.status, 200, `${name}.${suffix}`);
      const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
      assert(text.startsWith(begin), `${name}.${suffix}`);
    }
  }
});

site.test('scale and limits are chosen in a form, without scripts too', async ({ open, server }) => {
  for (const appearance of [{}, withoutScripts]) {
    const page = await open(appearance);
    await page.goto(`${server.url}${NIGHT}/runs/${run}/datacheck?sheet=pedestal-charge`);
    await page.getByText('Scale and limits').click();
    await page.locator('[name=figure]').selectOption({ label: 'Pedestal: mean charge' });
    await page.locator('[name=scale]').selectOption('linear');
    await page.locator('[name=limits]').selectOption('value');
    await page.locator('[name=low]').fill('0');
    await page.locator('[name=high]').fill('5');
    await page.locator('.choice').getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/scale=linear/);
    const source = await page.locator('figure img').first().getAttribute('src');
    assert.match(source, /mean-map\.svg\?figure=mean-map&scale=linear&limits=value&low=0&high=5$/);
    await sound(page, appearance);
    quiet(page);
    const wrong = await page.goto(`${page.url().replace('high=5', 'high=-5')}`);
    assert.equal(wrong.status(), 400);
    await page.getByText('is not below the upper limit').waitFor();
  }
});

site.test('a pixel tells its value to pointer and keyboard, and leads to its history', async ({ open, server }) => {
  const page = await open();
  const loaded = page.waitForResponse(/app_bg\.wasm/);
  await page.goto(`${server.url}${NIGHT}/runs/${run}/datacheck?sheet=flatfield-charge`);
  await (await loaded).finished();
  const map = page.locator('figure', { has: page.locator('.map') }).first();
  const readout = map.locator('.readout');
  // The program may not yet be awake at the first move.
  await page.waitForFunction(() => {
    document.querySelector('a.map img')?.dispatchEvent(new Event('pointerover', { bubbles: true }));
    return document.querySelector('svg.map');
  });
  const pixel = map.locator('svg.map .pixels a').nth(700);
  await pixel.hover();
  await map.getByText(/^Pixel 700: [0-9.]+ pe$/).waitFor();
  await map.locator('svg.map .pixels a').first().focus();
  await map.getByText(/^Pixel 0: /).waitFor();
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => !/^Pixel 0:/.test(document.querySelector('.readout').textContent));
  const told = await readout.textContent();
  await accessible(page);
  await page.keyboard.press('Enter');
  const number = /Pixel (\d+):/.exec(told)[1];
  await page.getByRole('heading', { name: new RegExp(`^Pixel ${number} `) }).waitFor();
  assert((await page.locator('figure').count()) >= 4);
  await whole(page);
  await accessible(page);
  quiet(page);
});

site.test('without scripts the drawing itself tells pixels and leads on', async ({ open, server }) => {
  const page = await open(withoutScripts);
  await page.goto(`${server.url}${NIGHT}/runs/${run}/datacheck?sheet=flatfield-charge`);
  await page.locator('a.map').first().click();
  await page.waitForURL(/mean-map\.svg/);
  const pixel = page.locator('.pixels a').nth(700);
  assert.match(await pixel.locator('title').textContent(), /^700: /);
  await pixel.click();
  await page.getByRole('heading', { name: /^Pixel 700 / }).waitFor();
});

site.test('two runs are compared', async ({ open, server }) => {
  const page = await open();
  const night = await server.api(NIGHT);
  const other = night.sequences.filter((s) => s.kind === 'DATA').map((s) => s.run).find((r) => r !== Number(run));
  await page.goto(`${server.url}${NIGHT}/runs/${run}/datacheck?sheet=flatfield-charge`);
  await page.getByLabel('Other run').fill(String(other));
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.getByRole('heading', { name: /compared with run/ }).waitFor();
  assert.equal(await page.locator('figure').count(), 8);
  await whole(page);
  await accessible(page);
  await page.getByRole('link', { name: 'Cosmics: charge' }).click();
  await page.waitForURL(/compare\?sheet=cosmics-charge&with=/);
  quiet(page);
});

site.test('the runs of many nights, by source', async ({ open, server }) => {
  // A night's datacheck as its closing makes it, in its place.
  const date = NIGHT.slice(-10).replaceAll('-', '');
  const analysis = server.analysis(NIGHT.slice(-10), 'v0.10.18');
  const night = await server.api(NIGHT);
  const runs = night.sequences.filter((s) => s.kind === 'DATA').map((s) => String(s.run).padStart(5, '0'));
  const bin = join(server.demo, 'bin');
  const merged = join(server.dir, 'merged', date);
  mkdirSync(merged, { recursive: true });
  for (const one of runs) {
    const input = join(analysis, 'tailcut84', `datacheck_dl1_LST-1.Run${one}.????.h5`);
    execFileSync(join(bin, 'lstchain_check_dl1'), ['--batch', '--omit-pdf', '--input-file', input, '--output-dir', merged]);
    const first = `datacheck_dl1_LST-1.Run${one}.0000.h5`;
    copyFileSync(join(analysis, 'tailcut84', first), join(merged, first));
  }
  const longterm = join(server.demo, 'data/OSA/DL1DataCheck_LongTerm/v0.10.18', date);
  mkdirSync(longterm, { recursive: true });
  const output = join(longterm, `DL1_datacheck_${date}.h5`);
  execFileSync(join(bin, 'lstchain_longterm_dl1_check'), ['--batch', '--input-dir', merged, '--output-file', output]);
  for (const appearance of Object.values(appearances)) {
    const page = await open(appearance);
    await page.goto(`${server.url}datacheck`);
    await page.getByText(new RegExp(`^${runs.length} runs of 1 night`)).waitFor();
    await whole(page);
    await accessible(page);
    const sources = page.getByLabel('Source');
    await sources.selectOption({ index: 1 });
    const source = await sources.inputValue();
    await page.locator('form', { has: sources }).getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/source=/);
    for (const cell of await page.locator('table.runs tbody td:last-child').allTextContents()) {
      assert.equal(cell, source);
    }
    await page.getByRole('link', { name: 'Flat-field: camera averages' }).click();
    await page.waitForURL(/sheet=flatfield-averages.*source=/);
    await whole(page);
    quiet(page);
  }
  const page = await open();
  await page.goto(`${server.url}${NIGHT}/datacheck?sheet=pedestal-charge`);
  const choice = page.locator('select[name=run]');
  await choice.selectOption({ index: 1 });
  await page.locator('form', { has: choice }).getByRole('button').click();
  await page.waitForURL(/run=/);
  await whole(page);
  await accessible(page);
});
