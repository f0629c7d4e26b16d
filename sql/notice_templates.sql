-- What can be told, and how: the kinds of notices, and what they say in Russian and English.

INSERT INTO notice_kind(kind, name, severity, by_email) VALUES
  ('active',         'Доступ открыт',                 'info',    1),
  ('trial',          'Пробный период',                'info',    0),
  ('trial_ended',    'Пробный период закончился',     'error',   1),
  ('grace',          'Счёт ниже нуля, доступ открыт', 'warning', 1),
  ('promised',       'Обещанный платёж',              'info',    1),
  ('restricted',     'Доступ сотрудников закрыт',     'error',   1),
  ('held',           'Доступ закрыт оператором',      'error',   1),
  ('paused',         'Обслуживание приостановлено',   'info',    0),
  ('closed',         'Обслуживание прекращено',       'info',    0),
  ('low_balance',    'Деньги заканчиваются',          'warning', 1),
  ('trial_ending',   'Пробный период заканчивается',  'warning', 1),
  ('promise_ending', 'Обещанный платёж заканчивается', 'warning', 1),
  ('reminder',       'Напоминание о задолженности',   'error',   1),
  ('payment',        'Платёж получен',                'info',    1),
  ('document',       'Выставлен документ',            'info',    1);
