// Runs SQL for tests/plans/run under the SQLite that better-sqlite3 bundles: one JSON array a line in, one a line out.
//   ["open", file, extension, [statement…]]            → [version]
//   ["run", rows_max, [[[sql…], {parameter: value}]…]] → for each list of statements its rows, or an error's text
// Integers come as {"integer": "7"}, so that they are bound as integers: a JavaScript number is bound as a real number.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
const Database = createRequire(import.meta.url)(process.argv[2]);

let db;
const bound = (value) => (value !== null && typeof value === 'object' ? BigInt(value.integer) : value);

function run(sql, parameters, rowsMax) {
  try {
    const rows = [];
    for (const row of db.prepare(sql).raw().iterate(parameters)) {
      if (rows.length >= rowsMax) return 'too many rows';
      rows.push(row);
    }
    return rows;
  } catch (error) {
    return String(error.message);
  }
}

function answer([command, ...rest]) {
  if (command === 'open') {
    const [file, extension, statements] = rest;
    db?.close();
    db = new Database(file);
    db.loadExtension(extension);
    for (const statement of statements) db.exec(statement);
    return [db.prepare('SELECT sqlite_version()').pluck().get()];
  }
  const [rowsMax, items] = rest;
  return items.map(([texts, parameters]) => {
    const values = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, bound(value)]));
    return texts.map((sql) => run(sql, values, rowsMax));
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + '\n');
}
