"""A learner says that a question is wrong; who writes questions answers. Scores stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db import IntegrityError, models, transaction
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from exams import disclosure, figures, psychometrics
from exams.models import Attempt, Challenge, Response
from questions import listing
from questions.keyed import Keyed, keyed
from questions.models import QuestionVersion

MIN_TEXT = 20
MAX_TEXT = 2_000
PER_PAGE = 20
PER_QUEUE_PAGE = 10


class ChallengeError(Exception):
    """`code`: not_found, keys_not_shown, too_short, too_long, already_open, already_answered or no_words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# ── the rules ──


@transaction.atomic
def raise_challenge(attempt: Attempt, *, slot: int, learner: User, text: str, now: datetime) -> Challenge:
    """Note what the learner says against the version in this slot of their own scored attempt.

    Only once the review shows the keys: before, a challenge would be a question about the key.
    """
    text = plain(text)
    response = check_may_raise(attempt, slot=slot, learner=learner, now=now)
    if len(text) < MIN_TEXT:
        raise ChallengeError("too_short")
    if len(text) > MAX_TEXT:
        raise ChallengeError("too_long")
    try:
        # A double click comes twice at once: the constraint lets one of them in. The savepoint keeps the
        # transaction usable.
        with transaction.atomic():
            challenge = Challenge.objects.create(
                version_id=response.version_id, attempt=attempt, learner=learner, text=text, created_at=now
            )
    except IntegrityError:
        raise ChallengeError("already_open") from None
    _note_in_bank(challenge)
    return challenge


def check_may_raise(attempt: Attempt, *, slot: int, learner: User, now: datetime) -> Response:
    """The response in question; `ChallengeError` unless it is the learner's own and its key is shown."""
    response = attempt.responses.filter(slot=slot).first() if slot <= attempt.paper.item_count else None
    if attempt.learner_id != learner.pk or response is None:
        raise ChallengeError("not_found")
    if attempt.state != Attempt.State.SCORED or not disclosure.of(attempt, now=now).keys:
        raise ChallengeError("keys_not_shown")
    return response


@transaction.atomic
def answer_challenge(challenge_id: int, *, by: User, accept: bool, words: str, now: datetime) -> Challenge:
    """Accept or decline, once, with words to the learner. The caller has checked the permission."""
    words = plain(words)
    # Two instructors may answer at the same moment: the second must see what the first has said.
    challenge = Challenge.objects.select_for_update(of=("self",), no_key=True).filter(pk=challenge_id).first()
    if challenge is None:
        raise ChallengeError("not_found")
    if not challenge.is_open:
        raise ChallengeError("already_answered")
    if not words:
        raise ChallengeError("no_words")
    if len(words) > MAX_TEXT:
        raise ChallengeError("too_long")
    challenge.state = Challenge.State.ACCEPTED if accept else Challenge.State.DECLINED
    challenge.answer, challenge.answered_by, challenge.answered_at = words, by, now
    challenge.save(update_fields=("state", "answer", "answered_by", "answered_at"))
    _note_in_bank(challenge)
    return challenge


def _note_in_bank(challenge: Challenge) -> None:
    question_id = challenge.version.question_id
    waiting = Challenge.objects.waiting().filter(version__question=question_id).count()
    listing.note_challenges(question_id, waiting=waiting)


def plain(text: str) -> str:
    """A browser sends its line ends as two characters: the reader's count is by one."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def waiting_count() -> int:
    return Challenge.objects.waiting().count()


# ── what pages show ──


@dataclass(frozen=True)
class OwnChallenge:
    """What its learner sees of it; `slot` leads back to the review. No key is in it."""

    state: str
    text: str
    answer: str
    created_at: datetime
    answered_at: datetime | None
    attempt_id: UUID
    slot: int
    question_code: str
    version: int
    current_version: int | None
    topic_code: str
    topic_title: str
    stem_html: SafeString


@dataclass(frozen=True)
class KeyedQuestion(Keyed):
    """A version with its key, and where it stands."""

    code: str
    version: int
    current_version: int | None
    item_type: str
    topic_code: str
    topic_title: str
    level: str
    expected_percent: int


@dataclass(frozen=True)
class ItemFacility:
    """How many of all who met the question first in a mock had it right, with the 95 % interval (Wilson)."""

    n: int
    correct: int

    @property
    def percent(self) -> int:
        return figures.whole_percent(self.correct / self.n)

    @property
    def low_percent(self) -> int:
        return figures.whole_percent(psychometrics.wilson_interval(self.correct, self.n)[0])

    @property
    def high_percent(self) -> int:
        return figures.whole_percent(psychometrics.wilson_interval(self.correct, self.n)[1])


@dataclass(frozen=True)
class QueueRow:
    """The learner isn't named: who says it must not weigh."""

    id: int
    state: str
    text: str
    answer: str
    answered_by: str
    answered_at: datetime | None
    created_at: datetime
    question: KeyedQuestion
    facility: ItemFacility | None


@dataclass(frozen=True)
class QueuePage:
    page: Page[Challenge]
    rows: tuple[QueueRow, ...]
    waiting: int


def own_page(learner: User, *, page_number: str | None) -> tuple[Page[Challenge], tuple[OwnChallenge, ...]]:
    """The learner's challenges, newest first."""
    page = Paginator(_own(learner), PER_PAGE).get_page(page_number)
    return page, tuple(_own_row(challenge) for challenge in page)


def of_question(learner: User, version_id: int) -> tuple[OwnChallenge, ...]:
    """What this learner has said of one version, newest first."""
    return tuple(_own_row(challenge) for challenge in _own(learner).filter(version=version_id))


def queue_page(*, page_number: str | None) -> QueuePage:
    """Every challenge: the open ones first, who waits longest at the top; then the latest answered."""
    rows = (
        Challenge.objects.select_related(
            "version__question",
            "version__topic",
            "version__scenario_version__scenario",
            "version__statistic",
            "answered_by",
        )
        .annotate(current_version=models.F("version__question__current__number"))
        .order_by(models.F("answered_at").desc(nulls_first=True), "created_at", "id")
    )
    page = Paginator(rows, PER_QUEUE_PAGE).get_page(page_number)
    return QueuePage(page=page, rows=tuple(_queue_row(each) for each in page), waiting=waiting_count())


def _own(learner: User) -> models.QuerySet[Challenge]:
    slot = Response.objects.filter(attempt=models.OuterRef("attempt"), version=models.OuterRef("version"))
    return (
        Challenge.objects.raised_by(learner)
        .select_related("version__question", "version__topic")
        .annotate(
            slot=models.Subquery(slot.values("slot")[:1]),
            current_version=models.F("version__question__current__number"),
        )
    )


def _own_row(challenge: Any) -> OwnChallenge:
    version = challenge.version
    return OwnChallenge(
        state=challenge.state,
        text=challenge.text,
        answer=challenge.answer,
        created_at=challenge.created_at,
        answered_at=challenge.answered_at,
        attempt_id=challenge.attempt_id,
        slot=challenge.slot,
        question_code=version.question.code,
        version=version.number,
        current_version=challenge.current_version,
        topic_code=version.topic.code,
        topic_title=version.topic.title,
        stem_html=_html(version.rendered["stem"]),
    )


def _queue_row(challenge: Any) -> QueueRow:
    statistic = getattr(challenge.version, "statistic", None)
    return QueueRow(
        id=challenge.pk,
        state=challenge.state,
        text=challenge.text,
        answer=challenge.answer,
        answered_by=str(challenge.answered_by or ""),
        answered_at=challenge.answered_at,
        created_at=challenge.created_at,
        question=keyed_question(challenge.version, current_version=challenge.current_version),
        facility=ItemFacility(statistic.n, statistic.correct) if statistic and statistic.n else None,
    )


def keyed_question(version: QuestionVersion, *, current_version: int | None) -> KeyedQuestion:
    """For who may write questions alone."""
    shown = keyed(version.parsed, version.rendered, version.scenario_version)
    return KeyedQuestion(
        scenario=shown.scenario,
        stem_html=shown.stem_html,
        options=shown.options,
        prompts=shown.prompts,
        code=version.question.code,
        version=version.number,
        current_version=current_version,
        item_type=version.item_type,
        topic_code=version.topic.code,
        topic_title=version.topic.title,
        level=version.level,
        expected_percent=figures.whole_percent(float(version.difficulty)),
    )


def _html(rendered: str) -> SafeString:
    """Rendered and cleaned by `questions.rendering`."""
    return mark_safe(rendered)
