// better-sqlite3, which brings its own SQLite, loads the extension, makes the same books as the other clients and gets
// the same answers. The extension is SALDO_EXTENSION, or build/saldo.so.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import Database from 'better-sqlite3';

const here = fileURLToPath(new URL('.', import.meta.url));
const extension = process.env.SALDO_EXTENSION ?? join(here, '../../build/saldo.so');
const books = readFileSync(join(here, 'books.sql'), 'utf8');
const questions = JSON.parse(readFileSync(join(here, 'questions.json'), 'utf8'));

const folder = mkdtempSync(join(tmpdir(), 'saldo-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

function open(name) {
  const db = new Database(join(folder, name));
  db.loadExtension(extension);
  return db;
}

// Statements that give rows, like SELECT saldo_install(…), are to be read; the others run.
function answer(db, sql) {
  const statement = db.prepare(sql);
  return statement.reader ? statement.raw().all() : statement.run();
}

test(`better-sqlite3 with SQLite ${new Database(':memory:').prepare('SELECT sqlite_version()').pluck().get()}`,
  async (t) => {
    const db = open('node.db');
    db.exec(books);

    for (const { sql, rows, error } of questions) {
      await t.test(sql, () => {
        if (error === undefined) {
          assert.deepEqual(answer(db, sql), rows);
        } else {
          assert.throws(() => answer(db, sql), (thrown) => thrown.message.startsWith(error));
        }
      });
    }

    await t.test('the digests are those the sqlite3 shell gets', () => {
      const digests = 'SELECT day, digest FROM day_close ORDER BY day';
      const flags = ['-batch', '-bail', '-cmd', `.load ${extension}`];
      const output = execFileSync('sqlite3', [...flags, join(folder, 'shell.db')],
        { input: `${books}\n.mode json\n${digests};\n`, encoding: 'utf8' });
      const shell = JSON.parse(output.slice(output.indexOf('[')));
      assert.equal(shell.length, 4);
      assert.deepEqual(db.prepare(digests).all(), shell);
    });

    db.close();
    await t.test('and those that digest.py computes', () => {
      execFileSync('/usr/bin/python3', [join(here, '../../extension/digest.py'), join(folder, 'node.db')]);
    });
  });

test('numbers beyond 2^53 come out whole as BigInt', () => {
  const db = open('big.db');
  const statement = db.prepare("SELECT daily_fee(1000000000000, '2026-04-30')").safeIntegers().pluck();
  assert.equal(statement.get(), 33333333334n);
});
