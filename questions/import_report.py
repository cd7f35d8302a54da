"""What becomes of each question of a file, as lists: for the command line, which prints it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

from questions import incoming
from questions.formats.exchange import Loss, Rejection, UnreadableFile
from questions.models import ImportRow, ImportRun

Report = dict[str, list[dict[str, Any]]]


def read(file: BinaryIO, filename: str, *, format_name: str) -> tuple[Report, bool]:
    """The report, and whether the file could be read: if not, it is one rejection. No database is asked."""
    report: Report = {"imported": [], "degraded": [], "rejected": []}
    try:
        for outcome in incoming.outcomes(file, filename, format_name=format_name):
            if isinstance(outcome, Rejection):
                report["rejected"].append(_rejected(outcome.where, outcome.code, outcome.why))
                continue
            question = incoming.incoming(outcome).question
            entry = {
                "where": question.where,
                "code": question.code,
                "title": question.title,
                "type": str(question.content.item_type),
                "question": question.content.to_json(),
                "losses": _losses(question.losses),
            }
            report["degraded" if question.losses else "imported"].append(entry)
    except UnreadableFile as error:
        # Some formats begin the place with the file's name.
        where = ", ".join(filter(None, (filename, error.where.removeprefix(filename).removeprefix(", "))))
        report["rejected"].append(_rejected(where, error.code, error.why))
        return report, False
    return report, True


def of_run(run: ImportRun) -> Report:
    """The same of an import that has been applied, with what was there already."""
    report: Report = {"imported": [], "degraded": [], "duplicates": [], "rejected": []}
    if run.error:
        report["rejected"].append(_rejected(run.filename, run.state, run.error))
    for row in run.rows.select_related("question", "same_as").order_by("number").iterator(chunk_size=500):
        if row.outcome == ImportRow.Outcome.REJECTED:
            report["rejected"].append(_rejected(row.where, row.code, row.why))
            continue
        payload = row.payload or {}
        known = row.question or row.same_as
        entry = {
            "where": row.where,
            "code": known.code if known else payload["code"],
            "title": row.title,
            "type": payload["content"]["type"],
            "question": payload["content"],
            "losses": row.losses,
        }
        if row.outcome == ImportRow.Outcome.DUPLICATE:
            report["duplicates"].append({**entry, "why": row.why})
        else:
            report[row.outcome].append(entry)
    return report


def lines(report: Report) -> Iterable[str]:
    """The report as a text for people."""
    heads = {
        "imported": "will be imported",
        "degraded": "imported with loss",
        "duplicates": "already there",
        "rejected": "rejected",
    }
    yield ", ".join(f"{heads[outcome]}: {len(entries)}" for outcome, entries in report.items())
    for entry in report["degraded"]:
        for loss in entry["losses"]:
            yield f"with loss: {entry['where']}: {loss['why']} ({loss['code']})"
    for entry in report.get("duplicates", ()):
        yield f"already there: {entry['where']}: {entry['why']}"
    for entry in report["rejected"]:
        yield f"rejected: {entry['where']}: {entry['why']} ({entry['code']})"


def _losses(losses: Iterable[Loss]) -> list[dict[str, str]]:
    return [{"code": loss.code, "why": loss.why} for loss in losses]


def _rejected(where: str, code: str, why: str) -> dict[str, Any]:
    return {"where": incoming.storable(where), "code": code, "why": incoming.storable(why)}
