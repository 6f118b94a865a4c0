// The graph of a run's provenance: chosen in, followed, unfolded, searched, moved about in; with
// and without scripts.
import assert from 'node:assert/strict';
import { accessible, good, quiet } from '../lib/checks.mjs';
import { hasScripts, appearances, withAndWithoutScripts } from '../lib/appearances.mjs';
import { demoSite } from '../lib/site.mjs';

const NIGHT = 'nights/2024-11-25';
let run, address;
const site = demoSite({
  prepare: async (server) => {
    run = await server.firstRun(NIGHT);
    address = `${server.url}${NIGHT}/runs/${run}/provenance`;
  },
});

const node = (page, name) => page.locator('.graph').getByRole('link', { name }).first();
const details = (page) => page.getByRole('region', { name: 'Details' });
const nodes = (page) => page.locator('.graph svg a').count();

for (const [how, appearance] of Object.entries(withAndWithoutScripts)) {
  site.test(`what is chosen is described and leads on, ${how} scripts`, async ({ open }) => {
    const page = await open(appearance);
    await page.goto(address);
    if (hasScripts(appearance)) await page.getByRole('button', { name: 'Larger' }).waitFor();
    const all = await nodes(page);
    await node(page, /^dl1ab/).click();
    await details(page).getByRole('heading', { name: 'dl1ab activity' }).waitFor();
    assert.match(page.url(), /at=id%3Adl1ab_\d+/);
    await details(page).getByRole('link', { name: `History and logs of run ${run}` }).waitFor();

    await details(page).getByRole('link', { name: 'Follow upstream' }).click();
    await page.getByText('Only what dl1ab was made from.').waitFor();
    assert((await nodes(page)) < all);
    assert.equal(await node(page, /^dl1_to_dl2/).count(), 0);
    await page.getByRole('link', { name: 'Show everything' }).click();
    await page.getByText('Only what dl1ab was made from.').waitFor({ state: 'detached' });
    assert.equal(await nodes(page), all);
    await page.goBack();
    await page.getByText('Only what dl1ab was made from.').waitFor();
    assert((await nodes(page)) < all);

    await page.goto(address);
    await node(page, /^DL2Collection/).click();
    await details(page).getByRole('link', { name: /^Unfold \d+ files/ }).click();
    await details(page).getByRole('heading', { name: /^\d+ files/ }).waitFor();
    assert((await nodes(page)) > all);
    const file = `dl2_LST-1.Run${run}.0000.h5`;
    await details(page).getByText(file).first().waitFor();
    await node(page, new RegExp(`^${file}`)).click();
    const log = details(page).getByRole('link', { name: `History and log of ${run}.0000` });
    assert.match(await log.getAttribute('href'), /subrun=0/);

    await page.getByRole('searchbox').fill('dl2_');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText(/^\d+ found/).waitFor();
    assert((await page.locator('.graph .marked').count()) > 0);
    if (hasScripts(appearance)) await accessible(page);
    quiet(page);
  });
}

site.test('a long collection is unfolded page by page', async ({ open, server }) => {
  const page = await open();
  const large = await server.api('nights/2024-11-25');
  const longest = large.sequences.filter((s) => s.kind === 'DATA').sort((a, b) => b.subruns - a.subruns)[0];
  const name = String(longest.run).padStart(5, '0');
  await page.goto(`${server.url}${NIGHT}/runs/${name}/provenance`);
  await node(page, /^R0Collection/).click();
  await details(page).getByRole('link', { name: /^Unfold/ }).click();
  const pages = page.getByRole('navigation', { name: 'Pages of files' }).getByRole('link');
  await pages.first().waitFor();
  const last = Math.ceil(longest.subruns / 12);
  assert.equal(await pages.count(), last);
  await pages.last().click();
  await details(page).getByText(`.${String(longest.subruns - 1).padStart(4, '0')}.`).first().waitFor();
  quiet(page);
});

site.test('the graph is moved about in by mouse, keyboard and buttons, and stays so', async ({ open, server }) => {
  const page = await open();
  await page.goto(address);
  await page.getByRole('button', { name: 'Larger' }).waitFor();
  const frame = page.getByRole('region', { name: 'Graph' });
  const width = async () => (await frame.locator('svg').boundingBox()).width;
  const scrolled = () => frame.evaluate((element) => element.scrollLeft);
  const own = await width();
  await page.getByRole('button', { name: 'Larger' }).click();
  const larger = await width();
  assert(larger > own * 1.2, `${own} to ${larger}`);
  await frame.focus();
  await page.keyboard.press('-');
  assert(Math.abs((await width()) - own) < 2);
  await page.keyboard.press('+');

  const before = await scrolled();
  const box = await frame.boundingBox();
  await page.mouse.move(box.x + 300, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 100, box.y + 20, { steps: 4 });
  await page.mouse.up();
  assert((await scrolled()) >= before + 190, `${before} to ${await scrolled()}`);
  assert.equal(page.url(), address);

  const link = node(page, /^dl1_to_dl2/);
  await link.focus();
  await page.keyboard.press('Enter');
  await details(page).getByRole('heading', { name: 'dl1_to_dl2 activity' }).waitFor();
  assert(Math.abs((await width()) - larger) < 2, 'what was chosen changed the size');
  await page.getByRole('button', { name: 'Whole' }).click();
  assert((await width()) <= box.width + 1);
  quiet(page);
});

site.test('two fingers make the graph larger, and it fits a phone', async ({ open, server }) => {
  const page = await open({ ...appearances.phone, hasTouch: true });
  await page.goto(address);
  await page.getByRole('button', { name: 'Larger' }).waitFor();
  const svg = page.locator('.graph svg');
  const own = (await svg.boundingBox()).width;
  const client = await page.context().newCDPSession(page);
  const box = await page.getByRole('region', { name: 'Graph' }).boundingBox();
  const fingers = (apart) => [0, apart].map((x) => ({ x: box.x + 60 + x, y: box.y + 60 }));
  const touch = (type, touchPoints) => client.send('Input.dispatchTouchEvent', { type, touchPoints });
  await touch('touchStart', fingers(60));
  for (const apart of [80, 110, 150]) await touch('touchMove', fingers(apart));
  await touch('touchEnd', []);
  const larger = (await svg.boundingBox()).width;
  assert(larger > own * 1.5, `${own} to ${larger}`);
  await good(page);
});
