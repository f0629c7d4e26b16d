// The README's walk "A CRM's first week", by a client generated from the server's OpenAPI document: each call is
// checked by the TypeScript compiler against that document's types. Yields what the server answers, in the README's
// order.
import createClient, { type Middleware } from 'openapi-fetch';

import type { paths } from './api.js';

export async function* walk(baseUrl: string, token: string): AsyncGenerator<{ status: number; answer: unknown }> {
  let now = '';
  const headers: Middleware = {
    onRequest({ request }) {
      request.headers.set('Authorization', `Bearer ${token}`);
      request.headers.set('Saldo-Now', now);
      return request;
    },
  };
  const client = createClient<paths>({ baseUrl });
  client.use(headers);

  // A client of openapi-fetch gives data or error, whose types are those of the documented answers.
  const at = async <T extends { data?: unknown; error?: unknown; response: Response }>(
    instant: string,
    call: () => Promise<T>,
  ) => {
    now = instant;
    const { data, error, response } = await call();
    return { status: response.status, answer: data ?? error };
  };
  const account = { path: { account_id: 1 } };
  const access = (instant: string) =>
    at(instant, () => client.GET('/v1/accounts/{account_id}/access', { params: account }));
  const close = (instant: string, day: string) =>
    at(instant, () => client.POST('/v1/days/{day}/close', { params: { path: { day } } }));
  const moveNoticeClock = (instant: string) => at(instant, () => client.POST('/v1/notice-clock'));
  const setEmployees = (instant: string, employees: number) =>
    at(instant, () => client.PUT('/v1/accounts/{account_id}/headcount', { params: account, body: { employees } }));
  const pay = (instant: string, amount: number, external_id: string) =>
    at(instant, () =>
      client.POST('/v1/accounts/{account_id}/payments', {
        params: account,
        body: { amount, method: 'bank_card', external_id },
      }),
    );
  const promise = (instant: string, days: number) =>
    at(instant, () => client.POST('/v1/accounts/{account_id}/promised-payments', { params: account, body: { days } }));

  yield at('2026-11-09T06:00:00Z', () =>
    client.PUT('/v1/services/{service_id}', {
      params: { path: { service_id: 'crm' } },
      body: { name: 'CRM', kind: 'recurring', unit: 'employee' },
    }),
  );
  yield at('2026-11-09T06:00:00Z', () =>
    client.POST('/v1/tariffs', {
      body: {
        service_id: 'crm',
        valid_from: '2026-11-09',
        tiers: [
          { min_quantity: 1, monthly_fee: 199000 },
          { min_quantity: 6, monthly_fee: 349000 },
        ],
      },
    }),
  );

  yield at('2026-11-09T07:00:00Z', () =>
    client.POST('/v1/accounts', {
      body: { name: 'Ромашка', external_id: 'crm-7', admin_email: 'anna@romashka.example' },
    }),
  );
  yield setEmployees('2026-11-09T07:00:01Z', 5);
  yield at('2026-11-09T07:00:02Z', () =>
    client.PUT('/v1/accounts/{account_id}/subscriptions/{service_id}', {
      params: { path: { account_id: 1, service_id: 'crm' } },
      body: {},
    }),
  );
  yield at('2026-11-09T07:00:03Z', () => client.POST('/v1/accounts/{account_id}/activate', { params: account }));
  yield pay('2026-11-09T07:05:00Z', 42000, 'ch_1');
  yield access('2026-11-09T07:06:00Z');
  yield moveNoticeClock('2026-11-09T07:06:00Z');

  yield close('2026-11-10T03:00:00Z', '2026-11-09');
  yield close('2026-11-10T03:00:00Z', '2026-11-10');

  yield setEmployees('2026-11-10T08:00:00Z', 8);
  yield access('2026-11-10T08:00:01Z');
  yield at('2026-11-10T08:00:02Z', () =>
    client.GET('/v1/accounts/{account_id}/charges', {
      params: { ...account, query: { from: '2026-11-09', to: '2026-11-13' } },
    }),
  );

  yield access('2026-11-14T09:00:00Z');
  yield access('2026-11-16T06:00:00Z');
  yield at('2026-11-16T06:00:00Z', () => client.GET('/v1/accounts/{account_id}/banner', { params: account }));
  yield moveNoticeClock('2026-11-16T06:00:00Z');
  yield at('2026-11-16T06:00:00Z', () =>
    client.GET('/v1/notices', { params: { query: { after: 0, kind: 'restricted', wait: 60 } } }),
  );

  yield promise('2026-11-16T06:30:00Z', 3);
  yield promise('2026-11-16T06:31:00Z', 1);
  yield access('2026-11-16T06:32:00Z');
  yield pay('2026-11-17T10:00:00Z', 200000, 'ch_2');
  yield pay('2026-11-17T10:00:09Z', 200000, 'ch_2');
  yield access('2026-11-17T10:01:00Z');
}
