"""Conditions of generated queries, and what they ask the virtual tables for.

Each condition knows which days or instants it asks a table for, by the contract: =, IN, IS, a range, a row value. What
says nothing about days only filters. `asked_for` puts the conditions of one table of a query together: which rows of a
copy that holds all days would be the right ones to run the query over.
"""

import re

LOWER, UPPER, AT = 1, 2, 4  # a lower bound of days, an upper one, instants
DAYS = LOWER | UPPER


class Leaf:
    """`text` names tables as {s}, which becomes "s." """

    def __init__(self, text, asks=None, kind=None, fallible=False):
        self.text = text
        self.asks = asks or {}  # alias -> LOWER | UPPER | AT
        # "told": it could only filter other days' rows away, so that alone it must be an error.
        # "perhaps": SQLite may or may not hand it down; both answers are right.
        self.kind = kind
        self.fallible = fallible  # it holds a malformed value, which is an error where it is looked for

    def sql(self, names):
        return self.text.format_map(names)


class Group:
    """AND, OR and NOT of conditions."""

    def __init__(self, operator, parts):
        self.operator = operator
        self.parts = parts

    def sql(self, names):
        if self.operator == "NOT":
            return f"NOT ({self.parts[0].sql(names)})"
        return "(" + f" {self.operator} ".join(part.sql(names) for part in self.parts) + ")"


def leaves(condition):
    if isinstance(condition, Leaf):
        yield condition
    else:
        for part in condition.parts:
            yield from leaves(part)


def conjuncts(conditions):
    for condition in conditions:
        if isinstance(condition, Group) and condition.operator == "AND":
            yield from conjuncts(condition.parts)
        else:
            yield condition


def disjuncts(condition):
    """The branches of an OR, and of the ORs among them."""
    for part in condition.parts:
        if isinstance(part, Group) and part.operator == "OR":
            yield from disjuncts(part)
        else:
            yield part


COMPARISON = re.compile(r"(.+?) (<=|<|>=|>|=|IS) (.+)")
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def bounds(branch, alias):
    """The values that bound the days of a branch: {(LOWER or UPPER, value)}."""
    day, result = f"{{{alias}}}day", set()
    for leaf in (part for part in conjuncts([branch]) if isinstance(part, Leaf)):
        if leaf.text.startswith(day + " BETWEEN "):
            low, high = leaf.text.removeprefix(day + " BETWEEN ").split(" AND ", 1)
            result |= {(LOWER, low), (UPPER, high)}
        elif comparison := COMPARISON.fullmatch(leaf.text):
            left, operator, right = comparison.groups()
            if right == day:
                left, operator, right = right, MIRRORED.get(operator, operator), left
            if left == day:
                result |= {(LOWER, right)} if operator[0] != "<" else set()
                result |= {(UPPER, right)} if operator[0] != ">" else set()
    return result


class Asked:
    """Which rows of the copy a table stands for: `predicates`, each of them right; and whether an error is right."""

    def __init__(self, predicates, may_fail=False, must_fail=False, how=""):
        self.predicates = predicates
        self.may_fail = may_fail
        self.must_fail = must_fail
        self.how = how


def rows_of(table, asks, alias, book):
    """The rows of the copy that a table answers with when it is asked for days with these bounds, or for instants."""
    if table == "access_state":
        if asks & AT:
            return f"{alias}.rowid % 10 > 0"
        if not asks:
            return "0"  # now, which is before the opening
        selected = f"{alias}.rowid % 10 <> 1"
    else:
        selected = "1"
    if table == "working_calendar" and not asks & LOWER:
        selected += f" AND {alias}.day >= '{book.opening}'"
    if not asks & UPPER:
        selected += f" AND {alias}.day <= '{book.open_day}'"
    return selected


HIDING = re.compile(r" COLLATE | IN \(SELECT .*\{[^}]*\}day")


def is_hidden(condition):
    """An OR that SQLite may hand down nothing of: with a COLLATE anywhere in it, or a list that depends on the row."""
    is_or = isinstance(condition, Group) and condition.operator == "OR"
    return is_or and any(HIDING.search(leaf.text) for leaf in leaves(condition))


def own(condition, alias):
    """Whether a condition is about one table alone."""
    return all(set(names_in(leaf.text)) <= {alias} for leaf in leaves(condition))


def names_in(text):
    return [part.split("}")[0] for part in text.split("{")[1:] if not part.startswith("t_")]


class _Branches:
    """What conditions ask, and what the branches of their ORs do.

    `predicates_all`: for each OR all of whose branches ask, the rows that they ask for; `predicates_some`: for one of
    which only some do. SQLite answers an OR branch by branch, each beside the other conditions (`is_deep`: the other
    ORs among them).
    """

    def __init__(self, table, alias, conditions, before, book, names, with_perhaps, is_deep):
        conditions = list(conjuncts(conditions))
        self.asks = before
        for condition in conditions:
            if isinstance(condition, Leaf) and (with_perhaps or condition.kind != "perhaps"):
                self.asks |= condition.asks.get(alias, 0)
        self.predicates_all, self.predicates_some = [], []
        ors = [condition for condition in conditions if isinstance(condition, Group) and condition.operator == "OR"]
        for condition in ors:
            others = [other for other in ors if other is not condition] if is_deep else []
            parts, asking = [], []
            alternatives = list(disjuncts(condition))
            for branch in alternatives:
                alone = _Branches(table, alias, [branch], self.asks, book, names, with_perhaps, is_deep)
                asking.append(alone.asks != self.asks or bool(alone.predicates_all))
                beside = _Branches(table, alias, [branch, *others], self.asks, book, names, with_perhaps, is_deep)
                text = branch.sql(names) if own(branch, alias) else "1"
                parts.append(f"({text} AND {beside.predicate})")
            # SQLite may turn (A AND B) OR A into A, for A also two bounds by one value, and so ask for A alone.
            shared = set.intersection(*(bounds(branch, alias) for branch in alternatives))
            common = 0
            for side, _ in shared:
                common |= side
            if common and all(asking):
                self.predicates_all.append(rows_of(table, self.asks | common, alias, book))
            if any(asking):
                (self.predicates_all if all(asking) else self.predicates_some).append("(" + " OR ".join(parts) + ")")
        if self.asks & (UPPER | AT) or not (self.predicates_all or self.predicates_some):
            self.predicate = rows_of(table, self.asks, alias, book)
        else:
            self.predicate = [*self.predicates_all, *self.predicates_some][0]


def asked_for(table, alias, conditions, weak_conditions, book, names):
    """`conditions` hold for each row of the table that counts; so do `weak_conditions`, which it may not see."""
    conditions = list(conjuncts(conditions))
    asks = 0
    for condition in conditions:
        if isinstance(condition, Leaf) and condition.kind != "perhaps":
            asks |= condition.asks.get(alias, 0)
    found = [_Branches(table, alias, conditions, 0, book, names, False, is_deep) for is_deep in (False, True)]
    decided = [predicate for branches in found for predicate in branches.predicates_all]
    partly = [predicate for branches in found for predicate in branches.predicates_some]
    all_leaves = [leaf for condition in [*conditions, *weak_conditions] for leaf in leaves(condition)]
    base = rows_of(table, asks, alias, book)
    fallible = any(leaf.fallible for leaf in all_leaves)
    how = "at" if asks & AT else "days" if asks & UPPER else "from" if asks else "default"
    if asks & AT:
        return Asked([base], fallible, how=how)
    weak_leaves = [leaf for condition in weak_conditions for leaf in leaves(condition)]
    perhaps = [
        leaf for leaf in all_leaves if leaf.asks.get(alias, 0) and (leaf.kind == "perhaps" or leaf in weak_leaves)
    ]
    by_perhaps = [rows_of(table, asks | leaf.asks[alias], alias, book) for leaf in perhaps]
    if asks & UPPER:
        return Asked([base] + decided + partly + by_perhaps, fallible, how=how)
    shown = [condition for condition in conditions if not is_hidden(condition)]
    is_decided = bool(_Branches(table, alias, shown, 0, book, names, False, False).predicates_all)
    predicates = (decided if is_decided else [base] + decided + partly) + by_perhaps
    if perhaps:
        branches = _Branches(table, alias, conditions, 0, book, names, True, False)
        predicates += [branches.predicate, *branches.predicates_all, *branches.predicates_some]
    if decided:
        return Asked(predicates, True, how="OR" if is_decided else "OR, hidden")
    told = any(leaf.kind == "told" for leaf in all_leaves)
    if (
        table == "access_state"
        and not asks
        and not partly
        and not perhaps
        and any(isinstance(condition, Leaf) and condition.kind == "told" for condition in conditions)
    ):
        return Asked(predicates, must_fail=True, how="told")
    return Asked(predicates, bool(partly or perhaps or told or fallible), how="in part" if partly or perhaps else how)
