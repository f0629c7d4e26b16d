-- GET /documents/months/{month}/post.pdf
-- Those of a month's documents that go by post, each with its address, in one PDF.
-- role: operator
-- answer: one
-- gives: pdf
-- auth: session
-- month: month!

SELECT saldo_refuse('not_found', 'no document of ' || :month || ' goes by post')
WHERE NOT EXISTS (SELECT 1 FROM document WHERE month = :month AND content ->> '$.customer.document_delivery' = 'post');

-- Of each the last version, in the order of their numbers.
SELECT document_post_pdf(content) AS document, 'post-' || :month || '.pdf' AS http_file_name
FROM (SELECT content FROM document AS d
      WHERE month = :month AND content ->> '$.customer.document_delivery' = 'post'
        AND NOT EXISTS (SELECT 1 FROM document AS l WHERE l.corrects = coalesce(d.corrects, d.document_id)
                          AND l.correction_number > coalesce(d.correction_number, 0))
      ORDER BY kind, substr(issued_on, 1, 4), number);
