"""A sitting with four questions of each type, for the tests of its addresses."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from exams.models import Attempt
from questions.content import ItemType
from tests.exams import api
from tests.factories import NOW, make_bank, make_blueprint, make_mock, start

SECONDS = 1200
ITEMS = 16


def make_sitting(learner: User) -> Attempt:
    """Started at `NOW`, to be sat in `SECONDS`."""
    blueprint = make_blueprint(weights=(50, 50))
    make_bank(blueprint, per_task=4)
    return start(make_mock(blueprint, items=ITEMS, seconds=SECONDS), learner, now=NOW)


def slot_of(attempt: Attempt, item_type: ItemType = ItemType.MULTIPLE_CHOICE) -> int:
    rows = attempt.responses.filter(version__item_type=str(item_type)).order_by("slot")
    slot = rows.values_list("slot", flat=True).first()
    assert slot is not None
    return slot


def stored(attempt: Attempt, slot: int) -> tuple[Any, int]:
    response = attempt.responses.get(slot=slot)
    return response.answer, response.revision


def addresses(attempt: Attempt) -> list[tuple[str, str]]:
    """Every address of a sitting, with its method."""
    return [
        ("GET", api.of(attempt)),
        ("POST", api.of(attempt, "responses/1/")),
        ("POST", api.of(attempt, "responses/1/feedback/")),
        ("POST", api.of(attempt, "save/")),
        ("POST", api.of(attempt, "submit/")),
        ("POST", api.of(attempt, "pulse/")),
        ("GET", api.of(attempt, "results/")),
        ("GET", api.of(attempt, "results/domains/1/")),
        ("GET", api.of(attempt, "review/")),
    ]
