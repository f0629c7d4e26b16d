// The operator's day in the pages, as a person walks it, in Debian's Chromium: with JavaScript and without; every page
// without a message of the Content-Security-Policy, a 404, or a violation of WCAG 2.2 AA that axe-core finds; by the
// keyboard alone; 320 pixels wide. With SALDO_PICTURES=FOLDER it leaves a picture of each page there.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Server } from './saldod.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const HOSTILE = '<script>alert(1)</script>"\'';
const LONG = 'Оченьдлинноеназвание'.repeat(10);

let server;
let browser;
let accounts;
let seen;  // what else there is to be seen: a receipt, a document, a notice

// A bank's statement with one document, of which nothing tells whose it is.
function statement(number, payer, purpose = 'Оплата') {
  return Buffer.from(['1CClientBankExchange', 'ВерсияФормата=1.03', 'Кодировка=UTF-8',
    'РасчСчет=40702810100000000001',
    'СекцияДокумент=Платежное поручение', `Номер=${number}`, 'Дата=16.11.2026', `Сумма=70${number}.00`,
    `ПлательщикСчет=4070281090000000001${number}`, `Плательщик=${payer}`, 'ПолучательСчет=40702810100000000001',
    'ДатаПоступило=16.11.2026', `НазначениеПлатежа=${purpose}`, 'КонецДокумента', 'КонецФайла', ''].join('\r\n'));
}

async function company(name, more = {}) {
  const { account_id: id } = await server.ask('POST', '/v1/accounts', { name, ...more });
  await server.ask('PUT', `/v1/accounts/${id}/headcount`, { employees: 5 });
  await server.ask('PUT', `/v1/accounts/${id}/subscriptions/crm`, {});
  await server.ask('POST', `/v1/accounts/${id}/activate`);
  return id;
}

before(async () => {
  server = await Server.start({ opening: '2026-10-01' });
  await server.ask('PUT', '/v1/services/crm', { name: 'CRM', kind: 'recurring', unit: 'employee' });
  await server.ask('POST', '/v1/tariffs', {
    service_id: 'crm',
    valid_from: '2026-10-01',
    tiers: [{ min_quantity: 1, monthly_fee: 199000 }, { min_quantity: 6, monthly_fee: 349000 }],
  });
  await server.ask('POST', '/v1/notice-clock');
  accounts = {
    camomile: await company('Ромашка', { tax_id: '7700000001' }),
    hostile: await company(HOSTILE, { legal_name: HOSTILE, contract: HOSTILE }),
    long: await company(LONG, { legal_name: LONG }),
  };
  await server.ask('POST', `/v1/accounts/${accounts.camomile}/payments`, { amount: 199000, method: 'sbp' });
  for (let day = new Date('2026-10-01'); day < new Date('2026-11-17'); day.setUTCDate(day.getUTCDate() + 1)) {
    const text = day.toISOString().slice(0, 10);
    if (text === '2026-11-02') {
      server.now = `${text}T09:00:00Z`;
      await server.ask('POST', `/v1/accounts/${accounts.camomile}/payments`, { amount: 150000, method: 'sbp' });
    }
    server.now = new Date(day.getTime() + 27 * 3600_000).toISOString().replace('.000', '');
    await server.ask('POST', `/v1/days/${text}/close`);
  }
  server.now = '2026-11-17T09:00:00Z';
  await server.ask('POST', '/v1/notice-clock');
  await server.ask('PUT', '/v1/issuer', {
    valid_from: '2026-10-01', name: 'Вендор', legal_name: 'ООО «Вендор»', tax_id: '7700000000', address: 'Москва',
    bank_name: 'АО «Банк»', bic: '044525000', bank_account: '40702810100000000001', corr_account: '3'.repeat(20),
  });
  const { document_id: document } = await server.ask('POST', `/v1/accounts/${accounts.camomile}/invoices`,
    { amount: 500000 });
  await server.ask('POST', '/v1/bank-statements', statement(6, HOSTILE), 'text/plain');
  const [{ receipt_id: receipt }] = await server.ask('GET', '/v1/receipts');
  await server.ask('PUT', '/v1/webhooks/crm', { url: 'https://crm.example/notices' });
  const [{ notice_id: notice }] = await server.ask('GET', '/v1/notices');
  seen = { document, receipt, notice };
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

// A page of somebody signed in; `messages` is what the browser complained of.
async function person({ token = server.token, of = server, ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: 'ru',
    extraHTTPHeaders: { 'saldo-now': of.now },
    ...options,
  });
  const page = await tab(context);
  await page.goto(`${of.url}/sign-in`);
  await page.fill('input[name=token]', token);
  await page.click('button');
  await page.waitForURL(`${of.url}/`);
  return page;
}

async function tab(context) {
  const page = await context.newPage();
  page.messages = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.messages.push(message.text());
  });
  page.on('pageerror', (error) => page.messages.push(error.message));
  page.on('response', (answer) => {
    if (answer.status() >= 400) page.messages.push(`${answer.status()} ${answer.url()}`);
  });
  return page;
}

// Confirms what is shown. Reloading the page that comes then, and going back from it, records nothing once more:
// whoever asks afterwards finds each write once.
async function record(page, javaScriptEnabled) {
  await page.getByRole('button', { name: 'Записать' }).click();
  await page.getByText('Записано.').waitFor();
  await page.reload();
  assert.equal(await page.getByText('Записано.').count(), 0);
  const url = page.url();
  // Without JavaScript the browser asks whether to send the form once more.
  if (javaScriptEnabled) {
    await page.goBack();
    await page.locator('main').waitFor();
    await page.goto(url);
  }
}

// The form with this title.
const form = (page, title) => page.locator('form', { has: page.getByRole('heading', { name: title, exact: true }) });

for (const javaScriptEnabled of [true, false]) {
  test(`the operator's day, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
    let page = await person({ javaScriptEnabled });
    const name = `Астра ${javaScriptEnabled ? 'со сценариями' : 'без сценариев'}`;
    const id = await company(name);

    // Finds the company by a part of its name in another case.
    await page.click('nav >> text=Компании');
    await page.fill('input[name=q]', name.toUpperCase().slice(0, 9));
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name, exact: true }).click();
    await page.getByText('кредитного лимита нет: долга нет').waitFor();

    // Takes money in: it is shown before and after, and recorded once.
    await page.click('nav >> text=Действия');
    await form(page, 'Платёж').locator('input[name=amount]').fill('1 990,50');
    await form(page, 'Платёж').getByRole('button').click();
    await page.getByRole('row', { name: /Баланс 0,00 ₽ 1 990,50 ₽/ }).waitFor();
    assert.equal((await server.ask('GET', `/v1/accounts/${id}/payments`)).length, 0);
    // Pressed twice: without JavaScript that sends the form twice.
    await page.getByRole('button', { name: 'Записать' }).dblclick();
    await page.getByText('Записано.').waitFor();
    await page.reload();
    assert.equal(await page.getByText('Записано.').count(), 0);
    assert.equal((await server.ask('GET', `/v1/accounts/${id}/payments`)).length, 1);
    // Back: to the form; without JavaScript the browser asks whether to send it once more.
    if (javaScriptEnabled) {
      await page.goBack();
      await form(page, 'Платёж').waitFor();
    }
    assert.deepEqual(page.messages, []);
    const context = page.context();
    if (!javaScriptEnabled) await page.goBack().catch(() => {});
    await page.close();
    page = await tab(context);
    assert.equal((await server.ask('GET', `/v1/accounts/${id}/payments`)).length, 1);

    // Shuts it, sees why, and opens it again.
    for (const [title, state, reason] of [['Закрыть доступ', 'Доступ закрыт оператором', 'спор'],
      ['Открыть доступ', 'Работает', 'уладили']]) {
      await page.goto(`${server.url}/companies/${id}/actions`);
      await form(page, title).locator('input[name=reason]').fill(reason);
      await form(page, title).getByRole('button').click();
      await record(page, javaScriptEnabled);
      await page.locator('dl').getByText(state).first().waitFor();
    }

    // More employees, a correction, and the ledger.
    await page.goto(`${server.url}/companies/${id}/actions`);
    await form(page, 'Сотрудников').locator('input[name=employees]').fill('8');
    await form(page, 'Сотрудников').getByRole('button').click();
    await record(page, javaScriptEnabled);
    await page.goto(`${server.url}/companies/${id}/actions`);
    await form(page, 'Корректировка').locator('input[name=amount]').fill('-10');
    await form(page, 'Корректировка').locator('input[name=reason]').fill('ошибка');
    await form(page, 'Корректировка').getByRole('button').click();
    await record(page, javaScriptEnabled);
    await page.getByText('1 980,50 ₽').first().waitFor();
    await page.click('nav >> text=Движения');
    await page.getByRole('row', { name: /Исправление начисления -10,00 ₽/ }).waitFor();
    await page.getByRole('row', { name: /Платёж Банковский перевод 1 990,50 ₽ 1 980,50 ₽/ }).waitFor();

    // A statement of the bank, and the receipt that nothing tells whose it is.
    const number = javaScriptEnabled ? 7 : 8;
    await page.click('nav >> text=Поступления');
    await page.setInputFiles('input[type=file]', {
      name: 'statement.txt',
      mimeType: 'text/plain',
      buffer: statement(number, 'ООО Неизвестное'),
    });
    await form(page, 'Выписка банка').getByRole('button', { name: 'Дальше' }).click();
    await page.getByRole('row', { name: /Ждут разноски/ }).waitFor();
    await record(page, javaScriptEnabled);
    await page.getByRole('row', { name: `70${number},00` }).getByRole('link').click();
    await form(page, 'Зачислить').locator('input[name=account_id]').fill(String(id));
    await form(page, 'Зачислить').getByRole('button').click();
    await record(page, javaScriptEnabled);
    assert.equal((await server.ask('GET', `/v1/accounts/${id}/payments`)).length, 2);
    assert.equal((await server.ask('GET', `/v1/accounts/${id}/adjustments`)).length, 1);

    assert.deepEqual(page.messages, []);
    await page.getByRole('button', { name: 'Выйти' }).click();
    await page.waitForURL(`${server.url}/sign-in`);
    await page.context().close();
  });
}

// Leaves a picture where they are wanted.
async function picture(page, path, more = { fullPage: true }) {
  if (!process.env.SALDO_PICTURES) return;
  const name = `${path.replaceAll(/\W+/g, '-').replaceAll(/^-|-$/g, '') || 'today'}.png`;
  await page.screenshot({ path: join(process.env.SALDO_PICTURES, name), ...more });
}

async function findNoViolation(page, path) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    (tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] }), WCAG);
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), [], path);
}

// What axe-core finds, what Tab does not reach, and what does not fit 320 pixels, is none.
async function inspect(page, path) {
  await findNoViolation(page, path);

  // All that can be pressed or filled in is reached by Tab, in its order, and shows that it is there.
  // (A field of a date or a month has several places in it, which the browser itself shows.)
  const { wanted, presses } = await page.evaluate(() => {
    const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, '
      + '[tabindex="0"]')].filter((each) => each.checkVisibility());
    const inParts = all.filter((each) => ['date', 'month'].includes(each.type));
    window.reached = new Map();
    document.addEventListener('focusin', ({ target }) => {
      const shows = inParts.includes(target) || getComputedStyle(target).outlineStyle !== 'none';
      if (target !== document.body) window.reached.set(target, shows);
    });
    document.body.focus();
    return { wanted: all.length, presses: all.length + 5 * inParts.length };
  });
  // Held down, so that nobody waits for each.
  await Promise.all(Array.from({ length: presses }, () => page.keyboard.down('Tab')));
  await page.keyboard.up('Tab');
  const reached = await page.evaluate(() => [...window.reached].map(([each, shows]) => [each.outerHTML, shows]));
  for (const [html, shows] of reached) assert.ok(shows, `${path}: nothing shows that one is at ${html}`);
  assert.equal(reached.length, wanted, `${path}: by Tab`);

  await page.setViewportSize({ width: 320, height: 800 });
  await page.waitForFunction(() => document.documentElement.scrollWidth <= 320, null, { timeout: 10000 })
    .catch(() => assert.fail(`${path} is wider than 320 pixels`));
}

// That no page was forgotten; those that only the preview of a form shows may be.
function assertAllPages(paths, { ofPreviews }) {
  const folder = new URL('../../sql/pages/', import.meta.url);
  const routes = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.sql'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .filter((text) => /^-- GET .*$/m.test(text) && /^-- gives: html$/m.test(text)
      && (ofPreviews || !/^-- facts: /m.test(text)))
    .map((text) => /^-- GET (.*)$/m.exec(text)[1]);
  assert.ok(routes.length > 20);
  const missing = routes.filter((route) => {
    const pattern = new RegExp(`^${route.replaceAll(/\{\w+\}/g, '[^/?]+')}(\\?|$)`);
    return !paths.some((path) => pattern.test(path));
  });
  assert.deepEqual(missing, []);
}

test('every page: no message, no violation, 320 pixels wide, by the keyboard', async () => {
  const page = await person({ token: server.createToken('admin') });
  const { camomile, hostile, long } = accounts;
  const paths = ['/', '/companies', '/companies/new', ...[camomile, hostile, long].map((id) => `/companies/${id}`),
    `/companies/${camomile}/ledger`, `/companies/${camomile}/notices`, '/documents/months/2026-10',
    '/notices?status=waiting', `/companies/${hostile}/actions`, `/companies/${long}/requisites`,
    `/companies/${camomile}/subscriptions/crm`, '/receipts', '/debtors', '/debtors?by=age', '/prices',
    '/prices/crm', '/revenue', '/days',
    '/days/change?day=2026-11-20', '/notices', '/notices/templates', '/notices/templates/grace/ru',
    '/notices/webhooks', '/notices/webhooks/change?name=crm', `/notices/${seen.notice}`,
    `/receipts/${seen.receipt}`, '/documents', `/documents/${seen.document}`, `/companies/${camomile}/documents`,
    '/access', '/access/tokens/operator', '/prices/new?service_id=fax', '/sign-in'];
  await page.goto(`${server.url}/access`);
  paths.push(await page.locator('a[href^="/access/sessions/"]').first().getAttribute('href'));
  assertAllPages(paths, { ofPreviews: false });
  for (const path of paths) {
    page.messages.length = 0;
    await page.setViewportSize({ width: 1280, height: 900 });
    const waitUntil = process.env.SALDO_PICTURES ? 'networkidle' : 'load';
    const answer = await page.goto(server.url + path, { waitUntil });
    assert.equal(answer.status(), 200, path);
    if (await page.locator('figure').count()) await page.waitForFunction(() => typeof Chart !== 'undefined');
    await picture(page, path);
    await inspect(page, path);
    assert.deepEqual(page.messages, [], path);
  }
  assert.equal(await page.evaluate(() => typeof Chart), 'undefined');

  // What a form is answered with: what would be done, and what is wrong.
  for (const [amount, status] of [['100', 200], ['0', 422]]) {
    page.messages.length = 0;
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${server.url}/companies/${camomile}/actions`);
    await form(page, 'Платёж').locator('input[name=amount]').fill(amount);
    const [answer] = await Promise.all([page.waitForResponse(`${server.url}/do`),
      form(page, 'Платёж').getByRole('button').click()]);
    assert.equal(answer.status(), status);
    await page.waitForLoadState();
    await picture(page, `preview ${status}`);
    if (status === 422) assert.ok(page.messages.splice(0).every((message) => message.includes('422')));
    await inspect(page, `/do ${status}`);
    assert.deepEqual(page.messages, []);
  }
  await page.setViewportSize({ width: 1280, height: 1080 });
  await page.goto(`${server.url}/companies/${camomile}`, { waitUntil: 'networkidle' });
  await picture(page, 'readme', {});  // server/page/company.png
  assert.equal(await page.evaluate(() => Object.keys(Chart.instances).length), 1);
  await page.context().close();

  // The same in English, and as a telephone shows them, to be looked at.
  if (!process.env.SALDO_PICTURES) return;
  const other = await person({ token: server.createToken('admin', 'other'), viewport: { width: 320, height: 800 } });
  for (const path of paths) {
    await other.goto(server.url + path, { waitUntil: 'networkidle' });
    await picture(other, `narrow ${path}`);
  }
  await server.ask('PUT', '/v1/policy', { valid_from: '2026-11-17', language: 'en' });
  await other.setViewportSize({ width: 1280, height: 900 });
  for (const path of paths) {
    await other.goto(server.url + path, { waitUntil: 'networkidle' });
    await picture(other, `english ${path}`);
  }
  await server.ask('PUT', '/v1/policy', { valid_from: '2026-11-17', language: 'ru' });
  await other.context().close();
});

test('a search as one types says how many it found to whoever does not see it', async () => {
  const page = await person();
  await page.goto(`${server.url}/companies`);
  const told = page.locator('form[data-search] [role=status]');
  assert.equal(await told.textContent(), '');
  for (const [text, says] of [['ромаш', 'Показано: 1'], ['нет такой', 'Ничего не нашлось.'],
    ['оченьд', 'Показано: 1']]) {
    await page.fill('input[name=q]', text);
    await page.waitForFunction((expected) => document.querySelector('form[data-search] [role=status]').textContent
      === expected, says);
    // It was there before it was filled, or nobody would hear of it.
    assert.equal(await page.locator('input[name=q]').inputValue(), text);
  }
  await findNoViolation(page, '/companies?q');
  assert.deepEqual(page.messages, []);
  await page.context().close();
});

// Texts as nobody should write them, within what the books take: all that is no NUL.
const HOSTILE_TEXTS = [
  `</title></script><script>window.hit = 1</script><img src=x onerror="window.hit = 1">`,
  `" autofocus onfocus="window.hit = 1" x='javascript:window.hit = 1//`,
  '&lt;b&gt;&#60;\\u003cscript>${window.hit=1}{{window.hit=1}}',
  '\u202eשלום\u2066 العربية\u200f\u202b',
  'a\u0001\u0008\u001b[31m\tb\r\nc\u007f\u0085\u2028d\ufffe',
  'Оченьдлинноеназвание'.repeat(10),
];

// Whether a page is what its server wrote, and nothing that a text made of it.
async function assertUntouched(page, path) {
  const found = await page.evaluate(() => ({
    hit: window.hit,
    scripts: [...document.scripts].filter((each) => !each.src.startsWith(`${location.origin}/assets/`)).length,
    handlers: [...document.querySelectorAll('*')].filter((each) =>
      [...each.attributes].some(({ name }) => name.startsWith('on') || name === 'style')
        && !each.closest('figure')).length,
    foreign: document.querySelectorAll('img, iframe, object, embed, base, b, meta[http-equiv]').length,
    links: [...document.links].filter((each) => each.origin !== location.origin).length,
  }));
  assert.deepEqual(found, { hit: undefined, scripts: 0, handlers: 0, foreign: 0, links: 0 }, path);
}

test('hostile texts in every field of every page and form', async () => {
  const books = await Server.start({ opening: '2026-11-01' });
  try {
    await hostile(books);
  } finally {
    await books.stop();
  }
});

async function hostile(books) {
  const admin = books.createToken('admin');
  await books.ask('POST', '/v1/notice-clock');
  const named = HOSTILE_TEXTS.map((text, i) => [`service${i}`, text]);
  for (const [service, text] of named) {
    await books.ask('PUT', `/v1/services/${service}`, { name: text, kind: 'recurring', unit: text });
    await books.ask('POST', '/v1/tariffs', {
      service_id: service,
      valid_from: '2026-11-01',
      tiers: [{ min_quantity: 1, monthly_fee: 199000 }, { min_quantity: 6, monthly_fee: 349000 }],
    });
  }
  const [text] = HOSTILE_TEXTS;
  await books.ask('PUT', '/v1/issuer', {
    valid_from: '2026-11-01', name: text, legal_name: text, tax_id: '7700000000', address: text, bank_name: text,
    bic: '044525000', bank_account: '40702810100000000001', corr_account: '3'.repeat(20), director: text,
    accountant: text,
  }, undefined, admin);
  await books.ask('PUT', '/v1/notice-templates/document/ru', { subject: text, body: text });
  await books.ask('PUT', '/v1/webhooks/crm', { url: `https://nowhere.invalid/?${encodeURIComponent(text)}` });
  await books.ask('PUT', '/v1/calendar/2026-11-05', { working: 0, name: text });
  const ids = [];
  for (const [service, each] of named) {
    const { account_id: id } = await books.ask('POST', '/v1/accounts', {
      name: each, external_id: each, admin_email: 'a@b.example', legal_name: each, tax_id: each, kpp: each,
      postal_address: each, contract: each, signatory: each, documents: 'always', document_delivery: 'email',
    });
    ids.push(id);
    await books.ask('PUT', `/v1/accounts/${id}/headcount`, { employees: 5 });
    await books.ask('PUT', `/v1/accounts/${id}/subscriptions/${service}`, {});
    await books.ask('POST', `/v1/accounts/${id}/activate`, { reason: each });
    await books.ask('POST', `/v1/accounts/${id}/payments`,
      { amount: 5, method: 'sbp', payer: each, purpose: each, external_id: each });
    await books.ask('POST', `/v1/accounts/${id}/adjustments`,
      { amount: -500, kind: 'correction', reason: each, external_id: each, service_id: service });
    await books.ask('POST', `/v1/accounts/${id}/invoices`, { amount: 100 });
  }
  await books.ask('PUT', `/v1/accounts/${ids[0]}/terms`, { held: 1, reason: text });
  for (const [i, each] of HOSTILE_TEXTS.entries()) {
    const line = each.replaceAll(/[\r\n]/g, ' ');
    await books.ask('POST', '/v1/bank-statements', statement(i, line, line), 'text/plain');
  }
  books.now = '2026-11-02T09:00:00Z';
  await books.ask('POST', '/v1/days/2026-11-01/close');
  await books.ask('POST', '/v1/notice-clock');
  const receipts = await books.ask('GET', '/v1/receipts');
  const documents = await books.ask('GET', '/v1/documents');
  const notices = await books.ask('GET', '/v1/notices');
  const deliveries = await books.ask('GET', '/v1/deliveries');
  const tokens = HOSTILE_TEXTS.filter((each) => !each.includes('\u0001'));
  for (const name of tokens.slice(1)) await books.ask('POST', '/v1/tokens', { name, role: 'crm' }, undefined, admin);

  const page = await person({ token: books.createToken('admin', tokens[0]), of: books });
  const paths = [
    ...ids.flatMap((id) => ['', '/ledger', '/requisites'].map((end) => `/companies/${id}${end}`)),
    ...['actions', 'documents', 'notices', 'standing', 'subscriptions/service0']
      .map((end) => `/companies/${ids[0]}/${end}`),
    ...HOSTILE_TEXTS.map((each) => `/companies?q=${encodeURIComponent(each)}`),
    '/prices/service0', '/prices/service0/month', `/receipts/${receipts[0].receipt_id}`,
    `/receipts/${receipts[0].receipt_id}/standing`, `/documents/${documents[0].document_id}`,
    ...notices.slice(0, 2).map(({ notice_id: id }) => `/notices/${id}`),
    ...tokens.map((each) => `/access/tokens/${encodeURIComponent(each)}`), `/sign-in?to=${encodeURIComponent(text)}`,
    '/', '/companies', '/companies/new', '/receipts', '/receipts?status=matched', '/debtors', '/debtors?by=age',
    '/prices', `/prices/new?service_id=${encodeURIComponent(text)}`, '/revenue', '/days',
    '/days/change?day=2026-11-05', '/notices', '/notices/templates', '/notices/templates/document/ru',
    '/notices/templates/document/ru/preview', '/notices/webhooks', '/notices/webhooks/change?name=crm',
    `/notices/webhooks/change?name=${encodeURIComponent(text)}`, '/documents', '/documents/months/2026-11?by=email',
    '/access', '/documents/standing', '/receipts/standing',
    `/notices/deliveries/${deliveries[0].delivery_id}`];
  await page.goto(`${books.url}/access`);
  paths.push(await page.locator('a[href^="/access/sessions/"]').first().getAttribute('href'));
  assertAllPages(paths, { ofPreviews: true });
  const shown = (each) => each.replaceAll(/[^\S\n]|[\u0000-\u001f]/g, ' ').replaceAll(/\s+/g, ' ').trim();
  const forms = [];
  for (const path of paths) {
    page.messages.length = 0;
    const answer = await page.goto(books.url + path);
    assert.equal(answer.status(), 200, path);
    if (await page.locator('figure').count()) await page.waitForFunction(() => typeof Chart !== 'undefined');
    await assertUntouched(page, path);
    assert.deepEqual(page.messages, [], path);
    const count = await page.locator('form[action="/do"]').count();
    for (let i = 0; i < count; ++i) forms.push([path, i]);
  }
  // What was written is read, letter by letter.
  for (const [i, id] of ids.entries()) {
    await page.goto(`${books.url}/companies/${id}`);
    assert.equal(shown(await page.locator('h1').textContent()), shown(HOSTILE_TEXTS[i]));
    const requisites = await page.locator('dl').last().locator('dd').allTextContents();
    assert.equal(requisites.filter((each) => shown(each) === shown(HOSTILE_TEXTS[i])).length, 7);
  }

  // Each form, filled with such texts: it is shown before it is recorded, or refused, and shown again.
  const answered = new Set();
  const done = new Set();
  for (const [path, i] of forms) {
    await page.goto(books.url + path);
    const each = page.locator('form[action="/do"]').nth(i);
    const writes = await each.locator('[name=_writes]').inputValue();
    const title = `${writes.replaceAll(/\d+/g, 'N')} ${await each.locator('h3').allTextContents()}`;
    // One of those that differ in their number alone.
    if (done.has(title)) continue;
    done.add(title);
    page.messages.length = 0;
    await each.evaluate((form, texts) => {
      form.noValidate = true;
      for (const [n, field] of form.querySelectorAll('input:not([type]), input[type=text], textarea').entries()) {
        if (field.inputMode === 'decimal') field.value = '1';
        else if (field.inputMode !== 'numeric') field.value = texts[n % texts.length];
      }
    }, HOSTILE_TEXTS);
    const [answer] = await Promise.all([page.waitForResponse(`${books.url}/do`), each.locator('button').click()]);
    await page.waitForLoadState();
    answered.add(answer.status());
    assert.ok([200, 409, 422].includes(answer.status()), `${path} ${writes}: ${answer.status()}`);
    await assertUntouched(page, `${path} ${writes}`);
    const others = page.messages.filter((message) => answer.status() === 200 || !message.includes(answer.status()));
    assert.deepEqual(others, [], `${path} ${writes}`);
  }
  assert.deepEqual([...answered].filter((status) => status < 300), [200]);
  assert.ok(done.size > 20, `${done.size} forms`);
  await page.context().close();
}

test('what is sent before the first paint is small, and nothing comes from elsewhere', async () => {
  const page = await person();
  await page.waitForLoadState('networkidle');
  const sizes = [];
  const hosts = new Set();
  page.on('response', (answer) => {
    hosts.add(new URL(answer.url()).host);
    if (!answer.url().includes('chart')) sizes.push(answer.body().then((body) => body.length, () => 0));
  });
  await page.goto(`${server.url}/companies/${accounts.camomile}`, { waitUntil: 'networkidle' });
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  assert.ok(bytes > 0 && bytes <= 100_000, `${bytes} bytes`);
  assert.deepEqual([...hosts], [new URL(server.url).host]);
  await page.context().close();
});
