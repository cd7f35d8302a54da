"""The pages of an export, without JavaScript."""

from __future__ import annotations

import io
import uuid

import pytest
from django.test import Client

from accounts.models import Role, User
from questions import exporting, listing, tasks
from questions.formats import registry
from questions.models import Blueprint, ExportRun
from tests.factories import NOW, make_bank, make_blueprint, make_user
from tests.questions.test_views_importing import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Blueprint:
    blueprint = make_blueprint(code="EXAM-9")
    make_bank(blueprint, per_task=2)
    listing.refresh_all()
    return blueprint


@pytest.fixture
def author(client: Client, ben: User) -> Client:
    client.force_login(ben)
    return client


def begin(client: Client, query: str = "", name: str = "csv") -> str:
    fields = {"query": query, "format": name, "text": "published"}
    return str(client.post("/bank/export/", fields)["Location"])


def test_from_the_filter_to_the_file(author: Client, bank: Blueprint) -> None:
    assert "Export 2 questions" in text_of(author.get("/bank/export/?task=1.1"))
    address = begin(author, "task=1.1")
    page = text_of(author.get(address))
    assert "2 questions can be written" in page and "Nothing is lost." in page
    author.post(f"{address}write/")
    assert "2 questions are in questions-" in text_of(author.get(address))
    response = author.get(f"{address}file/")
    data = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert response["Content-Type"] == "text/csv" and len(data) == int(response["Content-Length"])
    assert response["Content-Disposition"].startswith('attachment; filename="questions-')
    assert len(list(registry.read(io.BytesIO(data), "bank.csv"))) == 2


def test_what_would_be_lost_is_told_first(author: Client, bank: Blueprint) -> None:
    address = begin(author, name="aiken")
    page = text_of(author.get(address))
    assert "stay behind: Aiken can’t hold them" in page
    assert "Aiken has only multiple choice questions." in page
    assert author.get(f"{address}file/").status_code == 404


def test_more_than_a_few_are_left_to_a_worker(
    author: Client, bank: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(tasks, "enqueue", lambda task, run_id: sent.append(task.name.rpartition(".")[2]))
    monkeypatch.setattr(exporting, "AT_ONCE", 3)
    address = begin(author)
    run = ExportRun.objects.get()
    assert "Waiting for a worker" in text_of(author.get(address))
    part = author.get(address, headers={"HX-Request": "true"})
    assert b"<progress" in part.content and b"<html" not in part.content
    exporting.check(run.pk, now=NOW)
    assert author.get(address, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    author.post(f"{address}write/")
    assert "Writing the file" in text_of(author.get(address))
    assert sent == ["check_export", "write_export"]
    assert "was cancelled" in text_of(author.post(f"{address}cancel/", follow=True))
    assert "too late" in text_of(author.post(f"{address}cancel/", follow=True))
    assert "not waiting to be written" in text_of(author.post(f"{address}write/", follow=True))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"format": "docx"}, "Choose one of the list"),
        ({"text": "x"}, "Choose one of the list"),
        ({"query": "q=nowhere"}, "No question fits this selection."),
    ],
)
def test_what_is_wrong_is_said(author: Client, bank: Blueprint, fields: dict[str, str], words: str) -> None:
    response = author.post("/bank/export/", {"query": "", "format": "csv", "text": "published", **fields})
    assert response.status_code == 400 and words in text_of(response)
    assert not ExportRun.objects.exists()


def test_drafts_alone_have_no_published_text(author: Client, bank: Blueprint) -> None:
    address = begin(author)
    ExportRun.objects.update(selection={"query": "", "text": "published", "questions": []}, state="waiting")
    exporting.check(ExportRun.objects.get().pk, now=NOW)
    assert "Choose the newest text" in text_of(author.get(address))


def test_who_sees_what(author: Client, client: Client, ana: User, bank: Blueprint) -> None:
    address = begin(author)
    client.force_login(ana)
    assert client.get("/bank/export/").status_code == 404
    assert client.get(address).status_code == 404
    client.force_login(make_user("Iris", role=Role.INSTRUCTOR))
    for path in (address, f"{address}file/", f"/bank/export/{uuid.uuid4()}/"):
        assert client.get(path).status_code == 404
    assert client.post(f"{address}write/").status_code == 404


def test_absurd_filters_are_no_error(author: Client, bank: Blueprint) -> None:
    for query in ("?page=99999999999999999999", "?q=%00", "?task=" + "9" * 500, "?codes=,,,"):
        assert author.get(f"/bank/export/{query}").status_code == 200
