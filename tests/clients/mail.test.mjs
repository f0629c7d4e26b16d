// E-mails, as a relay that nobody here wrote takes them (npm's smtp-server) and a reader that nobody here wrote reads
// them (mailparser). The server is SALDOD, or build/saldod.
//
// Seen to fail: a mail without Auto-Submitted; STARTTLS not demanded; 5xx at MAIL that fails the mail; a refusal after
// the dot that is tried again; a connection lost after the dot taken for a success.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

import { Server, folder, until } from './saldod.mjs';

const vendor = { name: 'ООО «Вендор» & Co. "Касса" 💳', address: 'billing@vendor.example' };
const to = 'anna@romashka.example';

const certificate = join(folder, 'relay.pem');
const key = join(folder, 'relay.key');
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
  '-days', '30', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-out', certificate,
  '-keyout', key], { stdio: 'ignore' });
const encrypted = { cert: readFileSync(certificate), key: readFileSync(key) };

// A relay; `answers` says by step (connect, auth, mail, rcpt, data, body) what it answers there: a status, 'drop', or
// milliseconds to wait below 200; nothing: as usual. `mails` are those it took, `steps` what it was asked.
async function startRelay(t, options = {}) {
  const relay = { answers: {}, mails: [], steps: [] };
  const drop = session => {
    for (const connection of relay.server.connections) {
      if (connection.id === session.id) connection._socket.destroy();
    }
  };
  const step = (name, session, done) => {
    relay.steps.push(name);
    const answer = relay.answers[name];
    if (answer === 'drop') return drop(session);
    if (answer >= 200) return done(Object.assign(new Error(`${name} refused`), { responseCode: answer }));
    return setTimeout(done, answer ?? 0);
  };
  relay.server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH'],
    onConnect(session, done) {
      for (const connection of relay.server.connections) {
        if (connection.id !== session.id) continue;
        // There is no hook between DATA and 354.
        const data = connection.handler_DATA.bind(connection);
        connection.handler_DATA = (command, next) => step('data', session, error => {
          if (!error) return data(command, next);
          connection.send(error.responseCode, error.message);
          return next();
        });
      }
      step('connect', session, done);
    },
    onMailFrom: (_address, session, done) => step('mail', session, done),
    onRcptTo: (_address, session, done) => step('rcpt', session, done),
    onData(stream, session, done) {
      const chunks = [];
      stream.on('data', chunk => chunks.push(chunk));
      stream.on('end', async () => {
        const raw = Buffer.concat(chunks);
        const mail = { raw, envelope: session.envelope, parsed: await simpleParser(raw), secure: session.secure };
        // Who is gone after the dot may have taken the mail.
        if (!(relay.answers.body >= 200)) relay.mails.push(mail);
        step('body', session, done);
      });
    },
    ...encrypted,
    ...options,
  });
  relay.server.on('error', () => {});
  relay.server.listen(0, '127.0.0.1');
  await once(relay.server.server, 'listening');
  relay.port = relay.server.server.address().port;
  t.after(() => new Promise(done => {
    for (const connection of relay.server.connections) connection._socket.destroy();
    relay.server.close(done);
  }));
  return relay;
}

// A server that sends by the relay, at any hour; nothing has been posted yet.
async function startSender(t, relay, { flags = ['--smtp-plain'], scheme = 'smtp' } = {}) {
  const server = await Server.start({
    opening: '2026-11-02',
    flags: ['--smtp', `${scheme}://localhost:${relay.port}`, '--mail-from',
      `"${vendor.name}" <${vendor.address}>`, '--mail-hours', '00-24', '--mail-rate', '0', ...flags],
    env: { SSL_CERT_FILE: certificate },
  });
  t.after(() => server.stop());
  await server.ask('POST', '/v1/notice-clock', { at: server.now });
  return server;
}

let minutes = 0;

// A company that has paid, and is told so: its account_id.
async function pay(server, { name = 'Ромашка', admin_email = to } = {}) {
  const { account_id } = await server.ask('POST', '/v1/accounts', { name, admin_email });
  await server.ask('POST', `/v1/accounts/${account_id}/payments`, { amount: 199000, method: 'sbp' });
  server.now = new Date(Date.parse('2026-11-02T09:00:00Z') + ++minutes * 60000).toISOString().replace('.000', '');
  await server.ask('POST', '/v1/notice-clock', { at: server.now });
  return account_id;
}

const deliveries = (server, account_id) =>
  server.ask('GET', `/v1/deliveries?${account_id ? `account_id=${account_id}&` : ''}limit=1000`);

// The account's delivery, when it has been attempted and is done with, or waits again.
const attempted = (server, account_id, attempts = 1) => until(async () => {
  const [delivery] = await deliveries(server, account_id);
  return delivery && delivery.detail !== null && delivery.attempts >= attempts && delivery;
});

const retry = (server, { delivery_id }) => server.ask('POST', `/v1/deliveries/${delivery_id}/retry`, {});

test('what is read is what was said', async t => {
  const relay = await startRelay(t);
  const server = await startSender(t, relay);
  const subject = 'Счёт № {account_id}: «{name}» — получено {amount} 💳, ' + 'очень длинная тема '.repeat(30);
  const body = '{name}\n\nПолучено {amount}.\n.\n..две точки\n' + 'длинная строка '.repeat(400) + '\n\n{name} 👋';
  await server.ask('PUT', '/v1/notice-templates/payment/ru', { subject, body });
  const names = ['ООО «Рога & Копыта» "😀" <b>и сыновья</b>', 'Ж'.repeat(900), "O'Brien \\ Söhne, Ltd.; <a@b.example>",
    '=?UTF-8?B?0KE=?=', '👩‍👩‍👧‍👦'.repeat(60), '  spaces   within  ', 'From: x', '.'];
  for (const name of names) {
    const account_id = await pay(server, { name });
    const delivery = await attempted(server, account_id);
    assert.deepEqual([delivery.status, delivery.attempts], ['sent', 1], delivery.detail);
    const { raw, envelope, parsed } = relay.mails.at(-1);
    const headers = Object.fromEntries(parsed.headers);
    assert.deepEqual(parsed.from.value, [vendor]);
    assert.deepEqual(parsed.to.value, [{ address: to, name: '' }]);
    assert.deepEqual([envelope.mailFrom.address, envelope.rcptTo.map(each => each.address)], [vendor.address, [to]]);
    assert.ok(delivery.subject.includes(name), delivery.subject);
    assert.equal(parsed.subject, delivery.subject);
    assert.equal(parsed.text.replace(/\n$/, ''), delivery.body);
    const escaped = name.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;');
    assert.ok(parsed.html.includes(`<p>${escaped}</p>`) && parsed.html.includes(`: «${escaped}» `), parsed.html);
    assert.ok(!parsed.html.includes('<b>'));
    assert.equal(parsed.messageId, `<notice-${delivery.notice_id}.email@vendor.example>`);
    assert.equal(headers['auto-submitted'], 'auto-generated');
    assert.equal(parsed.date.toISOString().replace('.000', ''), delivery.since);
    assert.deepEqual(parsed.attachments, []);
    assert.deepEqual(Object.keys(headers).sort(), ['auto-submitted', 'content-type', 'date', 'from', 'message-id',
      'mime-version', 'subject', 'to']);
    const lines = raw.toString('latin1').split('\r\n');
    assert.ok(lines.every(line => line.length <= 998 && !/[\r\n\0\x80-\xff]/.test(line)));
  }
});

test('refused for now, at each step: again, and once', async t => {
  const relay = await startRelay(t);
  const server = await startSender(t, relay);
  const accounts = [];
  for (const step of ['connect', 'mail', 'rcpt', 'data', 'body']) {
    for (const code of [421, 451]) {
      for (const connection of relay.server.connections) connection._socket.destroy();
      relay.answers = { [step]: code };
      const account_id = await pay(server);
      const delivery = await attempted(server, account_id);
      assert.deepEqual([delivery.status, delivery.attempts], ['waiting', 1], `${step} ${code}`);
      assert.match(delivery.detail, new RegExp(`^${code} ${step} refused$`));
      accounts.push(account_id);
    }
  }
  assert.equal(relay.mails.length, 0);
  relay.answers = {};
  for (const account_id of accounts) {
    await retry(server, (await deliveries(server, account_id))[0]);
    await until(async () => (await deliveries(server, account_id))[0].status === 'sent');
  }
  assert.equal(new Set(relay.mails.map(mail => mail.parsed.messageId)).size, accounts.length);
  assert.equal(relay.mails.length, accounts.length);
});

test('refused for good: the mail, the address, or ourselves', async t => {
  for (const [step, attempts, more] of [['data', 1, 1], ['body', 1, 1], ['rcpt', 1, 0]]) {
    const relay = await startRelay(t);
    const server = await startSender(t, relay);
    relay.answers = { [step]: 550 };
    const refused = await attempted(server, await pay(server));
    assert.deepEqual([refused.status, refused.attempts, refused.detail], ['failed', attempts, `550 ${step} refused`]);
    relay.answers = {};
    // The next mail goes to that address but where the address itself was refused.
    const next = await attempted(server, await pay(server), 0);
    assert.equal(next.status, more ? 'sent' : 'failed');
    assert.equal(relay.mails.length, more);
  }
  for (const step of ['connect', 'mail']) {
    const relay = await startRelay(t);
    const server = await startSender(t, relay);
    relay.answers = { [step]: 550 };
    const account_id = await pay(server);
    const paused = await until(async () => (await server.ask('GET', '/healthz')).mail_paused);
    assert.match(paused, new RegExp(`550.*${step} refused`));
    await until(async () => (await deliveries(server, account_id))[0].attempts === 0);
    assert.equal((await deliveries(server, account_id))[0].status, 'waiting');
    relay.answers = {};
    assert.equal((await server.ask('POST', '/v1/mail/test', { to })).sent, 1);
    await retry(server, (await deliveries(server, account_id))[0]);
    await until(async () => (await deliveries(server, account_id))[0].status === 'sent');
    assert.equal(relay.mails.length, 2);
  }
});

test('gone after the final dot: again, under the same Message-ID', async t => {
  const relay = await startRelay(t);
  const server = await startSender(t, relay);
  relay.answers = { body: 'drop' };
  const account_id = await pay(server);
  const delivery = await attempted(server, account_id);
  assert.deepEqual([delivery.status, delivery.attempts], ['waiting', 1]);
  relay.answers = {};
  await retry(server, delivery);
  await until(async () => (await deliveries(server, account_id))[0].status === 'sent');
  const [first, second] = relay.mails.map(mail => mail.parsed);
  for (const part of ['messageId', 'subject', 'text', 'html']) assert.equal(first[part], second[part]);
  assert.deepEqual(first.date, second.date);
  assert.equal(relay.mails.length, 2);
});

test('slow at each step, and cut off at each step', async t => {
  const relay = await startRelay(t);
  const server = await startSender(t, relay);
  relay.answers = Object.fromEntries(['connect', 'mail', 'rcpt', 'data', 'body'].map(step => [step, 150]));
  assert.equal((await attempted(server, await pay(server))).status, 'sent');
  for (const step of ['connect', 'mail', 'rcpt', 'data']) {
    for (const connection of relay.server.connections) connection._socket.destroy();
    relay.answers = { [step]: 'drop' };
    const delivery = await attempted(server, await pay(server));
    assert.deepEqual([delivery.status, delivery.attempts], ['waiting', 1], step);
  }
  assert.equal(relay.mails.length, 1);
});

test('STARTTLS and AUTH: right, wrong and withheld', async t => {
  const password = join(folder, 'password');
  writeFileSync(password, 'пароль: "да" \\\n');
  const flags = ['--smtp-user', 'касса', '--smtp-password-file', password];
  const tried = [];
  const demanding = {
    authOptional: false,
    disabledCommands: [],
    onAuth(auth, session, done) {
      tried.push([auth.method, auth.username, auth.password, session.secure]);
      if (auth.password === 'пароль: "да" \\') return done(null, { user: auth.username });
      return done(Object.assign(new Error('Invalid username or password'), { responseCode: 535 }));
    },
  };
  for (const [scheme, authMethods] of [['smtp', ['PLAIN']], ['smtp', ['LOGIN']], ['smtps', ['PLAIN']]]) {
    tried.length = 0;
    const relay = await startRelay(t, { ...demanding, authMethods, secure: scheme === 'smtps' });
    const server = await startSender(t, relay, { flags, scheme });
    assert.equal((await attempted(server, await pay(server))).status, 'sent');
    assert.deepEqual(tried, [[authMethods[0], 'касса', 'пароль: "да" \\', true]]);
    assert.equal(relay.mails[0].secure, true);
  }
  // Withheld: nothing is said in the clear, neither the password nor the mail.
  tried.length = 0;
  const bare = await startRelay(t, { ...demanding, disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
  const waiting = await startSender(t, bare, { flags });
  const delivery = await attempted(waiting, await pay(waiting));
  assert.deepEqual([delivery.status, delivery.attempts], ['waiting', 1]);
  assert.deepEqual([tried, bare.steps.includes('mail')], [[], false]);
  // A wrong password pauses all e-mail, and costs no attempt.
  writeFileSync(password, 'нет\n');
  const relay = await startRelay(t, demanding);
  const server = await startSender(t, relay, { flags });
  const account_id = await pay(server);
  assert.match(await until(async () => (await server.ask('GET', '/healthz')).mail_paused), /535/);
  await until(async () => (await deliveries(server, account_id))[0].attempts === 0);
  assert.ok(!JSON.stringify(await deliveries(server)).includes('нет'));
  assert.deepEqual(relay.mails, []);
});
