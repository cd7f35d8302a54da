"""Ways into a cohort: a link or a typed code for many, an e-mail for one. Made, sent, taken back, accepted."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from smtplib import SMTPRecipientsRefused
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import cohorts, tasks
from accounts.models import Cohort, CohortEvent, Invitation, Membership, Part, User
from accounts.models.cohorts import InvitationQuerySet

log = logging.getLogger(__name__)

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without those that are read for one another: I, L, 1, O, 0."""
CODE_LENGTH = 8
DAYS_OF_EMAIL = 30
MAIL_BATCH = 50
RESEND_AFTER = timedelta(minutes=10)
FORGOTTEN_AT_ONCE = 200


class InvitingError(Exception):
    """`code`: unknown, revoked, expired, used_up, archived, other_address, already_in, already_invited,
    just_sent, used, not_by_mail, and the codes of `CohortError`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# ── made ──


@transaction.atomic
def create_link(
    cohort: Cohort,
    *,
    by: User,
    expires_at: datetime,
    max_uses: int | None,
    part: str = Part.LEARNER,
    now: datetime,
) -> Invitation:
    """A link that many may use; its code can be typed as well."""
    if cohorts.lock(cohort).archived_at is not None:
        raise InvitingError("archived")
    invitation = Invitation.objects.create(
        cohort=cohort,
        part=part,
        code=new_code(),
        created_by=by,
        created_at=now,
        expires_at=expires_at,
        max_uses=max_uses,
    )
    _log(invitation, CohortEvent.Kind.INVITED, by=by, now=now)
    return invitation


@transaction.atomic
def invite(
    cohort: Cohort, *, email: str, name: str = "", part: str = Part.LEARNER, by: User, now: datetime
) -> Invitation:
    """By e-mail, sent after the commit; only who has this address can accept it."""
    if cohorts.lock(cohort).archived_at is not None:
        raise InvitingError("archived")
    email = email.strip().lower()
    if Membership.objects.active().filter(cohort=cohort, user__email=email).exists():
        raise InvitingError("already_in")
    if cohort.invitations.usable(now).filter(email__iexact=email, uses=0).exists():
        raise InvitingError("already_invited")
    close_expired(cohort, emails=[email], now=now)
    invitation = for_address(cohort, email=email, name=name, part=part, by=by, now=now)
    invitation.save()
    _log(invitation, CohortEvent.Kind.INVITED, by=by, now=now)
    mail_after_commit([invitation])
    return invitation


def for_address(cohort: Cohort, *, email: str, name: str, part: str, by: User, now: datetime) -> Invitation:
    """Unsaved."""
    return Invitation(
        cohort=cohort,
        part=part,
        code=new_code(),
        email=email,
        name=name,
        created_by=by,
        created_at=now,
        expires_at=now + timedelta(days=DAYS_OF_EMAIL),
        max_uses=1,
    )


def close_expired(cohort: Cohort, *, emails: Iterable[str], now: datetime) -> None:
    """An address has one open invitation in a cohort: one that ran out makes room for the next."""
    past = cohort.invitations.filter(revoked_at=None, uses=0, expires_at__lte=now, email__in=emails)
    past.update(revoked_at=now, email="", name="")


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _n in range(CODE_LENGTH))


# ── changed ──


@transaction.atomic
def revoke(invitation: Invitation, *, by: User, now: datetime) -> None:
    """Nobody can use it any more; who came in by it stays. The address is forgotten."""
    stored = Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk)
    if stored.revoked_at is None:
        _log(stored, CohortEvent.Kind.REVOKED, by=by, now=now)
        stored.revoked_at = now
        stored.email = stored.name = ""
        stored.save(update_fields=["revoked_at", "email", "name"])


@transaction.atomic
def resend(invitation: Invitation, *, by: User, now: datetime) -> None:
    """Send it once more, and let it run anew; not again within ten minutes."""
    if cohorts.lock(invitation.cohort).archived_at is not None:
        raise InvitingError("archived")
    stored = Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk)
    if not stored.email:
        raise InvitingError("not_by_mail")
    if stored.revoked_at is not None:
        raise InvitingError("revoked")
    if now - stored.created_at < RESEND_AFTER:
        raise InvitingError("just_sent")
    stored.created_at, stored.expires_at = now, now + timedelta(days=DAYS_OF_EMAIL)
    stored.mailed_at = None
    stored.save(update_fields=["created_at", "expires_at", "mailed_at"])
    _log(stored, CohortEvent.Kind.INVITED, by=by, now=now, again=True)
    mail_after_commit([stored])


# ── used ──


def normalised(code: str) -> str:
    """As typed or read aloud: in any case, with blanks or hyphens."""
    return "".join(letter for letter in code.upper() if letter.isalnum())


def find(code: str) -> Invitation:
    """The invitation, usable or not."""
    found = Invitation.objects.filter(code=normalised(code)).select_related("cohort", "created_by").first()
    if found is None:
        raise InvitingError("unknown")
    return found


def require_usable(invitation: Invitation, *, now: datetime) -> None:
    if invitation.cohort.archived_at is not None:
        raise InvitingError("archived")
    if invitation.revoked_at is not None:
        raise InvitingError("revoked")
    if invitation.max_uses is not None and invitation.uses >= invitation.max_uses:
        raise InvitingError("used_up")
    if invitation.expires_at <= now:
        raise InvitingError("expired")


def require_addressee(invitation: Invitation, user: User) -> None:
    """An invitation by e-mail is for who has the address: the account's own, or another confirmed one."""
    wanted = invitation.email.lower()
    if wanted and wanted != user.email and wanted not in _confirmed(user):
        raise InvitingError("other_address")


@transaction.atomic
def accept(invitation: Invitation, user: User, *, now: datetime) -> Membership:
    """Join by it. The name that the roster gave is taken over by who has none."""
    cohorts.lock(invitation.cohort)
    stored = (
        Invitation.objects.select_for_update(no_key=True, of=("self",))
        .select_related("cohort", "created_by")
        .get(pk=invitation.pk)
    )
    require_usable(stored, now=now)
    require_addressee(stored, user)
    try:
        membership = cohorts.join(
            stored.cohort, user, part=stored.part, by=stored.created_by, now=now, invitation=stored.pk
        )
    except cohorts.CohortError as error:
        raise InvitingError(error.code) from error
    if stored.name and not user.name:
        user.name = stored.name
        user.save(update_fields=["name"])
    stored.uses += 1
    # From here on the membership says who it is; a second copy of the address would outlive the account.
    stored.email = stored.name = ""
    stored.save(update_fields=["uses", "email", "name"])
    return membership


def waiting_for(user: User, *, now: datetime) -> InvitationQuerySet:
    """Sent to a confirmed address of the user: they needn't find the e-mail again."""
    return Invitation.objects.usable(now).filter(email__in=_confirmed(user)).select_related("cohort")


def lets_sign_up(code: str, *, now: datetime) -> Invitation | None:
    """The invitation that opens a closed sign-up."""
    return Invitation.objects.usable(now).filter(code=normalised(code)).first()


def path_of(invitation: Invitation) -> str:
    return reverse("cohorts:join", args=[invitation.code])


def address_of(invitation: Invitation) -> str:
    return f"{settings.SITE_ADDRESS}{path_of(invitation)}"


def _confirmed(user: User) -> set[str]:
    addresses = EmailAddress.objects.filter(user=user, verified=True)
    return {email.lower() for email in addresses.values_list("email", flat=True)}


def _log(invitation: Invitation, kind: CohortEvent.Kind, *, by: User, now: datetime, **detail: Any) -> None:
    how = "email" if invitation.email else "link"
    cohorts.log(
        invitation.cohort,
        kind,
        by=by,
        now=now,
        invitation=invitation.pk,
        how=how,
        part=invitation.part,
        **detail,
    )


# ── sent ──


def is_mailed(cohort: Cohort) -> bool:
    """A demo sends nothing: everybody knows its passwords, and anybody could write to anybody."""
    return not cohort.is_demo and not settings.DEMO


def mail_after_commit(invitations: Iterable[Invitation]) -> None:
    ids = [each.pk for each in invitations]
    for begin in range(0, len(ids), MAIL_BATCH):
        batch = ids[begin : begin + MAIL_BATCH]
        transaction.on_commit(partial(tasks.mail_invitations.delay, batch), robust=True)


def mail(invitation_id: int, *, now: datetime) -> None:
    """Send one. Claimed first, so that a message that comes twice is sent once; given back if it fails."""
    waiting = Invitation.objects.usable(now).filter(pk=invitation_id, mailed_at=None).exclude(email="")
    if not waiting.update(mailed_at=now):
        return
    invitation = Invitation.objects.select_related("cohort", "created_by").get(pk=invitation_id)
    if not is_mailed(invitation.cohort):
        return
    try:
        send_mail(_subject(invitation), _text(invitation), None, [invitation.email])
    except SMTPRecipientsRefused:
        # Another try won't help, and must not hold up the others.
        log.warning("invitation %s: the mail server refuses the address", invitation_id)
    except OSError:
        Invitation.objects.filter(pk=invitation_id).update(mailed_at=None)
        raise


def mail_forgotten(*, now: datetime) -> int:
    """Send what no worker has sent, within a day after it was asked for."""
    recent = Invitation.objects.usable(now).filter(
        mailed_at=None, created_at__lt=now - timedelta(minutes=2), created_at__gt=now - timedelta(days=1)
    )
    ids = list(recent.exclude(email="").order_by("pk").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    for invitation_id in ids:
        try:
            mail(invitation_id, now=now)
        except OSError as error:
            log.warning("invitation %s can't be mailed: %s", invitation_id, error)
            break
    return len(ids)


def _subject(invitation: Invitation) -> str:
    title = " ".join(invitation.cohort.title.split())
    return _("You are invited to %(cohort)s") % {"cohort": title}


def _text(invitation: Invitation) -> str:
    text = _(
        "Hello%(name)s,\n\n"
        "%(by)s invites you to the cohort “%(cohort)s” on Cutscore, where you practise for an exam together.\n\n"
        "Before you join, the page shows who will see which of your results:\n%(address)s\n\n"
        "The link is for %(email)s alone and holds until %(until)s. If you don't know what this is about, "
        "do nothing."
    )
    return text % {
        "name": f" {invitation.name}" if invitation.name else "",
        "by": invitation.created_by or _("Somebody"),
        "cohort": invitation.cohort.title,
        "address": address_of(invitation),
        "email": invitation.email,
        "until": f"{invitation.expires_at:%-d %B %Y}",
    }
