// A saldod for the tests in Node, on books of its own; with --test-clock, so that a test says what time it is.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const saldod = process.env.SALDOD ?? fileURLToPath(new URL('../../build/saldod', import.meta.url));

export const folder = mkdtempSync(join(tmpdir(), 'saldo-'));
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

let made = 0;

export class Server {
  // opening: a day. name: of its operator's token. flags: of `saldod serve`. env: further variables of its environment.
  static async start({ opening, name = 'operator', flags = [], env = {} }) {
    const server = new Server();
    const database = join(folder, `${++made}.db`);
    execFileSync(saldod, ['install', '--database', database, '--opening', opening]);
    server.database = database;
    server.token = server.createToken('operator', name);
    server.child = spawn(saldod,
      ['serve', '--database', database, '--listen', '127.0.0.1:0', '--test-clock', '--log-level', 'error', ...flags],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    running.add(server.child);
    server.now = `${opening}T09:00:00Z`;
    const [line] = await once(createInterface(server.child.stdout), 'line');
    server.url = line.match(/^saldod \S+ listens on (\S+)$/)[1];
    return server;
  }

  // By SIGTERM: [status, signal].
  async stop() {
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const left = await exit;
    running.delete(this.child);
    return left;
  }

  createToken(role, name = role) {
    return execFileSync(saldod, ['token', 'create', '--database', this.database, '--role', role, '--name', name],
      { encoding: 'utf8' }).trim();
  }

  // The JSON of an answer of 2xx; anything else is thrown. A body of bytes is sent as it is, others as JSON.
  async ask(method, path, body, type = 'application/json', token = this.token) {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'saldo-now': this.now,
        connection: 'close',  // an idle one would hold up stop()
        ...(body && { 'content-type': type }),
      },
      body: body && (Buffer.isBuffer(body) ? body : JSON.stringify(body)),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }
}

// What `question` answers, once that is true.
export async function until(question, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${question}`);
    await sleep(20);
  }
}
