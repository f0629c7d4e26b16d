-- What every installation starts with: the ways to pay, and the kinds of adjustments.

INSERT INTO payment_method(method, name) VALUES
  ('bank_card',     'Банковская карта'),
  ('e_money',       'Электронные деньги'),
  ('qiwi',          'QIWI'),
  ('svyaznoy',      'Связной'),
  ('euroset',       'Евросеть'),
  ('bank_transfer', 'Банковский перевод'),
  ('sbp',           'Система быстрых платежей');

INSERT INTO adjustment_kind(kind, name, sign, revenue) VALUES
  ('refund',          'Возврат средств',           -1, 0),
  ('chargeback',      'Возврат платежа по спору',  -1, 0),
  ('fee',             'Разовое начисление',        -1, 1),
  ('bonus',           'Бонус',                      1, 0),
  ('write_off',       'Списание задолженности',     1, 0),
  ('correction',      'Исправление начисления',     0, 1),
  ('transfer',        'Перенос между счетами',      0, 0),
  ('opening_balance', 'Начальный остаток',          0, 0);
