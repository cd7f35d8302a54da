"""Where a question's versions are used: papers, and sittings of each purpose."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q

from exams.models import Attempt, PaperItem, Response
from questions.models import Question

MAX_PAPERS = 50
"""Named for each version; more are counted."""


@dataclass(frozen=True)
class PaperUse:
    mock_code: str
    mock_title: str
    number: int
    slot: int
    is_scored: bool
    is_withdrawn: bool
    is_held_back: bool


@dataclass(frozen=True)
class VersionUse:
    number: int
    is_current: bool
    papers: tuple[PaperUse, ...]
    more_papers: int
    """Mocks' papers that are not named."""
    own_papers: int
    """Made for one learner: practice, a paper each, previews."""
    attempts: tuple[tuple[str, int], ...]
    """What a purpose is called, and its sittings."""
    sittings: int
    running: int


@dataclass(frozen=True)
class UsagePage:
    question: Question
    versions: tuple[VersionUse, ...]
    running: int

    @property
    def is_used(self) -> bool:
        return any(each.papers or each.own_papers or each.sittings for each in self.versions)


def usage_page(question: Question) -> UsagePage:
    """Newest version first. Five statements, however much it is used."""
    papers, more, own = _papers(question)
    sittings: dict[int, Counter[str]] = defaultdict(Counter)
    running: Counter[int] = Counter()
    counted = (
        Response.objects.filter(version__question=question)
        .order_by()
        .values_list("version", "attempt__purpose")
        .annotate(n=Count("pk"), open=Count("pk", filter=Q(attempt__state=Attempt.State.IN_PROGRESS)))
    )
    for version_id, purpose, n, still_open in counted:
        sittings[version_id][purpose] += n
        running[version_id] += still_open
    found = tuple(
        VersionUse(
            number=number,
            is_current=pk == question.current_id,
            papers=tuple(papers[pk]),
            more_papers=more[pk],
            own_papers=own[pk],
            attempts=tuple(
                (str(purpose.label), sittings[pk][purpose.value])
                for purpose in Attempt.Purpose
                if sittings[pk][purpose.value]
            ),
            sittings=sittings[pk].total(),
            running=running[pk],
        )
        for pk, number in question.versions.order_by("-number").values_list("pk", "number")
    )
    return UsagePage(question, found, running.total())


def _papers(question: Question) -> tuple[dict[int, list[PaperUse]], Counter[int], Counter[int]]:
    """Those that a mock assembled ahead, by version; how many more of them, and how many for one learner."""
    named: dict[int, list[PaperUse]] = defaultdict(list)
    shared = Q(paper__mock__isnull=False, paper__mock__is_per_learner=False)
    items = PaperItem.objects.filter(version__question=question).order_by()
    counts = items.values_list("version").annotate(
        shared=Count("pk", filter=shared), own=Count("pk", filter=~shared)
    )
    more, own = Counter[int](), Counter[int]()
    for version_id, of_mocks, of_one in counts:
        more[version_id], own[version_id] = of_mocks, of_one
    newest = (
        items.filter(shared)
        .select_related("paper__mock")
        .order_by("-version__number", "paper__mock__title", "paper__number")
    )
    for item in newest[: MAX_PAPERS * 4]:
        mock = item.paper.mock
        if mock is None or len(named[item.version_id]) >= MAX_PAPERS:
            continue
        named[item.version_id].append(
            PaperUse(
                mock_code=mock.code,
                mock_title=mock.title,
                number=item.paper.number,
                slot=item.slot,
                is_scored=item.is_scored,
                is_withdrawn=item.paper.withdrawn_at is not None,
                is_held_back=mock.is_held_back,
            )
        )
        more[item.version_id] -= 1
    return named, more, own
