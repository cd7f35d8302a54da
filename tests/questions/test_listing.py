from __future__ import annotations

import pytest

from questions import likeness, listing, wording
from questions.models import Listing, StemBand
from tests.factories import make_bank, make_blueprint, make_published_question

pytestmark = pytest.mark.django_db

STEM = (
    "A streaming service scores churn risk each night. Since a change in the billing system, one numeric input "
    "arrives in cents instead of euros. The endpoint answers as before and no error is logged. Which action "
    "tells the team of such changes within a day?"
)


def test_likeness_finds_a_stem_again_in_another_dress() -> None:
    other = STEM.replace("streaming service", "video shop").replace(
        "cents instead of euros", "euros, not cents"
    )
    assert wording.similarity(STEM, other) > likeness.ALIKE
    assert set(likeness.bands(STEM)) & set(likeness.bands(other))


def test_likeness_of_stems_that_share_nothing() -> None:
    other = "Order the steps that a hospital follows to label X-ray pictures with a private workforce."
    assert len(set(likeness.bands(STEM)) & set(likeness.bands(other))) <= 1
    assert likeness.bands("") == ()


def test_bands_fit_the_database_and_are_always_the_same() -> None:
    bands = likeness.bands(STEM)
    assert len(bands) == likeness.BANDS
    assert all(-(2**63) <= band < 2**63 for band in bands)
    assert likeness.bands("  ".join(STEM.split())) == bands


def test_refreshing_again_changes_nothing() -> None:
    blueprint = make_blueprint()
    make_bank(blueprint, per_task=2)
    listing.refresh_all()
    before = list(Listing.objects.order_by("pk").values())
    assert len(before) == 8
    listing.refresh_all()
    assert list(Listing.objects.order_by("pk").values()) == before
    assert StemBand.objects.count() == 8 * likeness.BANDS


def test_a_refresh_keeps_what_others_count() -> None:
    question = make_published_question(make_blueprint()).question
    listing.refresh([question.pk])
    listing.note_challenges(question.pk, waiting=2)
    listing.note_answers(question.pk, seen=41, facility=0.1, is_suspect=True)
    listing.refresh([question.pk])
    row = Listing.objects.get()
    assert (row.open_challenges, row.seen, row.facility, row.is_suspect) == (2, 41, 0.1, True)


def test_queries_do_not_grow_with_the_questions(django_assert_max_num_queries: object) -> None:
    blueprint = make_blueprint()
    make_bank(blueprint, per_task=20)
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        listing.refresh_all()
