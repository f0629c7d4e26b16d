-- What the document says that a notice tells of. Parameters: :notice_id. No row: the notice tells of something else.

SELECT d.content
FROM notice AS n JOIN document AS d ON d.document_id = n.reference
WHERE n.notice_id = :notice_id AND n.kind = 'document';
