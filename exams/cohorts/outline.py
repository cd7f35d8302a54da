"""An exam's domains and tasks with the target and the weight of each: what every table of a cohort hangs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from exams import figures
from exams.cohorts import group_figures
from exams.cohorts.group_figures import Share, Sums
from exams.models import MockExam, Paper
from exams.statistics import standings
from questions.models import Blueprint, TaskStatement

MAX_PAPERS = 50


@dataclass(frozen=True)
class Part:
    """A domain, or one of its tasks (`domain_code` then). `weight` in per cent of the exam, tasks alike."""

    id: int
    code: str
    title: str
    domain_code: str
    weight: float
    target: float

    @property
    def is_task(self) -> bool:
        return bool(self.domain_code)


@dataclass(frozen=True)
class PartShare:
    part: Part
    share: Share


@dataclass(frozen=True)
class Outline:
    blueprint: Blueprint
    domains: tuple[Part, ...]
    tasks: tuple[Part, ...]
    target: float
    """Of what has no target of its own."""

    @property
    def target_percent(self) -> int:
        return figures.whole_percent(self.target)

    def parts(self, by: str) -> tuple[Part, ...]:
        return self.domains if by == "domains" else self.tasks

    def tasks_of(self, domain: Part) -> tuple[Part, ...]:
        return tuple(task for task in self.tasks if task.domain_code == domain.code)

    def shares(self, by: str, sums: Mapping[int, Sums]) -> tuple[PartShare, ...]:
        return tuple(
            PartShare(part, group_figures.share(sums.get(part.id, Sums()), target=part.target))
            for part in self.parts(by)
        )


def outline(blueprint: Blueprint, *, mock: MockExam | None = None) -> Outline:
    """Two statements. The target is the mock's cut, without one that of all mocks of the exam."""
    cut = float(standings.target_of(blueprint) if mock is None else _cut_of(mock))
    rows = list(
        TaskStatement.objects.filter(domain__blueprint=blueprint)
        .select_related("domain")
        .order_by("domain__position", "domain__code", "position", "code")
    )
    domains = {row.domain_id: row.domain for row in rows}
    targets = {pk: cut if domain.cut is None else float(domain.cut) for pk, domain in domains.items()}
    counts = {pk: sum(row.domain_id == pk for row in rows) for pk in domains}
    return Outline(
        blueprint=blueprint,
        domains=tuple(
            Part(pk, domain.code, domain.title, "", float(domain.weight), targets[pk])
            for pk, domain in domains.items()
        ),
        tasks=tuple(
            Part(
                row.pk,
                row.code,
                row.title,
                row.domain.code,
                float(row.domain.weight) / counts[row.domain_id],
                targets[row.domain_id],
            )
            for row in rows
        ),
        target=cut,
    )


def _cut_of(mock: MockExam) -> Fraction:
    """The mean over its papers; of a mock with a paper for each learner, over its latest ones."""
    if mock.fixed_cut is not None:
        return Fraction(mock.fixed_cut)
    papers = Paper.objects.filter(mock=mock, withdrawn_at=None).order_by("-number")
    cuts = [Fraction(*pair) for pair in papers.values_list("cut_numerator", "cut_denominator")[:MAX_PAPERS]]
    return sum(cuts, Fraction(0)) / len(cuts) if cuts else standings.target_of(mock.blueprint)
