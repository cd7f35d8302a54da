from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from pytest_django import Settings

from accounts import inbox
from accounts.models import Notice
from tests.factories import NOW, make_user

pytestmark = pytest.mark.django_db


def test_everybody_is_told_once_and_their_counter_grows() -> None:
    ana, cleo = make_user("Ana"), make_user("Cleo", is_active=False)
    notices = inbox.tell([ana, ana, cleo], subject="Published", text="", path="/bank/", now=NOW)
    assert [n.recipient for n in notices] == [ana]
    ana.refresh_from_db()
    assert ana.unread_notices == 1


def test_reading_counts_down_once() -> None:
    ana = make_user("Ana")
    first, second = (inbox.tell([ana], subject=s, text="", path="/", now=NOW)[0] for s in "ab")
    inbox.read(first, now=NOW)
    inbox.read(first, now=NOW)
    ana.refresh_from_db()
    assert ana.unread_notices == 1
    inbox.read_all(ana, now=NOW)
    ana.refresh_from_db()
    second.refresh_from_db()
    assert (ana.unread_notices, second.read_at) == (0, NOW)


def test_a_notice_is_mailed_once_with_its_address(settings: Settings) -> None:
    settings.SITE_ADDRESS = "https://exams.example.org"
    notice = inbox.tell([make_user("Ana")], subject="Published", text="v2", path="/bank/x/", now=NOW)[0]
    inbox.mail(notice.pk, now=NOW)
    inbox.mail(notice.pk, now=NOW)
    assert [m.subject for m in mail.outbox] == ["Published"]
    assert "https://exams.example.org/bank/x/" in mail.outbox[0].body


def test_demo_accounts_get_no_mail() -> None:
    notice = inbox.tell([make_user("Ana", is_demo=True)], subject="s", text="", path="/", now=NOW)[0]
    inbox.mail(notice.pk, now=NOW)
    assert mail.outbox == []


def test_what_the_mail_server_refused_is_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    notice = inbox.tell([make_user("Ana")], subject="s", text="", path="/", now=NOW)[0]

    def refuse(*args: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "send_mail", refuse)
        with pytest.raises(ConnectionRefusedError):
            inbox.mail(notice.pk, now=NOW)
        assert inbox.mail_forgotten(now=NOW + timedelta(minutes=5)) == 1
    assert Notice.objects.get().mailed_at is None
    assert inbox.mail_forgotten(now=NOW + timedelta(minutes=5)) == 1
    assert len(mail.outbox) == 1
    assert inbox.mail_forgotten(now=NOW + timedelta(minutes=10)) == 0


def test_old_notices_are_not_mailed_any_more() -> None:
    inbox.tell([make_user("Ana")], subject="s", text="", path="/", now=NOW)
    assert inbox.mail_forgotten(now=NOW + timedelta(days=2)) == 0
