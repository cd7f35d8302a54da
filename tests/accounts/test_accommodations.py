from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import accommodations
from accounts.models import Accommodation, AccommodationChange, Role, User
from tests.factories import NOW, make_cohort, make_user

LIST = "/profile/accommodations/"


def give(
    learner: User, *, by: User, factor: str = "1.25", minutes: int = 10, **when: Any
) -> AccommodationChange | None:
    return accommodations.set_accommodation(
        learner, by=by, time_factor=Decimal(factor), extra_minutes=minutes, now=NOW + timedelta(**when)
    )


def page_of(learner: User) -> str:
    return f"{LIST}{learner.pk}/"


@pytest.fixture
def class_of_ben(ana: User, ben: User) -> User:
    """Ben, who teaches Ana."""
    make_cohort(learners=(ana,), instructors=(ben,))
    return ben


# ── the rule ──


def test_each_change_is_stored_and_logged(ana: User, ben: User) -> None:
    give(ana, by=ben)
    give(ana, by=ben, factor="1.5", minutes=0, days=1)
    stored = Accommodation.objects.get(learner=ana)
    assert (stored.time_factor, stored.extra_minutes, stored.set_by) == (Decimal("1.50"), 0, ben)
    changes = [(c.by, c.at, c.before, c.after) for c in ana.accommodation_changes.order_by("at")]
    standard = {"time_factor": "1.00", "extra_minutes": 0}
    first = {"time_factor": "1.25", "extra_minutes": 10}
    assert changes == [
        (ben, NOW, standard, first),
        (ben, NOW + timedelta(days=1), first, {"time_factor": "1.50", "extra_minutes": 0}),
    ]


def test_the_same_again_is_no_change(ana: User, ben: User) -> None:
    give(ana, by=ben)
    assert give(ana, by=ben, factor="1.250") is None
    assert ana.accommodation_changes.count() == 1


def test_the_standard_time_for_who_has_it_stores_nothing(ana: User, ben: User) -> None:
    assert give(ana, by=ben, factor="1", minutes=0) is None
    assert not Accommodation.objects.exists()


@pytest.mark.parametrize(
    ("factor", "minutes"), [("0.99", 0), ("3.01", 0), ("1", 601), ("1", -1), ("1.255", 0)]
)
def test_what_is_out_of_range_is_refused(ana: User, ben: User, factor: str, minutes: int) -> None:
    with pytest.raises(ValidationError):
        give(ana, by=ben, factor=factor, minutes=minutes)
    assert not Accommodation.objects.exists()
    assert not AccommodationChange.objects.exists()


def test_a_line_of_the_log_is_never_changed(ana: User, ben: User) -> None:
    change = give(ana, by=ben)
    assert change is not None
    change.after = {"time_factor": "3.00", "extra_minutes": 600}
    with pytest.raises(TypeError):
        change.save()


@pytest.mark.parametrize(
    ("factor", "minutes", "words"),
    [
        ("1.25", 10, "1.25 × the time plus 10 minutes"),
        ("1.50", 0, "1.5 × the time"),
        ("2.00", 1, "2 × the time plus 1 minute"),
        ("1.00", 5, "the time plus 5 minutes"),
        ("1.00", 0, ""),
    ],
)
def test_extra_time_in_words(factor: str, minutes: int, words: str) -> None:
    assert accommodations.in_words(Decimal(factor), minutes) == words


# ── the pages ──


def test_the_learner_reads_it_in_the_profile(client: Client, ana: User, ben: User) -> None:
    give(ana, by=ben)
    client.force_login(ana)
    assert "1.25 × the time plus 10 minutes" in client.get("/profile/").content.decode()


def test_ben_gives_ana_more_time_and_sees_who_changed_it(
    client: Client, ana: User, class_of_ben: User
) -> None:
    client.force_login(class_of_ben)
    response = client.post(page_of(ana), {"time_factor": "1.25", "extra_minutes": "10"}, follow=True)
    assert response.redirect_chain == [(page_of(ana), 302)]
    html = response.content.decode()
    assert "1.25 × the time plus 10 minutes" in html
    assert "Before: the standard time." in html
    assert str(Accommodation.objects.get(learner=ana).set_by) == "Ben"
    client.post(page_of(ana), {"time_factor": "1.25", "extra_minutes": "10"})
    assert AccommodationChange.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"time_factor": "0.5", "extra_minutes": "0"}, "time_factor"),
        ({"time_factor": "3.5", "extra_minutes": "0"}, "time_factor"),
        ({"time_factor": "NaN", "extra_minutes": "0"}, "time_factor"),
        ({"time_factor": "1.001", "extra_minutes": "0"}, "time_factor"),
        ({"time_factor": "", "extra_minutes": "0"}, "time_factor"),
        ({"time_factor": "1", "extra_minutes": "601"}, "extra_minutes"),
        ({"time_factor": "1", "extra_minutes": "-1"}, "extra_minutes"),
        ({"time_factor": "1", "extra_minutes": "ten"}, "extra_minutes"),
    ],
)
def test_a_bad_value_is_named_at_its_field(
    client: Client, ana: User, class_of_ben: User, data: dict[str, str], field: str
) -> None:
    client.force_login(class_of_ben)
    response = client.post(page_of(ana), data)
    assert list(response.context["form"].errors) == [field]
    assert not Accommodation.objects.exists()


def test_who_may_not_see_the_learner_gets_what_isnt_there(
    client: Client, ana: User, class_of_ben: User, cleo: User
) -> None:
    other = make_user("Dan", role=Role.INSTRUCTOR)
    for user in (ana, cleo, other):
        client.force_login(user)
        assert client.get(page_of(ana)).status_code == 404
        assert client.post(page_of(ana), {"time_factor": "3", "extra_minutes": "600"}).status_code == 404
    for user in (ana, cleo):
        client.force_login(user)
        assert client.get(LIST).status_code == 404
    client.force_login(class_of_ben)
    assert client.get(page_of(cleo)).status_code == 404
    assert client.get(page_of(class_of_ben)).status_code == 404
    assert client.get(f"{LIST}999999/").status_code == 404
    assert not Accommodation.objects.exists()


def test_strangers_sign_in_first(client: Client, ana: User) -> None:
    for address in (LIST, page_of(ana)):
        assert client.get(address)["Location"] == f"/accounts/login/?next={address}"


def test_an_admin_sees_everybody_but_the_anonymised(client: Client, ana: User, ben: User, cleo: User) -> None:
    admin = make_user("Eve", role=Role.ADMIN)
    cleo.anonymised_at = NOW
    cleo.save()
    client.force_login(admin)
    html = client.get(LIST).content.decode()
    assert ana.email in html and ben.email in html and cleo.email not in html
    assert client.get(page_of(ana)).status_code == 200
    assert client.get(page_of(cleo)).status_code == 404


def test_the_list_is_searched_by_name_and_address_within_ones_own(
    client: Client, ana: User, class_of_ben: User, cleo: User
) -> None:
    client.force_login(class_of_ben)
    assert ana.email in client.get(LIST, {"q": "aNA"}).content.decode()
    assert ana.email in client.get(LIST, {"q": ana.email}).content.decode()
    html = client.get(LIST, {"q": "Cleo"}).content.decode()
    assert cleo.email not in html
    assert "Nobody among your learners is called “Cleo”." in html


def test_the_list_is_paged(client: Client, ben: User) -> None:
    make_cohort(learners=tuple(make_user(f"L{n:02}") for n in range(30)), instructors=(ben,))
    client.force_login(ben)
    first, second = client.get(LIST), client.get(LIST, {"page": "2"})
    assert (len(first.context["rows"]), len(second.context["rows"])) == (25, 5)
    assert "?q=&amp;page=2" in first.content.decode()
    assert client.get(LIST, {"page": "none"}).status_code == 200


def test_twenty_learners_cost_as_many_queries_as_two(client: Client, ben: User) -> None:
    def enrol(count: int) -> None:
        learners = tuple(make_user("L") for _ in range(count))
        make_cohort(learners=learners, instructors=(ben,))
        for learner in learners:
            give(learner, by=ben)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(LIST).status_code == 200
        return len(captured)

    client.force_login(ben)
    enrol(2)
    client.get(LIST)
    with_two = queries()
    enrol(18)
    assert queries() == with_two
