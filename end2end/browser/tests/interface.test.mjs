// The interface for programs: every answer is as its description says, and what is described can be sent.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import { Server, osa } from '../lib/server.mjs';

let server, token, description, ajv;

before(async () => {
  server = await Server.start();
  const env = { ...process.env, OSA_CONFIG: join(server.demo, 'sequencer.cfg') };
  token = execFileSync(osa, ['token', 'add', 'reader', '--role', 'shifter'], { env, encoding: 'utf8' }).trim();
  description = await server.api('openapi.json');
  // Formats of numbers (uint32) are OpenAPI's, and unknown to JSON Schema, as are its other fields.
  ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'osa', ...description });
});
after(() => server?.stop());

const ask = (path, options = {}) =>
  fetch(new URL(path.replace(/^\//, ''), server.url), {
    ...options,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
  });

// A schema of the document, its references being the document's.
function schemaOf(content) {
  const { schema } = content['application/json'] ?? {};
  if (!schema) return undefined;
  const local = JSON.stringify(schema).replaceAll('"#/components', '"osa#/components');
  return ajv.compile(JSON.parse(local));
}

function holds(validate, value, what) {
  assert(validate(value), `${what}: ${ajv.errorsText(validate.errors)}`);
}

test('every answer is as it is described', async () => {
  const date = '2024-11-25';
  const night = await server.api(`nights/${date}`);
  const { run } = night.sequences.find((sequence) => sequence.kind === 'DATA');
  const { subruns } = await server.api(`nights/${date}/runs/${run}`);
  const [log] = subruns.flatMap((subrun) => subrun.logs);
  const checked = [];
  for (const [path, { get }] of Object.entries(description.paths)) {
    const validate = get && schemaOf(get.responses['200'].content);
    if (!validate) continue;
    const range = path.startsWith('/api/v1/datacheck');
    const of = path.includes('/runs/') ? `nights/${date}/runs/${run}/datacheck` : `nights/${date}/datacheck`;
    const sheet = await server.api(`${range ? 'datacheck' : of}?sheet=rates`);
    const given = { date, run, name: log.name, sheet: sheet.key, figure: `${sheet.figures[0].id}.json` };
    const query = path.endsWith('/plan') ? '?what=close' : '';
    const address = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(given[name])) + query;
    const answer = await ask(address);
    assert.equal(answer.status, 200, `${address}: ${await answer.clone().text()}`);
    holds(validate, await answer.json(), address);
    checked.push(path);
  }
  assert(checked.length >= 16, checked.join(' '));
});

test('a description is no empty promise', async () => {
  const content = description.paths['/api/v1/nights/{date}'].get.responses['200'].content;
  const validate = schemaOf(content);
  const night = await server.api('nights/2024-11-25');
  for (const spoil of [
    (wrong) => delete wrong.sequences,
    (wrong) => { wrong.state = 'no such state'; },
    (wrong) => { wrong.sequences[0].run = 'a text'; },
    (wrong) => { wrong.blockers = [{ kind: 'none' }]; },
  ]) {
    const wrong = structuredClone(night);
    spoil(wrong);
    assert(!validate(wrong), spoil.toString());
  }
});

test('what is described can be sent, and is answered as described', async () => {
  const notes = description.paths['/api/v1/nights/{date}/notes'].post;
  const note = { text: 'seen by a program' };
  holds(schemaOf(notes.requestBody.content), note, 'note');
  const answer = await ask('/api/v1/nights/2024-11-25/notes', { method: 'POST', body: JSON.stringify(note) });
  assert.equal(answer.status, 201, await answer.clone().text());
  holds(schemaOf(notes.responses['2XX'].content), await answer.json(), 'answer to a note');

  const plan = await (await ask('/api/v1/nights/2024-11-28/plan?what=launch')).json();
  const actions = description.paths['/api/v1/nights/{date}/actions'].post;
  const order = { action: 'launch', mark: plan.mark };
  holds(schemaOf(actions.requestBody.content), order, 'order');
  const done = await ask('/api/v1/nights/2024-11-28/actions', { method: 'POST', body: JSON.stringify(order) });
  assert(done.ok, await done.clone().text());
  holds(schemaOf(actions.responses['2XX'].content), await done.json(), 'answer to an order');

  const wrong = await ask('/api/v1/nights/2024-11-28/actions', { method: 'POST', body: '{"action":"dance"}' });
  const problem = actions.responses.default.content['application/problem+json'].schema;
  assert(!schemaOf(actions.requestBody.content)({ action: 'dance', mark: '' }));
  assert(wrong.status >= 400, `${wrong.status}`);
  holds(ajv.compile({ $ref: `osa${problem.$ref}` }), await wrong.json(), 'problem');
});
