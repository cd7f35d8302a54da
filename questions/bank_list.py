"""Which questions a bank list's address asks for, and in which order; the export asks the same way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet
from django.http import QueryDict

from accounts.models import User
from questions import wording
from questions.models import Draft, Listing, Question, QuestionTag
from questions.models.question import ITEM_TYPES, LEVELS

STATUSES: Final = ("draft", "in_review", "changes_requested", "published", "retired")
FINDINGS: Final = ("block", "warn", "none")
NO_LEVEL: Final = "none"
SORTS: Final[dict[str, tuple[Any, ...]]] = {
    "changed": ("-changed_at", "code"),
    "code": ("code",),
    "suspect": ("-is_suspect", "-open_challenges", F("facility").asc(nulls_last=True), "code"),
    "facility": (F("facility").asc(nulls_last=True), "code"),
    "difficulty": (F("difficulty").asc(nulls_last=True), "code"),
}
PER_PAGE: Final = (20, 50, 100)
MAX_VALUES = 30
MAX_CODES = 500
MAX_LENGTH = 100
MAX_QUERY = 200
MAX_WORDS = 10
MAX_PAGE = 10**9
MAX_ID = 2**63 - 1
_KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "type": tuple(value for value, _ in ITEM_TYPES),
    "status": STATUSES,
    "level": (*(value for value, _ in LEVELS), NO_LEVEL),
    "findings": FINDINGS,
}


@dataclass(frozen=True)
class Filters:
    """What an address asks for, with everything left out that means nothing.

    Several values of one name widen (draft or in review), several names narrow; every tag and every word of
    `q` has to be there. Without a status retired questions are left out, but not those named in `codes`.
    """

    blueprint: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    task: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    challenged: tuple[str, ...] = ()
    suspect: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    q: str = ""
    sort: str = "changed"
    per: int = PER_PAGE[0]
    page: int = 1

    @classmethod
    def parse(cls, params: QueryDict) -> Filters:
        """Never raises: an unknown status is no filter, an unknown exam matches nothing."""
        found: dict[str, Any] = {}
        for name in MANY:
            values = (_clean(value) for value in params.getlist(name)[: MAX_VALUES * 2])
            kept = tuple(dict.fromkeys(value for value in values if value and _means(name, value)))
            found[name] = kept[:MAX_VALUES]
        named = (part for text in params.getlist("codes")[:MAX_CODES] for part in text.split(","))
        codes = dict.fromkeys(code for part in named if (code := _clean(part)))
        sort = params.get("sort", "")
        per = _number(params.get("per"))
        return cls(
            **found,
            codes=tuple(codes)[:MAX_CODES],
            q=" ".join(params.get("q", "").replace("\0", "").split())[:MAX_QUERY],
            sort=sort if sort in SORTS else "changed",
            per=per if per in PER_PAGE else PER_PAGE[0],
            page=max(1, _number(params.get("page"))),
        )

    @property
    def words(self) -> list[str]:
        """What the texts have to hold, spelt as `Listing.search` is."""
        return list(dict.fromkeys(wording.plain(self.q).casefold().split()))[:MAX_WORDS]

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or self.codes or any(getattr(self, name) for name in MANY))

    def query(self, **changes: Any) -> str:
        """The address's part after `?`, without the page unless `changes` names one."""
        asked = replace(self, **{"page": 1, **changes})
        pairs: list[tuple[str, Any]] = []
        for field in fields(asked):
            value = getattr(asked, field.name)
            if value == field.default:
                continue
            pairs += (
                [(field.name, each) for each in value] if isinstance(value, tuple) else [(field.name, value)]
            )
        return urlencode(pairs)

    def toggled(self, name: str, value: str) -> str:
        """The query with this value put in, or taken out if it was in."""
        had: tuple[str, ...] = getattr(self, name)
        wanted = tuple(each for each in had if each != value) if value in had else (*had, value)
        return self.query(**{name: wanted})

    def cleared(self) -> str:
        """Nothing filtered; the order and the length of a page stay."""
        return Filters(sort=self.sort, per=self.per).query()


MANY: Final = tuple(f.name for f in fields(Filters) if f.default == () and f.name != "codes")


def filtered(params: QueryDict, *, user: User) -> QuerySet[Listing]:
    """The rows that an address asks for, in its order, all pages of them."""
    return rows(Filters.parse(params), user=user)


def rows(filters: Filters, *, user: User) -> QuerySet[Listing]:
    chosen = Q()
    for name in MANY:
        chosen &= _condition(name, getattr(filters, name), user=user)
    if not filters.status and not filters.codes:
        chosen &= ~Q(state=Question.State.RETIRED)
    return searched(filters).filter(chosen).order_by(*SORTS[filters.sort])


def searched(filters: Filters) -> QuerySet[Listing]:
    """Only by what no facet counts: words, tags, codes."""
    found = Listing.objects.all()
    for word in filters.words:
        found = found.filter(search__contains=word)
    for tag in filters.tag:
        found = found.filter(question__in=QuestionTag.objects.filter(name=tag.lower()).values("question"))
    if filters.codes:
        found = found.filter(code__in=filters.codes)
    return found


def statuses_of(state: str, draft_state: str) -> tuple[str, ...]:
    """A published question with a draft is both; a retired one is nothing else."""
    if state == Question.State.RETIRED:
        return ("retired",)
    published = ("published",) if state == Question.State.PUBLISHED else ()
    return (*published, draft_state) if draft_state else published


def findings_of(blocks: int, warns: int) -> tuple[str, ...]:
    found = (*(("block",) if blocks else ()), *(("warn",) if warns else ()))
    return found or ("none",)


def _condition(name: str, values: tuple[str, ...], *, user: User) -> Q:
    """The rows with one of these values."""
    if not values or name == "tag":
        return Q()
    match name:
        case "blueprint" | "domain" | "task" | "topic":
            return Q(**{f"{name}__code__in": values})
        case "type":
            return Q(item_type__in=values)
        case "level":
            return Q(level__in=["" if value == NO_LEVEL else value for value in values])
        case "author":
            return Q(author__in=author_ids(values, user=user))
        case "challenged":
            return Q(open_challenges__gt=0)
        case "suspect":
            return Q(is_suspect=True)
        case "status":
            return _any(_status(value) for value in values)
        case _:
            kinds = {"block": Q(blocks__gt=0), "warn": Q(warns__gt=0), "none": Q(blocks=0, warns=0)}
            return _any(kinds[value] for value in values)


def author_ids(values: Iterable[str], *, user: User) -> set[int]:
    return {user.pk if value == "me" else min(int(value), MAX_ID) for value in values}


def _status(value: str) -> Q:
    if value in Question.State.values and value != Question.State.DRAFT:
        return Q(state=value)
    return Q(draft_state=Draft.State(value)) & ~Q(state=Question.State.RETIRED)


def _any(conditions: Iterable[Q]) -> Q:
    either = Q()
    for condition in conditions:
        either |= condition
    return either


def _means(name: str, value: str) -> bool:
    if name in ("challenged", "suspect"):
        return value == "1"
    if name == "author":
        return value == "me" or (value.isascii() and value.isdigit() and len(value) < 20)
    return name not in _KNOWN or value in _KNOWN[name]


def _clean(value: str) -> str:
    return value.replace("\0", "").strip()[:MAX_LENGTH]


def _number(text: str | None) -> int:
    """0 for what is no number; what is absurd is only very large."""
    if text is None or not (text.isascii() and text.isdigit()):
        return 0
    return MAX_PAGE if len(text) > 9 else int(text)
