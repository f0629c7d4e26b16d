// The server's OpenAPI document: it lints clean, and a client generated from it, by tools that nobody here wrote, runs
// the walk of server/README.md and gets the answers that it prints. The server is SALDOD, or build/saldod.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { Server, folder } from './saldod.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const chapter = readFileSync(join(here, '../../server/README.md'), 'utf8')
  .match(/^## A CRM's first week\n.*?(?=^##)/ms)[0];

const server = await Server.start({ opening: '2026-11-09', name: 'crm' });
const { url, token } = server;

// Within node_modules, so that what is generated finds the libraries, and is no part of the project.
const generated = join(here, 'node_modules/.walk');
mkdirSync(generated, { recursive: true });
writeFileSync(join(generated, 'package.json'), '{"type": "module"}');  // Node 20 would see it by itself; 18 does not
const document = join(folder, 'openapi.json');
writeFileSync(document, await (await fetch(`${url}/openapi.json`)).text());

const tool = (name, ...flags) => {
  const done = spawnSync(join(here, 'node_modules/.bin', name), flags, {
    cwd: generated,
    encoding: 'utf8',
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
  assert.equal(done.status, 0, `${name}: ${done.stdout}${done.stderr}`);
  return done.stdout;
};

test('the OpenAPI document lints clean by the recommended rules', () => {
  const { totals } = JSON.parse(tool('redocly', 'lint', '--extends', 'recommended', '--format', 'json', document));
  assert.deepEqual([totals.errors, totals.warnings, totals.ignored], [0, 0, 0]);
});

test("a generated client runs the walk of server/README.md", async () => {
  copyFileSync(join(here, 'walk.ts'), join(generated, 'walk.ts'));
  tool('openapi-typescript', document, '--output', join(generated, 'api.d.ts'));
  tool('tsc', '--strict', '--target', 'es2022', '--module', 'nodenext', '--skipLibCheck', 'walk.ts');
  const { walk } = await import(pathToFileURL(join(generated, 'walk.js')).href);

  // The README's answers are the lines of JSON of its session; after some stands the status.
  const printed = [...chapter.matchAll(/^(\[.*\]|\{".*\})(\d{3})?$/gm)].map(([, json, status]) => ({ json, status }));
  assert.ok(printed.length > 15, 'the README prints the walk');
  for await (const { status, answer } of walk(url, token)) {
    const { json, status: stated } = printed.shift();
    assert.deepEqual(answer, JSON.parse(json));
    if (stated) assert.equal(status, Number(stated));
  }
  assert.deepEqual(printed, []);
});

test('the server stops by SIGTERM, with 0', async () => {
  assert.deepEqual(await server.stop(), [0, null]);
});
