"""Celery's part: ids in, at most five lines each, safe to run twice."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone


@shared_task
def mail_notices(notice_ids: list[int]) -> None:
    from accounts import inbox

    for notice_id in notice_ids:
        inbox.mail(notice_id, now=timezone.now())


@shared_task
def mail_invitations(invitation_ids: list[int]) -> None:
    from accounts import inviting

    for invitation_id in invitation_ids:
        inviting.mail(invitation_id, now=timezone.now())


@shared_task
def mail_forgotten() -> None:
    from accounts import inbox, inviting

    inbox.mail_forgotten(now=timezone.now())
    inviting.mail_forgotten(now=timezone.now())
