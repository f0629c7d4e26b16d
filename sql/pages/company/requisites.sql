-- GET /companies/{account_id}/requisites
-- Change the requisites of a company.
-- role: operator
-- answer: many
-- gives: html
-- account_id: integer!

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT 'shell' AS component, name AS title, '/companies' AS place FROM account WHERE account_id = :account_id;

SELECT 'form' AS component, say('Изменить реквизиты', 'Change the requisites') AS title,
       'PATCH /v1/accounts/' || :account_id AS writes, '/companies/' || :account_id || '/standing' AS shows,
       '/companies/' || :account_id AS back,
       1 AS clears;

SELECT f.value ->> 0 AS name, f.value ->> 1 AS type, say(f.value ->> 2, f.value ->> 3) AS label,
       CASE f.value ->> 0
         WHEN 'name' THEN a.name WHEN 'legal_name' THEN a.legal_name WHEN 'tax_id' THEN a.tax_id WHEN 'kpp' THEN a.kpp
         WHEN 'postal_address' THEN a.postal_address WHEN 'contract' THEN a.contract WHEN 'signatory' THEN a.signatory
         WHEN 'external_id' THEN a.external_id WHEN 'admin_email' THEN a.admin_email
         WHEN 'trial_ends_on' THEN a.trial_ends_on WHEN 'documents' THEN a.documents
         ELSE a.document_delivery END AS value,
       CASE f.value ->> 0
         WHEN 'documents' THEN json_array(json_array('bank', say('кто платит с расчётного счёта', 'who pays by bank')),
                                          json_array('always', say('всегда', 'always')),
                                          json_array('never', say('никогда', 'never')))
         WHEN 'document_delivery' THEN json_array(json_array('post', say('почтой', 'by post')),
                                                  json_array('email', say('по электронной почте', 'by e-mail'))) END
       AS options
FROM account AS a CROSS JOIN json_each('[["name","text","Название","Name"],
  ["legal_name","text","Юридическое лицо","Legal name"], ["tax_id","text","ИНН","Tax id"], ["kpp","text","КПП","KPP"],
  ["postal_address","text","Почтовый адрес","Postal address"], ["contract","text","Договор","Contract"],
  ["signatory","text","Подписывает","Signatory"], ["external_id","text","Внешний номер","External id"],
  ["admin_email","text","Почта администратора","Administrator''s e-mail"],
  ["trial_ends_on","day","Пробный период по","Trial up to"], ["documents","select","Документы","Documents"],
  ["document_delivery","select","Доставка документов","Delivery of documents"]]') AS f
WHERE a.account_id = :account_id ORDER BY f.key;
