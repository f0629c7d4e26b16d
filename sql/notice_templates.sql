-- What can be told, and how: the kinds of notices, and what they say in Russian and English, to the administrator of a
-- company: in the CRM's banner, by e-mail and to programs. A line that needs a value which the notice does not have is
-- left out, so each of these says one thing.

INSERT INTO notice_kind(kind, name, severity, by_email) VALUES
  ('active',         'Доступ открыт',                   'info',    1),
  ('trial',          'Пробный период',                  'info',    0),
  ('trial_ended',    'Пробный период закончился',       'error',   1),
  ('grace',          'Деньги закончились',              'warning', 1),
  ('promised',       'Обещанный платёж',                'info',    1),
  ('restricted',     'Вход сотрудников закрыт',         'error',   1),
  ('held',           'Вход закрыт оператором',          'error',   1),
  ('paused',         'Обслуживание приостановлено',     'info',    0),
  ('closed',         'Обслуживание прекращено',         'info',    0),
  ('low_balance',    'Деньги заканчиваются',            'warning', 1),
  ('trial_ending',   'Пробный период заканчивается',    'warning', 1),
  ('promise_ending', 'Обещанный платёж заканчивается',  'warning', 1),
  ('reminder',       'Напоминание о задолженности',     'error',   1),
  ('payment',        'Платёж получен',                  'info',    1),
  ('document',       'Документ выставлен',              'info',    1);

INSERT INTO notice_template(kind, language, subject, body) VALUES
  ('active', 'ru', 'Доступ к системе открыт',
'Доступ к системе открыт: все сотрудники могут работать.

Баланс: {balance}.
Последний оплаченный день: {lasts_until}.

Чтобы денег хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}

{name}, лицевой счёт № {account_id}'),

  ('trial', 'ru', 'Пробный период открыт',
'Пробный период открыт: все сотрудники могут работать бесплатно.

Последний день пробного периода: {trial_ends_on}.

{name}, лицевой счёт № {account_id}'),

  ('trial_ended', 'ru', 'Пробный период закончился',
'Пробный период закончился, и сотрудники больше не могут войти в систему.
Вход администратора открыт, все данные сохранены.

Чтобы продолжить работу, выберите тариф и пополните счёт.
Пополнить счёт: {pay_url}

{name}, лицевой счёт № {account_id}'),

  ('grace', 'ru', 'Деньги на счёте закончились, доступ пока открыт',
'Деньги на счёте закончились, но сотрудники пока могут работать.
Задолженность: {debt}.

Вход сотрудников закроется: {restricted_from}.
При отрицательном балансе в выходные и праздничные дни система не блокируется.
Вы можете пополнить счёт и в первый рабочий день: доступ откроется, как только деньги поступят.

Чтобы денег хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}
Если оплатить сейчас не получается, воспользуйтесь услугой «Обещанный платёж» (на срок до {promise_days} дн.).

{name}, лицевой счёт № {account_id}'),

  ('promised', 'ru', 'Обещанный платёж принят, доступ открыт',
'Услуга «Обещанный платёж» включена: баланс отрицательный, но все сотрудники могут работать.
Задолженность: {debt}.

Обещанный платёж действует до: {promised_until}.
Если деньги не поступят, вход сотрудников закроется: {restricted_from}.

Чтобы денег хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}

{name}, лицевой счёт № {account_id}'),

  ('restricted', 'ru', 'Вход сотрудников закрыт: на счёте отрицательный баланс',
'Баланс отрицательный, и сотрудники не могут войти в систему.
Вход администратора открыт, все данные сохранены.

Задолженность: {debt}.
Вход сотрудников закрыт: {restricted_from}.

Доступ откроется, как только деньги поступят на счёт.
Чтобы их хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}
Если оплатить сейчас не получается, воспользуйтесь услугой «Обещанный платёж» (на срок до {promise_days} дн.).

{name}, лицевой счёт № {account_id}'),

  ('held', 'ru', 'Вход сотрудников закрыт',
'Мы закрыли вход сотрудников в систему. Вход администратора открыт, все данные сохранены.

Чтобы узнать причину и открыть доступ, пожалуйста, свяжитесь с нами.

{name}, лицевой счёт № {account_id}'),

  ('paused', 'ru', 'Обслуживание приостановлено',
'Обслуживание приостановлено: абонентская плата не списывается, сотрудники не могут войти в систему.
Вход администратора открыт, все данные сохранены.

Баланс: {balance}.

Чтобы возобновить работу, пожалуйста, свяжитесь с нами.

{name}, лицевой счёт № {account_id}'),

  ('closed', 'ru', 'Обслуживание прекращено',
'Обслуживание прекращено, вход в систему закрыт.

Баланс: {balance}.

Спасибо, что работали с нами. Если вы решите вернуться, свяжитесь с нами.

{name}, лицевой счёт № {account_id}'),

  ('low_balance', 'ru', 'Деньги на счёте заканчиваются',
'Деньги на счёте заканчиваются.

Баланс: {balance}.
Последний оплаченный день: {lasts_until}.
Если счёт не пополнить, вход сотрудников закроется: {restricted_from}.

Чтобы денег хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}

{name}, лицевой счёт № {account_id}'),

  ('trial_ending', 'ru', 'Пробный период заканчивается',
'Пробный период заканчивается. После него сотрудники не смогут войти в систему; все данные сохранятся.

Последний день пробного периода: {trial_ends_on}.

Чтобы работать без перерыва, выберите тариф и пополните счёт заранее.
Пополнить счёт: {pay_url}

{name}, лицевой счёт № {account_id}'),

  ('promise_ending', 'ru', 'Обещанный платёж заканчивается',
'Срок обещанного платежа заканчивается, а деньги ещё не поступили.
Задолженность: {debt}.

Обещанный платёж действует до: {promised_until}.
Если счёт не пополнить, вход сотрудников закроется: {restricted_from}.

Чтобы денег хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}

{name}, лицевой счёт № {account_id}'),

  ('reminder', 'ru', 'Напоминаем: на счёте отрицательный баланс',
'Напоминаем, что баланс отрицательный и сотрудники не могут войти в систему.
Вход администратора открыт, все данные сохранены.

Задолженность: {debt}.
Вход сотрудников закрыт: {restricted_from}.

Доступ откроется, как только деньги поступят на счёт.
Чтобы их хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}
Если вы уже оплатили, ничего делать не нужно: платёж скоро будет зачислен.

{name}, лицевой счёт № {account_id}'),

  ('payment', 'ru', 'Платёж получен: {amount}',
'Мы получили ваш платёж. Спасибо!

Сумма: {amount}.
Баланс: {balance}.
Последний оплаченный день: {lasts_until}.
Осталось погасить: {debt}.

{name}, лицевой счёт № {account_id}'),

  ('document', 'ru', 'Для вас выставлен документ',
'Для вас выставлен документ.

Сумма: {amount}.

{name}, лицевой счёт № {account_id}'),

  ('active', 'en', 'Your access is open',
'Your access is open: all of your employees can work.

Balance: {balance}.
Last day paid for: {lasts_until}.

To have enough until the end of next month, please top up {top_up}.
Pay here: {pay_url}

{name}, account {account_id}'),

  ('trial', 'en', 'Your trial has begun',
'Your trial has begun: all of your employees can work free of charge.

Last day of the trial: {trial_ends_on}.

{name}, account {account_id}'),

  ('trial_ended', 'en', 'Your trial has ended',
'Your trial has ended, and your employees can no longer sign in.
You as the administrator still can, and all of your data is kept.

To go on working, please choose a plan and top up your account.
Pay here: {pay_url}

{name}, account {account_id}'),

  ('grace', 'en', 'Your balance is used up; access is still open',
'Your balance is used up, but your employees can still work.
Amount due: {debt}.

Your employees will be locked out: {restricted_from}.
We never lock anyone out on weekends or public holidays.
You may also pay on the first working day: access opens as soon as the money arrives.

To have enough until the end of next month, please top up {top_up}.
Pay here: {pay_url}
If you cannot pay now, promise the payment: that gives you up to {promise_days} more days.

{name}, account {account_id}'),

  ('promised', 'en', 'Promised payment accepted; access is open',
'Your promised payment is accepted: the balance is negative, but all of your employees can work.
Amount due: {debt}.

The promise holds until: {promised_until}.
If no payment arrives, your employees will be locked out: {restricted_from}.

To have enough until the end of next month, please top up {top_up}.
Pay here: {pay_url}

{name}, account {account_id}'),

  ('restricted', 'en', 'Your employees are locked out: the balance is negative',
'The balance is negative, and your employees cannot sign in.
You as the administrator still can, and all of your data is kept.

Amount due: {debt}.
Locked out since: {restricted_from}.

Access opens as soon as the money arrives.
To have enough until the end of next month, please top up {top_up}.
Pay here: {pay_url}
If you cannot pay now, promise the payment: that gives you up to {promise_days} more days.

{name}, account {account_id}'),

  ('held', 'en', 'Your employees are locked out',
'We have locked your employees out. You as the administrator can still sign in, and all of your data is kept.

To learn the reason and have access opened, please contact us.

{name}, account {account_id}'),

  ('paused', 'en', 'Your service is paused',
'Your service is paused: no fees are charged, and your employees cannot sign in.
You as the administrator still can, and all of your data is kept.

Balance: {balance}.

To resume work, please contact us.

{name}, account {account_id}'),

  ('closed', 'en', 'Your service has ended',
'Your service has ended, and nobody can sign in any more.

Balance: {balance}.

Thank you for having worked with us. If you would like to come back, please contact us.

{name}, account {account_id}'),

  ('low_balance', 'en', 'Your balance is running low',
'Your balance is running low.

Balance: {balance}.
Last day paid for: {lasts_until}.
Without a payment your employees will be locked out: {restricted_from}.

To have enough until the end of next month, please top up {top_up}.
Pay here: {pay_url}

{name}, account {account_id}'),

  ('trial_ending', 'en', 'Your trial is ending',
'Your trial is ending. After it your employees will not be able to sign in; all of your data is kept.

Last day of the trial: {trial_ends_on}.

To work on without a break, please choose a plan and top up your account in time.
Pay here: {pay_url}

{name}, account {account_id}'),

  ('promise_ending', 'en', 'Your promised payment is ending',
'Your promised payment is ending, and no money has arrived yet.
Amount due: {debt}.

The promise holds until: {promised_until}.
Without a payment your employees will be locked out: {restricted_from}.

To have enough until the end of next month, please top up {top_up}.
Pay here: {pay_url}

{name}, account {account_id}'),

  ('reminder', 'en', 'A reminder: your balance is negative',
'This is a reminder that the balance is negative and your employees cannot sign in.
You as the administrator still can, and all of your data is kept.

Amount due: {debt}.
Locked out since: {restricted_from}.

Access opens as soon as the money arrives.
To have enough until the end of next month, please top up {top_up}.
Pay here: {pay_url}
If you have paid already, there is nothing to do: your payment will be credited soon.

{name}, account {account_id}'),

  ('payment', 'en', 'Payment received: {amount}',
'We have received your payment. Thank you!

Amount: {amount}.
Balance: {balance}.
Last day paid for: {lasts_until}.
Still due: {debt}.

{name}, account {account_id}'),

  ('document', 'en', 'A document has been issued to you',
'A document has been issued to you.

Amount: {amount}.

{name}, account {account_id}');
