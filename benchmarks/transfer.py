"""A bank of 20,000 questions in and out: what a request takes, what the worker takes, and its memory.

The floor of reading is the parser alone; that of the import's transaction is as many bare rows.
"""

from __future__ import annotations

import io
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, Self

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User
from benchmarks import bank, cpu
from benchmarks.reporting import Row
from benchmarks.sizes import Size
from questions import applying, exporting, importing, run_files
from questions.content import ItemType, Option, QuestionContent
from questions.formats import registry
from questions.formats.exchange import ExchangeQuestion
from questions.models import Blueprint, Draft, ExportRun, ImportRun, Question

MAX_REQUEST = 1_000.0
MAX_MEMORY = 200.0


def run(size: Size) -> Iterator[Row]:
    count = 2 * size.bank
    mock = bank.make_exam(questions=size.small_bank, items=size.items)
    blueprint = mock.blueprint
    browser = Client(HTTP_HOST="127.0.0.1")
    browser.force_login(_author())
    file = _moodle(count)
    yield Row("Megabytes of the file", len(file) / 1e6)
    yield from _import(blueprint, browser, file, count)
    yield from _export(blueprint, browser)


def _import(blueprint: Blueprint, browser: Client, file: bytes, count: int) -> Iterator[Row]:
    yield Row("Upload", _ms(lambda: _upload(browser, blueprint, file)), "ms", at_most=MAX_REQUEST)
    made = ImportRun.objects.latest("created_at")
    bare = cpu.cost_of(lambda: sum(1 for _ in registry.read(io.BytesIO(file), made.filename)))
    read = cpu.cost_of(lambda: importing.read(made.pk, now=timezone.now()))
    yield Row("CPU of reading", read.total, "s", floor=bare.total)
    made.refresh_from_db()
    assert made.state == "ready", made.error
    address = f"/bank/import/{made.pk}/"
    yield _page(browser, "Preview", address)
    yield _page(browser, "Preview, last page", f"{address}?page=99999")
    folders = {"folder": ["Folder 1"], "topic": [""]}
    yield Row(
        "Mapping a folder",
        _ms(lambda: browser.post(f"{address}folders/", folders)),
        "ms",
        at_most=MAX_REQUEST,
    )
    begun = _ms(lambda: browser.post(f"{address}apply/", {"tag": "bench"}))
    yield Row("Import (request)", begun, "ms", at_most=MAX_REQUEST)
    floor = _ms(lambda: _bare_rows(blueprint, count)) / 1000
    with _Transactions() as transactions:
        done = cpu.cost_of(lambda: applying.apply(made.pk, now=timezone.now()))
    yield Row("Longest transaction: others wait on SQLite", transactions.longest, "s", floor=floor)
    yield Row("CPU of importing, bank list included", done.total, "s")
    made.refresh_from_db()
    assert made.state == "applied", made.error
    yield Row("Questions imported", made.total, at_least=count)
    yield _page(browser, "Result", address)
    yield Row("Memory of reading it again", _memory(browser, blueprint, file), "MB", at_most=MAX_MEMORY)


def _export(blueprint: Blueprint, browser: Client) -> Iterator[Row]:
    fields = {"query": f"blueprint={blueprint.code}", "format": "moodle-xml", "text": "newest"}
    yield _page(browser, "Export page", "/bank/export/")
    begun = _ms(lambda: browser.post("/bank/export/", fields))
    yield Row("Export (request)", begun, "ms", at_most=MAX_REQUEST)
    made = ExportRun.objects.latest("created_at")
    checked = cpu.cost_of(lambda: exporting.check(made.pk, now=timezone.now()))
    yield Row("CPU of checking an export", checked.total, "s")
    yield _page(browser, "Export, what is lost", f"/bank/export/{made.pk}/")
    made.refresh_from_db()
    if made.state == "checked":
        exporting.start_writing(made, now=timezone.now())
    written = cpu.cost_of(lambda: exporting.write_file(made.pk, now=timezone.now()))
    yield Row("CPU of writing it", written.total, "s")
    made.refresh_from_db()
    yield Row("Megabytes written", sum(len(piece) for piece in run_files.streamed(made)) / 1e6)


class _Transactions:
    """How long the longest one is: on SQLite each keeps everybody else from writing."""

    longest = 0.0

    def __enter__(self) -> Self:
        self.begun = time.perf_counter()
        self.set_autocommit = connections["default"].set_autocommit
        vars(connections["default"])["set_autocommit"] = self._watched
        return self

    def __exit__(self, *_: object) -> None:
        del vars(connections["default"])["set_autocommit"]

    def _watched(self, autocommit: bool, *args: Any, **kwargs: Any) -> None:
        if autocommit:
            self.longest = max(self.longest, time.perf_counter() - self.begun)
        self.set_autocommit(autocommit, *args, **kwargs)
        self.begun = time.perf_counter()


def _author() -> User:
    return User.objects.create_user("bench-author@example.com", None, name="Author", role=Role.INSTRUCTOR)


def _moodle(count: int) -> bytes:
    out = io.BytesIO()
    render = registry.by_name("moodle-xml").render
    assert render is not None
    render((_question(number) for number in range(count)), out)
    return out.getvalue()


def _question(number: int) -> ExchangeQuestion:
    words = " ".join(bank.WORDS[(number // 7**place) % len(bank.WORDS)] for place in range(8))
    options = tuple(
        Option("abcd"[n], f"Answer {n} of {number}: {words}", f"Because of {words}.", is_correct=n == 0)
        for n in range(4)
    )
    content = QuestionContent(ItemType.MULTIPLE_CHOICE, f"Which of these, number {number}: {words}?", options)
    return ExchangeQuestion(content, title=f"Question {number}", category=(f"Folder {number // 500}",))


def _upload(browser: Client, blueprint: Blueprint, file: bytes) -> None:
    fields = {"format": "auto", "blueprint": blueprint.code, "topic": ""}
    reply = browser.post("/bank/import/", {**fields, "file": SimpleUploadedFile("bank.xml", file)})
    assert reply.status_code == 302, reply.content[:500]


def _bare_rows(blueprint: Blueprint, count: int) -> None:
    """As many questions with as many drafts, and nothing else; taken back."""
    now = timezone.now()
    content = _question(1).content.to_json()
    with transaction.atomic():
        rows = (Question(blueprint=blueprint, code=f"bare-{number}") for number in range(count))
        made = Question.objects.bulk_create(rows, batch_size=500)
        drafts = (
            Draft(question=each, item_type="multiple_choice", content=content, created_at=now, saved_at=now)
            for each in made
        )
        Draft.objects.bulk_create(drafts, batch_size=500)
        transaction.set_rollback(True)


def _memory(browser: Client, blueprint: Blueprint, file: bytes) -> float:
    """The most that Python holds while the worker reads, in megabytes."""
    _upload(browser, blueprint, file)
    made = ImportRun.objects.latest("created_at")
    tracemalloc.start()
    importing.read(made.pk, now=timezone.now())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def _page(browser: Client, name: str, address: str) -> Row:
    def get() -> None:
        assert browser.get(address).status_code == 200, address

    return Row(name, _ms(get), "ms", at_most=MAX_REQUEST)


def _ms(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)
