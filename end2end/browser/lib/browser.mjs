// Chromium, and pages that note what the browser complains about.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

// The shell is the same browser without its windows; it takes half the processor time.
const program = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export function launch() {
  const executablePath = process.env.CHROMIUM ?? program.find(existsSync);
  assert(executablePath, 'no Chromium: install it, or set CHROMIUM to where it is');
  const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', ...quiet] });
}

// A page in a context of its own.
export async function open(browser, appearance = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...appearance });
  const page = await context.newPage();
  page.complaints = [];
  const note = (text) => page.complaints.push(text);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) note(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => note(`pageerror: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 400) note(`${response.status()} ${response.url()}`);
  });
  return page;
}
