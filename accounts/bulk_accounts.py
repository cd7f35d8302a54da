"""Many accounts at once, for rehearsals and load tests."""

from __future__ import annotations

import re

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import models, transaction

from accounts.models import Role, User

MOST = 5000
PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?")
BATCH = 500


class BulkAccountsError(ValueError):
    """`code`: count, role, prefix, password."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@transaction.atomic
def create_accounts(*, count: int, role: str, prefix: str, password: str) -> list[str]:
    """Make `<prefix>-001@example.com` … with verified addresses and return these.

    An account that is there already is kept, with its role and its attempts; its password is set anew.
    """
    if not 1 <= count <= MOST:
        raise BulkAccountsError("count")
    if role not in Role.values:
        raise BulkAccountsError("role")
    if not PREFIX.fullmatch(prefix):
        raise BulkAccountsError("prefix")
    if not password:
        raise BulkAccountsError("password")
    # One hash for all: hashing is slow by design, and these passwords are the same anyway.
    hashed = make_password(password)
    emails = [f"{prefix}-{number:03d}@example.com" for number in range(1, count + 1)]
    for start in range(0, count, BATCH):
        _ensure(emails[start : start + BATCH], role=role, hashed=hashed)
    return emails


def _ensure(emails: list[str], *, role: str, hashed: str) -> None:
    known = User.objects.filter(email__in=emails)
    known.update(password=hashed)
    missing = sorted(set(emails) - set(known.values_list("email", flat=True)))
    is_admin = role == Role.ADMIN
    User.objects.bulk_create(
        User(email=email, password=hashed, role=role, is_staff=is_admin, is_superuser=is_admin)
        for email in missing
    )
    addresses = EmailAddress.objects.filter(email__in=emails, user__email=models.F("email"))
    addresses.update(verified=True)
    with_address = set(addresses.values_list("email", flat=True))
    EmailAddress.objects.bulk_create(
        EmailAddress(user=user, email=user.email, verified=True, primary=True)
        for user in User.objects.filter(email__in=emails)
        if user.email not in with_address
    )
