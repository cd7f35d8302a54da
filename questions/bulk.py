"""The same move for many questions, each in a transaction of its own, each with its own line of the trail.

What one question refuses stops none of the others; the outcome names it and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User
from questions import authoring, bank_list, reviewing
from questions.authoring import AuthoringError
from questions.bank_list import Filters
from questions.models import Draft, Listing, Question

LIMIT = 500
"""At once: a request must end."""


class BulkError(Exception):
    """`code` is one of: too_many, none_chosen, no_tag, no_reason, too_many_tags."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Selection:
    """Codes in their order, at most `LIMIT`; `after` asks for the next ones of a larger filter."""

    codes: tuple[str, ...]
    matching: int
    before: int
    after: str

    @property
    def remaining(self) -> int:
        return self.matching - self.before - len(self.codes)


@dataclass(frozen=True)
class Outcome:
    done: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    """Code of the question, and of the `AuthoringError`; or `missing`."""


def select(filters: Filters, *, user: User, after: str = "") -> Selection:
    """The questions that match, in the order of their codes so that the next ones are found again."""
    found: QuerySet[Listing] = bank_list.rows(filters, user=user).order_by("code")
    matching = found.count()
    rest = found.filter(code__gt=after) if after else found
    codes = tuple(rest.values_list("code", flat=True)[:LIMIT])
    before = found.filter(code__lte=after).count() if after else 0
    return Selection(codes, matching, before, after)


def retag(
    codes: Sequence[str], *, add: Sequence[str], remove: Sequence[str], by: User, now: datetime
) -> Outcome:
    add, remove = authoring.clean_tags(add), authoring.clean_tags(remove)
    if not add and not remove:
        raise BulkError("no_tag")
    if len(add) > authoring.MAX_TAGS:
        raise BulkError("too_many_tags")
    return _each(codes, lambda q: authoring.retag(q, add=add, remove=remove, by=by, now=now))


def submit(codes: Sequence[str], *, reviewer: User | None, by: User, now: datetime) -> Outcome:
    def send(question: Question) -> bool:
        draft = Draft.objects.filter(question=question).select_related("question").first()
        if draft is None:
            raise AuthoringError("no_draft")
        if question.state == Question.State.RETIRED:
            raise AuthoringError("already_retired")
        reviewing.submit(draft, by=by, now=now, reviewer=reviewer)
        return True

    return _each(codes, send)


def retire(codes: Sequence[str], *, reason: str, by: User, now: datetime) -> Outcome:
    if not reason.strip():
        raise BulkError("no_reason")

    def take_out(question: Question) -> bool:
        authoring.retire(question, reason=reason, by=by, now=now)
        return True

    return _each(codes, take_out)


def _each(codes: Sequence[str], move: Callable[[Question], bool]) -> Outcome:
    wanted = list(dict.fromkeys(codes))
    if not wanted:
        raise BulkError("none_chosen")
    if len(wanted) > LIMIT:
        raise BulkError("too_many")
    known = {question.code: question for question in Question.objects.filter(code__in=wanted)}
    done: list[str] = []
    unchanged: list[str] = []
    refused: list[tuple[str, str]] = []
    for code in wanted:
        if code not in known:
            refused.append((code, "missing"))
            continue
        try:
            (done if move(known[code]) else unchanged).append(code)
        except AuthoringError as error:
            refused.append((code, error.code))
    return Outcome(tuple(done), tuple(unchanged), tuple(refused))
