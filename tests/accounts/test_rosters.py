"""Class lists: however a spreadsheet saves them, previewed, applied all or nothing, and again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import cohorts, rosters
from accounts.models import Cohort, Invitation, Part, Role, User
from tests.factories import NOW, make_cohort, make_user


@pytest.fixture
def cohort(ben: User) -> Cohort:
    return make_cohort(instructors=(ben,))


def fates(cohort: Cohort, text: str) -> list[str]:
    return [row.fate for row in rosters.preview(cohort, rosters.read_text(text), now=NOW).rows]


# ── read ──


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_any_encoding_and_separator(encoding: str, separator: str) -> None:
    text = (
        separator.join(("Name", "E-Mail", "Role"))
        + "\r\n"
        + separator.join(("Zoë Müller", "Zoe@Example.org", "Student"))
    )
    (entry,) = rosters.read(text.encode(encoding))
    assert (entry.line, entry.email, entry.name, entry.part) == (
        2,
        "zoe@example.org",
        "Zoë Müller",
        Part.LEARNER,
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("email\nana@example.org", ""),
        ("ana@example.org", ""),
        ("Ana Torres;ana@example.org", "Ana Torres"),
        ("sep=;\nemail;name\nana@example.org;Ana Torres", "Ana Torres"),
        ("First name,Last_Name,Group,Email\nAna,Torres,B,ana@example.org", "Ana Torres"),
        ('name,email\n"Torres, Ana",ana@example.org', "Torres, Ana"),
    ],
)
def test_headers_in_any_order_or_none(text: str, name: str) -> None:
    (entry,) = rosters.read_text(text)
    assert (entry.email, entry.name) == ("ana@example.org", name)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\n ; \n", "empty"),
        (b"email,name\n", "empty"),
        (b"name,phone\nAna,1", "no_email_column"),
        (b"PK\x03\x04rest", "workbook"),
        (b"email\na@example.org\0", "not_text"),
        (b"x" * (rosters.MAX_BYTES + 1), "too_big"),
    ],
)
def test_what_is_no_roster_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(rosters.RosterError) as caught:
        rosters.read(data)
    assert caught.value.code == code


def test_fifty_thousand_rows_are_refused_with_their_number() -> None:
    with pytest.raises(rosters.RosterError) as caught:
        rosters.read("\n".join(["email", *(f"{n}@e.org" for n in range(50_000))]).encode())
    assert (caught.value.code, caught.value.count) == ("too_many", 50_000)


def test_what_the_preview_hands_back_reads_the_same() -> None:
    text = 'name;part;email\n"A ""B"", C";instructor;a@example.org\n;;b@example.org'
    entries = rosters.read_text(text)
    again = rosters.read_text(rosters.as_text(entries))
    assert [(e.email, e.name, e.part) for e in again] == [(e.email, e.name, e.part) for e in entries]


# ── previewed ──


def test_each_row_says_what_becomes_of_it(cohort: Cohort, ben: User, ana: User, cleo: User) -> None:
    left = make_user("Leo")
    for user in (cleo, left):
        cohorts.join(cohort, user, by=ben, now=NOW)
    cohorts.leave(cohort, left, now=NOW)
    iris = make_user("Iris", role=Role.INSTRUCTOR)
    gone = make_user("Gone", is_active=False)
    rows = {
        ana.email.upper(): "add",
        cleo.email: "member",
        left.email: "left",
        iris.email: "colleague",
        gone.email: "closed_account",
        "new@example.com": "invite",
        "NEW@example.com": "duplicate",
        "no address": "bad_address",
        "a" * 250 + "@example.com": "long_address",
    }
    assert fates(cohort, "email\n" + "\n".join(rows)) == list(rows.values())


@pytest.mark.parametrize(
    ("row", "fate"),
    [
        (",Ana,", "no_address"),
        (f"a@example.com,{'n' * 121},", "long_name"),
        ("a@example.com,Ana,boss", "bad_part"),
        ("a@example.com,Ana,Teacher", "invite"),
    ],
)
def test_bad_cells(cohort: Cohort, row: str, fate: str) -> None:
    assert fates(cohort, f"email,name,part\n{row}") == [fate]


def test_a_learners_account_cannot_be_listed_as_instructor(cohort: Cohort, ana: User) -> None:
    assert fates(cohort, f"email,part\n{ana.email},instructor") == ["not_instructor"]


def test_a_duplicate_names_the_first_row(cohort: Cohort) -> None:
    rows = rosters.preview(cohort, rosters.read_text("email\na@e.org\n\nA@e.org"), now=NOW).rows
    assert (rows[1].entry.line, rows[1].first_line) == (4, 2)


def test_two_thousand_rows_take_as_many_statements_as_twenty_in_proportion(cohort: Cohort) -> None:
    entries = rosters.read_text("email\n" + "\n".join(f"{n}@example.com" for n in range(2000)))
    with CaptureQueriesContext(connection) as captured:
        rosters.preview(cohort, entries, now=NOW)
    assert len(captured) <= 12


# ── applied ──


def test_accounts_are_added_and_told_the_others_invited(cohort: Cohort, ben: User, ana: User) -> None:
    entries = rosters.read_text(f"email,name\n{ana.email},\nnew@example.com,Neo")
    rosters.apply(cohort, entries, by=ben, now=NOW)
    assert ana.memberships.get().part == Part.LEARNER
    assert ana.notices.get().path == f"/cohorts/{cohort.pk}/"
    invitation = Invitation.objects.get()
    assert (invitation.email, invitation.name, invitation.max_uses) == ("new@example.com", "Neo", 1)
    event = cohort.events.get(kind="roster")
    assert event.detail == {"added": 1, "invited": 1}


def test_again_nothing_happens_twice(cohort: Cohort, ben: User, ana: User) -> None:
    entries = rosters.read_text(f"email\n{ana.email}\nnew@example.com")
    rosters.apply(cohort, entries, by=ben, now=NOW)
    outcome = rosters.apply(cohort, entries, by=ben, now=NOW)
    assert outcome.changes == 0
    assert (ana.memberships.count(), ana.notices.count(), Invitation.objects.count()) == (1, 1, 1)
    assert cohort.events.filter(kind="roster").count() == 1


def test_who_left_is_not_taken_back_by_the_same_list(cohort: Cohort, ben: User, ana: User) -> None:
    entries = rosters.read_text(f"email\n{ana.email}")
    rosters.apply(cohort, entries, by=ben, now=NOW)
    cohorts.leave(cohort, ana, now=NOW)
    rosters.apply(cohort, entries, by=ben, now=NOW)
    assert ana.memberships.get().left_at == NOW


def test_one_error_and_nothing_is_applied(cohort: Cohort, ben: User, ana: User) -> None:
    entries = rosters.read_text(f"email\n{ana.email}\nnonsense")
    with pytest.raises(rosters.RosterError) as caught:
        rosters.apply(cohort, entries, by=ben, now=NOW)
    assert (caught.value.code, caught.value.count) == ("has_errors", 1)
    assert not ana.memberships.exists() and not Invitation.objects.exists()


def test_a_failure_half_way_leaves_nothing(
    cohort: Cohort, ben: User, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(rosters, "_invite", fail)
    with pytest.raises(RuntimeError):
        rosters.apply(cohort, rosters.read_text(f"email\n{ana.email}\nnew@e.org"), by=ben, now=NOW)
    assert not ana.memberships.exists() and not ana.notices.exists()
