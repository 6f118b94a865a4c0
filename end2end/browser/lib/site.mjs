// The demo site of one test file: its own server, directory and browser, and tests that open pages.
import { after, before, test } from 'node:test';
import { launch, open } from './browser.mjs';
import { keep, watch } from './failures.mjs';
import { Server } from './server.mjs';

// `site.server` and `site.browser` are there when the tests run; `prepare` is called with the server
// before the first of them. `site.test(name, body)` is a test whose body gets `open(look)` beside
// server and browser; what it opens is closed when it ends, and kept as pictures and HTML when it
// fails.
export function demoSite({ settings, prepare } = {}) {
  const site = {
    test: (name, body) => test(name, () => visit(site, name, body)),
  };
  before(async () => {
    site.server = await Server.start(settings);
    site.browser = await launch();
    await prepare?.(site.server);
  });
  after(async () => {
    await site.browser?.close();
    await site.server?.stop();
  });
  return site;
}

async function visit({ server, browser }, name, body) {
  const pages = [];
  const opened = async (appearance) => {
    const page = await open(browser, appearance);
    pages.push(page);
    await watch(page);
    return page;
  };
  try {
    await body({ server, browser, open: opened });
  } catch (error) {
    await keep(name, pages);
    throw error;
  } finally {
    await Promise.all(pages.map((page) => page.context().close()));
  }
}
