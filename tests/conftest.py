from __future__ import annotations

import pytest
from django.core.cache import cache
from hypothesis import settings

from accounts.models import Role, User
from exams import items
from tests import factories
from tests.factories import make_user

# A busy machine is no reason for a property to fail.
settings.register_profile("cutscore", deadline=None)
settings.load_profile("cutscore")


@pytest.fixture(autouse=True)
def no_leftovers() -> None:
    """What a process keeps between requests must not travel between tests."""
    factories.count_anew()
    items.forget()
    cache.clear()


@pytest.fixture
def ana(db: None) -> User:
    """A learner."""
    return make_user("Ana")


@pytest.fixture
def ben(db: None) -> User:
    """An instructor."""
    return make_user("Ben", role=Role.INSTRUCTOR)


@pytest.fixture
def cleo(db: None) -> User:
    """Another learner, who must see nothing of Ana's."""
    return make_user("Cleo")
