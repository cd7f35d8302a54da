"""Links, codes and e-mails into a cohort."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from accounts import cohorts, inviting, tasks
from accounts.models import Cohort, Invitation, Part, User
from tests.factories import NOW, make_cohort, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def cohort(ben: User) -> Cohort:
    return make_cohort(instructors=(ben,))


def link(cohort: Cohort, ben: User, *, max_uses: int | None = None) -> Invitation:
    return inviting.create_link(
        cohort, by=ben, expires_at=NOW + timedelta(days=7), max_uses=max_uses, now=NOW
    )


def refused(invitation: Invitation, user: User, *, now: Any = NOW) -> str:
    with pytest.raises(inviting.InvitingError) as caught:
        inviting.accept(invitation, user, now=now)
    return caught.value.code


def test_a_code_is_found_however_it_is_typed(cohort: Cohort, ben: User) -> None:
    made = link(cohort, ben)
    assert len(made.code) == 8 and set(made.code) <= set(inviting.ALPHABET)
    assert inviting.find(f" {made.code[:4].lower()}-{made.code[4:]} ") == made
    with pytest.raises(inviting.InvitingError) as caught:
        inviting.find("nothing")
    assert caught.value.code == "unknown"


def test_a_link_lets_in_as_many_as_it_may(cohort: Cohort, ben: User, ana: User, cleo: User) -> None:
    made = link(cohort, ben, max_uses=1)
    membership = inviting.accept(made, ana, now=NOW)
    assert (membership.part, membership.left_at) == (Part.LEARNER, None)
    assert refused(made, cleo) == "used_up"
    assert not cleo.memberships.exists()


def test_an_expired_a_revoked_and_an_archived_one_let_nobody_in(cohort: Cohort, ben: User, ana: User) -> None:
    made = link(cohort, ben)
    assert refused(made, ana, now=NOW + timedelta(days=7)) == "expired"
    inviting.revoke(made, by=ben, now=NOW)
    inviting.revoke(made, by=ben, now=NOW)
    assert cohort.events.filter(kind="revoked").count() == 1
    assert refused(made, ana) == "revoked"
    other = link(cohort, ben)
    cohorts.archive(cohort, by=ben, now=NOW)
    assert refused(other, ana) == "archived"
    with pytest.raises(inviting.InvitingError):
        link(cohort, ben)


def test_joining_twice_is_refused_and_uses_nothing(cohort: Cohort, ben: User, ana: User) -> None:
    made = link(cohort, ben)
    inviting.accept(made, ana, now=NOW)
    assert refused(made, ana) == "already_in"
    made.refresh_from_db()
    assert made.uses == 1


def test_an_instructors_link_needs_an_instructors_account(cohort: Cohort, ben: User, ana: User) -> None:
    made = inviting.create_link(
        cohort, by=ben, expires_at=NOW + timedelta(days=1), max_uses=None, part=Part.INSTRUCTOR, now=NOW
    )
    assert refused(made, ana) == "not_instructor"


# ── by e-mail ──


def test_an_email_lets_in_its_addressee_alone(cohort: Cohort, ben: User, ana: User, cleo: User) -> None:
    made = inviting.invite(cohort, email=ana.email.upper(), by=ben, now=NOW)
    assert refused(made, cleo) == "other_address"
    inviting.accept(made, ana, now=NOW)
    made.refresh_from_db()
    assert (made.email, made.uses) == ("", 1)
    assert refused(made, cleo) == "used_up"


def test_another_confirmed_address_counts_an_unconfirmed_one_does_not(
    cohort: Cohort, ben: User, ana: User
) -> None:
    made = inviting.invite(cohort, email="ana.work@example.org", by=ben, now=NOW)
    second = EmailAddress.objects.create(user=ana, email="ana.work@example.org", verified=False)
    assert refused(made, ana) == "other_address"
    assert not inviting.waiting_for(ana, now=NOW).exists()
    second.verified = True
    second.save()
    assert list(inviting.waiting_for(ana, now=NOW)) == [made]
    inviting.accept(made, ana, now=NOW)
    assert not inviting.waiting_for(ana, now=NOW).exists()


def test_the_invitations_name_is_taken_over_by_who_has_none(cohort: Cohort, ben: User, ana: User) -> None:
    nameless = make_user("", email="new@example.com")
    inviting.accept(
        inviting.invite(cohort, email=nameless.email, name="New One", by=ben, now=NOW), nameless, now=NOW
    )
    inviting.accept(inviting.invite(cohort, email=ana.email, name="Anna", by=ben, now=NOW), ana, now=NOW)
    for user in (nameless, ana):
        user.refresh_from_db()
    assert (nameless.name, ana.name) == ("New One", "Ana")


def test_an_address_is_invited_once(cohort: Cohort, ben: User, ana: User) -> None:
    first = inviting.invite(cohort, email="new@example.com", by=ben, now=NOW)
    with pytest.raises(inviting.InvitingError) as caught:
        inviting.invite(cohort, email="NEW@example.com", by=ben, now=NOW)
    assert caught.value.code == "already_invited"
    later = first.expires_at + timedelta(days=1)
    again = inviting.invite(cohort, email="new@example.com", by=ben, now=later)
    first.refresh_from_db()
    assert (again.pk != first.pk, first.email) == (True, "")
    cohorts.join(cohort, ana, by=ben, now=NOW)
    with pytest.raises(inviting.InvitingError) as caught:
        inviting.invite(cohort, email=ana.email, by=ben, now=NOW)
    assert caught.value.code == "already_in"


def test_the_mail_goes_out_after_the_commit_and_once(
    cohort: Cohort, ben: User, settings: Any, django_capture_on_commit_callbacks: Any, monkeypatch: Any
) -> None:
    settings.SITE_ADDRESS = "https://exams.example.org"
    sent: list[list[int]] = []
    monkeypatch.setattr(tasks.mail_invitations, "delay", sent.append)
    with django_capture_on_commit_callbacks(execute=True):
        made = inviting.invite(cohort, email="new@example.com", name="Neo", by=ben, now=NOW)
        assert sent == []
    assert sent == [[made.pk]]
    for _n in range(2):
        inviting.mail(made.pk, now=NOW)
    (message,) = mail.outbox
    assert message.to == ["new@example.com"] and "Hello Neo" in message.body
    assert f"https://exams.example.org/cohorts/join/{made.code}/" in message.body


def test_a_title_cannot_break_the_subject(cohort: Cohort, ben: User) -> None:
    Cohort.objects.filter(pk=cohort.pk).update(title="Evening\nBcc: all@example.com")
    made = inviting.invite(cohort, email="new@example.com", by=ben, now=NOW)
    inviting.mail(made.pk, now=NOW)
    assert "\n" not in mail.outbox[0].subject and mail.outbox[0].to == ["new@example.com"]


def test_what_the_mail_server_did_not_take_is_sent_later(
    cohort: Cohort, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = inviting.invite(cohort, email="new@example.com", by=ben, now=NOW)

    def away(*args: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as broken:
        broken.setattr(inviting, "send_mail", away)
        with pytest.raises(ConnectionRefusedError):
            inviting.mail(made.pk, now=NOW)
        assert inviting.mail_forgotten(now=NOW + timedelta(minutes=5)) == 1
    assert mail.outbox == []
    inviting.mail_forgotten(now=NOW + timedelta(minutes=10))
    assert len(mail.outbox) == 1
    assert inviting.mail_forgotten(now=NOW + timedelta(minutes=15)) == 0


def test_a_refused_address_does_not_hold_up_the_others(
    cohort: Cohort, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (inviting.invite(cohort, email=f"{n}@example.com", by=ben, now=NOW) for n in ("bad", "good"))
    reached: list[str] = []

    def send(subject: str, text: str, sender: None, to: list[str]) -> None:
        if to == ["bad@example.com"]:
            raise SMTPRecipientsRefused({to[0]: (550, b"no such user")})
        reached.extend(to)

    monkeypatch.setattr(inviting, "send_mail", send)
    assert bad.pk < good.pk
    assert inviting.mail_forgotten(now=NOW + timedelta(minutes=5)) == 2
    assert reached == ["good@example.com"]


def test_sending_again_waits_ten_minutes_and_renews(cohort: Cohort, ben: User) -> None:
    made = inviting.invite(cohort, email="new@example.com", by=ben, now=NOW)
    inviting.mail(made.pk, now=NOW)
    with pytest.raises(inviting.InvitingError) as caught:
        inviting.resend(made, by=ben, now=NOW + timedelta(minutes=9))
    assert caught.value.code == "just_sent"
    later = NOW + timedelta(days=40)
    inviting.resend(made, by=ben, now=later)
    inviting.mail(made.pk, now=later)
    assert len(mail.outbox) == 2
    made.refresh_from_db()
    assert made.expires_at > later


def test_a_demo_sends_nothing(cohort: Cohort, ben: User) -> None:
    Cohort.objects.filter(pk=cohort.pk).update(is_demo=True)
    made = inviting.invite(cohort, email="new@example.com", by=ben, now=NOW)
    inviting.mail(made.pk, now=NOW)
    assert mail.outbox == []


def test_no_log_line_holds_an_address(cohort: Cohort, ben: User) -> None:
    made = inviting.invite(cohort, email="new@example.com", name="Neo", by=ben, now=NOW)
    inviting.revoke(made, by=ben, now=NOW)
    told = str(list(cohort.events.values_list("detail", flat=True)))
    assert "new@example.com" not in told and "Neo" not in told
