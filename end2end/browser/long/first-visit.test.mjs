// What a browser loads on its first visit, from a release: limits that hold for good.
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { after, before, test } from 'node:test';
import { Server } from '../lib/server.mjs';

const WASM = 120_000;
const FIRST_VISIT = 140_000;

let server;
before(async () => { server = await Server.start(); });
after(() => server?.stop());

// The size of an answer as it is sent to a browser that takes brotli, and its text if it is a page.
function load(path) {
  return new Promise((resolve, reject) => {
    const headers = { 'accept-encoding': 'br' };
    get(new URL(path, server.url), { headers }, (answer) => {
      let size = 0;
      answer.on('data', (data) => { size += data.length; });
      answer.on('end', () => (answer.statusCode === 200 ? resolve(size) : reject(new Error(`${path}: ${answer.statusCode}`))));
    }).on('error', reject);
  });
}

test('the first visit stays within its limits', async () => {
  const page = await (await fetch(server.url)).text();
  const files = [...page.matchAll(/["'](\/?(?:pkg\/[\w.-]+|theme\.js|favicon\.svg))["']/g)].map(([, file]) => file);
  const all = new Set(['/', '/pkg/app_bg.wasm', ...files.map((file) => `/${file.replace(/^\//, '')}`)]);
  assert(all.size >= 5, [...all].join(' '));
  const sizes = new Map();
  for (const path of all) sizes.set(path, await load(path));
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const told = [...sizes].map(([path, size]) => `${path} ${size}`).join(', ');
  console.log(`first visit: ${total} bytes (${told})`);
  assert(sizes.get('/pkg/app_bg.wasm') <= WASM, told);
  assert(total <= FIRST_VISIT, `${total} bytes: ${told}`);
});
