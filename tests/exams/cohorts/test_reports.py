"""Reports: what their rows say, the order they come in, and that a worker may die in the middle."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest

from accounts.models import Cohort, Membership, User
from exams.cohorts import report_files, report_rows, reports
from exams.models import (
    Assignment,
    AssignmentQuestion,
    Attempt,
    ItemStatistic,
    MockExam,
    ReportChunk,
    ReportRun,
    Response,
)
from questions import runs
from tests.factories import NOW, make_cohort, make_exam, make_user, sit

pytestmark = pytest.mark.django_db

State = ReportRun.State


@pytest.fixture
def mock() -> MockExam:
    return make_exam(items=8)


@pytest.fixture
def cohort(ana: User, cleo: User, ben: User) -> Cohort:
    return make_cohort(learners=(ana, cleo), instructors=(ben,))


def assign(cohort: Cohort, mock: MockExam, title: str = "Week 3") -> Assignment:
    return Assignment.objects.create(
        cohort=cohort, mock=mock, blueprint=mock.blueprint, title=title, created_at=NOW
    )


def begin(
    cohort: Cohort, by: User, kind: str, assignment: Assignment | None = None, **fields: Any
) -> ReportRun:
    format_name = fields.pop("format_name", "csv")
    run, _ = reports.begin(
        cohort, kind=kind, format_name=format_name, assignment=assignment, by=by, now=NOW, **fields
    )
    return run


def file_of(run: ReportRun) -> bytes:
    reports.write(run.pk, now=NOW)
    run.refresh_from_db()
    assert run.state == State.READY, run.error
    return b"".join(reports.streamed(run))


def table(run: ReportRun) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file_of(run).decode("utf-8-sig"))))


# ── what the rows say ──


def test_a_score_of_each_sitting_in_a_fixed_order(
    cohort: Cohort, mock: MockExam, ben: User, ana: User, cleo: User
) -> None:
    sit(mock, cleo, right=3)
    second = sit(mock, ana, now=NOW + timedelta(days=1))
    first = sit(mock, ana, right=5, now=NOW - timedelta(days=1))
    given = assign(cohort, mock)
    Attempt.objects.filter(pk=second.pk).update(assignment=given)

    rows = table(begin(cohort, ben, "scores"))

    assert [(r["learner"], r["assignment"], r["right"], r["of"]) for r in rows] == [
        ("Ana", "", "5", "8"),
        ("Ana", "Week 3", "8", "8"),
        ("Cleo", "", "3", "8"),
    ]
    assert rows[1]["attempt"] == str(second.pk) and rows[0]["attempt"] == str(first.pk)
    assert rows[1]["passed"] == "yes" and rows[1]["ended_at"] == "2026-09-08T14:10:00Z"
    assert rows[1]["minutes_used"] == "10.0"
    assert rows[0]["scaled_score"] == str(first.result.scaled_score)


def test_only_the_assignment_that_was_asked_for(
    cohort: Cohort, mock: MockExam, ben: User, ana: User, cleo: User
) -> None:
    given = assign(cohort, mock)
    Attempt.objects.filter(pk=sit(mock, ana).pk).update(assignment=given)
    sit(mock, cleo)

    assert [row["learner"] for row in table(begin(cohort, ben, "scores", given))] == ["Ana"]


def test_nobody_who_left_or_learns_elsewhere_and_nothing_unscored(
    cohort: Cohort, mock: MockExam, ben: User, ana: User, cleo: User
) -> None:
    stranger = make_user("Stranger")
    make_cohort(learners=(stranger,), instructors=(ben,))
    for learner in (ana, cleo, stranger):
        sit(mock, learner)
    sit(mock, ana, score=False, now=NOW + timedelta(days=1))
    Membership.objects.filter(cohort=cohort, user=cleo).update(left_at=NOW)

    assert [row["learner"] for row in table(begin(cohort, ben, "scores"))] == ["Ana"]


def test_domains_and_tasks_of_a_sitting_in_the_outlines_order(
    cohort: Cohort, mock: MockExam, ben: User, ana: User
) -> None:
    attempt = sit(mock, ana, right=4)

    rows = table(begin(cohort, ben, "domains"))

    assert [(r["part"], r["code"]) for r in rows] == [
        *(("domain", "1"), ("domain", "2")),
        *(("task", "1.1"), ("task", "1.2"), ("task", "2.1"), ("task", "2.2")),
    ]
    assert sum(int(r["right"]) for r in rows if r["part"] == "domain") == attempt.result.correct
    stored = attempt.result.domain_scores.get(domain__code="1")
    assert rows[0]["verdict"] == stored.verdict and float(rows[0]["estimate"]) == round(stored.mean, 4)
    assert float(rows[0]["share_right"]) == round(stored.correct / stored.seen, 4)


def test_every_response_with_its_answer_and_seconds(
    cohort: Cohort, mock: MockExam, ben: User, ana: User
) -> None:
    attempt = sit(mock, ana, right=7)
    Attempt.objects.filter(pk=attempt.pk).update(seconds_by_slot={"1": 42})

    rows = table(begin(cohort, ben, "responses"))

    assert [row["slot"] for row in rows] == [str(n) for n in range(1, 9)]
    assert [row["is_right"] for row in rows] == ["yes"] * 7 + ["no"]
    assert [row["seconds"] for row in rows] == ["42"] + [""] * 7
    # The last one was neither answered nor looked at.
    assert (rows[7]["answer"], rows[7]["is_first_exposure"]) == ("", "no")
    by_slot = {
        r.slot: r for r in Response.objects.filter(attempt=attempt).select_related("version__question")
    }
    assert rows[2]["question"] == by_slot[3].version.question.code and rows[2]["version"] == "1"


@pytest.mark.parametrize(
    ("answer", "ordered", "text"),
    [
        (None, False, ""),
        ("a", False, "a"),
        (["a", "c"], False, "a, c"),
        (["c", "a"], True, "c > a"),
        ({"p2": "b", "p1": "a"}, False, "p1: a; p2: b"),
    ],
)
def test_an_answer_as_text(answer: Any, ordered: bool, text: str) -> None:
    assert report_rows.answer_text(answer, ordered=ordered) == text


def test_the_questions_of_an_assignment_with_what_is_known_of_them_everywhere(
    cohort: Cohort, mock: MockExam, ben: User, ana: User
) -> None:
    version = sit(mock, ana).responses.get(slot=1).version
    given = assign(cohort, mock)
    AssignmentQuestion.objects.create(
        assignment=given, version=version, n=4, correct=3, blank=1, choices={"b": 0, "a": 3}
    )
    ItemStatistic.objects.update_or_create(
        version=version, defaults={"n": 50, "correct": 40, "facility_low": 0.67, "discrimination": 0.31}
    )

    [row] = table(begin(cohort, ben, "items", given))

    assert (row["question"], row["learners"], row["share_right"]) == (version.question.code, "4", "0.75")
    assert row["choices"] == "a: 3; b: 0"
    assert (row["all_learners"], row["facility"], row["discrimination"]) == ("50", "0.8", "0.31")


# ── the file ──


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(cohort: Cohort, mock: MockExam, ben: User, ana: User, start: str) -> None:
    ana.name = f"{start}HYPERLINK(1)"
    ana.save()
    sit(mock, ana)

    [row] = table(begin(cohort, ben, "scores"))
    assert row["learner"].startswith("'")

    book = openpyxl.load_workbook(io.BytesIO(file_of(begin(cohort, ben, "scores", format_name="xlsx"))))
    cell = book.worksheets[0]["A2"]
    assert cell.data_type == "s"


def test_a_workbook_has_numbers_as_numbers(cohort: Cohort, mock: MockExam, ben: User, ana: User) -> None:
    attempt = sit(mock, ana)

    book = openpyxl.load_workbook(io.BytesIO(file_of(begin(cohort, ben, "scores", format_name="xlsx"))))

    head, row = book.worksheets[0].iter_rows(values_only=True)
    values = dict(zip(head, row, strict=True))
    assert (values["learner"], values["scaled_score"]) == ("Ana", attempt.result.scaled_score)
    assert head == report_rows.COLUMNS["scores"]


def test_rows_beyond_a_sheet_go_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_files, "ROWS_OF_A_SHEET", 3)
    out = io.BytesIO()
    report_files.write_xlsx(("n",), ([n] for n in range(7)), out)

    sheets = openpyxl.load_workbook(out).worksheets

    assert [[cell for (cell,) in sheet.iter_rows(values_only=True)] for sheet in sheets] == [
        ["n", 0, 1, 2],
        ["n", 3, 4, 5],
        ["n", 6],
    ]


def test_the_same_figures_give_the_same_bytes_whatever_the_batch(
    cohort: Cohort, mock: MockExam, ben: User, ana: User, cleo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for learner in (ana, cleo):
        sit(mock, learner)
    whole = file_of(begin(cohort, ben, "responses"))
    monkeypatch.setattr(report_rows, "SITTINGS_AT_ONCE", 1)

    assert file_of(begin(cohort, ben, "responses")) == whole


def test_a_file_is_named_after_what_it_holds(cohort: Cohort, mock: MockExam, ben: User) -> None:
    Cohort.objects.filter(pk=cohort.pk).update(title='Évening / "B"')
    run = begin(Cohort.objects.get(pk=cohort.pk), ben, "items", assign(cohort, mock, "Final: 2"))

    assert reports.filename(run) == "évening-b-final-2-items-2026-09-07.csv"


# ── a run ──


def test_asked_for_twice_it_is_written_once(cohort: Cohort, ben: User) -> None:
    first = begin(cohort, ben, "scores")

    assert begin(cohort, ben, "scores") == first != begin(cohort, ben, "domains")


def test_another_cohorts_assignment_is_refused(cohort: Cohort, mock: MockExam, ben: User) -> None:
    with pytest.raises(reports.ReportError, match="other_cohort"):
        begin(cohort, ben, "scores", assign(make_cohort(), mock))


def test_a_lost_run_is_found_and_written_from_its_beginning(
    cohort: Cohort, mock: MockExam, ben: User, ana: User
) -> None:
    sit(mock, ana)
    run = begin(cohort, ben, "scores")
    assert runs.claim(ReportRun, run.pk, steps={"waiting": "writing"}, now=NOW) is not None
    ReportChunk.objects.create(run=run, number=0, data=b"half a file")
    reports.write(run.pk, now=NOW)
    run.refresh_from_db()
    assert run.state == State.WRITING
    assert reports.lost_runs(now=NOW) == []

    later = NOW + runs.STALE + timedelta(seconds=1)
    assert reports.lost_runs(now=later) == [run.pk]
    reports.write(run.pk, now=later)

    run.refresh_from_db()
    assert (run.state, run.done, run.total) == (State.READY, 1, 1)
    assert b"".join(reports.streamed(run)).count(b"\r\n") == 2


def test_a_worker_learns_that_it_is_cancelled(
    cohort: Cohort, mock: MockExam, ben: User, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sit(mock, ana)
    run = begin(cohort, ben, "scores")
    counted = report_rows.count

    def cancelled_meanwhile(run: ReportRun) -> int:
        reports.cancel(ReportRun.objects.get(pk=run.pk), now=run.touched_at)
        return counted(run)

    monkeypatch.setattr(report_rows, "count", cancelled_meanwhile)
    reports.write(run.pk, now=NOW)

    run.refresh_from_db()
    assert run.state == State.CANCELLED and not run.chunks.exists()
    with pytest.raises(reports.ReportError, match="too_late"):
        reports.cancel(run, now=NOW)


def test_an_error_of_ours_is_told(
    cohort: Cohort, ben: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = begin(cohort, ben, "scores")

    def broken(run: ReportRun) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(report_rows, "count", broken)
    reports.write(run.pk, now=NOW)

    run.refresh_from_db()
    assert (run.state, run.error) == (State.FAILED, reports.BROKEN)
    assert "ZeroDivisionError" in caplog.text


def test_files_go_after_a_fortnight(cohort: Cohort, mock: MockExam, ben: User, ana: User) -> None:
    sit(mock, ana)
    run = begin(cohort, ben, "scores")
    file_of(run)
    waiting = begin(cohort, ben, "domains")
    written_at = run.touched_at

    reports.forget_old(now=written_at + reports.KEPT_FOR - timedelta(seconds=1))
    assert ReportChunk.objects.filter(run=run).exists()
    reports.forget_old(now=written_at + reports.KEPT_FOR + timedelta(seconds=1))

    assert list(ReportRun.objects.all()) == [waiting] and not ReportChunk.objects.exists()


def test_statements_do_not_grow_with_the_rows(
    cohort: Cohort, mock: MockExam, ben: User, ana: User, cleo: User, django_assert_max_num_queries: Any
) -> None:
    for n in range(3):
        sit(mock, ana, now=NOW + timedelta(days=n))
        sit(mock, cleo, now=NOW + timedelta(days=n))
    run = begin(cohort, ben, "domains")

    with django_assert_max_num_queries(6):
        assert len([row for batch in report_rows.batches(run) for row in batch]) == 6 * 6
