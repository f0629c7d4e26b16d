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
'Все сотрудники могут войти в систему и работать.

Баланс: {balance}.
Последний оплаченный день: {lasts_until}.

Чтобы денег хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}

{name}, лицевой счёт № {account_id}'),

  ('trial', 'ru', 'Пробный период продлён',
'Пробный период продлён: все сотрудники могут работать бесплатно.

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
Если оплатить до закрытия входа не получится, воспользуйтесь тогда услугой «Обещанный платёж»: '
|| 'доступ сохранится на срок до {promise_days}. Она предоставляется один раз до погашения задолженности.

{name}, лицевой счёт № {account_id}'),

  ('promised', 'ru', 'Обещанный платёж принят, доступ открыт',
'Услуга «Обещанный платёж» подключена: баланс отрицательный, но все сотрудники могут работать.
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
Вход сотрудников закрыт с: {restricted_from}.

Доступ откроется, как только деньги поступят на счёт.
Чтобы их хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}
Если оплатить сейчас не получается, воспользуйтесь услугой «Обещанный платёж»: '
|| 'доступ откроется на срок до {promise_days}.

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
'Скоро деньги на счёте закончатся, и сотрудники не смогут войти в систему.

Баланс: {balance}.
Последний оплаченный день: {lasts_until}.
Если счёт не пополнить, вход сотрудников закроется: {restricted_from}.

Чтобы денег хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}

{name}, лицевой счёт № {account_id}'),

  ('trial_ending', 'ru', 'Пробный период заканчивается',
'Пробный период скоро закончится. Чтобы сотрудники и потом могли войти в систему, нужны тариф и деньги на счёте.

Последний день пробного периода: {trial_ends_on}.

Если тариф ещё не выбран, выберите его; счёт пополните заранее. Все данные сохранятся.
Пополнить счёт: {pay_url}

{name}, лицевой счёт № {account_id}'),

  ('promise_ending', 'ru', 'Обещанный платёж заканчивается',
'Срок обещанного платежа заканчивается, а задолженность ещё не погашена.
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
Вход сотрудников закрыт с: {restricted_from}.

Доступ откроется, как только деньги поступят на счёт.
Чтобы их хватило до конца следующего месяца, пополните счёт на {top_up}.
Пополнить счёт: {pay_url}
Если оплатить сейчас не получается, воспользуйтесь услугой «Обещанный платёж»: '
|| 'доступ откроется на срок до {promise_days}.
Если вы уже оплатили, ничего делать не нужно: платёж скоро будет зачислен.

{name}, лицевой счёт № {account_id}'),

  ('payment', 'ru', 'Платёж получен: {amount}',
'Мы получили ваш платёж. Спасибо!

Сумма: {amount}.
Баланс: {balance}.
Последний оплаченный день: {lasts_until}.
Осталось погасить: {debt}.
Оплатить оставшиеся {debt}: {pay_url}

{name}, лицевой счёт № {account_id}'),

  ('document', 'ru', 'Вам выставлен {document}',
'Вам выставлен документ.

Документ: {document}.
Сумма: {amount}.

{name}, лицевой счёт № {account_id}'),

  ('active', 'en', 'Your access is open',
'All of your employees can sign in and work.

Balance: {balance}.
Last day paid for: {lasts_until}.

To have enough until the end of next month, please top up {top_up}.
Pay here: {pay_url}

{name}, account {account_id}'),

  ('trial', 'en', 'Your trial has been extended',
'Your trial has been extended: all of your employees can work free of charge.

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
A negative balance never closes access on a weekend or public holiday.
You may also pay on the first working day: access opens as soon as the money arrives.

To have enough until the end of next month, please top up {top_up}.
Pay here: {pay_url}
If you cannot pay before your employees are locked out, you can promise the payment then: '
|| 'access stays open for up to {promise_days}. This is possible once until the debt is paid.

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
If you cannot pay now, promise the payment: access opens for up to {promise_days}.

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
'Your money will soon be used up, and your employees will not be able to sign in.

Balance: {balance}.
Last day paid for: {lasts_until}.
Without a payment your employees will be locked out: {restricted_from}.

To have enough until the end of next month, please top up {top_up}.
Pay here: {pay_url}

{name}, account {account_id}'),

  ('trial_ending', 'en', 'Your trial is ending',
'Your trial ends soon. For your employees to sign in after it, you need a plan and money in your account.

Last day of the trial: {trial_ends_on}.

If you have not chosen a plan yet, please choose one; please top up in time. All of your data is kept.
Pay here: {pay_url}

{name}, account {account_id}'),

  ('promise_ending', 'en', 'Your promised payment is about to expire',
'Your promised payment is about to expire, and the debt is not paid yet.
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
If you cannot pay now, promise the payment: access opens for up to {promise_days}.
If you have paid already, there is nothing to do: your payment will be credited soon.

{name}, account {account_id}'),

  ('payment', 'en', 'Payment received: {amount}',
'We have received your payment. Thank you!

Amount: {amount}.
Balance: {balance}.
Last day paid for: {lasts_until}.
Still due: {debt}.
Pay the remaining {debt}: {pay_url}

{name}, account {account_id}'),

  ('document', 'en', 'Issued to you: {document}',
'A document has been issued to you.

Document: {document}.
Amount: {amount}.

{name}, account {account_id}');
