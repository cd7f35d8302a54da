from __future__ import annotations

import pytest

from accounts.models import Role
from exams import assembly, renewal
from exams.models import MockExam, PaperItem
from questions import authoring
from tests.factories import NOW, make_bank, make_blueprint, make_mock, make_user, start

pytestmark = pytest.mark.django_db


def retire_one(mock: MockExam) -> int:
    offered = PaperItem.objects.filter(
        paper__mock=mock, paper__withdrawn_at=None, version__question__state="published"
    )
    item = offered.select_related("version__question")[0]
    ben = make_user("Ben", role=Role.INSTRUCTOR)
    authoring.retire(item.version.question, reason="Wrong key.", by=ben, now=NOW)
    return item.version_id


def test_a_retired_question_leaves_the_papers_that_are_offered() -> None:
    blueprint = make_blueprint()
    make_bank(blueprint)
    mock = make_mock(blueprint)
    assembly.ensure_papers(mock, now=NOW)
    running = start(mock, make_user("Ana"))
    assert renewal.renew_papers(now=NOW) == 0
    version_id = retire_one(mock)
    assert renewal.renew_papers(now=NOW) == 1
    offered = PaperItem.objects.filter(paper__mock=mock, paper__withdrawn_at=None)
    assert offered.count() == 8
    assert not offered.filter(version=version_id).exists()
    assert running.responses.count() == 8


def test_a_bank_that_has_become_too_small_keeps_its_last_paper(caplog: pytest.LogCaptureFixture) -> None:
    blueprint = make_blueprint()
    make_bank(blueprint, per_task=2)
    mock = make_mock(blueprint, items=6)
    assembly.ensure_papers(mock, now=NOW)
    for _ in range(2):
        retire_one(mock)
    assert renewal.renew_papers(now=NOW) == 0
    assert mock.papers.filter(withdrawn_at=None).count() == 1
    assert "can't be renewed" in caplog.text
