// What is kept of a test that failed: a picture and the HTML of every page that was open, in
// end2end/test-results/browser. With OSA_TEST_TRACE=1 also a trace, which `npx playwright show-trace`
// shows step by step; recording one slows every test down.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const results = join(dirname(fileURLToPath(import.meta.url)), '../../test-results/browser');
const tracing = process.env.OSA_TEST_TRACE === '1';

// Called for each page that a test opens.
export async function watch(page) {
  if (tracing) await page.context().tracing.start({ screenshots: true, snapshots: true });
}

// Called with a failed test's name and pages, before these are closed.
export async function keep(name, pages) {
  mkdirSync(results, { recursive: true });
  const file = basename(process.argv[1], '.test.mjs');
  const test = name.replace(/[^\w]+/g, '-').slice(0, 60);
  for (const [number, page] of pages.entries()) {
    const stem = join(results, `${file}-${test}-${number + 1}`);
    // A page that hangs or has been closed must not hide why the test failed.
    await attempt(async () => writeFileSync(`${stem}.html`, await page.content()));
    await attempt(() => page.screenshot({ path: `${stem}.png`, fullPage: true, timeout: 10_000 }));
    if (tracing) await attempt(() => page.context().tracing.stop({ path: `${stem}.trace.zip` }));
    console.error(`  kept: ${stem}.{html,png}, ${page.url()}, ${page.complaints.length} complaints`);
    for (const complaint of page.complaints) console.error(`    ${complaint}`);
  }
}

async function attempt(save) {
  try {
    await save();
  } catch (error) {
    console.error(`  not kept: ${error.message.split('\n')[0]}`);
  }
}
