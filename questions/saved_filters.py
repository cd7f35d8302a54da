"""Addresses of the bank list under names of one's own: saved, renamed, deleted."""

from __future__ import annotations

from django.db import transaction
from django.http import QueryDict

from accounts.models import User
from questions.bank_list import Filters
from questions.models import SavedFilter

MAX_NAME = 80
MAX_SAVED = 50


class SavedFilterError(Exception):
    """`code` is one of: no_name, name_taken, too_many, too_long, missing."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@transaction.atomic
def save(name: str, *, query: str, by: User) -> SavedFilter:
    """Under this name from now on, also where it named another filter before."""
    name = _clean(name)
    _lock(by)
    kept = Filters.parse(QueryDict(query)).query()
    if len(kept) > 2_000:
        raise SavedFilterError("too_long")
    others = SavedFilter.objects.filter(user=by).exclude(name=name)
    if others.count() >= MAX_SAVED:
        raise SavedFilterError("too_many")
    saved, _is_new = SavedFilter.objects.update_or_create(user=by, name=name, defaults={"query": kept})
    return saved


@transaction.atomic
def rename(saved_id: int, *, name: str, by: User) -> SavedFilter:
    name = _clean(name)
    _lock(by)
    saved = SavedFilter.objects.filter(user=by, pk=saved_id).first()
    if saved is None:
        raise SavedFilterError("missing")
    if SavedFilter.objects.filter(user=by, name=name).exclude(pk=saved_id).exists():
        raise SavedFilterError("name_taken")
    saved.name = name
    saved.save(update_fields=["name"])
    return saved


def delete(saved_id: int, *, by: User) -> None:
    """Deleting twice is as good as once."""
    SavedFilter.objects.filter(user=by, pk=saved_id).delete()


def _clean(name: str) -> str:
    name = " ".join(name.replace("\0", "").split())[:MAX_NAME].strip()
    if not name:
        raise SavedFilterError("no_name")
    return name


def _lock(user: User) -> None:
    # Two tabs at once would both find the name free, or the last place.
    User.objects.select_for_update().get(pk=user.pk)
