"""Papers from a blueprint's weights: which questions, in which order, and the word which cell is short.

The choice is a pure function of candidates, counts, uses and seed; the same bank and seed give the same paper.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from django.db import models, transaction

from exams import scoring
from exams.models import MockExam, Paper, PaperItem
from questions.models import Blueprint, Question

DRAWS = 24
"""Papers drawn to choose the one whose cut is nearest to the bank's: papers of one mock stay comparable."""
POOL = 8
"""Of a very large bank each paper is drawn from so many times what it needs: else every draw sorts all of it."""
DRAWS_AT_START = 4
"""Where a learner waits for it."""


class AssemblyError(Exception):
    """The bank can't fill a paper. `short` names each cell with what it needs and what it has."""

    code = "bank_too_small"

    def __init__(self, short: Sequence[Shortage]) -> None:
        super().__init__("; ".join(f"{s.cell}: {s.available} of {s.needed}" for s in short))
        self.short = tuple(short)


@dataclass(frozen=True)
class Shortage:
    cell: str
    needed: int
    available: int


@dataclass(frozen=True)
class Candidate:
    question_id: int
    version_id: int
    domain: str
    task: str
    scenario_id: int | None
    difficulty: Decimal
    topic: str = ""


@dataclass(frozen=True)
class Slot:
    candidate: Candidate
    is_scored: bool


def largest_remainder(total: int, weights: Mapping[str, Decimal]) -> dict[str, int]:
    """Whole shares of `total` in proportion to `weights` (Hamilton's method); ties go to the earlier key."""
    whole = sum(weights.values(), Decimal(0)) or Decimal(1)
    exact = {key: Fraction(weight) / Fraction(whole) * total for key, weight in weights.items()}
    shares = {key: int(share) for key, share in exact.items()}
    missing = total - sum(shares.values())
    for key in sorted(exact, key=lambda key: exact[key] - shares[key], reverse=True)[:missing]:
        shares[key] += 1
    return shares


def domain_counts(weights: Mapping[str, Decimal], *, items: int, unscored: int) -> dict[str, tuple[int, int]]:
    """Per domain: scored and unscored slots. The weights are shares of the scored items.

    All slots are shared out first, as the real form is laid out; a domain never loses a scored slot to it.
    """
    scored = largest_remainder(items - unscored, weights)
    everything = largest_remainder(items, weights)
    spare = {key: max(0, everything[key] - scored[key]) for key in weights}
    while sum(spare.values()) > unscored:
        spare[max(spare, key=lambda key: spare[key])] -= 1
    while sum(spare.values()) < unscored:
        spare[min(spare, key=lambda key: spare[key])] += 1
    return {key: (scored[key], spare[key]) for key in weights}


def choose(
    candidates: Iterable[Candidate],
    counts: Mapping[str, tuple[int, int]],
    *,
    seed: int,
    uses: Mapping[int, int],
    draws: int = DRAWS,
) -> list[Slot]:
    """Choose and order the slots of one paper, or raise `AssemblyError`.

    counts: per domain (scored, unscored). uses: how often a question was used or met; least used come first.
    A scenario's questions come together, one after another, or not at all.
    """
    by_domain: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in sorted(candidates, key=lambda c: c.question_id):
        by_domain[candidate.domain].append(candidate)
    counts = _where_fresh(counts, by_domain, uses)
    short = [
        Shortage(domain, scored + unscored, len(by_domain[domain]))
        for domain, (scored, unscored) in counts.items()
        if len(by_domain[domain]) < scored + unscored
    ]
    if short:
        raise AssemblyError(short)

    everyone = [c for group in by_domain.values() for c in group]
    target = sum((c.difficulty for c in everyone), Decimal(0)) / max(1, len(everyone))
    pools = {
        domain: _pool(by_domain[domain], POOL * sum(both), random.Random(f"{seed}:{domain}"), uses)
        for domain, both in counts.items()
    }
    drawn = (_draw(pools, counts, random.Random(f"{seed}:{n}"), uses) for n in range(draws))
    # Freshness first: a paper nearer to the mean is no reason to show a question twice.
    return min(drawn, key=lambda slots: (_total_uses(slots, uses), abs(_mean_difficulty(slots) - target)))


def _where_fresh(
    counts: Mapping[str, tuple[int, int]],
    by_domain: Mapping[str, Sequence[Candidate]],
    uses: Mapping[int, int],
) -> dict[str, tuple[int, int]]:
    fresh = {domain: sum(not uses.get(c.question_id) for c in by_domain[domain]) for domain in counts}
    return _spread(counts, fresh)


def _spread(counts: Mapping[str, tuple[int, int]], fresh: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """`counts` with unscored slots moved from domains that lack fresh questions to those that have some left.

    The weights bind the scored slots alone; an unscored one rather stands elsewhere than shows a question twice.
    """
    spread = dict(counts)
    left = {domain: fresh.get(domain, 0) - sum(both) for domain, both in counts.items()}
    for domain in counts:
        while left[domain] < 0 and spread[domain][1]:
            richest = max(left, key=lambda other: left[other])
            if left[richest] <= 0:
                break
            for moved, step in ((domain, -1), (richest, 1)):
                spread[moved] = (spread[moved][0], spread[moved][1] + step)
                left[moved] -= step
    return spread


def disjoint_papers(
    available: Mapping[str, int], counts: Mapping[str, tuple[int, int]], *, most: int = 10_000
) -> tuple[int, list[Shortage]]:
    """How many papers without a question in common fresh questions make, and what the next one lacks.

    available: fresh questions per domain. It is what `choose` would do, one paper after another with what is
    left: which paper a domain's questions stand in matters to no other, so that counting is enough.
    """
    left = dict(available)
    if not any(sum(both) for both in counts.values()):
        return 0, []
    for papers in range(most):
        wanted = _spread(counts, left)
        short = [
            Shortage(domain, sum(both), left.get(domain, 0))
            for domain, both in wanted.items()
            if left.get(domain, 0) < sum(both)
        ]
        if short:
            return papers, short
        for domain, both in wanted.items():
            left[domain] = left.get(domain, 0) - sum(both)
    return most, []


def _draw(
    by_domain: Mapping[str, Sequence[Candidate]],
    counts: Mapping[str, tuple[int, int]],
    rng: random.Random,
    uses: Mapping[int, int],
) -> list[Slot]:
    units: list[list[Slot]] = []
    for domain, (scored, unscored) in counts.items():
        chosen = _fill(by_domain[domain], scored + unscored, rng, uses)
        # Unscored slots hide among single questions; a case study is scored as a whole where that is possible.
        singles_first = sorted(chosen, key=lambda unit: (len(unit), rng.random()))
        hidden = {c.question_id for c in [c for unit in singles_first for c in unit][:unscored]}
        units += [[Slot(c, c.question_id not in hidden) for c in unit] for unit in chosen]
    rng.shuffle(units)
    # A scenario with questions in several domains is still read once.
    place: dict[int, int] = {}
    for index, unit in enumerate(units):
        if scenario_id := unit[0].candidate.scenario_id:
            place.setdefault(scenario_id, index)
    order = sorted(range(len(units)), key=lambda i: place.get(units[i][0].candidate.scenario_id or 0, i))
    return [slot for i in order for slot in units[i]]


def _fill(
    candidates: Sequence[Candidate], wanted: int, rng: random.Random, uses: Mapping[int, int]
) -> list[list[Candidate]]:
    """Units (a question, or a scenario's questions) of one domain that fill `wanted` slots, tasks in turn."""
    grouped: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
    for c in candidates:
        grouped[("scenario", c.scenario_id) if c.scenario_id else ("question", c.question_id)].append(c)
    by_task: dict[str, list[list[Candidate]]] = defaultdict(list)
    for unit in grouped.values():
        by_task[unit[0].task].append(unit)
    tasks = sorted(by_task)
    rng.shuffle(tasks)
    for task in tasks:
        by_task[task].sort(key=lambda unit: (-_mean_uses(unit, uses), rng.random()))

    chosen: list[list[Candidate]] = []
    missing = wanted
    taken: Counter[str] = Counter()
    while missing and (open_tasks := [task for task in tasks if by_task[task]]):
        # A question that was used already waits until no task has a fresh one; among equals, tasks take turns.
        task = min(open_tasks, key=lambda task: (_mean_uses(by_task[task][-1], uses), taken[task]))
        unit = by_task[task].pop()
        if len(unit) <= missing:
            chosen.append(unit)
            taken[task] += len(unit)
            missing -= len(unit)
    if missing:
        # Only scenarios larger than the rest are left: one comes in whole, in the place of single questions,
        # or, where these are too few, with its first questions.
        used = {c.question_id for unit in chosen for c in unit}
        unit = min((unit for unit in grouped.values() if unit[0].question_id not in used), key=len)
        singles = [single for single in chosen if len(single) == 1]
        surplus = len(unit) - missing
        if surplus <= len(singles):
            leaving = singles[-surplus:]
            chosen = [kept for kept in chosen if kept not in leaving]
        else:
            unit = unit[:missing]
        chosen.append(unit)
    return chosen


def _pool(
    candidates: Sequence[Candidate], most: int, rng: random.Random, uses: Mapping[int, int]
) -> Sequence[Candidate]:
    """The candidates, or about `most` of them: the least used, tasks in turn, and no case study in part."""
    if len(candidates) <= most:
        return candidates
    chosen = [c for unit in _fill(candidates, most, rng, uses) for c in unit]
    whole = Counter(c.scenario_id for c in candidates)
    taken = Counter(c.scenario_id for c in chosen)
    kept = [c for c in chosen if c.scenario_id is None or taken[c.scenario_id] == whole[c.scenario_id]]
    return sorted(kept, key=lambda c: c.question_id) if len(kept) * POOL >= most else candidates


def _mean_uses(unit: Sequence[Candidate], uses: Mapping[int, int]) -> float:
    return sum(uses.get(c.question_id, 0) for c in unit) / len(unit)


def _total_uses(slots: Sequence[Slot], uses: Mapping[int, int]) -> int:
    return sum(uses.get(slot.candidate.question_id, 0) for slot in slots)


def _mean_difficulty(slots: Sequence[Slot]) -> Decimal:
    scored = [slot.candidate.difficulty for slot in slots if slot.is_scored]
    return sum(scored, Decimal(0)) / max(1, len(scored))


# ── the database ──


def held_back(blueprint: Blueprint, *, except_for: MockExam | None = None) -> models.QuerySet[PaperItem, int]:
    """The ids of the questions that only a final check may show."""
    papers = Paper.objects.filter(blueprint=blueprint, mock__is_held_back=True, withdrawn_at=None)
    if except_for is not None:
        papers = papers.exclude(mock=except_for)
    return PaperItem.objects.filter(paper__in=papers).values_list("version__question_id", flat=True)


def candidates_of(blueprint: Blueprint, *, mock: MockExam | None = None) -> list[Candidate]:
    """The published questions that a mock, or practice, may take, in one query."""
    rows = (
        Question.objects.published()
        .filter(blueprint=blueprint, current__isnull=False)
        .exclude(pk__in=held_back(blueprint, except_for=mock))
        .values_list(
            "id",
            "current_id",
            "current__topic__task__domain__code",
            "current__topic__task__code",
            "current__scenario_version__scenario_id",
            "current__difficulty",
            "current__topic__code",
        )
    )
    return [Candidate(*row) for row in rows]


def ensure_papers(mock: MockExam, *, now: datetime) -> list[Paper]:
    """Assemble the papers that a mock still lacks, ahead of anybody's start; return the new ones."""
    with transaction.atomic():
        # Two learners who start at once would otherwise make two papers where one is wanted.
        MockExam.objects.select_for_update(no_key=True).get(pk=mock.pk)
        ready = mock.papers.filter(withdrawn_at=None).count()
        missing = 0 if mock.is_per_learner else mock.papers_wanted - ready
        candidates = candidates_of(mock.blueprint, mock=mock) if missing > 0 else []
        return [_assemble(mock, candidates, now=now) for _ in range(missing)]


def withdraw_stale_papers(mock: MockExam, *, now: datetime) -> int:
    """Take papers with retired or superseded questions out of the choice; who sits one keeps it."""
    stale = mock.papers.filter(withdrawn_at=None).exclude(
        pk__in=_current_papers(mock),
    )
    return stale.update(withdrawn_at=now)


def _current_papers(mock: MockExam) -> list[int]:
    items = PaperItem.objects.filter(paper__mock=mock, paper__withdrawn_at=None).values_list(
        "paper_id", "version_id", "version__question__current_id", "version__question__state"
    )
    fresh: dict[int, bool] = {}
    for paper_id, version_id, current_id, state in items:
        is_fresh = version_id == current_id and state == Question.State.PUBLISHED
        fresh[paper_id] = fresh.get(paper_id, True) and is_fresh
    return [paper_id for paper_id, is_fresh in fresh.items() if is_fresh]


def _assemble(mock: MockExam, candidates: Sequence[Candidate], *, now: datetime) -> Paper:
    number = (mock.papers.aggregate(last=models.Max("number"))["last"] or 0) + 1
    seed = random.Random(f"{mock.code}:{number}").getrandbits(62)
    # A final check shares nothing with any other mock; other mocks may overlap with one another.
    used_by = {} if mock.is_held_back else {"paper__mock": mock}
    uses = Counter(
        PaperItem.objects.filter(
            **used_by, paper__blueprint=mock.blueprint, paper__mock__isnull=False, paper__withdrawn_at=None
        ).values_list("version__question_id", flat=True)
    )
    slots = choose(candidates, counts_of(mock), seed=seed, uses=uses)
    return create_paper(mock.blueprint, slots, mock=mock, number=number, title=mock.title, seed=seed, now=now)


def counts_of(mock: MockExam) -> dict[str, tuple[int, int]]:
    """Per domain what a paper of this mock needs: scored and unscored."""
    weights = dict(mock.blueprint.domains.order_by("position", "code").values_list("code", "weight"))
    return domain_counts(weights, items=mock.items, unscored=mock.unscored)


def choose_for(mock: MockExam, *, met: Collection[int], seed: int) -> list[Slot]:
    """The slots of a paper for one learner: questions that aren't `met`, as far as the bank goes."""
    return choose(
        candidates_of(mock.blueprint, mock=mock),
        counts_of(mock),
        seed=seed,
        uses=dict.fromkeys(met, 1),
        draws=DRAWS_AT_START,
    )


def create_own_paper(mock: MockExam, slots: Sequence[Slot], *, seed: int, now: datetime) -> Paper:
    """Store a paper that one learner alone gets: it stands beside the mock's own, and no average counts it."""
    cut = None if mock.fixed_cut is None else Fraction(mock.fixed_cut)
    return create_paper(
        mock.blueprint, slots, mock=None, number=1, title=mock.title, seed=seed, now=now, cut=cut
    )


@transaction.atomic
def create_paper(
    blueprint: Blueprint,
    slots: Sequence[Slot],
    *,
    mock: MockExam | None,
    number: int,
    title: str,
    seed: int,
    now: datetime,
    cut: Fraction | None = None,
) -> Paper:
    """Store a paper with its cut: the mock's own, else the modified Angoff mean of its scored items."""
    if cut is None and mock is not None and mock.fixed_cut is not None:
        cut = Fraction(mock.fixed_cut)
    if cut is None:
        cut = scoring.paper_cut(slot.candidate.difficulty for slot in slots if slot.is_scored)
    paper = Paper.objects.create(
        blueprint=blueprint,
        mock=mock,
        number=number,
        title=title,
        seed=seed,
        cut_numerator=cut.numerator,
        cut_denominator=cut.denominator,
        item_count=len(slots),
        created_at=now,
    )
    PaperItem.objects.bulk_create(
        PaperItem(paper=paper, slot=number, version_id=slot.candidate.version_id, is_scored=slot.is_scored)
        for number, slot in enumerate(slots, start=1)
    )
    return paper
