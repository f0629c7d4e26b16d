-- The vendor's catalogue: what is sold, and at what price. The prices are ILLUSTRATIVE, nobody's real ones.
--
-- Amounts are kopecks a month, tax included. A price is monthly_fee + unit_fee * quantity, in the tier of the
-- quantity; min_quantity is where the tier begins.

INSERT INTO service(service_id, name, kind, unit) VALUES
    ('crm', 'CRM', 'recurring', 'сотрудник'),
    ('owners_db', 'База собственников', 'recurring', 'доступ'),
    ('pbx', 'Виртуальная АТС', 'recurring', 'линия'),
    ('sms', 'SMS', 'usage', 'сообщение');

-- Who issues the documents, and at which tax rates. Made up too; whether a database is sold without tax is a question
-- for an accountant.
INSERT INTO issuer(valid_from, name, legal_name, tax_id, kpp, address, bank_name, bic, bank_account, corr_account,
                   director, accountant)
VALUES ('2025-12-01', 'Вендор', 'ООО «Вендор»', '7700000000', '770001001', '101000, Москва, Мясницкая, 1',
        'АО «Банк»', '044525000', '40702810000000000001', '30101810000000000000', 'Орлова М. И.', 'Громов С. П.');
INSERT INTO tax_rate(service_id, valid_from, basis_points) VALUES
    ('crm', '2025-12-01', 2000), ('pbx', '2025-12-01', 2000), ('sms', '2025-12-01', 2000),
    ('crm', '2026-01-01', 2200), ('pbx', '2026-01-01', 2200), ('sms', '2026-01-01', 2200),
    ('owners_db', '2025-12-01', NULL);

-- The CRM by headcount: 1-5, 6-10, 11-20, 21-50 and 51 or more employees.
INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee) VALUES
    ('standard', 'crm', '2025-12-01',  1,  199000,     0),
    ('standard', 'crm', '2025-12-01',  6,  349000,     0),
    ('standard', 'crm', '2025-12-01', 11,  599000,     0),
    ('standard', 'crm', '2025-12-01', 21, 1199000,     0),
    ('standard', 'crm', '2025-12-01', 51,       0, 24900),
-- ... and dearer from July on: a version is all the rows with one valid_from.
    ('standard', 'crm', '2026-07-01',  1,  219000,     0),
    ('standard', 'crm', '2026-07-01',  6,  379000,     0),
    ('standard', 'crm', '2026-07-01', 11,  649000,     0),
    ('standard', 'crm', '2026-07-01', 21, 1299000,     0),
    ('standard', 'crm', '2026-07-01', 51,       0, 26900),
-- Partners pay a fifth less, and their price has not changed.
    ('partner',  'crm', '2025-12-01',  1,  159200,     0),
    ('partner',  'crm', '2025-12-01',  6,  279200,     0),
    ('partner',  'crm', '2025-12-01', 11,  479200,     0),
    ('partner',  'crm', '2025-12-01', 21,  959200,     0),
    ('partner',  'crm', '2025-12-01', 51,       0, 19900);

INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee) VALUES
    ('standard', 'owners_db', '2025-12-01',    1, 99000,     0),
    ('partner',  'owners_db', '2025-12-01',    1, 79000,     0),
    ('standard', 'pbx',       '2025-12-01',    1, 29000, 15000),
    ('standard', 'pbx',       '2025-12-01',    6, 29000, 13500),
    ('partner',  'pbx',       '2025-12-01',    1,     0, 13500),
-- Usage is priced by the messages of one day.
    ('standard', 'sms',       '2025-12-01',    1,     0,   250),
    ('standard', 'sms',       '2025-12-01', 1001,     0,   220);
