"""Files and runs for the tests of import and export."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import PIL.Image

from accounts.models import User
from questions import applying, importing, runs
from questions.models import Blueprint, ImportRow, ImportRun
from tests.factories import NOW

GIFT = """$CATEGORY: $course$/top/Storage

::Objects::Which service stores objects? {=S3#It stores objects. ~EBS#It stores blocks. ~EFS#It stores files.}

Why is that? {}

::Weights::Which two are managed? {~%60%one ~%40%two ~%-100%three}

$CATEGORY: $course$/top/Compute

::Servers::Which service runs containers? {=ECS ~SQS ~SNS}
"""
AIKEN = "Which one is {name}?\nA. this\nB. that\nC. neither\nANSWER: A\n\n"


def png(colour: str = "red") -> bytes:
    out = io.BytesIO()
    PIL.Image.new("RGB", (8, 6), colour).save(out, "PNG")
    return out.getvalue()


def begin(
    blueprint: Blueprint, by: User | None, text: str | bytes = GIFT, *, name: str = "bank.gift", **fields: Any
) -> ImportRun:
    data = text.encode() if isinstance(text, str) else text
    options = {"format_name": "auto", "now": NOW, **fields}
    return importing.begin_import(
        io.BytesIO(data), filename=name, size=len(data), blueprint=blueprint, by=by, **options
    )


def previewed(blueprint: Blueprint, by: User | None, text: str | bytes = GIFT, **fields: Any) -> ImportRun:
    run = begin(blueprint, by, text, **fields)
    importing.read(run.pk, now=NOW)
    run.refresh_from_db()
    return run


def imported(blueprint: Blueprint, by: User | None, text: str | bytes = GIFT, **fields: Any) -> ImportRun:
    tag = fields.pop("tag", "")
    run = previewed(blueprint, by, text, **fields)
    applying.start(run, tag=tag, now=NOW)
    applying.apply(run.pk, now=NOW)
    run.refresh_from_db()
    return run


def outcomes(run: ImportRun) -> list[tuple[str, str]]:
    return [(row.outcome, row.code) for row in run.rows.order_by("number")]


def row(run: ImportRun, number: int = 1) -> ImportRow:
    return run.rows.get(number=number)


def fall_silent(run: Any) -> None:
    """Its worker was last heard of too long ago."""
    type(run).objects.filter(pk=run.pk).update(touched_at=NOW - runs.STALE - timedelta(seconds=1))
