"""The outline of a blueprint as rows of a form: read from a POST, added to, moved, checked, turned into parts.

A row's fields are named by kind and key (`t.12.title`, `t.n1.title` for a new one); a row belongs to the one of
the kind above that came before it, so that moving it in the page is moving it in the outline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from questions import patterns
from questions.blueprint_spec import DomainPart, Rule, Spec, TaskPart, TopicPart
from questions.formats.native import CODE


@dataclass
class Row:
    """One line of the form as typed."""

    kind: ClassVar[str]
    names: ClassVar[tuple[str, ...]]
    key: str
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    is_new: bool = False
    """Just added: the cursor goes there."""
    is_touched: bool = False
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values = {name: self.values.get(name, "") for name in self.names}

    @property
    def ref(self) -> str:
        return f"{self.kind}.{self.key}"

    @property
    def is_open(self) -> bool:
        """Something below it needs to be seen; else it may be folded away."""
        return not self.rows or any(row.errors or row.is_new or row.is_touched for row in self.rows)

    @property
    def id(self) -> int | None:
        return int(self.key) if self.key.isdigit() else None


class TopicRow(Row):
    kind = "p"
    names = ("code", "title", "covers")


class TaskRow(Row):
    kind = "t"
    names = ("code", "title")


class DomainRow(Row):
    kind = "d"
    names = ("code", "title", "weight", "cut")


class RuleRow(Row):
    kind = "r"
    names = ("pattern", "why")


ROWS: Mapping[str, type[Row]] = {row.kind: row for row in (DomainRow, TaskRow, TopicRow, RuleRow)}
PARENT = {"t": "d", "p": "t"}
MOST = {"d": 30, "t": 120, "p": 600, "r": 200}
LIMITS = {"title": 200, "covers": 5_000, "code": 16, "pattern": patterns.MAX_LENGTH, "why": 200}
_NAME = re.compile(r"([dtpr])\.([0-9]{1,18}|n[0-9]{1,4})\.([a-z]+)")


class Outline:
    """Domains with their tasks and topics, and the forbidden patterns, as typed."""

    def __init__(self) -> None:
        self.top: dict[str, list[Row]] = {"d": [], "r": []}

    @property
    def domains(self) -> list[Row]:
        return self.top["d"]

    @property
    def rules(self) -> list[Row]:
        return self.top["r"]

    @classmethod
    def of(cls, spec: Spec) -> Outline:
        outline = cls()
        outline.top["d"] = [_domain_row(part, n) for n, part in enumerate(spec.domains, start=1)]
        outline.top["r"] = [
            RuleRow(f"n{n}", {"pattern": rule.pattern, "why": rule.why})
            for n, rule in enumerate(spec.head.forbidden, start=1)
        ]
        return outline

    @classmethod
    def read(cls, data: Mapping[str, str]) -> Outline:
        """From a POST, whose fields come in the order of the page. What doesn't fit in is left out."""
        outline = cls()
        found: dict[str, Row] = {}
        latest: dict[str, Row] = {}
        counts = dict.fromkeys(ROWS, 0)
        for name, value in data.items():
            parsed = _NAME.fullmatch(name)
            if parsed is None:
                continue
            kind, key, part = parsed.groups()
            row = found.get(f"{kind}.{key}")
            if row is None:
                home = latest.get(PARENT[kind]) if kind in PARENT else None
                if (kind in PARENT and home is None) or counts[kind] >= MOST[kind]:
                    continue
                row = found[f"{kind}.{key}"] = ROWS[kind](key)
                (home.rows if home else outline.top[kind]).append(row)
                latest[kind] = row
                counts[kind] += 1
            if part in row.names:
                row.values[part] = value
        return outline

    def every(self, kind: str) -> Iterator[tuple[Row, list[Row]]]:
        """Each row of a kind with the list it stands in."""
        for siblings in self._lists(kind):
            for row in siblings:
                yield row, siblings

    def _lists(self, kind: str) -> list[list[Row]]:
        if kind in self.top:
            return [self.top[kind]]
        return [row.rows for siblings in self._lists(PARENT[kind]) for row in siblings]

    def find(self, ref: str) -> tuple[Row, list[Row]] | None:
        kind, __, key = ref.partition(".")
        if kind not in ROWS:
            return None
        return next(((row, siblings) for row, siblings in self.every(kind) if row.key == key), None)

    # what buttons do

    def act(self, action: str) -> None:
        """`add d`; `add t.12`, a task in the domain 12; `up p.3`, `down p.3`, `remove r.n1`."""
        verb, __, ref = action.partition(" ")
        if verb == "add":
            self._add(ref)
        elif (found := self.find(ref)) is not None:
            row, siblings = found
            if verb == "remove":
                siblings.remove(row)
            elif verb in ("up", "down"):
                siblings = self._move(row, siblings, step=-1 if verb == "up" else 1)
            # What stands beside it stays in sight.
            for each in siblings:
                each.is_touched = True

    def _move(self, row: Row, siblings: list[Row], *, step: int) -> list[Row]:
        """One place on; beyond the end into the part next door. Returns where it stands now."""
        place = siblings.index(row) + step
        home = siblings
        if not 0 <= place < len(siblings):
            lists = self._lists(row.kind)
            number = next(n for n, each in enumerate(lists) if each is siblings) + step
            if not 0 <= number < len(lists):
                return siblings
            home = lists[number]
            place = len(home) if step < 0 else 0
        siblings.remove(row)
        home.insert(place, row)
        return home

    def _add(self, ref: str) -> None:
        kind, __, parent_key = ref.partition(".")
        if kind not in ROWS:
            return
        rows = [row for row, __ in self.every(kind)]
        if len(rows) >= MOST[kind]:
            return
        numbers = [int(row.key[1:]) for row in rows if row.key.startswith("n")]
        row = ROWS[kind](f"n{max(numbers, default=0) + 1}", is_new=True)
        if kind in PARENT:
            home = self.find(f"{PARENT[kind]}.{parent_key}")
            if home is not None:
                home[0].rows.append(row)
        else:
            self.top[kind].append(row)

    # what it says

    @property
    def has_open_rules(self) -> bool:
        return any(row.errors or row.is_new or row.is_touched for row in self.rules)

    @property
    def total(self) -> Decimal:
        """Of the weights that can be read."""
        weights = (_share(row.values["weight"], most=100, decimals=2) for row in self.domains)
        return sum((weight for weight in weights if weight is not None), Decimal(0))

    @property
    def total_shown(self) -> str:
        return format(self.total.normalize(), "f") if self.total else "0"

    @property
    def is_whole(self) -> bool:
        return self.total == 100

    def clean(self) -> tuple[tuple[DomainPart, ...], tuple[Rule, ...]] | None:
        """The parts, or None with `errors` in the rows."""
        self._check_codes()
        for kind, names in (
            ("d", ("title",)),
            ("t", ("title",)),
            ("p", ("title", "covers")),
            ("r", ("why",)),
        ):
            for row, __ in self.every(kind):
                for name in names:
                    self._check_text(row, name, is_needed=name != "covers")
        for row in self.domains:
            if _share(row.values["weight"], most=100, decimals=2) is None:
                row.errors["weight"] = _("A number up to 100, with at most two decimals.")
            if row.values["cut"].strip() and _share(row.values["cut"], most=1, decimals=3) is None:
                row.errors["cut"] = _("A share up to 1, with at most three decimals, such as 0.72.")
        for row in self.rules:
            try:
                patterns.check(row.values["pattern"])
            except patterns.PatternError as error:
                row.errors["pattern"] = pattern_message(error)
        if any(row.errors for kind in ROWS for row, __ in self.every(kind)):
            return None
        return (
            tuple(_domain_part(row) for row in self.domains),
            tuple(Rule(row.values["pattern"], row.values["why"].strip()) for row in self.rules),
        )

    def _check_codes(self) -> None:
        for kind in ("d", "t", "p"):
            seen: set[str] = set()
            for row, __ in self.every(kind):
                code = row.values["code"].strip()
                if not code:
                    row.errors["code"] = _("It needs a code.")
                elif not re.fullmatch(CODE, code) or len(code) > LIMITS["code"]:
                    row.errors["code"] = _("Up to 16 letters, digits, dots, hyphens or underscores.")
                elif code in seen:
                    row.errors["code"] = _("Another one has this code already.")
                seen.add(code)

    @staticmethod
    def _check_text(row: Row, name: str, *, is_needed: bool) -> None:
        text = row.values[name].strip()
        if "\x00" in text:
            row.errors[name] = _("There is a character in it that can't be stored. Type it anew.")
        elif is_needed and not text:
            row.errors[name] = _("It needs some words.")
        elif len(text) > LIMITS[name]:
            row.errors[name] = _("At most %(n)s characters.") % {"n": LIMITS[name]}


def pattern_message(error: patterns.PatternError) -> str:
    return {
        "empty": _("It needs a pattern."),
        "too_long": _("At most 200 characters."),
        "malformed": _("It is no regular expression: %s.") % error.detail,
        "too_slow": _(
            "It could take minutes on some texts. Use at most one * or +, none inside another, and fewer choices."
        ),
    }[error.code]


def _share(text: str, *, most: int, decimals: int) -> Decimal | None:
    """A number above 0, with a point or a comma."""
    plain = text.strip().replace(",", ".")
    if not re.fullmatch(rf"\d{{1,3}}(?:\.\d{{1,{decimals}}})?|\.\d{{1,{decimals}}}", plain, re.ASCII):
        return None
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    return number if 0 < number <= most else None


def _key(part: Any, number: int) -> str:
    return str(part.id) if part.id is not None else f"n{number}"


def _domain_row(part: DomainPart, number: int) -> Row:
    values = {"code": part.code, "title": part.title, "weight": format(part.weight.normalize(), "f")}
    values["cut"] = "" if part.cut is None else format(part.cut.normalize(), "f")
    row = DomainRow(_key(part, number), values)
    for t, task in enumerate(part.tasks, start=1):
        below = TaskRow(_key(task, t), {"code": task.code, "title": task.title})
        below.rows = [
            TopicRow(_key(topic, p), {"code": topic.code, "title": topic.title, "covers": topic.covers})
            for p, topic in enumerate(task.topics, start=1)
        ]
        row.rows.append(below)
    return row


def _domain_part(row: Row) -> DomainPart:
    weight = _share(row.values["weight"], most=100, decimals=2)
    assert weight is not None, "checked before"
    return DomainPart(
        code=row.values["code"].strip(),
        title=row.values["title"].strip(),
        weight=weight,
        cut=_share(row.values["cut"], most=1, decimals=3),
        id=row.id,
        tasks=tuple(
            TaskPart(
                code=task.values["code"].strip(),
                title=task.values["title"].strip(),
                id=task.id,
                topics=tuple(
                    TopicPart(
                        code=topic.values["code"].strip(),
                        title=topic.values["title"].strip(),
                        covers=topic.values["covers"].replace("\r\n", "\n").strip(),
                        id=topic.id,
                    )
                    for topic in task.rows
                ),
            )
            for task in row.rows
        ),
    )
