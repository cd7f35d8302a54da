"""Mock exams built by hand: saved together with their papers, or refused with the cell that is short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.paginator import Page, Paginator
from django.db import IntegrityError, models, transaction

from exams import assembly, review_policy
from exams.assembly import Shortage
from exams.models import Attempt, MockExam, Paper, PaperItem
from exams.review_policy import Part, Phase, Policy
from questions import content
from questions.models import Blueprint

PER_PAGE = 20
FROZEN = ("blueprint", "items", "unscored", "seconds", "fixed_cut", "is_per_learner", "is_held_back")
"""What a sitting's score rests on: it stays once somebody has sat the mock."""


class MockError(Exception):
    """`code`: code_taken, changed_meanwhile, already_sat, bank_too_small, not_fresh, own_papers_held_back,
    bad_policy, not_found or already_withdrawn.

    `short` names each cell with what it needs and what it has; `fields` what can't change any more.
    """

    def __init__(self, code: str, *, short: Sequence[Shortage] = (), fields: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.short = tuple(short)
        self.fields = tuple(fields)


@dataclass(frozen=True)
class MockSpec:
    """Everything of a mock exam that its builder decides."""

    blueprint: Blueprint
    title: str
    items: int
    unscored: int
    seconds: int
    papers_wanted: int = 1
    is_per_learner: bool = False
    is_held_back: bool = False
    fixed_cut: Decimal | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    review_policy: Policy | None = None
    is_published: bool = False


@dataclass(frozen=True)
class Outcome:
    """What saving made: new papers, papers taken out, and how many questions stand in more than one paper."""

    mock: MockExam
    made: int
    withdrawn: int
    shared: int


def spec_of(mock: MockExam) -> MockSpec:
    return MockSpec(**{each.name: getattr(mock, each.name) for each in fields(MockSpec)})


def fingerprint(mock: MockExam) -> str:
    """Equal for an unchanged mock; the form carries it, so that two editors can't overwrite each other."""
    plain = {**asdict(replace(spec_of(mock), blueprint=None)), "blueprint": mock.blueprint_id}  # type: ignore[arg-type]
    return content.fingerprint(
        {name: value if name == "review_policy" else str(value) for name, value in plain.items()}
    )


def sittings(mock: MockExam) -> models.QuerySet[Attempt]:
    """Of learners and staff; previews are none."""
    return mock.attempts.exclude(purpose=Attempt.Purpose.PREVIEW)


# ── the matrix when × what ──


def policy_problems(policy: Policy, *, has_window: bool) -> list[tuple[str, str | None]]:
    """What can't be kept, as (code, phase): each later phase shows at least what the one before has shown."""
    problems: list[tuple[str, str | None]] = []
    shown = {phase: set(policy.get(phase, [])) for phase in Phase}
    during, right_after, after = shown[Phase.DURING], shown[Phase.RIGHT_AFTER], shown[Phase.AFTER_WINDOW]
    if during and Part.KEYS not in during:
        problems.append(("during_without_keys", Phase.DURING))
    problems += [
        ("keys_without_marks", phase)
        for phase, parts in shown.items()
        if Part.KEYS in parts and Part.MARKS not in parts and phase is not Phase.DURING
    ]
    if has_window and not right_after <= after:
        problems.append(("taken_back", Phase.AFTER_WINDOW))
    if not has_window and right_after != after:
        problems.append(("no_window", Phase.AFTER_WINDOW))
    if during and not {Part.MARKS, Part.KEYS} <= right_after:
        problems.append(("taken_back", Phase.RIGHT_AFTER))
    return problems


# ── saving ──


def create_mock(spec: MockSpec, *, code: str, now: datetime) -> Outcome:
    """A new mock with its papers, or `MockError` and nothing."""
    try:
        with transaction.atomic():
            last = MockExam.objects.aggregate(last=models.Max("position"))["last"] or 0
            mock = MockExam(code=code, position=min(last + 1, 32_000))
            return _store(mock, spec, now=now)
    except IntegrityError as error:
        raise MockError("code_taken") from error


@transaction.atomic
def edit_mock(mock: MockExam, spec: MockSpec, *, seen: str, now: datetime) -> Outcome:
    """Store `spec`, unless the mock is no longer what the editor has `seen` (its fingerprint).

    Once somebody has sat it, what scores rest on stays; before that, other questions or another length make
    new papers, and the old ones leave the choice.
    """
    # Two editors who save at once: the second must find what the first has written.
    mock = (
        MockExam.objects.select_for_update(of=("self",), no_key=True)
        .select_related("blueprint")
        .get(pk=mock.pk)
    )
    if fingerprint(mock) != seen:
        raise MockError("changed_meanwhile")
    changed = [name for name in FROZEN if getattr(mock, name) != getattr(spec, name)]
    has_sittings = sittings(mock).exists()
    if changed and has_sittings:
        raise MockError("already_sat", fields=changed)
    ready = mock.papers.filter(withdrawn_at=None)
    withdrawn = 0
    if changed:
        withdrawn = ready.update(withdrawn_at=now)
    elif (surplus := ready.count() - spec.papers_wanted) > 0 and not spec.is_per_learner:
        if has_sittings:
            raise MockError("already_sat", fields=["papers_wanted"])
        last = list(ready.order_by("-number").values_list("pk", flat=True)[:surplus])
        withdrawn = ready.filter(pk__in=last).update(withdrawn_at=now)
    if spec.title != mock.title:
        # A sitting shows its paper's title.
        mock.papers.update(title=spec.title)
    return replace(_store(mock, spec, now=now), withdrawn=withdrawn)


def try_out(spec: MockSpec, *, mock: MockExam | None, now: datetime) -> Outcome:
    """What saving would make, stored nowhere. Raises `MockError` as saving would for a bank too small."""
    with transaction.atomic():
        trial = MockExam(code="~try-out", position=0)
        if mock is not None:
            # Its own papers are no reason why it should find fewer questions.
            Paper.objects.filter(mock=mock, withdrawn_at=None).update(withdrawn_at=now)
        try:
            outcome = _store(trial, spec, now=now)
        finally:
            transaction.set_rollback(True)
    return outcome


def _store(mock: MockExam, spec: MockSpec, *, now: datetime) -> Outcome:
    if spec.is_per_learner and spec.is_held_back:
        raise MockError("own_papers_held_back")
    policy = spec.review_policy if spec.review_policy is not None else review_policy.default()
    if policy_problems(policy, has_window=spec.closes_at is not None):
        raise MockError("bad_policy")
    for each in fields(MockSpec):
        setattr(mock, each.name, getattr(spec, each.name))
    mock.review_policy = policy
    mock.save()
    try:
        made = assembly.ensure_papers(mock, now=now)
        if mock.is_per_learner:
            assembly.choose_for(mock, met=(), seed=0)
    except assembly.AssemblyError as error:
        raise MockError("bank_too_small", short=error.short) from error
    if mock.is_held_back and made:
        _check_fresh(mock, made)
    return Outcome(mock, made=len(made), withdrawn=0, shared=shared_questions(mock))


def _check_fresh(mock: MockExam, made: Sequence[Paper]) -> None:
    """A final check shares no question with any other paper; assembly takes used ones where it must."""
    others = PaperItem.objects.filter(
        paper__blueprint=mock.blueprint, paper__mock__isnull=False, paper__withdrawn_at=None
    ).exclude(paper__in=made)
    used = set(others.values_list("version__question", flat=True))
    own = PaperItem.objects.filter(paper__in=made).values_list("version__question", flat=True)
    if used.isdisjoint(own) and len(set(own)) == len(own):
        return
    free = Counter(
        each.domain
        for each in assembly.candidates_of(mock.blueprint, mock=mock)
        if each.question_id not in used
    )
    _papers, short = assembly.disjoint_papers(free, assembly.counts_of(mock), most=len(made))
    raise MockError("not_fresh", short=short)


def shared_questions(mock: MockExam) -> int:
    """How many questions stand in more than one of the mock's papers."""
    rows = (
        PaperItem.objects.filter(paper__mock=mock, paper__withdrawn_at=None)
        .order_by()
        .values("version__question")
        .annotate(n=models.Count("id"))
        .filter(n__gt=1)
    )
    return rows.count()


# ── papers ──


@transaction.atomic
def withdraw_paper(mock: MockExam, *, number: int, now: datetime) -> Paper:
    """Take a paper out of the choice; who sits it keeps it, and its results stay."""
    # A start may pick it at this moment: it then has it, and nobody after.
    paper = mock.papers.select_for_update(no_key=True).filter(number=number).first()
    if paper is None:
        raise MockError("not_found")
    if paper.withdrawn_at is not None:
        raise MockError("already_withdrawn")
    paper.withdrawn_at = now
    paper.save(update_fields=("withdrawn_at",))
    return paper


def assemble_missing(mock: MockExam, *, now: datetime) -> int:
    """The papers that the mock lacks; return how many were made."""
    try:
        return len(assembly.ensure_papers(mock, now=now))
    except assembly.AssemblyError as error:
        raise MockError("bank_too_small", short=error.short) from error


# ── what pages show ──


@dataclass(frozen=True)
class MockRow:
    mock: MockExam
    state: str
    """draft, planned, open or over."""
    papers: int
    attempts: int


def rows(
    *, blueprint: Blueprint | None, page_number: str | None, now: datetime
) -> tuple[list[MockRow], Page[MockExam]]:
    """One page of all mocks, drafts too, in two queries."""
    mocks = MockExam.objects.select_related("blueprint").order_by("blueprint__code", "position", "title")
    if blueprint is not None:
        mocks = mocks.filter(blueprint=blueprint)
    ready = Paper.objects.filter(mock=models.OuterRef("pk"), withdrawn_at=None).order_by().values("mock")
    sat = (
        Attempt.objects.filter(mock=models.OuterRef("pk"))
        .exclude(purpose=Attempt.Purpose.PREVIEW)
        .order_by()
        .values("mock")
    )
    counted = mocks.annotate(
        ready=models.functions.Coalesce(models.Subquery(ready.annotate(n=models.Count("pk")).values("n")), 0),
        sat=models.functions.Coalesce(models.Subquery(sat.annotate(n=models.Count("pk")).values("n")), 0),
    )
    page = Paginator(counted, PER_PAGE).get_page(page_number)
    listed = [
        MockRow(each, state_of(each, now=now), each.ready, each.sat)  # type: ignore[attr-defined]
        for each in page
    ]
    return listed, page


def state_of(mock: MockExam, *, now: datetime) -> str:
    if not mock.is_published:
        return "draft"
    if mock.closes_at is not None and now >= mock.closes_at:
        return "over"
    if mock.opens_at is not None and now < mock.opens_at:
        return "planned"
    return "open"


@dataclass(frozen=True)
class PaperRow:
    paper: Paper
    attempts: int
    cut_percent: str
    stale: int
    """Questions that were retired or have a newer version since."""


def paper_rows(mock: MockExam) -> list[PaperRow]:
    """The mock's papers, those in the choice first, in two queries."""
    is_preview = models.Q(attempts__purpose=Attempt.Purpose.PREVIEW)
    papers = mock.papers.annotate(sat=models.Count("attempts", filter=~is_preview)).order_by("number")
    outdated = (
        PaperItem.objects.filter(paper__mock=mock)
        .exclude(version__question__state="published", version__question__current=models.F("version"))
        .order_by()
        .values_list("paper")
    )
    stale: dict[int, int] = dict(outdated.annotate(n=models.Count("id")).values_list("paper", "n"))
    listed = [
        PaperRow(each, each.sat, f"{float(100 * each.cut):.1f}", stale.get(each.pk, 0)) for each in papers
    ]
    return sorted(listed, key=lambda row: (row.paper.withdrawn_at is not None, row.paper.number))


def previews_of(mock: MockExam, user: Any) -> list[Attempt]:
    """One's own, newest first."""
    own = Attempt.objects.sat_by(user).filter(mock=mock, purpose=Attempt.Purpose.PREVIEW)
    return list(own.order_by("-started_at")[:5])
