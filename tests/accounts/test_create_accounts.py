from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import identify_hasher
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User

GOOD = {"count": "3", "role": "learner", "prefix": "load", "password": "pass-word"}


def create(**options: Any) -> list[str]:
    out = StringIO()
    call_command("create_accounts", **{**GOOD, **options}, stdout=out)
    return [account["email"] for account in json.loads(out.getvalue())["accounts"]]


def test_accounts_are_made_and_can_sign_in(client: Client, db: None) -> None:
    emails = create()
    assert emails == ["load-001@example.com", "load-002@example.com", "load-003@example.com"]
    for email in emails:
        user = User.objects.get(email=email)
        assert (user.role, user.is_staff) == ("learner", False)
        assert EmailAddress.objects.get(user=user).verified
    response = client.post("/accounts/login/", {"login": emails[2], "password": "pass-word"})
    assert response.status_code == 302


def test_one_hash_is_made_for_all_with_the_hasher_of_the_settings(db: None) -> None:
    create()
    hashes = set(User.objects.values_list("password", flat=True))
    assert len(hashes) == 1
    assert identify_hasher(hashes.pop()).algorithm == "argon2"


def test_accounts_are_made_in_bulk(db: None, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(20):
        create(count="400")
    assert User.objects.count() == EmailAddress.objects.count() == 400


def test_again_keeps_what_is_there_and_sets_the_password_anew(db: None) -> None:
    create(count="2")
    kept = User.objects.get(email="load-001@example.com")
    kept.name, kept.role = "Named since", "instructor"
    kept.save()
    assert create(count="3", password="another") == [f"load-00{n}@example.com" for n in (1, 2, 3)]
    assert User.objects.count() == EmailAddress.objects.count() == 3
    again = User.objects.get(email="load-001@example.com")
    assert (again.pk, again.name, again.role) == (kept.pk, "Named since", "instructor")
    assert all(user.check_password("another") for user in User.objects.all())


def test_an_address_that_was_not_confirmed_becomes_so(db: None) -> None:
    user = User.objects.create_user("load-001@example.com", "x")
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
    create(count="1")
    assert EmailAddress.objects.get().verified


def test_admins_get_the_rights_of_admins(db: None) -> None:
    create(count="1", role="admin")
    user = User.objects.get()
    assert user.is_staff and user.is_superuser


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("count", "0", "--count must be a whole number from 1 to 5000."),
        ("count", "5001", "--count must be a whole number from 1 to 5000."),
        ("count", "-3", "--count must be a whole number from 1 to 5000."),
        ("count", "many", "--count must be a whole number from 1 to 5000."),
        ("count", "²", "--count must be a whole number from 1 to 5000."),
        ("role", "king", "--role must be one of: learner, instructor, admin."),
        ("prefix", "", "--prefix takes 1 to 40"),
        ("prefix", "a b", "--prefix takes 1 to 40"),
        ("prefix", "Load", "--prefix takes 1 to 40"),
        ("prefix", "a@b", "--prefix takes 1 to 40"),
        ("prefix", ".a", "--prefix takes 1 to 40"),
        ("prefix", "a" * 41, "--prefix takes 1 to 40"),
        ("password", "", "--password must not be empty."),
    ],
)
def test_a_bad_option_gets_a_sentence_and_makes_nothing(
    db: None, option: str, value: str, sentence: str
) -> None:
    with pytest.raises(CommandError) as caught:
        create(**{option: value})
    assert str(caught.value).startswith(sentence)
    assert not User.objects.exists()


def test_more_than_999_keep_their_order(db: None) -> None:
    emails = create(count="1001")
    assert (emails[998], emails[1000]) == ("load-999@example.com", "load-1001@example.com")
