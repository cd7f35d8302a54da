"""The figures that follow from tallies, worked out again when tallies change: pages only read them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from exams.statistics import item_figures, mock_figures, tallies


def refresh(changed: tallies.Tallies, *, now: datetime) -> None:
    """For the items and mocks that these tallies touch. The caller holds `tallies.LOCK`."""
    refresh_items({version_id for version_id, _ in changed.of(tallies.ITEMS)}, now=now)
    mock_figures.refresh({mock_id for (mock_id,) in changed.of(tallies.MOCKS)}, now=now)


def refresh_items(version_ids: Collection[int], *, now: datetime) -> None:
    """Also for versions of which nothing is left: their figures go."""
    item_figures.refresh(version_ids, now=now)
