from __future__ import annotations

import pytest
from django.test import Client

from accounts import inbox
from accounts.models import User
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def test_a_notice_leads_where_it_says_and_is_read_then(client: Client, ana: User, cleo: User) -> None:
    notice = inbox.tell([ana], subject="Published: q-1", text="v2", path="/study/", now=NOW)[0]
    client.force_login(cleo)
    assert client.post(f"/profile/inbox/{notice.pk}/").status_code == 404
    assert b"Published" not in client.get("/profile/inbox/").content
    client.force_login(ana)
    html = client.get("/profile/inbox/").content.decode()
    assert "Published: q-1" in html and "1 is unread" in html
    assert client.post(f"/profile/inbox/{notice.pk}/")["Location"] == "/study/"
    assert "0 are unread" in client.get("/profile/inbox/").content.decode()
    assert client.post(f"/profile/inbox/{'9' * 30}/").status_code == 404


def test_all_are_read_at_once(client: Client, ana: User) -> None:
    for subject in "abc":
        inbox.tell([ana], subject=subject, text="", path="/", now=NOW)
    client.force_login(ana)
    assert client.get("/profile/inbox/read/").status_code == 405
    client.post("/profile/inbox/read/")
    ana.refresh_from_db()
    assert (ana.unread_notices, ana.notices.filter(read_at=None).count()) == (0, 0)
