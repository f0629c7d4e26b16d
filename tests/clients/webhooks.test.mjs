// Webhooks, as the specification's own package (npm's standardwebhooks) verifies them. The server is SALDOD, or
// build/saldod.
//
// Seen to fail: a signature over the body alone; during a rotation, a signature by one of the two secrets only.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'node:test';

import { Webhook } from 'standardwebhooks';

import { Server, until } from './saldod.mjs';

const got = [];
let refusals = 0;
const receiver = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  got.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
  response.writeHead(refusals-- > 0 ? 500 : 204).end();
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');
const url = `http://127.0.0.1:${receiver.address().port}/saldo`;
test.after(() => receiver.close());

const server = await Server.start({ opening: '2026-11-02', flags: ['--webhook-allow-private'] });
test.after(() => server.stop());
await server.ask('POST', '/v1/notice-clock', { at: server.now });
const made = await server.ask('PUT', '/v1/webhooks/crm', { url });

// The request that tells of a payment made at an instant.
async function told(at, name = 'Ромашка «😀»') {
  const count = got.length;
  server.now = at;
  const { account_id } = await server.ask('POST', '/v1/accounts', { name });
  await server.ask('POST', `/v1/accounts/${account_id}/payments`, { amount: 1, method: 'sbp' });
  await server.ask('POST', '/v1/notice-clock', { at });
  await until(() => got.length > count);
  return got.at(-1);
}

const verify = (secret, { body, headers }) => new Webhook(secret).verify(body, headers);

test("the package has the specification's vector", () => {
  const vector = new Webhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  assert.equal(vector.sign('msg_p5jXN8AQM9LWM0D4loKWxJek', new Date(1614265330000), '{"test": 2432232314}'),
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('the package verifies what arrives, and nothing else', async () => {
  const request = await told('2026-11-02T09:01:00Z');
  const [notice] = await server.ask('GET', '/v1/notices');
  assert.deepEqual(verify(made.secret, request),
    { type: 'notice.payment', timestamp: '2026-11-02T09:01:00Z', data: notice });
  const { body, headers } = request;
  const altered = [
    { headers, body: body.replace('"amount":1,', '"amount":2,') },
    { headers: { ...headers, 'webhook-id': 'notice_0' }, body },
    { headers: { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) - 1) }, body },
  ];
  for (const other of altered) assert.throws(() => verify(made.secret, other), /No matching signature/);
  assert.throws(() => verify(`whsec_${Buffer.from('another').toString('base64')}`, request), /No matching signature/);
});

test('a repetition has the same id and body, and the signature of its own attempt', async () => {
  refusals = 1;
  const first = await told('2026-11-02T09:02:00Z');
  const second = await until(() => got.at(-1) !== first && got.at(-1), 60);
  assert.deepEqual([second.headers['webhook-id'], second.body], [first.headers['webhook-id'], first.body]);
  assert.ok(Number(second.headers['webhook-timestamp']) > Number(first.headers['webhook-timestamp']));
  assert.notEqual(second.headers['webhook-signature'], first.headers['webhook-signature']);
  for (const request of [first, second]) verify(made.secret, request);
});

test('during a rotation receivers with either secret verify; afterwards with the new one', async () => {
  server.now = '2026-11-02T10:00:00Z';
  const { secret, previous_expires_at } = await server.ask('POST', '/v1/webhooks/crm/rotate', {});
  assert.equal(previous_expires_at, '2026-11-03T10:00:00Z');
  const during = await told('2026-11-03T09:59:59Z');
  assert.equal(verify(secret, during).type, 'notice.payment');
  assert.deepEqual(verify(made.secret, during), verify(secret, during));
  const afterwards = await told('2026-11-03T10:00:00Z');
  assert.equal(verify(secret, afterwards).type, 'notice.payment');
  assert.throws(() => verify(made.secret, afterwards), /No matching signature/);
});
