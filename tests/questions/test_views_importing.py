"""The pages of an import, without JavaScript."""

from __future__ import annotations

import io
import re
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Role, User
from questions import applying, importing, runs, tasks
from questions.formats import exchange
from questions.models import Blueprint, ImportRun, Question, Topic
from tests.factories import NOW, make_blueprint, make_user
from tests.questions.transfer_makers import AIKEN, GIFT, begin, imported, previewed

pytestmark = pytest.mark.django_db


@pytest.fixture
def blueprint() -> Blueprint:
    return make_blueprint(code="EXAM-9")


@pytest.fixture
def author(client: Client, ben: User) -> Client:
    client.force_login(ben)
    return client


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is enqueued, in place of a worker."""
    names: list[str] = []
    monkeypatch.setattr(tasks, "enqueue", lambda task, run_id: names.append(task.name.rpartition(".")[2]))
    return names


def text_of(response: Any) -> str:
    html = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def upload(client: Client, data: bytes = GIFT.encode(), name: str = "bank.gift", **fields: Any) -> Any:
    file = SimpleUploadedFile(name, data)
    return client.post(
        "/bank/import/", {"file": file, "format": "auto", "blueprint": "EXAM-9", "topic": "", **fields}
    )


def test_from_the_file_to_the_bank(author: Client, blueprint: Blueprint, sent: list[str]) -> None:
    address = upload(author)["Location"]
    run = ImportRun.objects.get()
    assert address == f"/bank/import/{run.pk}/" and sent == ["read_import"]
    assert "Waiting for a worker" in text_of(author.get(address))
    importing.read(run.pk, now=NOW)
    page = text_of(author.get(address))
    assert "3 questions would come in as drafts" in page and "rejected 1" in page
    author.post(f"{address}apply/", {"tag": "winter"})
    assert sent[1:] == ["apply_import"]
    applying.apply(run.pk, now=NOW)
    page = text_of(author.get(address))
    assert "3 questions are in the bank as drafts. They are filed under “winter”." in page
    assert "tag=winter" in author.get(address).content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"file": ""}, "Choose a file."),
        ({"file": SimpleUploadedFile("x.gift", b"")}, "The file is empty."),
        ({"format": "docx"}, "Choose one of the list"),
        ({"blueprint": "NIX"}, "Choose one of the list"),
        ({"topic": "999999999999999999999"}, "Choose one of the list"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    author: Client, blueprint: Blueprint, fields: dict[str, Any], words: str
) -> None:
    response = upload(author, **fields)
    assert response.status_code == 400 and words in text_of(response)
    assert not ImportRun.objects.exists()


def test_a_topic_of_another_exam_is_refused(author: Client, blueprint: Blueprint) -> None:
    other = make_blueprint(code="OTHER-1")
    topic = Topic.objects.filter(task__domain__blueprint=other)[0]
    response = upload(author, topic=str(topic.pk))
    assert response.status_code == 400 and "belongs to another exam" in text_of(response)


def test_a_file_that_is_too_large_is_taken_to_its_end_and_refused(
    author: Client, blueprint: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that is cut off while it sends shows an error of its own instead of ours."""
    body = io.BytesIO(b"x" * 3_000_000)
    extra: dict[str, Any] = {"wsgi.input": body, "CONTENT_LENGTH": str(exchange.MAX_FILE * 2)}
    response = author.generic(
        "POST", "/bank/import/", b"", content_type="multipart/form-data; boundary=x", **extra
    )
    assert response.status_code == 413 and "larger than 100 MB" in text_of(response)
    assert body.tell() == 3_000_000
    monkeypatch.setattr("questions.transfer_forms.MAX_FILE", 10)
    assert "larger than" in text_of(upload(author))
    assert not ImportRun.objects.exists()


def test_uploading_needs_the_token(ben: User, blueprint: Blueprint) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ben)
    assert upload(client).status_code == 403
    assert not ImportRun.objects.exists()


def test_the_page_asks_again_until_it_is_done(author: Client, ben: User, blueprint: Blueprint) -> None:
    run = begin(blueprint, ben)
    part = author.get(f"/bank/import/{run.pk}/", headers={"HX-Request": "true"})
    assert b"<progress" in part.content and b"<html" not in part.content and b"every 2s" in part.content
    importing.read(run.pk, now=NOW)
    done = author.get(f"/bank/import/{run.pk}/", headers={"HX-Request": "true"})
    assert done["HX-Refresh"] == "true"


def test_filter_and_pages_of_the_preview(author: Client, ben: User, blueprint: Blueprint) -> None:
    text = "".join(AIKEN.format(name=f"number {n}") for n in range(60))
    run = previewed(blueprint, ben, text, name="x.txt")
    address = f"/bank/import/{run.pk}/"
    assert "page 1 of 2" in text_of(author.get(address))
    assert "number 59" in text_of(author.get(f"{address}?page=2"))
    assert "None." in text_of(author.get(f"{address}?outcome=rejected"))
    for absurd in ("?page=9999999999999999999999", "?outcome=%00", "?folders=x"):
        assert author.get(address + absurd).status_code == 200


def test_the_preview_costs_the_same_with_more_rows(author: Client, ben: User, blueprint: Blueprint) -> None:
    def queries(count: int) -> int:
        text = "".join(AIKEN.format(name=f"number {n} of {count}") for n in range(count))
        run = previewed(blueprint, ben, text, name="x.txt")
        author.get(f"/bank/import/{run.pk}/")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            author.get(f"/bank/import/{run.pk}/")
        return len(captured)

    assert queries(2) == queries(20)


def test_mapping_folders(author: Client, ben: User, blueprint: Blueprint) -> None:
    run = previewed(blueprint, ben)
    topic = Topic.objects.get(code="2.1.1", task__domain__blueprint=blueprint)
    address = f"/bank/import/{run.pk}/"
    fields = {"folder": ["Storage", "Compute"], "topic": [str(topic.pk), ""]}
    author.post(f"{address}folders/", fields)
    assert run.rows.filter(topic=topic).count() == 2
    html = author.get(address).content.decode()
    assert f'value="{topic.pk}" selected' in html and "has no topic yet" in html
    applying.start(run, tag="", now=NOW)
    assert "not waiting to be decided" in text_of(author.post(f"{address}folders/", fields, follow=True))


def test_cancelling(author: Client, ben: User, blueprint: Blueprint) -> None:
    run = previewed(blueprint, ben)
    address = f"/bank/import/{run.pk}/"
    assert "was cancelled" in text_of(author.post(f"{address}cancel/", follow=True))
    assert "too late" in text_of(author.post(f"{address}cancel/", follow=True))
    assert "not waiting to be decided" in text_of(author.post(f"{address}apply/", follow=True))
    assert not Question.objects.exists()


def test_a_failed_import_says_why(author: Client, ben: User, blueprint: Blueprint) -> None:
    run = previewed(blueprint, ben, b"\x01\x02", name="x.bin")
    assert "Nothing has come in. This is no format" in text_of(author.get(f"/bank/import/{run.pk}/"))


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_templates_can_be_imported(author: Client, ben: User, blueprint: Blueprint, name: str) -> None:
    response = author.get(f"/bank/import/template/{name}/")
    assert "attachment" in response["Content-Disposition"]
    data = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    run = imported(blueprint, ben, data, name=f"t.{name}")
    assert run.state == "applied" and Question.objects.count() == 2


def test_who_sees_what(
    author: Client, client: Client, ana: User, ben: User, cleo: User, blueprint: Blueprint
) -> None:
    run = previewed(blueprint, ben)
    addresses = ["/bank/import/", f"/bank/import/{run.pk}/", "/bank/import/template/csv/"]
    for learner in (ana, cleo):
        client.force_login(learner)
        assert [client.get(address).status_code for address in addresses] == [404, 404, 404]
        assert upload(client).status_code == 404
    client.force_login(make_user("Iris", role=Role.INSTRUCTOR))
    assert client.get(addresses[1]).status_code == 404
    assert client.post(f"{addresses[1]}apply/").status_code == 404
    assert run.filename not in text_of(client.get("/bank/import/"))
    assert client.get(f"/bank/import/{uuid.uuid4()}/").status_code == 404
    assert client.get("/bank/import/template/docx/").status_code == 404
    client.logout()
    assert client.get(addresses[1]).status_code == 302


def test_commands_are_posts(author: Client, ben: User, blueprint: Blueprint) -> None:
    run = previewed(blueprint, ben)
    for verb in ("cancel", "folders", "apply"):
        assert author.get(f"/bank/import/{run.pk}/{verb}/").status_code == 405


def test_without_an_exam_there_is_nothing_to_import_into(author: Client) -> None:
    assert "There is no exam yet" in text_of(author.get("/bank/import/"))


def test_a_page_says_when_its_worker_has_fallen_silent(
    author: Client, ben: User, blueprint: Blueprint
) -> None:
    run = begin(blueprint, ben)
    claimed = runs.claim(ImportRun, run.pk, steps=importing._STEPS, now=timezone.now())
    assert claimed is not None
    assert "Nothing has been heard" not in text_of(author.get(f"/bank/import/{run.pk}/"))
    ImportRun.objects.filter(pk=run.pk).update(touched_at=timezone.now() - runs.QUIET)
    assert "Nothing has been heard" in text_of(author.get(f"/bank/import/{run.pk}/"))
    part = author.get(f"/bank/import/{run.pk}/", headers={"HX-Request": "true"})
    assert "Nothing has been heard" in text_of(part)


def test_each_row_of_a_long_file_is_on_one_page(
    author: Client, ben: User, blueprint: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questions.views.importing.PER_PAGE", 2)
    run = previewed(blueprint, ben, "".join(AIKEN.format(name=f"Number {n}") for n in range(5)), name="a.txt")
    for query in ("", "outcome=imported&"):
        pages = [text_of(author.get(f"/bank/import/{run.pk}/?{query}page={page}")) for page in (1, 2, 3)]
        shown = [[n for n in range(5) if f"Number {n}?" in page] for page in pages]
        assert shown == [[0, 1], [2, 3], [4]]
