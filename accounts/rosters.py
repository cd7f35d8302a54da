"""A class list, as a spreadsheet saves it: read, previewed row by row, and applied all or nothing."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import cohorts, inbox, inviting
from accounts.models import Cohort, CohortEvent, Invitation, Membership, Part, User

MAX_BYTES = 1_000_000
SPARE = 100_000
"""For the columns that the preview adds to what it hands back."""
MAX_ROWS = 5_000
MAX_EMAIL, MAX_NAME = 254, 120
_LOOKUP = 500
_SEPARATORS = ";\t,"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

EMAIL, NAME, FIRST, LAST, PART = "email", "name", "first", "last", "part"
_HEADERS: Final = {
    EMAIL: ("email", "e-mail", "e-mail address", "email address", "mail", "address"),
    NAME: ("name", "full name", "learner", "student"),
    FIRST: ("first name", "firstname", "given name", "forename"),
    LAST: ("last name", "lastname", "surname", "family name"),
    PART: ("part", "role"),
}
_PARTS: Final = {
    "": Part.LEARNER,
    "learner": Part.LEARNER,
    "student": Part.LEARNER,
    "instructor": Part.INSTRUCTOR,
    "teacher": Part.INSTRUCTOR,
}


class RosterError(Exception):
    """The whole file can't be taken. `code`: empty, too_big, workbook, not_text, no_email_column, too_many,
    archived, has_errors. `count`: how many rows there are, or have errors."""

    def __init__(self, code: str, *, count: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.count = count


@dataclass(frozen=True)
class Entry:
    """A row as it was read; `line` counts from 1, with the header."""

    line: int
    email: str
    name: str
    part: str
    """A `Part`, or the word that is none."""


@dataclass(frozen=True)
class Row:
    """`fate`: add, invite, member, invited: done or nothing to do; others are errors and stop the roster:
    no_address, bad_address, long_address, long_name, bad_part, duplicate, colleague, not_instructor,
    closed_account; `left` leaves the row out."""

    entry: Entry
    fate: str
    user: User | None = None
    first_line: int = 0
    """Of a duplicate: where the address stands first."""

    @property
    def is_error(self) -> bool:
        return self.fate not in ("add", "invite", "member", "invited", "left")

    @property
    def is_change(self) -> bool:
        return self.fate in ("add", "invite")


@dataclass(frozen=True)
class Preview:
    rows: tuple[Row, ...]

    @property
    def errors(self) -> list[Row]:
        return [row for row in self.rows if row.is_error]

    def count(self, fate: str) -> int:
        return Counter(row.fate for row in self.rows)[fate]

    @property
    def changes(self) -> int:
        return sum(row.is_change for row in self.rows)


# ── read ──


def read(data: bytes) -> list[Entry]:
    """Any encoding that spreadsheets write; comma, semicolon or tab; columns in any order."""
    if len(data) > MAX_BYTES:
        raise RosterError("too_big")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise RosterError("workbook")
    return read_text(_decoded(data))


def read_text(text: str) -> list[Entry]:
    if len(text) > MAX_BYTES + SPARE:
        raise RosterError("too_big")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise RosterError("not_text")
    lines = [(n, cells) for n, cells in _cells(text) if any(cell.strip() for cell in cells)]
    if not lines:
        raise RosterError("empty")
    columns = _columns(lines[0][1])
    if columns:
        lines = lines[1:]
    else:
        columns = _columns_without_header(lines[0][1])
    if not lines:
        raise RosterError("empty")
    if len(lines) > MAX_ROWS:
        raise RosterError("too_many", count=len(lines))
    return [_entry(n, cells, columns) for n, cells in lines]


def as_text(entries: Iterable[Entry]) -> str:
    """What the preview hands back to be applied: the same rows, in our own spelling."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((EMAIL, NAME, PART))
    writer.writerows((e.email, e.name, e.part) for e in entries)
    return out.getvalue()


def _decoded(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace")
    head = data[:400]
    if head.count(0) * 4 > len(head):
        return data.decode("utf-16-le" if head[1:2] == b"\0" else "utf-16-be", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _cells(text: str) -> Iterator[tuple[int, list[str]]]:
    first, _newline, rest = text.partition("\n")
    if first.lower().startswith("sep=") and len(first) == 5:
        text, start, separator = rest, 2, first[4]
    else:
        start, separator = 1, max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        line = start
        for cells in reader:
            yield line, cells
            line = start + reader.line_num
    except csv.Error as error:
        raise RosterError("not_text") from error


def _columns(header: list[str]) -> dict[str, int]:
    """Where each column stands; empty when the first line is no header."""
    words = [" ".join(cell.strip().strip("*:").lower().replace("_", " ").split()) for cell in header]
    if any("@" in word for word in words):
        return {}
    found = {}
    for column, names in _HEADERS.items():
        places = [place for place, word in enumerate(words) if word in names]
        if places:
            found[column] = places[0]
    if EMAIL not in found:
        raise RosterError("no_email_column")
    return found


def _columns_without_header(cells: list[str]) -> dict[str, int]:
    """The address is known by its @; what stands in another column is the name."""
    place = next(n for n, cell in enumerate(cells) if "@" in cell)
    others = [n for n in range(len(cells)) if n != place]
    return {EMAIL: place, **({NAME: others[0]} if others else {})}


def _entry(line: int, cells: list[str], columns: dict[str, int]) -> Entry:
    def cell(column: str) -> str:
        place = columns.get(column, len(cells))
        return " ".join(cells[place].split()) if place < len(cells) else ""

    name = cell(NAME) or " ".join(part for part in (cell(FIRST), cell(LAST)) if part)
    word = cell(PART).lower()
    email = cell(EMAIL).lower().removeprefix("mailto:")
    return Entry(line, email, name, str(_PARTS.get(word, word)))


# ── previewed ──


def preview(cohort: Cohort, entries: list[Entry], *, now: datetime) -> Preview:
    """What would become of each row: a handful of statements, however many rows."""
    known = _Known(cohort, {e.email for e in entries}, now=now)
    first_lines: dict[str, int] = {}
    rows = []
    for entry in entries:
        fate, user = _fate(entry, known)
        before = first_lines.setdefault(entry.email, entry.line) if entry.email else entry.line
        if before != entry.line:
            fate = "duplicate"
        rows.append(Row(entry, fate, user, before if fate == "duplicate" else 0))
    return Preview(tuple(rows))


class _Known:
    """Accounts, memberships and open invitations of these addresses."""

    def __init__(self, cohort: Cohort, emails: set[str], *, now: datetime) -> None:
        self.users: dict[str, User] = {}
        listed = sorted(emails)
        for begin in range(0, len(listed), _LOOKUP):
            some = listed[begin : begin + _LOOKUP]
            confirmed = EmailAddress.objects.filter(email__in=some, verified=True).select_related("user")
            self.users |= {each.email.lower(): each.user for each in confirmed}
            self.users |= {user.email: user for user in User.objects.filter(email__in=some)}
        self.memberships = {m.user_id: m for m in Membership.objects.filter(cohort=cohort)}
        open_ones = cohort.invitations.usable(now).filter(uses=0).exclude(email="")
        self.invited = {email.lower() for email in open_ones.values_list("email", flat=True)}


def _fate(entry: Entry, known: _Known) -> tuple[str, User | None]:
    if problem := _problem(entry):
        return problem, None
    user = known.users.get(entry.email)
    if user is None:
        return ("invited" if entry.email in known.invited else "invite"), None
    membership = known.memberships.get(user.pk)
    if membership is not None:
        return ("member" if membership.left_at is None else "left"), user
    try:
        cohorts.require_fit(user, part=entry.part)
    except cohorts.CohortError as error:
        return error.code, user
    if entry.part == Part.LEARNER and user.role != User._meta.get_field("role").default:
        return "colleague", user
    return "add", user


def _problem(entry: Entry) -> str:
    if not entry.email:
        return "no_address"
    if len(entry.email) > MAX_EMAIL:
        return "long_address"
    try:
        validate_email(entry.email)
    except ValidationError:
        return "bad_address"
    if len(entry.name) > MAX_NAME:
        return "long_name"
    return "" if entry.part in Part.values else "bad_part"


# ── applied ──


@transaction.atomic
def apply(cohort: Cohort, entries: list[Entry], *, by: User, now: datetime) -> Preview:
    """Add who has an account and tell them; invite the others by e-mail. Again, nothing happens twice."""
    if cohorts.lock(cohort).archived_at is not None:
        raise RosterError("archived")
    outcome = preview(cohort, entries, now=now)
    if outcome.errors:
        raise RosterError("has_errors", count=len(outcome.errors))
    if not outcome.changes:
        return outcome
    added = [row for row in outcome.rows if row.fate == "add"]
    _add(cohort, added, by=by, now=now)
    _invite(cohort, [row.entry for row in outcome.rows if row.fate == "invite"], by=by, now=now)
    cohorts.log(
        cohort, CohortEvent.Kind.ROSTER, by=by, now=now, added=len(added), invited=outcome.count("invite")
    )
    return outcome


def _add(cohort: Cohort, rows: list[Row], *, by: User, now: datetime) -> None:
    people = {row.user.pk: (row.user, row.entry.part) for row in rows if row.user is not None}
    Membership.objects.bulk_create(
        Membership(cohort=cohort, user=user, part=part) for user, part in people.values()
    )
    CohortEvent.objects.bulk_create(
        CohortEvent(
            cohort=cohort,
            kind=CohortEvent.Kind.JOINED,
            by=by,
            subject=user,
            at=now,
            detail={"part": part, "how": "roster"},
        )
        for user, part in people.values()
    )
    path = reverse("cohorts:cohort", args=[cohort.pk])
    words = {"cohort": cohort.title, "by": str(by)}
    learners = [user for user, part in people.values() if part == Part.LEARNER]
    others = [user for user, part in people.values() if part != Part.LEARNER]
    inbox.tell(
        learners,
        subject=_("You are in the cohort “%(cohort)s”") % words,
        text=_(
            "%(by)s has added you. The instructors of the cohort can see your results; the page says which, "
            "and there you can leave."
        )
        % words,
        path=path,
        now=now,
    )
    inbox.tell(
        others,
        subject=_("You teach the cohort “%(cohort)s”") % words,
        text=_("%(by)s has added you as an instructor.") % words,
        path=path,
        now=now,
    )


def _invite(cohort: Cohort, entries: list[Entry], *, by: User, now: datetime) -> None:
    for begin in range(0, len(entries), _LOOKUP):
        some = entries[begin : begin + _LOOKUP]
        inviting.close_expired(cohort, emails=[entry.email for entry in some], now=now)
    invitations = Invitation.objects.bulk_create(
        [
            inviting.for_address(cohort, email=entry.email, name=entry.name, part=entry.part, by=by, now=now)
            for entry in entries
        ],
        batch_size=_LOOKUP,
    )
    inviting.mail_after_commit(invitations)
