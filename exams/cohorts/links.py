"""Addresses of pages that an installation may lack, and a page's figures as plain data."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.core.paginator import Page
from django.db.models import Model
from django.urls import NoReverseMatch, reverse

from exams.figures import Figure


def address(name: str, *args: Any, query: str = "") -> str:
    """Of a page, empty where there is none."""
    try:
        found = reverse(name, args=args)
    except NoReverseMatch:
        return ""
    return f"{found}?{query}" if query else found


def plain(value: Any) -> Any:
    """What a page shows as JSON can say it, without the geometry of its charts."""
    if isinstance(value, Figure):
        return {
            "correct": value.correct,
            "seen": value.seen,
            "mean": round(value.mean, 4),
            "low": round(value.low, 4),
            "high": round(value.high, 4),
            "target": round(value.target, 4),
            "verdict": str(value.verdict),
        }
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        shown = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.repr}
        return {name: plain(part) for name, part in shown.items() if not _is_drawing(part)}
    if isinstance(value, Page):
        return {"number": value.number, "pages": value.paginator.num_pages, "count": value.paginator.count}
    if isinstance(value, Model):
        return {"id": plain(value.pk), "title": str(value)}
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, (Decimal, Fraction, float)):
        return round(float(value), 4)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _is_drawing(value: Any) -> bool:
    return type(value).__module__ == "exams.charts" or type(value).__name__ == "Asked"
