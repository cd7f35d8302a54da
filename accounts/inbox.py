"""What somebody is told, on the site and by e-mail."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F

from accounts import tasks
from accounts.models import Notice, User

log = logging.getLogger(__name__)


@transaction.atomic
def tell(recipients: Iterable[User], *, subject: str, text: str, path: str, now: datetime) -> list[Notice]:
    """A line in each inbox at once, and an e-mail after the commit. Closed accounts are left out."""
    listed = [user for user in dict.fromkeys(recipients) if user.is_active]
    notices = Notice.objects.bulk_create(
        Notice(recipient=user, subject=subject, text=text, path=path, created_at=now) for user in listed
    )
    User.objects.filter(pk__in=[user.pk for user in listed]).update(unread_notices=F("unread_notices") + 1)
    ids = [notice.pk for notice in notices]
    if ids:
        transaction.on_commit(lambda: tasks.mail_notices.delay(ids), robust=True)
    return notices


@transaction.atomic
def read_all(user: User, *, now: datetime) -> None:
    user.notices.filter(read_at=None).update(read_at=now)
    User.objects.filter(pk=user.pk).update(unread_notices=0)
    user.unread_notices = 0


@transaction.atomic
def read(notice: Notice, *, now: datetime) -> None:
    """Again, nothing changes: the counter counts each notice once."""
    if Notice.objects.filter(pk=notice.pk, read_at=None).update(read_at=now):
        User.objects.filter(pk=notice.recipient_id, unread_notices__gt=0).update(
            unread_notices=F("unread_notices") - 1
        )


def mail(notice_id: int, *, now: datetime) -> None:
    """Send one notice. Claimed first, so that a message that comes twice is sent once; given back if it fails.

    Demo accounts get none: nobody owns their addresses.
    """
    waiting = Notice.objects.filter(pk=notice_id, mailed_at=None, recipient__is_demo=False)
    if not waiting.filter(recipient__anonymised_at=None).update(mailed_at=now):
        return
    notice = Notice.objects.select_related("recipient").get(pk=notice_id)
    address = f"{settings.SITE_ADDRESS}{notice.path}"
    try:
        send_mail(notice.subject, f"{notice.text}\n\n{address}\n", None, [notice.recipient.email])
    except OSError:
        Notice.objects.filter(pk=notice_id).update(mailed_at=None)
        raise


def mail_forgotten(*, now: datetime) -> int:
    """Send what no worker has sent: its message was lost, or the mail server was away. After a day it is stale."""
    recent = Notice.objects.filter(
        mailed_at=None, created_at__lt=now - timedelta(minutes=2), created_at__gt=now - timedelta(days=1)
    ).exclude(recipient__is_demo=True)
    ids = list(recent.order_by("pk").values_list("pk", flat=True)[:200])
    for notice_id in ids:
        try:
            mail(notice_id, now=now)
        except OSError as error:
            log.warning("notice %s can't be mailed: %s", notice_id, error)
            break
    return len(ids)
