// Data quality and provenance of a run: in every look, and without scripts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from '../lib/browser.mjs';
import { Server } from '../lib/server.mjs';

const looks = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
  'without scripts': { javaScriptEnabled: false },
};
const NIGHT = 'nights/2024-11-25';
let server, browser, run;

before(async () => {
  server = await Server.start();
  browser = await launch();
  const night = await server.api(NIGHT);
  run = String(night.sequences.find((s) => s.kind === 'DATA').run).padStart(5, '0');
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

// Nothing sticks out to the side, and every image that is in sight is drawn.
async function whole(page) {
  await page.evaluate(async () => {
    for (const image of document.images) image.loading = 'eager';
    await Promise.all([...document.images].map((image) => image.decode()));
  });
  const [width, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert(width <= shown, `${page.url()}: ${width} of ${shown} pixels`);
}

for (const [name, look] of Object.entries(looks)) {
  test(`figures and graph of a run, ${name}`, async () => {
    const page = await open(browser, look);
    const scripts = look.javaScriptEnabled !== false;
    await page.goto(`${server.url}${NIGHT}/runs/${run}`);
    await page.getByRole('link', { name: 'Datacheck', exact: true }).click();
    await page.getByRole('heading', { name: `Datacheck of run ${run}` }).waitFor();
    for (const sheet of ['Pedestals: charge', 'Muon rings']) {
      await page.getByRole('link', { name: sheet, exact: true }).click();
      await page.getByRole('heading', { name: sheet }).waitFor();
      assert((await page.locator('figure').count()) >= 4);
      if (scripts) await whole(page);
      if (scripts) await accessible(page);
    }
    await page.goto(`${server.url}${NIGHT}/runs/${run}`);
    await page.getByRole('link', { name: 'Provenance', exact: true }).click();
    await page.getByRole('heading', { name: `Provenance of run ${run}` }).waitFor();
    await page.getByRole('rowheader', { name: 'r0_to_dl1' }).first().waitFor();
    if (scripts) await whole(page);
    if (scripts) await accessible(page);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });
}

test('provenance is sent in every format, and once to whoever keeps it', async () => {
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

test('a night that is not closed says when its datacheck will be there', async () => {
  const page = await open(browser);
  const answer = await page.goto(`${server.url}${NIGHT}/datacheck`);
  assert.equal(answer.status(), 404);
  await page.getByText('it is made when the night is closed').waitFor();
  await page.context().close();
});
