"""The bank list: as many statements with 20,000 questions as with 20, and a page within 300 ms."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.utils import timezone

from accounts import access
from accounts.models import Role, User
from benchmarks import bank, cpu
from benchmarks.reporting import Row, percentile
from benchmarks.sizes import Size
from questions import listing
from questions.models import Draft, Listing, Question, QuestionTag

SMALL = 20
TIMES_THE_BANK = 2
REPEATS = 20
MAX_MS = 300
MAX_STATEMENTS = 15
PAGES = {
    "plain list": "",
    "exam": "blueprint={blueprint}",
    "domain": "blueprint={blueprint}&domain=1",
    "task": "blueprint={blueprint}&domain=1&task=1.1",
    "topic": "blueprint={blueprint}&topic=1.1.1",
    "type": "type=ordering",
    "status": "status=draft&status=retired",
    "level": "level=apply",
    "author": "author=me",
    "tag": "tag=seventh",
    "findings": "findings=block",
    "challenged": "challenged=1",
    "statistics out of range": "suspect=1",
    "1 word": "q=endpoint",
    "2 words": "q=endpoint+drift",
    "3 words": "q=latency+bucket+training",
    "1 word that is nowhere": "q=xylophone",
    "by code": "sort=code",
    "suspects first": "sort=suspect",
    "hardest seen": "sort=facility",
    "hardest rated": "sort=difficulty",
    "last page": "page=999999999",
    "last page, 3 words, 100 a page": "q=latency+bucket+training&page=999999999&per=100",
}


@dataclass(frozen=True)
class Page:
    ms: float
    statements: int


def run(size: Size) -> Iterator[Row]:
    author = User.objects.create_user("bank@example.com", "", name="Ben", role=Role.INSTRUCTOR)
    large = size.bank * TIMES_THE_BANK
    repeats = min(REPEATS, size.starts)
    _list_questions(min(SMALL, size.small_bank), author)
    few = _measure(author, repeats)
    _list_questions(large, author)
    many = _measure(author, repeats)
    with override_settings(ROOT_URLCONF=__name__):
        pks = ",".join(map(str, Listing.objects.values_list("pk", flat=True)[:20]))
        bare = page_of(client_of(author), f"/bare/?pks={pks}", repeats)
    for name, page in many.items():
        yield Row(f"p95, {large:,} questions: {name}", page.ms, "ms", floor=bare.ms, at_most=MAX_MS)
    # An author's name is asked for only where there is one: the most that any page took is what counts.
    most = max(page.statements for page in few.values())
    yield Row(f"SQL statements at most, {SMALL} questions", most, at_most=MAX_STATEMENTS)
    for name, page in many.items():
        yield Row(f"SQL statements: {name}", page.statements, floor=bare.statements, at_most=most)


def _measure(user: User, repeats: int) -> dict[str, Page]:
    client = client_of(user)
    blueprint = Listing.objects.values_list("blueprint__code", flat=True).order_by("-pk")[0]
    return {
        name: page_of(client, f"/bank/?{query.format(blueprint=blueprint)}", repeats)
        for name, query in PAGES.items()
    }


def page_of(client: Client, address: str, repeats: int) -> Page:
    """The milliseconds that the server needs for it, middleware included."""
    statements = cpu.statements_of(lambda: get(client, address))
    return Page(percentile([get(client, address) for _ in range(repeats)], 95), statements)


def get(client: Client, address: str) -> float:
    begun = time.perf_counter()
    reply = client.get(address)
    assert reply.status_code == 200, f"{reply.status_code} {address}"
    return 1000 * (time.perf_counter() - begun)


def client_of(user: User) -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def _list_questions(count: int, author: User) -> None:
    """So many questions with their lines in the list: a few worked out, the others like them."""
    exam = bank.make_exam(questions=count, items=min(8, count), papers=1)
    questions = list(Question.objects.filter(blueprint=exam.blueprint).select_related("current__topic__task"))
    worked_out = questions[: bank.PROTOTYPES]
    listing.refresh([question.pk for question in worked_out])
    lines = list(Listing.objects.filter(question__in=worked_out).order_by("question"))
    now = timezone.now()
    Listing.objects.bulk_create(
        (_like(lines[n % len(lines)], question) for n, question in enumerate(questions) if n >= len(lines)),
        batch_size=500,
    )
    rows = list(Listing.objects.filter(blueprint=exam.blueprint).order_by("pk"))
    for n, row in enumerate(rows):
        row.author = author if n % 3 else None
        row.state = Question.State.RETIRED if n % 19 == 7 else Question.State.PUBLISHED
        row.draft_state = Draft.State.DRAFT if n % 11 == 3 else ""
        row.blocks, row.warns, row.open_challenges = int(n % 13 == 1), n % 4, int(n % 97 == 5)
        row.seen, row.facility, row.is_suspect = n % 60, (n % 101) / 100, n % 53 == 9
        row.changed_at = now - timedelta(minutes=n)
    changed = ("author", "state", "draft_state", "blocks", "warns", "open_challenges", "seen", "facility")
    Listing.objects.bulk_update(rows, (*changed, "is_suspect", "changed_at"), batch_size=500)
    QuestionTag.objects.bulk_create(QuestionTag(question_id=row.pk, name="seventh") for row in rows[::7])
    if connection.vendor == "postgresql":
        # What autovacuum does within a minute, where rows come in one by one.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE questions_listing")


def _like(line: Listing, question: Question) -> Listing:
    assert question.current is not None
    topic = question.current.topic
    values = {field.attname: getattr(line, field.attname) for field in Listing._meta.fields}
    own = {
        "question_id": question.pk,
        "code": question.code,
        "topic_id": topic.pk,
        "task_id": topic.task_id,
        "domain_id": topic.task.domain_id,
        "search": line.search.replace(line.code, question.code),
    }
    return Listing(**{**values, **own})


@access.permission_required(access.WRITE_QUESTIONS)
def bare(request: HttpRequest) -> HttpResponse:
    """The floor: 20 lines by their keys, through the same middleware."""
    pks = [int(pk) for pk in request.GET["pks"].split(",")]
    return HttpResponse("\n".join(row.code for row in Listing.objects.defer("search").filter(pk__in=pks)))


urlpatterns = [path("bare/", bare), path("", include("benchmarks.floor"))]
