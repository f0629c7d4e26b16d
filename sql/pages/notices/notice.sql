-- GET /notices/{notice_id}
-- A notice, as it is sent.
-- role: operator
-- answer: many
-- gives: html
-- notice_id: integer!

SELECT saldo_refuse('not_found', 'there is no notice ' || :notice_id)
WHERE NOT EXISTS (SELECT 1 FROM notice WHERE notice_id = :notice_id);

SELECT 'shell' AS component, subject AS title, '/notices' AS place FROM notice_message WHERE notice_id = :notice_id;

SELECT 'facts' AS component;
SELECT a.name AS "page_company", m.at, k.name AS "page_notice", m.severity
FROM notice_message AS m JOIN account AS a ON a.account_id = m.account_id JOIN notice_kind AS k ON k.kind = m.kind
WHERE m.notice_id = :notice_id;

WITH RECURSIVE line(place, text, rest) AS (
  SELECT 0, NULL, body || char(10) FROM notice_message WHERE notice_id = :notice_id
  UNION ALL
  SELECT place + 1, substr(rest, 1, instr(rest, char(10)) - 1), substr(rest, instr(rest, char(10)) + 1)
  FROM line WHERE rest <> '')
SELECT 'text' AS component, text FROM line WHERE place > 0 AND text <> '' ORDER BY place;

SELECT 'table' AS component, say('Кому отправлено', 'To whom it went') AS title;
SELECT channel, recipient, status, attempts, at, detail, action, action_link FROM (
  -- As it was each time before it was sent again, and as it is now.
  SELECT delivery_id, key AS place, channel, value ->> 0 AS recipient, value ->> 1 AS status, NULL AS attempts,
         value ->> 2 AS at, value ->> 3 AS detail, NULL AS action, NULL AS action_link
  FROM delivery CROSS JOIN json_each(earlier) WHERE notice_id = :notice_id
  UNION ALL
  SELECT delivery_id, json_array_length(coalesce(earlier, '[]')), channel, recipient, status, attempts,
         coalesce(done_at, since), detail, iif(status IN ('failed', 'waiting'), say('Ещё раз', 'Again'), NULL),
         '/notices/deliveries/' || delivery_id
  FROM delivery WHERE notice_id = :notice_id)
ORDER BY delivery_id, place;
