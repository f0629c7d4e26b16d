"""Random queries over the virtual tables.

Each is a tree that can be written for the tables and for their copies, and shortened.
"""

import copy
import itertools

from books import TABLES, plus_days
from conditions import AT, DAYS, LOWER, UPPER, Group, Leaf, asked_for, leaves, names_in, own, rows_of

COLUMNS = {
    "daily_charge": [
        "account_id",
        "day",
        "service_id",
        "quantity",
        "price_list",
        "valid_from",
        "min_quantity",
        "monthly_fee",
        "unit_fee",
        "amount",
    ],
    "access_state": [
        "account_id",
        "day",
        "at",
        "state",
        "employees_allowed",
        "admin_allowed",
        "balance",
        "accrued",
        "arrears_since",
        "restricted_from",
        "promised_until",
        "promise_allowed",
        "lasts_until",
    ],
    "working_calendar": ["day", "working", "name"],
    "account": ["account_id", "registered_on"],
    "days": ["day", "account_id"],
    "moments": ["at"],
    "pairs": ["account_id", "day", "at"],
    "mine": ["id"],
    "yours": ["id"],
}
KEYS = {
    "daily_charge": ["account_id", "day", "service_id"],
    "access_state": ["account_id", "day", "at"],
    "working_calendar": ["day"],
}
ACROSS_MAX = 6  # days asked for at once where tables are joined
# Readings of one query, where SQLite may or may not hand conditions down: nine of each SELECT at the most.
READINGS_MAX = 81


class Ref:
    """A table in FROM. `via`: the name itself, a subquery, a view, a temp view, or a common table expression."""

    def __init__(self, table, alias, join="", on=(), using=(), via="table"):
        self.table, self.alias, self.join, self.on, self.using, self.via = (
            table,
            alias,
            join,
            list(on),
            list(using),
            via,
        )
        self.asks_by_using = 0

    @property
    def is_virtual(self):
        return self.table in TABLES


class Block:
    """A SELECT. `blocks` are its subqueries, which the texts of `select` and `where` name as {b0}, {b1}…"""

    def __init__(self, refs, where=(), select=(), group=(), order=(), distinct=False, limit=None):
        self.refs, self.where, self.select, self.group = refs, list(where), list(select), list(group)
        self.order, self.distinct, self.limit = list(order), distinct, limit
        self.outer_names = {}
        self.shape = "plain"


class Query:
    """`kind` says how the blocks are put together."""

    def __init__(self, kind, blocks, extra=None, params=None):
        self.kind, self.blocks, self.extra, self.params = kind, blocks, extra or {}, params or {}


# Writing


def subquery_names(is_copy):
    """The tables in subqueries of conditions, each of which asks for days of its own."""
    if not is_copy:
        return {f"t_{table}": table for table in TABLES}
    return {f"t_{table}": f"{table}_copy" for table in TABLES} | {
        "t_access_state": "(SELECT * FROM access_state_copy WHERE rowid % 10 <> 1)"
    }


def names_for(block, is_copy):
    names = {ref.alias: ref.alias + "." for ref in block.refs}
    names |= block.outer_names
    return names | subquery_names(is_copy)


def asked_by(block, book):
    """For each virtual table of FROM what it is asked for."""
    names = names_for(block, True)
    result = {}
    for i, ref in enumerate(block.refs):
        if not ref.is_virtual:
            continue
        is_left = "LEFT" in ref.join
        conditions = list(ref.on)
        weak = []
        if is_left:
            weak = block.where
        else:
            conditions += block.where
        for later in block.refs[i + 1:]:
            if "LEFT" not in later.join:
                conditions += later.on
        if ref.asks_by_using:
            conditions.append(Leaf("1", {ref.alias: ref.asks_by_using}))
        if ref.via == "fence":
            conditions, weak = [], conditions + weak
        asked = asked_for(ref.table, ref.alias, conditions, weak, book, names)
        if ref.via == "fence":
            asked.may_fail = True
        # SQLite tries a list of days only together with a list that has a value from another table.
        asked.may_fail = asked.may_fail or any(
            leaf.text.startswith(f"{{{ref.alias}}}account_id IN ({{") for c in conditions for leaf in leaves(c)
        )
        if len(block.refs) > 1 and asked.must_fail:  # another table may have no rows
            asked.must_fail, asked.may_fail = False, True
        result[ref.alias] = asked
        asked.by = (
            by_others(ref.alias, conditions)
            if not ref.asks_by_using
            else {other.alias for other in block.refs if other is not ref}
        )
    # Two tables that ask each other, and nothing else that says which days: whichever is read first answers for its
    # default.
    for alias, asked in result.items():
        for other in asked.by & set(result):
            if result[other].how in ("default", "told", "in part", "from"):
                ref = next(ref for ref in block.refs if ref.alias == alias)
                own_conditions = [c for r in block.refs for c in r.on + block.where if own(c, alias)]
                other_ref = next(ref for ref in block.refs if ref.alias == other)
                asked.predicates += asked_for(ref.table, alias, own_conditions, [], book, names).predicates
                result[other].predicates.append(rows_of(other_ref.table, DAYS, other, book))
                asked.may_fail, asked.how = True, "each other"
    return result


def by_others(alias, conditions):
    """The other tables whose values say what a table is asked for."""
    return {
        name
        for condition in conditions
        for leaf in leaves(condition)
        if leaf.asks.get(alias)
        for name in names_in(leaf.text)
    } - {alias}


def write_from(block, predicates):
    """`predicates`: alias -> the copy's rows; None: the tables themselves."""
    names = names_for(block, predicates is not None)
    parts = []
    ctes = []
    for ref in block.refs:
        if not ref.is_virtual:
            text = ref.table
        elif predicates is not None:
            text = f"(SELECT {ref.alias}.* FROM {ref.table}_copy AS {ref.alias} WHERE {predicates[ref.alias]})"
        elif ref.via == "subquery":
            text = f"(SELECT * FROM {ref.table})"
        elif ref.via == "view":
            text = "all_" + ref.table
        elif ref.via == "temp view":
            text = "my_" + ref.table
        elif ref.via in ("cte", "fence"):
            text = f"cte_{ref.alias}"
            fence = "MATERIALIZED " if ref.via == "fence" else ""
            ctes.append(f"{text} AS {fence}(SELECT * FROM {ref.table})")
        else:
            text = ref.table
        text = f"{ref.join}{text} AS {ref.alias}"
        if ref.using:
            text += f" USING ({', '.join(ref.using)})"
        if ref.on:
            text += " ON " + " AND ".join(condition.sql(names) for condition in ref.on)
        parts.append(text)
    return "".join(parts), ctes


def write_block(block, predicates, with_order=True):
    names = names_for(block, predicates is not None)
    source, ctes = write_from(block, predicates)
    sql = f"WITH {', '.join(ctes)} " if ctes else ""
    keys = [expression for expression, _ in block.order] if not (block.distinct or block.group) else []
    sql += "SELECT " + ("DISTINCT " if block.distinct else "") + ", ".join(block.select + keys) + f" FROM {source}"
    if block.where:
        sql += " WHERE " + " AND ".join(condition.sql(names) for condition in block.where)
    if block.group:
        sql += " GROUP BY " + ", ".join(block.group)
    if with_order and block.order:
        sql += " ORDER BY " + ", ".join(f"{expression}{direction}" for expression, direction in block.order)
    if block.limit:
        sql += block.limit
    return sql


def write(query, book, choice):
    """`choice`: None for the tables themselves, else one dictionary of predicates for each block."""
    texts = [write_block(block, None if choice is None else choice[i]) for i, block in enumerate(query.blocks)]
    kind = query.kind
    if kind == "plain":
        return texts[0]
    if kind == "count":
        return f"SELECT count(*) FROM ({texts[0]})"
    if kind == "outer":
        names = {"s": "q."} | subquery_names(choice is not None)
        where = " AND ".join(condition.sql(names) for condition in query.extra["where"]) or "1"
        return f"SELECT {query.extra['select']} FROM ({texts[0]}) AS q WHERE {where}"
    if kind == "cte":
        return f"WITH q AS {query.extra['fence']}({texts[0]}) SELECT * FROM q UNION ALL SELECT * FROM q"
    if kind == "exists":
        return f"SELECT a.account_id FROM account AS a WHERE {query.extra['not']}EXISTS ({texts[0]})"
    if kind == "scalar":
        return f"SELECT {query.extra['outer']}, ({texts[0]}) FROM {query.extra['from']} WHERE 1"
    if kind == "in":
        return f"SELECT account_id FROM account WHERE account_id {query.extra['not']}IN ({texts[0]})"
    if kind == "compound":
        return f"{texts[0]} {query.extra['operator']} {texts[1]}"
    raise AssertionError(kind)


class Meaning:
    """The query's text, those over the copies that are right, and whether an error is right."""

    def __init__(self, query, book):
        self.sql = write(query, book, None)
        asked = [asked_by(block, book) for block in query.blocks]
        flat = [a for by_alias in asked for a in by_alias.values()]
        self.must_fail = any(a.must_fail for a in flat) and query.kind in ("plain", "count", "scalar")
        self.may_fail = any(a.may_fail or a.must_fail for a in flat) or query.extra.get("may_fail", False)
        self.how = "+".join(sorted({a.how for a in flat}))
        choices = []
        for by_alias in asked:
            options = [list(dict.fromkeys(a.predicates)) for a in by_alias.values()]
            choices.append([dict(zip(by_alias, combination)) for combination in itertools.product(*options)])
        self.right = list(
            dict.fromkeys(
                write(query, book, combination)
                for combination in itertools.islice(itertools.product(*choices), READINGS_MAX)
            )
        )
        block = query.blocks[0]
        self.order_columns = []
        if query.kind == "plain" and block.order:
            # The columns of ORDER BY are among the columns selected, or added to them.
            if block.distinct or block.group:
                self.order_columns = [block.select.index(expression) for expression, _ in block.order]
            else:
                self.order_columns = list(range(-len(block.order), 0))
        self.limited = any(block.limit for block in query.blocks)


# Generating


class Generator:
    def __init__(self, random, book):
        self.random, self.book = random, book
        self.params = {}

    def chance(self, p):
        return self.random.random() < p

    def pick(self, *weighted):
        """pick((weight, value)…)"""
        return self.random.choices([value for _, value in weighted], [weight for weight, _ in weighted])[0]

    # Values

    def bind(self, value):
        name = f"p{len(self.params)}"
        self.params[name] = value
        return ":" + name

    @staticmethod
    def literal(value):
        if value is None:
            return "NULL"
        return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)

    def value(self, value):
        return self.bind(value) if self.chance(0.25) else self.literal(value)

    def day(self):
        book = self.book
        return self.random.choice(
            self.pick(
                (6, book.days),
                (2, [book.open_day, plus_days(book.open_day, 1)]),
                (1, [book.opening, plus_days(book.open_day, -1)]),
            )
        )

    def day_value(self):
        day = self.day()
        return self.pick(
            (12, lambda: self.value(day)),
            (1, lambda: f"(SELECT '{day}')"),
            (1, lambda: f"date('{day}', '+0 days')"),
            (1, lambda: "(SELECT max(day) FROM days)"),
            (1, lambda: "(SELECT open_day FROM books)"),
            (1, lambda: f"(SELECT min(day) FROM {{t_working_calendar}} WHERE day = '{day}')"),
        )()

    def bound(self, is_upper):
        if self.chance(0.85):
            return self.day_value()
        day = self.day()
        malformed = [day + "x", day + "T12:00:00Z", day[:8] + "31", day[:8], day[:7], ""]
        if not is_upper:
            malformed += ["x", 5, 7.5]
            malformed.remove("")  # the calendar begins long before the copy
        return self.value(self.random.choice(malformed + [None]))

    def two_days(self, across):
        low = self.random.choice(self.book.days[:-1])
        high = plus_days(low, self.random.randrange(0, ACROSS_MAX if across else len(self.book.days)))
        return low, min(high, self.book.last_day)

    def instant(self):
        return self.random.choice(self.book.instants)

    def account_value(self):
        account = self.random.choice(self.book.accounts)
        value = self.pick(
            (12, account),
            (1, str(account)),
            (1, f"{account}.0"),
            (1, float(account)),
            (1, account + 0.5),
            (1, f"{account}x"),
            (1, f" {account}"),
            (1, None),
            (1, 99),
        )
        return self.value(value)

    # Conditions of one table, {s}

    def asks_closed(self, table, s, across=False):
        """A list of conditions that bound the days, or say which instants."""
        if table == "access_state" and self.chance(0.3):
            return [self.asks_at(s)]
        low, high = self.two_days(across)
        book, day = self.book, f"{{{s}}}day"

        def leaf(text, fallible=False):
            return Leaf(text, {s: DAYS}, fallible=fallible)

        def lower(text):
            return Leaf(text, {s: LOWER})

        def upper(text):
            return Leaf(text, {s: UPPER})

        def some():
            return ", ".join(self.day_value() for _ in range(self.random.randrange(1, 5)))

        value = self.value
        has_account = table != "working_calendar"
        account = f"{{{s}}}account_id"
        choices = [
            (3, lambda: [leaf(f"{day} = {self.day_value()}")]),
            (1, lambda: [leaf(f"{self.day_value()} = {day}")]),
            (2, lambda: [leaf(f"{day} IS {self.day_value()}")]),
            (3, lambda: [leaf(f"{day} IN ({some()})")]),
            (1, lambda: [leaf(f"{day} IN (NULL, {some()})")]),
            (2, lambda: [leaf(f"{day} IN (SELECT day FROM days)")]),
            (
                1,
                lambda: [
                    leaf(
                        f"{day} IN (SELECT day FROM {{t_working_calendar}} WHERE day BETWEEN '{low}' AND '{high}'"
                        f"{' AND working' if self.chance(0.5) else ''})"
                    )
                ],
            ),
            (1, lambda: [leaf(f"{day} IN (VALUES ('{low}'), ('{high}'))")]),
            (1, lambda: [leaf(f"{day} IN (SELECT '{low}' UNION SELECT day FROM pairs)")]),
            (6, lambda: [leaf(f"{day} BETWEEN {value(low)} AND {value(high)}")]),
            (
                3,
                lambda: [
                    lower(f"{day} {self.random.choice(['>=', '>'])} {value(low)}"),
                    upper(f"{day} {self.random.choice(['<=', '<'])} {value(high)}"),
                ],
            ),
            (1, lambda: [lower(f"{value(low)} <= {day}"), upper(f"{value(high)} >= {day}")]),
            (1, lambda: [lower(f"{day} >= {value(low)}"), upper(f"{day} <= {self.bound(True)}")]),
            (1, lambda: [lower(f"{day} >= {self.bound(False)}"), upper(f"{day} <= {value(high)}")]),
            (1, lambda: [leaf(f"{day} BETWEEN {value(low)} AND {value(high)}"), leaf(f"{day} = {self.day_value()}")]),
            (0.5, lambda: [leaf(f"{day} = {value(self.malformed())}", True)]),
            (0.5, lambda: [leaf(f"{day} IN ({self.day_value()}, {value(self.malformed())})", True)]),
        ]
        if not across:
            choices += [
                (1, lambda: [upper(f"{day} <= {value(high)}")]),
                (1, lambda: [upper(f"{day} < {self.bound(True)}")]),
            ]
        if has_account:
            def pair():
                return f"({self.random.choice(book.accounts)}, '{self.day()}')"

            choices += [
                (1, lambda: [leaf(f"({account}, {day}) IN (VALUES {pair()})")]),
                (1, lambda: [leaf(f"({account}, {day}) IN (SELECT * FROM (VALUES {pair()}, {pair()}, {pair()}))")]),
                (1, lambda: [leaf(f"({account}, {day}) IN (SELECT account_id, day FROM pairs)")]),
                (
                    0.5,
                    lambda: [
                        leaf(
                            f"({day}, {account}) IN"
                            f" (SELECT * FROM (SELECT day, account_id FROM pairs UNION SELECT '{low}', 3))"
                        )
                    ],
                ),
                (0.5, lambda: [leaf(f"({account}, {day}) = {pair()}")]),
                (0.5, lambda: [leaf(f"({account}, {day}) = (SELECT account_id, day FROM pairs LIMIT 1)")]),
            ]
        return self.pick(*choices)()

    def malformed(self):
        day = self.day()
        return self.random.choice([day[:8] + "32", "x", "", day[:7], day + "x", " " + day, 5, 7.5])

    def asks_at(self, s):
        at = f"{{{s}}}at"
        account = f"{{{s}}}account_id"

        def leaf(text, fallible=False):
            return Leaf(text, {s: AT}, fallible=fallible)

        def value():
            return self.value(self.instant())

        def pair():
            return f"({self.random.choice(self.book.accounts)}, '{self.instant()}')"

        return self.pick(
            (4, lambda: leaf(f"{at} = {value()}")),
            (1, lambda: leaf(f"{at} IS {value()}")),
            (3, lambda: leaf(f"{at} IN ({value()}, {value()}, {value()})")),
            (1, lambda: leaf(f"{at} IN (SELECT at FROM moments)")),
            (1, lambda: leaf(f"{at} = (SELECT max(at) FROM moments)")),
            (1, lambda: leaf(f"{at} = {self.value(self.malformed())}", True)),
            (0.5, lambda: Leaf(f"({account}, {at}) IN (VALUES {pair()}, {pair()})", {s: AT}, "perhaps", True)),
            (1, lambda: leaf(f"({account}, {at}) IN (SELECT * FROM (VALUES {pair()}, {pair()}))")),
            (1, lambda: leaf(f"({account}, {at}) IN (SELECT account_id, at FROM pairs)")),
        )()

    def asks_lower(self, s):
        day = f"{{{s}}}day"
        return Leaf(
            self.pick(
                (3, f"{day} >= {self.bound(False)}"),
                (1, f"{day} > {self.bound(False)}"),
                (1, f"{self.bound(False)} <= {day}"),
            ),
            {s: LOWER},
        )

    def told(self, table, s):
        day, at, v = f"{{{s}}}day", f"{{{s}}}at", self.value(self.instant())
        month = self.book.open_day[:7]
        globs = [f"{day} GLOB '{month}-*'"]  # which SQLite hands down as a range
        texts = [f"{day} LIKE '{month}-%'", f"{day} LIKE '%5'", f"{day} GLOB '*5'"]
        if table == "access_state":
            texts += [
                f"{at} > {v}",
                f"{at} <= {v}",
                f"{at} BETWEEN {v} AND {v}",
                f"{at} LIKE '{month}%'",
                f"{at} GLOB '{month}*'",
            ]
        if self.chance(0.1):
            return Leaf(globs[0], {s: DAYS}, kind="perhaps", fallible=True)
        return Leaf(self.random.choice(texts), kind="told")

    def filter_leaf(self, table, s):
        """What says nothing, or nothing that can be handed down, about days."""
        book, day = self.book, f"{{{s}}}day"
        account, service = f"{{{s}}}account_id", f"{{{s}}}service_id"
        texts = [
            (1, lambda: f"{day} <> {self.day_value()}"),
            (1, lambda: f"{day} NOT IN ({self.day_value()}, {self.day_value()})"),
            (1, lambda: f"{day} IS NOT {self.day_value()}"),
            (1, lambda: f"substr({day}, 9) > '10'"),
            (1, lambda: f"{day} NOT BETWEEN {self.day_value()} AND {self.day_value()}"),
            (1, lambda: f"coalesce({day}, 1) = {self.day_value()}"),
            (0.5, lambda: f"{day} IS NOT NULL"),
            (0.5, lambda: f"+{day} = {self.day_value()}"),
        ]
        if table != "working_calendar":
            number = self.account_value
            texts += [
                (6, lambda: f"{account} = {number()}"),
                (2, lambda: f"{account} IN ({number()}, {number()}, {number()})"),
                (3, lambda: f"{account} IN (SELECT id FROM {self.random.choice(['mine', 'yours', 'typed'])})"),
                (2, lambda: f"{account} {self.random.choice(['<', '<=', '>', '>='])} {number()}"),
                (1, lambda: f"{account} BETWEEN {number()} AND {number()}"),
                (1, lambda: f"{account} IS {number()}"),
                (1, lambda: f"{account} <> {number()}"),
                (1, lambda: f"{account} NOT IN ({number()}, {number()})"),
                (1, lambda: f"{account} NOT IN (SELECT id FROM mine)"),
                (1, lambda: f"{account} + 0 = {number()}"),
                (1, lambda: f"EXISTS (SELECT 1 FROM mine WHERE id = {account})"),
                (1, lambda: f"{account} IN (SELECT a.account_id FROM account AS a WHERE a.registered_on <= {day})"),
                (1, lambda: f"{account} = (SELECT max(id) FROM mine)"),
                (
                    0.5,
                    lambda: f"{account} IN (SELECT account_id FROM {{t_access_state}}"
                    f" WHERE day = '{self.day()}' AND state = 'active')",
                ),
                (
                    0.5,
                    lambda: f"{account} IN (SELECT account_id FROM {{t_daily_charge}}"
                    f" WHERE day BETWEEN '{book.opening}' AND '{self.day()}'"
                    " AND (account_id < 4 OR service_id = 'crm'))",
                ),
            ]
        if table == "daily_charge":
            texts += [
                (3, lambda: f"{service} = {self.value(self.random.choice(book.services + ['x', 5]))}"),
                (1, lambda: f"{service} IN ('crm', 'sms', NULL)"),
                (1, lambda: f"{service} >= 'db'"),
                (1, lambda: f"{service} LIKE '%m%'"),
                (1, lambda: f"{service} IS 'sms'"),
                (1, lambda: f"{service} <> 'db'"),
                (2, lambda: f"{{{s}}}amount > {self.random.randrange(0, 90)}"),
                (1, lambda: f"{{{s}}}quantity = 2"),
                (1, lambda: f"{{{s}}}valid_from < {day}"),
                (1, lambda: f"{{{s}}}price_list = 'standard'"),
            ]
        elif table == "access_state":
            state = f"{{{s}}}state"
            texts += [
                (3, lambda: f"{state} = '{self.random.choice(['active', 'grace', 'restricted', 'trial'])}'"),
                (1, lambda: f"{state} IN ('active', 'paused')"),
                (1, lambda: f"{state} LIKE '%t%'"),
                (2, lambda: f"{{{s}}}balance < {self.random.randrange(-100, 400)}"),
                (1, lambda: f"{{{s}}}employees_allowed"),
                (1, lambda: f"{{{s}}}arrears_since IS NULL"),
                (1, lambda: f"{{{s}}}lasts_until >= {day}"),
                (1, lambda: f"{{{s}}}accrued > 0"),
            ]
        else:
            texts += [
                (3, lambda: f"{{{s}}}working = {self.random.randrange(2)}"),
                (1, lambda: f"{{{s}}}working"),
                (1, lambda: f"{{{s}}}name IS NULL"),
            ]
        if self.chance(0.06):
            return self.perhaps(table, s)
        return Leaf(self.pick(*texts)())

    def perhaps(self, table, s):
        """What SQLite may or may not show to a table (extension/README.md, limits)."""
        day, account = f"{{{s}}}day", f"{{{s}}}account_id"

        def accounts():
            return self.random.choice(self.book.accounts)

        texts = [
            f"{day} = '{self.day()}' COLLATE NOCASE",
            f"{day} = '{self.day()}' COLLATE RTRIM",
            f"{day} COLLATE NOCASE <= '{self.day()}'",
        ]
        if table != "working_calendar":
            texts += [
                f"({day}, {account}) <= ('{self.day()}', {accounts()})",
                f"({account}, {day}) > ({accounts()}, '{self.day()}')",
                f"({account}, {day}) IN (VALUES ({accounts()}, '{self.day()}'), ({accounts()}, '{self.day()}'))",
                f"({day}, {account}) IN (SELECT day, account_id FROM pairs UNION SELECT '{self.day()}', 3)",
            ]
        return Leaf(self.random.choice(texts), {s: DAYS}, kind="perhaps", fallible=True)

    def any_condition(self, table, s, depth=0):
        """A condition beside those that ask: often an OR, some of whose branches may name days themselves."""

        def branch():
            return self.pick(
                (5, lambda: self.filter_leaf(table, s)),
                (
                    2,
                    lambda: self.all_of(
                        self.asks_closed(table, s)
                        if table != "access_state" or self.chance(0.2)
                        else self.no_instants(table, s)
                    ),
                ),
                (1, lambda: self.asks_lower(s)),
                (1, lambda: self.told(table, s)),
                (3 if depth < 2 else 0, lambda: self.any_condition(table, s, depth + 1)),
            )()

        return self.pick(
            (3 if depth else 6, lambda: self.filter_leaf(table, s)),
            (8, lambda: Group("OR", [branch() for _ in range(self.random.randrange(2, 4))])),
            (2 if depth else 1, lambda: Group("AND", [branch() for _ in range(2)])),
            (1, lambda: Group("NOT", [branch()])),
            (1, lambda: self.told(table, s)),
        )()

    def no_instants(self, table, s):
        while True:
            conditions = self.asks_closed(table, s)
            if not any(AT & bits for condition in conditions for bits in condition.asks.values()):
                return conditions

    @staticmethod
    def all_of(conditions):
        return conditions[0] if len(conditions) == 1 else Group("AND", conditions)

    def or_that_asks(self, table, s, across=False, depth=0):
        """An OR each of whose branches asks: the only thing that bounds the days."""

        def branch():
            conditions = self.asks_closed(table, s, across)
            if not across and self.chance(0.1):
                conditions = [self.asks_lower(s)]
            if self.chance(0.5):
                conditions = conditions + [self.filter_leaf(table, s)]
            if depth == 0 and self.chance(0.15):
                conditions = [self.or_that_asks(table, s, across, 1)]
            self.random.shuffle(conditions)
            return self.all_of(conditions)

        return Group("OR", [branch() for _ in range(self.random.randrange(2, 4))])

    def conditions(self, table, s, across=False, closed_only=False):
        how = self.pick(
            (55, "closed"),
            (0 if closed_only else 15, "or"),
            (0 if closed_only or across else 10, "lower"),
            (0 if closed_only or table == "access_state" else 12, "default"),
            (0 if closed_only or across else 6, "told"),
            (0 if closed_only or across else 5, "part"),
        )
        conditions = {
            "closed": lambda: self.asks_closed(table, s, across),
            "or": lambda: [self.or_that_asks(table, s, across)],
            "lower": lambda: [self.asks_lower(s)],
            "default": lambda: [],
            "told": lambda: [self.told(table, s)],
            "part": lambda: [Group("OR", [self.all_of(self.no_instants(table, s)), self.filter_leaf(table, s)])],
        }[how]()
        if how == "told":
            return (
                conditions
                + [
                    Leaf(f"{{{s}}}account_id = {self.random.choice(self.book.accounts)}")
                    for _ in range(self.random.randrange(2))
                ]
                if table != "working_calendar"
                else conditions
            )
        for _ in range(self.pick((3, 0), (5, 1), (3, 2), (1, 3))):
            conditions.append(
                self.any_condition(table, s) if not across or self.chance(0.3) else self.filter_leaf(table, s)
            )
        self.random.shuffle(conditions)
        return conditions

    # What is selected

    def finish(self, block, virtual):
        """Select list, grouping, order and limit."""
        columns = [f"{ref.alias}.{column}" for ref in block.refs for column in COLUMNS[ref.table]]
        keys = [f"{ref.alias}.{column}" for ref in virtual for column in KEYS[ref.table]]
        numbers = [
            column
            for column in columns
            if column.split(".")[1]
            in ("account_id", "amount", "balance", "accrued", "quantity", "working", "promise_allowed")
        ] or ["1"]
        texts = [
            column for column in columns if column.split(".")[1] in ("day", "at", "state", "service_id", "name")
        ] or ["'t'"]

        def some(of, most):
            return self.random.sample(of, min(len(of), self.random.randrange(1, most + 1)))

        def aggregates():
            return some([
                "count(*)",
                f"sum({self.random.choice(numbers)})",
                f"min({self.random.choice(texts)})",
                f"max({self.random.choice(texts)})",
                f"count(DISTINCT {self.random.choice(columns)})",
                f"total({self.random.choice(numbers)})",
                f"count(*) FILTER (WHERE {self.random.choice(numbers)} > 2)",
            ], 3)

        how = self.pick((5, "rows"), (1, "star"), (4, "aggregate"), (3, "group"), (2, "distinct"))

        def direction():
            return self.pick((3, ""), (1, " ASC"), (2, " DESC"))

        if how in ("rows", "star"):
            block.select = some(columns, 4) if how == "rows" else [f"{ref.alias}.*" for ref in virtual]
            if self.chance(0.6):
                order = self.pick(
                    (3, keys),
                    (1, keys[:1]),
                    (1, keys[:2]),
                    (3, some(columns, 3)),
                    (1, list(reversed(keys))),
                    (1, [f"+{keys[0]}", keys[-1]]),
                )
                block.order = [(key, direction() if self.chance(0.5) else "") for key in order]
                if self.chance(0.3):
                    present = {key for key, _ in block.order}
                    if len(virtual) == len(block.refs):
                        block.order += [(key, "") for key in keys if key not in present]
                    block.limit = f" LIMIT {self.random.randrange(1, 9)}" + (
                        f" OFFSET {self.random.randrange(9)}" if self.chance(0.5) else ""
                    )
        elif how == "aggregate":
            block.select = aggregates()
        else:
            block.group = some(self.pick((2, keys), (2, columns)), 3)
            block.select = list(block.group)
            block.order = [(key, direction()) for key in block.group if self.chance(0.6)]
            if how == "group":
                block.select += aggregates()
            else:
                block.group, block.distinct = [], True
        return block

    # Shapes

    def one_table(self, closed_only=False):
        table = self.pick((4, "daily_charge"), (5, "access_state"), (1, "working_calendar"))
        s = "s"
        via = self.pick((14, "table"), (1, "subquery"), (1, "view"), (1, "temp view"), (1, "cte"), (0.5, "fence"))
        block = Block([Ref(table, s, via=via)], self.conditions(table, s, closed_only=closed_only))
        return self.finish(block, block.refs)

    def with_plain_table(self):
        table = self.pick((3, "daily_charge"), (4, "access_state"), (1, "working_calendar"))
        other = self.pick(
            (0 if table == "working_calendar" else 3, "account"),
            (3, "days"),
            (2, "pairs"),
            (2 if table == "access_state" else 0, "moments"),
            (0 if table == "working_calendar" else 2, "mine"),
            (0 if table == "working_calendar" else 1, "yours"),
        )
        o, s = Ref(other, "o"), Ref(table, "s")
        link = []
        asked = False
        if other in ("days", "pairs"):
            asked = self.chance(0.75)
            if asked:
                text = self.pick(
                    (4, "{s}day = {o}day"),
                    (1, "{o}day = {s}day"),
                    (1, "{s}day IS {o}day"),
                    (1, "{s}day BETWEEN {o}day AND date({o}day, '+3 days')"),
                    (1, "{s}day >= {o}day AND {s}day < date({o}day, '+3 days')"),
                    (1, "{s}day IN ({o}day, date({o}day, '+1 day'))"),
                    (1, "({s}day = {o}day OR {s}day = date({o}day, '+2 days'))"),
                    (1, "{s}day = date({o}day, '+1 day')"),
                )
                link.append(Leaf(text, {"s": DAYS}, fallible=" OR " in text))
            if table != "working_calendar" and self.chance(0.6):
                link.append(Leaf("{s}account_id = {o}account_id"))
        if other == "pairs" and table == "access_state" and not asked and self.chance(0.7):
            link.append(Leaf("{s}at = {o}at", {"s": AT}))
            asked = True
        if other == "moments":
            link.append(
                Leaf(
                    self.pick(
                        (3, "{s}at = {o}at"), (1, "{s}at IS {o}at"), (1, "{s}at IN ({o}at, '" + self.instant() + "')")
                    ),
                    {"s": AT},
                )
            )
            asked = True
        if other == "account":
            link.append(
                Leaf(
                    self.pick(
                        (4, "{s}account_id = {o}account_id"),
                        (1, "{s}account_id <= {o}account_id"),
                        (1, "{s}account_id IN ({o}account_id, 3)"),
                        (1, "({s}account_id = {o}account_id OR {s}account_id = 3)"),
                    )
                )
            )
        if other in ("mine", "yours"):
            link.append(Leaf("{s}account_id = {o}id"))
        own_conditions = (
            self.conditions(table, "s", across=True, closed_only=True)
            if not asked
            else [self.filter_leaf(table, "s") for _ in range(self.random.randrange(3))]
        )
        return self.joined(o, s, link, own_conditions, asked)

    def joined(self, o, s, link, own_conditions, asked, others=()):
        """`s` is the virtual table that `link` ties to `o`."""
        how = self.pick((5, " JOIN "), (3, ", "), (2, " CROSS JOIN "), (4, " LEFT JOIN "))
        first, second = (o, s) if how == " LEFT JOIN " or self.chance(0.5) else (s, o)
        second.join = how
        where = list(others)
        if how == " LEFT JOIN ":
            second.on = link + [condition for condition in own_conditions]
            if self.chance(0.1):
                moved = second.on.pop()
                where.append(moved)
            if self.chance(0.2):
                where.append(Leaf("{s}day IS NULL"))
        elif how == ", ":
            where += link + own_conditions
        else:
            target = second.on if self.chance(0.7) else where
            target += link
            (second.on if self.chance(0.3) else where).extend(own_conditions)
        if how == " CROSS JOIN " and first is s:
            # SQLite reads `s` first, and shows it no comparison with `o`.
            for leaf in (leaf for condition in link for leaf in leaves(condition)):
                leaf.kind = "perhaps" if leaf.asks else leaf.kind
        self.random.shuffle(where)
        block = Block([first, second], where)
        return self.finish(block, [ref for ref in block.refs if ref.is_virtual])

    def two_virtual(self):
        table = self.pick((3, "daily_charge"), (4, "access_state"), (1, "working_calendar"))
        other = self.pick((3, "daily_charge"), (2, "access_state"), (3, "working_calendar"))
        o, s = Ref(other, "o"), Ref(table, "s")
        own_o = self.conditions(other, "o", across=True, closed_only=True)
        shared = [column for column in ("account_id", "day") if column in COLUMNS[table] and column in COLUMNS[other]]
        if self.chance(0.25) and not (table == other == "access_state"):
            # USING, or NATURAL where the tables have nothing else in common
            natural = self.chance(0.5) and table != other
            first, second = (o, s) if self.chance(0.5) else (s, o)
            join = self.pick((4, " JOIN "), *([(2, " LEFT JOIN "), (1, " CROSS JOIN ")] if first is o else []))
            s.asks_by_using = DAYS
            second.join = join if not natural else " NATURAL" + join
            if not natural:
                second.using = self.pick((2, shared), (1, ["day"]))
            where = own_o + [
                self.filter_leaf(table, "s") for _ in range(self.random.randrange(2)) if "LEFT" not in join
            ]
            block = Block([first, second], where)
            return self.finish(block, block.refs)
        text = self.pick(
            (5, "{s}day = {o}day"),
            (1, "{s}day = date({o}day, '+7 days')"),
            (1, "{s}day IS {o}day"),
            (1, "{s}day BETWEEN {o}day AND date({o}day, '+2 days')"),
            (1, "({s}day = {o}day OR {s}day = '" + self.day() + "')"),
        )
        asked = self.chance(0.75)
        link = [Leaf(text, {"s": DAYS}, fallible=" OR " in text)] if asked else []
        if "account_id" in shared and (self.chance(0.7) or not asked):
            link.append(Leaf("{s}account_id = {o}account_id"))
        own_s = [self.filter_leaf(table, "s") for _ in range(self.random.randrange(2))]
        if not asked:
            own_s += self.conditions(table, "s", across=True, closed_only=True)
        others = own_o
        if self.chance(0.15) and table != "working_calendar" and other != "working_calendar":
            others = others + [Leaf("({s}account_id = 3 OR {o}account_id > 2)")]
        return self.joined(o, s, link, own_s, asked, others)

    def three_tables(self):
        """account, a virtual table, and the calendar or a plain table."""
        table = self.pick((1, "daily_charge"), (1, "access_state"))
        a, s = Ref("account", "a"), Ref(table, "s", " JOIN ", [Leaf("{s}account_id = {a}account_id")])
        third = self.pick((2, "working_calendar"), (1, "days"))
        c = Ref(third, "c", self.pick((2, " JOIN "), (1, " LEFT JOIN ")), [Leaf("{c}day = {s}day", {"c": DAYS})])
        where = self.asks_closed(table, "s", True) + [
            self.any_condition(table, "s") for _ in range(self.random.randrange(2))
        ]
        if self.chance(0.3) and third == "days" and "LEFT" not in c.join:
            where = [self.filter_leaf(table, "s")]
            c.on = [Leaf("{s}day = {c}day", {"s": DAYS})]
        block = Block([a, s, c], where)
        if self.chance(0.3) and "LEFT" not in c.join:
            where += s.on + c.on
            s.on, c.on, s.join, c.join = [], [], ", ", ", "
        return self.finish(block, [ref for ref in block.refs if ref.is_virtual])

    def query(self):
        self.params = {}
        kind = self.pick(
            (34, "one"),
            (16, "plain table"),
            (16, "two"),
            (5, "three"),
            (5, "count"),
            (6, "outer"),
            (3, "cte"),
            (4, "exists"),
            (6, "scalar"),
            (4, "in"),
            (6, "compound"),
        )
        simple = {
            "one": self.one_table,
            "plain table": self.with_plain_table,
            "two": self.two_virtual,
            "three": self.three_tables,
        }
        if kind in simple:
            block = simple[kind]()
            block.shape = kind
            query = Query("plain", [block])
        elif kind in ("count", "cte"):
            block = self.pick((2, self.one_table), (1, self.with_plain_table), (1, self.two_virtual))()
            block.limit = None
            query = Query(kind, [block], {"fence": self.random.choice(["", "MATERIALIZED ", "NOT MATERIALIZED "])})
        elif kind == "outer":
            table = self.pick((1, "daily_charge"), (1, "access_state"))
            block = Block([Ref(table, "s")], self.asks_closed(table, "s"), ["*"])
            where = [
                self.filter_leaf(table, "s")
                if self.chance(0.4)
                else Group("OR", [self.filter_leaf(table, "s"), self.filter_leaf(table, "s")])
                for _ in range(2)
            ]
            query = Query(
                kind,
                [block],
                {
                    "where": where,
                    "select": self.random.choice(
                        ["*", "count(*)", "day, count(*)", "account_id, day", "DISTINCT account_id"]
                    ).replace("day, count(*)", "min(day), count(*)"),
                    "may_fail": any(leaf.kind == "perhaps" for w in where for leaf in getattr(w, "parts", [w])),
                },
            )
        elif kind in ("exists", "scalar"):
            table = self.pick(
                (1, "daily_charge"), (1, "access_state"), (0.3 if kind == "scalar" else 0, "working_calendar")
            )
            on_days = kind == "scalar" and (table == "working_calendar" or self.chance(0.4))
            block = Block([Ref(table, "s")])
            block.outer_names = {"d": "d."} if on_days else {"a": "a."}
            if on_days:
                block.where = [
                    Leaf(
                        self.pick(
                            (3, "{s}day = {d}day"),
                            (1, "{s}day IN ({d}day, date({d}day, '+1 day'))"),
                            (1, "{s}day BETWEEN {d}day AND date({d}day, '+2 days')"),
                        ),
                        {"s": DAYS},
                    )
                ]
                block.where += [self.any_condition(table, "s") for _ in range(self.random.randrange(2))]
            else:
                block.where = [
                    Leaf(
                        self.pick(
                            (3, "{s}account_id = {a}account_id"),
                            (1, "{s}account_id <= {a}account_id"),
                            (1, "({s}account_id = {a}account_id OR {s}account_id = 3)"),
                        )
                    )
                ]
                block.where += self.conditions(table, "s")
            value = "amount" if table == "daily_charge" else "balance" if table == "access_state" else "working"
            block.select = (
                ["1"]
                if kind == "exists"
                else [self.random.choice(["count(*)", f"sum(s.{value})", "max(s.day)", "count(DISTINCT s.day)"])]
            )
            query = Query(
                kind,
                [block],
                {
                    "not": self.pick((2, ""), (1, "NOT ")),
                    "from": "days AS d" if on_days else "account AS a",
                    "outer": "d.day" if on_days else "a.account_id",
                },
            )
        elif kind == "in":
            table = self.pick((1, "daily_charge"), (1, "access_state"))
            block = Block([Ref(table, "s")], self.conditions(table, "s"), ["s.account_id"])
            query = Query(kind, [block], {"not": self.pick((2, ""), (1, "NOT "))})
        else:
            blocks = []
            for _ in range(2):
                table = self.pick((1, "daily_charge"), (1, "access_state"))
                blocks.append(Block([Ref(table, "s")], self.conditions(table, "s"), ["s.account_id", "s.day"]))
            query = Query(kind, blocks, {"operator": self.random.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])})
        query.params = self.params
        query.shape = kind
        return query


# Shortening


def shorter(query):
    """Queries with something left out, one thing each."""

    def variant(change):
        other = copy.deepcopy(query)
        change(other)
        return other

    def lists(q):
        for block in q.blocks:
            yield block.where
            for ref in block.refs:
                yield ref.on
        if "where" in q.extra:
            yield q.extra["where"]

    def spots(conditions):
        """(list, index) of each condition below."""
        for i, condition in enumerate(conditions):
            yield conditions, i
            if isinstance(condition, Group):
                yield from spots(condition.parts)

    def all_spots(q):
        return [spot for conditions in lists(q) for spot in spots(conditions)]

    for i, block in enumerate(query.blocks):
        if query.kind != "plain":
            yield variant(lambda q, i=i: (setattr(q, "blocks", [q.blocks[i]]), setattr(q, "kind", "plain")))
        if len(block.refs) == 2 and not block.outer_names:
            for keep in range(2):

                def drop(q, i=i, keep=keep):
                    b = q.blocks[i]
                    ref = b.refs[keep]
                    b.where = [c for c in b.where + b.refs[1].on if own(c, ref.alias)]
                    ref.on, ref.join, ref.using, ref.asks_by_using = [], "", [], 0
                    b.refs, b.select, b.order, b.group = [ref], ["count(*)"], [], []

                yield variant(drop)
        for name, value in (("limit", None), ("order", []), ("distinct", False)):
            if getattr(block, name):
                yield variant(lambda q, i=i, name=name, value=value: setattr(q.blocks[i], name, value))
        if query.kind == "plain" and block.select != ["count(*)"]:
            yield variant(
                lambda q, i=i: (
                    setattr(q.blocks[i], "select", ["count(*)"]),
                    setattr(q.blocks[i], "order", []),
                    setattr(q.blocks[i], "group", []),
                    setattr(q.blocks[i], "limit", None),
                )
            )
        for j, ref in enumerate(block.refs):
            if ref.via != "table":
                yield variant(lambda q, i=i, j=j: setattr(q.blocks[i].refs[j], "via", "table"))
    for n, (conditions, i) in enumerate(all_spots(query)):
        condition = conditions[i]
        is_in_group = not any(conditions is top for top in lists(query))
        if not is_in_group or len(conditions) > 2:
            yield variant(lambda q, n=n: all_spots(q)[n][0].pop(all_spots(q)[n][1]))
        if isinstance(condition, Group):
            for k in range(len(condition.parts)):

                def hoist(q, n=n, k=k):
                    where, at = all_spots(q)[n]
                    where[at] = where[at].parts[k]

                yield variant(hoist)
