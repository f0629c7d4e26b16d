-- The relay refused the address: nothing more is sent there. Parameters: :recipient, :now, :detail.

INSERT INTO mail_suspended(address, since, detail) VALUES (:recipient, :now, :detail)
ON CONFLICT (address) DO UPDATE SET since = excluded.since, detail = excluded.detail;
