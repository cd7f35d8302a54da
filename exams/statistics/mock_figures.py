"""The figures of a mock over first attempts, worked out from its papers' tallies when one of them changes.

`figures`: n, items, mean, median, sd, skewness, kurtosis (of right answers); pass_low, pass_high (shares);
reliability and its name in `coefficient`: "alpha" per paper and pooled by n, or "kr21" where each learner had
a paper of their own: a lower bound. sem; papers: [{paper, number, n, alpha, if_deleted: {slot: alpha}}];
domains: [{domain, n, by_itself, by_total, adds}], Haberman's PRMSEs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from exams import item_analysis, items, psychometrics
from exams.models import MockStatistic, PaperItem, PaperTally


def refresh(mock_ids: Collection[int], *, now: datetime) -> None:
    """Write these mocks' figures anew. The caller holds the statistics' lock."""
    statistics = list(MockStatistic.objects.filter(pk__in=mock_ids).select_related("mock"))
    papers: dict[int, list[PaperTally]] = defaultdict(list)
    tallies = PaperTally.objects.filter(paper__mock__in=mock_ids, paper__mock__is_per_learner=False)
    for tally in tallies.select_related("paper").order_by("paper__number"):
        papers[tally.paper.mock_id or 0].append(tally)
    slots = _scored_slots([tally.pk for own in papers.values() for tally in own])
    for statistic in statistics:
        statistic.figures = work_out(statistic, papers[statistic.mock_id], slots)
        statistic.updated_at = now
    MockStatistic.objects.bulk_update(statistics, ("figures", "updated_at"))


def _scored_slots(paper_ids: Collection[int]) -> Mapping[int, Mapping[str, int]]:
    """Per paper: scored slot → domain id."""
    rows = list(
        PaperItem.objects.filter(paper__in=paper_ids, is_scored=True)
        .order_by("paper", "slot")
        .values_list("paper_id", "slot", "version_id")
    )
    facts = items.facts(list({version_id for _, _, version_id in rows}))
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for paper_id, slot, version_id in rows:
        found[paper_id][str(slot)] = facts[version_id].domain_id
    return found


def work_out(
    statistic: MockStatistic, papers: Sequence[PaperTally], slots: Mapping[int, Mapping[str, int]]
) -> dict[str, Any]:
    scores = _numbers(statistic.scores)
    moments = item_analysis.moments(scores)
    count = statistic.mock.items - statistic.mock.unscored
    low, high = psychometrics.wilson_interval(statistic.passed, statistic.n)
    own = [_paper(tally, slots.get(tally.pk, {})) for tally in papers]
    if statistic.mock.is_per_learner:
        coefficient = "kr21"
        reliability = item_analysis.kr21(count, moments.mean or 0.0, item_analysis.variance(scores))
    else:
        coefficient = "alpha"
        reliability = _pooled([(paper["n"], paper["alpha"]) for paper in own])
    sem = None
    if reliability is not None and moments.sd is not None:
        sem = moments.sd * math.sqrt(max(1 - reliability, 0.0))
    return {
        "n": statistic.n,
        "items": count,
        "mean": moments.mean,
        "median": moments.median,
        "sd": moments.sd,
        "skewness": moments.skewness,
        "kurtosis": moments.kurtosis,
        "pass_low": low,
        "pass_high": high,
        "coefficient": coefficient,
        "reliability": reliability,
        "sem": sem,
        "papers": own,
        "domains": _domains(papers, slots),
    }


def _paper(tally: PaperTally, slots: Mapping[str, int]) -> dict[str, Any]:
    figures = item_analysis.paper_figures(_numbers(tally.scores), tally.right, list(slots))
    return {
        "paper": tally.pk,
        "number": tally.paper.number,
        "n": figures.n,
        "alpha": figures.alpha,
        "if_deleted": dict(figures.if_deleted),
    }


def _domains(papers: Sequence[PaperTally], slots: Mapping[int, Mapping[str, int]]) -> list[dict[str, Any]]:
    """Whether each domain score says anything that the total doesn't: per paper, pooled by n."""
    found: dict[int, list[tuple[int, item_analysis.SubscoreWorth]]] = defaultdict(list)
    for tally in papers:
        scores = _numbers(tally.scores)
        n = item_analysis.size(scores)
        of_domain: dict[int, list[float]] = defaultdict(list)
        for slot, domain_id in slots.get(tally.pk, {}).items():
            of_domain[domain_id].append(tally.right.get(slot, (0, 0))[0] / n)
        for domain_id, shares in of_domain.items():
            sums = tally.domains.get(str(domain_id), (0, 0, 0))
            worth = item_analysis.subscore_worth(n, sums, scores, shares)
            if worth is not None:
                found[domain_id].append((n, worth))
    rows = []
    for domain_id, worths in sorted(found.items()):
        pooled = item_analysis.SubscoreWorth(
            _pooled([(n, worth.by_itself) for n, worth in worths]) or 0.0,
            _pooled([(n, worth.by_total) for n, worth in worths]) or 0.0,
        )
        rows.append(
            {
                "domain": domain_id,
                "n": sum(n for n, _ in worths),
                "by_itself": pooled.by_itself,
                "by_total": pooled.by_total,
                "adds": pooled.adds,
            }
        )
    return rows


def _numbers(histogram: Mapping[str, int]) -> dict[float, int]:
    return {int(value): n for value, n in histogram.items()}


def _pooled(values: Sequence[tuple[int, float | None]]) -> float | None:
    known = [(n, value) for n, value in values if value is not None]
    total = sum(n for n, _ in known)
    return sum(n * value for n, value in known) / total if total else None
