"""Demo data for the second user: drafts in each state of the workflow, marked and removable."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction

from accounts.models import User
from questions import authoring, listing, reviewing
from questions.authoring import DraftFields
from questions.formats import bank_yaml
from questions.formats.exchange import ExchangeQuestion
from questions.models import Blueprint, Draft, Question, Topic

FILE = Path(__file__).resolve().parent.parent / "fixtures" / "demo" / "drafts.yaml"
ORIGIN = "demo"


@transaction.atomic
def load(*, author: User, colleague: User, now: datetime) -> int:
    """Make the drafts that aren't there yet; return how many. Without their exam there are none.

    One is being written by `author`, one by `colleague` waits for a review, and one of `author`'s came back.
    """
    blueprint = Blueprint.objects.filter(code="MLA-C01").first()
    if blueprint is None or Question.objects.filter(origin=ORIGIN).exists():
        return 0
    with FILE.open("rb") as file:
        listed = [found for found in bank_yaml.parse(file, FILE.name) if isinstance(found, ExchangeQuestion)]
    being_written, waiting, came_back = listed
    _draft(blueprint, being_written, by=author, now=now - timedelta(hours=2))
    theirs = _draft(blueprint, waiting, by=colleague, now=now - timedelta(days=1))
    reviewing.submit(theirs, by=colleague, reviewer=author, now=now - timedelta(hours=20))
    returned = _draft(blueprint, came_back, by=author, now=now - timedelta(days=3))
    reviewing.submit(returned, by=author, reviewer=colleague, now=now - timedelta(days=2))
    review = reviewing.answer_blind(
        returned,
        answer=returned.parsed.key,
        revision=returned.revision,
        by=colleague,
        now=now - timedelta(days=1),
    )
    reviewing.request_changes(
        review,
        words="I came to the same order. But who says that last week's plan fits tomorrow? Say so in the stem.",
        by=colleague,
        now=now - timedelta(days=1),
    )
    return len(listed)


@transaction.atomic
def remove() -> int:
    """Take the drafts away; one that somebody has published in the meantime is retired instead."""
    ours = Question.objects.filter(origin=ORIGIN)
    kept = list(ours.exclude(versions=None).values_list("pk", flat=True).distinct())
    gone, _ = ours.exclude(pk__in=kept).delete()
    Draft.objects.filter(question__in=kept).delete()
    Question.objects.filter(pk__in=kept).update(state=Question.State.RETIRED, retired_because="Demo data.")
    listing.refresh(kept)
    return gone


def _draft(blueprint: Blueprint, found: ExchangeQuestion, *, by: User, now: datetime) -> Draft:
    fields = DraftFields(
        content=found.content,
        topic=Topic.objects.filter(code=found.topic, task__domain__blueprint=blueprint).first(),
        level=str(found.level),
        difficulty=found.difficulty,
        keeps_order=found.keep_order,
        tags=found.tags,
    )
    return authoring.create_draft(blueprint, fields=fields, by=by, now=now, code=found.code, origin=ORIGIN)
