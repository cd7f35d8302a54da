"""Take the person out of an account, and leave the answers in the statistics."""

from __future__ import annotations

import secrets
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.cached_db import SessionStore
from django.contrib.sessions.models import Session
from django.db import models, transaction

from accounts import access
from accounts.models import (
    Accommodation,
    AccommodationChange,
    Invitation,
    Membership,
    Role,
    Theme,
    User,
)


class AnonymisingError(Exception):
    """`code`: last_admin."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def anonymise(user: User, *, now: datetime) -> None:
    """Remove whatever says who this was, for good; repeated, nothing happens.

    The row stays, and with it what points to it: attempts, answers, results. A running attempt stays too,
    and is closed at its deadline as every abandoned one.
    """
    with transaction.atomic():
        # All admins are locked, so that the last two can't leave at the same moment.
        is_concerned = models.Q(role=Role.ADMIN) | models.Q(pk=user.pk)
        locked = User.objects.select_for_update(no_key=True).filter(is_concerned).order_by("pk")
        person = {each.pk: each for each in locked}[user.pk]
        if person.anonymised_at is None:
            if access.is_last_admin(person):
                raise AnonymisingError("last_admin")
            _forget_in_admin_log(person)
            _forget_invitations(person)
            for rows in (
                Accommodation.objects.filter(learner=person),
                AccommodationChange.objects.filter(learner=person),
                Membership.objects.filter(user=person),
                EmailAddress.objects.filter(user=person),
                Authenticator.objects.filter(user=person),
            ):
                rows.delete()
            person.groups.clear()
            person.user_permissions.clear()
            _blank(person, now=now)
    user.refresh_from_db()
    end_sessions(user)


def _blank(person: User, *, now: datetime) -> None:
    # .invalid is reserved: no mail can ever reach it.
    person.email = f"anonymised-{secrets.token_hex(8)}@cutscore.invalid"
    person.name = ""
    person.set_unusable_password()
    person.role = Role.LEARNER
    person.time_zone = "UTC"
    person.theme = Theme.AUTO
    person.last_login = None
    person.is_active = False
    person.anonymised_at = now
    person.save()


def _forget_invitations(person: User) -> None:
    """Those that wait for one of the person's addresses. The cohorts' log names them by the account alone."""
    confirmed = EmailAddress.objects.filter(user=person).values_list("email", flat=True)
    addresses = {person.email, *(email.lower() for email in confirmed)}
    is_theirs = models.Q()
    for address in addresses:
        is_theirs |= models.Q(email__iexact=address)
    Invitation.objects.filter(is_theirs).delete()


def _forget_in_admin_log(person: User) -> None:
    """Django admin's own log keeps the text of what was changed: here the person's name or address."""
    of_person: list[tuple[type[models.Model], list[int]]] = [
        (User, [person.pk]),
        (Accommodation, list(Accommodation.objects.filter(learner=person).values_list("pk", flat=True))),
        (Membership, list(Membership.objects.filter(user=person).values_list("pk", flat=True))),
        (EmailAddress, list(EmailAddress.objects.filter(user=person).values_list("pk", flat=True))),
        (Authenticator, list(Authenticator.objects.filter(user=person).values_list("pk", flat=True))),
    ]
    for model, ids in of_person:
        content_type = ContentType.objects.get_for_model(model)
        entries = LogEntry.objects.filter(content_type=content_type, object_id__in=[str(pk) for pk in ids])
        entries.update(object_repr="–")


def end_sessions(user: User) -> None:
    """Sign the user out everywhere. Reads every session: they are found by what is inside them."""
    for session in Session.objects.iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            # The store's delete also empties the cache, which would else keep the session alive.
            SessionStore(session.session_key).delete()
