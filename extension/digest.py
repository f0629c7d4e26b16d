#!/usr/bin/python3
"""Recomputes all digests of a database without the extension; prints those that differ, and exits 1."""
import argparse
import hashlib
import json
import pathlib
import sqlite3
import sys

TABLES = [  # name of the line, columns, the column that says when a row took effect, order
    ("charge", "day, account_id, service_id, quantity, monthly_fee, unit_fee, amount", "day", "account_id, service_id"),
    ("payment", "*", "day", "payment_id"),
    ("adjustment", "*", "day", "adjustment_id"),
    ("promised_payment", "*", "granted_at", "promise_id"),
    ("usage_event", "*", "charged_on", "charged_on, account_id, service_id, quantity, occurred_at, usage_id"),
    ("account", "account_id, registered_on", "registered_on", "account_id"),
    ("account_terms", "*", "valid_from", "account_id, valid_from"),
    ("headcount", "*", "day", "account_id, day"),
    ("subscription_start", "account_id, service_id, started_on, quantity, price_list", "started_on", "1, 2, 3"),
    ("subscription_end", "account_id, service_id, started_on, ended_on", "ended_on", "1, 2, 3"),
    ("tariff", "*", "valid_from", "price_list, service_id, valid_from, min_quantity"),
    ("policy", "*", "valid_from", "valid_from"),
    ("calendar_exception", "*", "day", "day"),
    ("superseded", "*", "day", "superseded_id")]
arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("file", type=pathlib.Path, metavar="FILE")
file = arguments.parse_args().file
try:
    db = sqlite3.connect(file.absolute().as_uri() + "?mode=ro", uri=True)
    db.execute("SELECT 1 FROM day_close")
except sqlite3.Error as error:
    sys.exit(f"{file} holds no books that can be read: {error}")
previous, starts_at, wrong = None, "", 0
columns = "day, ends_at, closed_at, accounts, charges, charged, digest"
for *close, digest in db.execute(f"SELECT {columns} FROM day_close ORDER BY day").fetchall():
    lines, (day, ends_at) = [["digest", previous]], close[:2]
    for name, columns, at, order in TABLES:
        bounds = (starts_at, ends_at) if at == "granted_at" else (day if previous else "", day + "~")
        table = name.removesuffix("_start").removesuffix("_end")
        rows = db.execute(f"SELECT {columns} FROM {table} WHERE {at} >= ? AND {at} < ? ORDER BY {order}", bounds)
        lines += [[name, *row] for row in rows]
    lines += [["day_close", *close]]
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    previous, starts_at, computed = digest, ends_at, hashlib.sha256(text.encode()).hexdigest()
    if computed != digest:
        wrong = print(f"{day}: stored {digest}, computed {computed}") or 1
sys.exit(wrong)
