from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import User
from exams import disclosure
from exams.models import MockExam
from exams.review_policy import Part, Phase
from tests.factories import NOW, make_exam, sit, start

CLOSES = NOW + timedelta(days=7)


@pytest.fixture
def mock(db: None) -> MockExam:
    return make_exam(
        items=4,
        closes_at=CLOSES,
        review_policy={
            Phase.DURING: [],
            Phase.RIGHT_AFTER: [Part.SCORE],
            Phase.AFTER_WINDOW: [Part.SCORE, Part.KEYS],
        },
    )


def test_nothing_while_it_is_sat(mock: MockExam, ana: User) -> None:
    shows = disclosure.of(start(mock, ana), now=NOW)

    assert (shows.score, shows.marks, shows.keys) == (False, False, False)


def test_the_rest_follows_when_the_window_closes(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana)

    shows = disclosure.of(attempt, now=CLOSES - timedelta(seconds=1))
    assert (shows.score, shows.marks, shows.keys) == (True, False, False)
    assert (shows.score_from, shows.marks_from, shows.keys_from) == (None, CLOSES, CLOSES)

    shows = disclosure.of(attempt, now=CLOSES)
    assert shows.is_all
    assert shows.keys_from is None


def test_who_sees_the_keys_sees_the_marks(mock: MockExam, ana: User) -> None:
    assert disclosure.of(sit(mock, ana), now=CLOSES).marks


def test_what_is_never_shown_has_no_date(mock: MockExam, ana: User) -> None:
    mock.review_policy = {phase: [] for phase in map(str, Phase)}
    mock.save()

    shows = disclosure.of(sit(mock, ana), now=NOW + timedelta(hours=1))

    assert (shows.score, shows.score_from) == (False, None)
