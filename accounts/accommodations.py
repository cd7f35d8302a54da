"""More time for a learner: set by staff, logged, and said in the same words everywhere."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Accommodation, AccommodationChange, User


def set_accommodation(
    learner: User, *, by: User, time_factor: Decimal, extra_minutes: int, now: datetime
) -> AccommodationChange | None:
    """Store the profile and append to its log; None when it was so already.

    Factor 1 and 0 minutes are the standard time. It holds for the exams that the learner starts from now on.
    Whether `by` may do this is the caller's to ask.
    """
    after = {"time_factor": f"{time_factor:.2f}", "extra_minutes": extra_minutes}
    with transaction.atomic():
        # The learner's row stands for the accommodation, which may not exist yet: two staff members at once
        # would else both log a change from the same state.
        User.objects.select_for_update(no_key=True).get(pk=learner.pk)
        stored = Accommodation.objects.filter(learner=learner).first() or Accommodation(learner=learner)
        before = {"time_factor": f"{stored.time_factor:.2f}", "extra_minutes": stored.extra_minutes}
        if before == after:
            return None
        stored.time_factor, stored.extra_minutes, stored.set_by = time_factor, extra_minutes, by
        stored.full_clean(exclude=("learner", "set_by"))
        stored.save()
        return AccommodationChange.objects.create(learner=learner, by=by, at=now, before=before, after=after)


def in_words(time_factor: Decimal, extra_minutes: int) -> str:
    """“1.25 × the time plus 10 minutes”; empty when there is no more time."""
    factor = f"{time_factor.normalize():f}"
    minutes = ngettext("%(count)d minute", "%(count)d minutes", extra_minutes) % {"count": extra_minutes}
    if time_factor > 1 and extra_minutes:
        return _("%(factor)s × the time plus %(minutes)s") % {"factor": factor, "minutes": minutes}
    if time_factor > 1:
        return _("%(factor)s × the time") % {"factor": factor}
    if extra_minutes:
        return _("the time plus %(minutes)s") % {"minutes": minutes}
    return ""
