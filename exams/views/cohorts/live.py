"""The control room of an assignment: who sits it now, and what the instructor does about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import SEE_COHORT_RESULTS, permission_required
from accounts.requests import SignedInRequest
from exams.cohorts import control, control_room
from exams.cohorts.control_forms import ControlForm
from exams.models import Assignment


@never_cache
@permission_required(SEE_COHORT_RESULTS)
@require_http_methods(["GET", "HEAD", "POST"])
def live(request: SignedInRequest, cohort_id: int, assignment_id: int) -> HttpResponse:
    """The page; for htmx, every few seconds, what of it changes. A POST does something to attempts."""
    taught = control_room.counted(Assignment.objects.taught_by(request.user))
    assignment = get_object_or_404(taught, pk=assignment_id, cohort=cohort_id)
    now = timezone.now()
    form = ControlForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, _do(assignment, form.cleaned_data, request, now))
        except control.ControlError as error:
            form.add_error(None, _refusal(error))
        else:
            return redirect(f"{_address(assignment)}?{_query(request)}")
    return _page(request, assignment, form, now)


def _page(request: SignedInRequest, assignment: Assignment, form: ControlForm, now: datetime) -> HttpResponse:
    number = request.GET.get("page", "1")
    room = control_room.room(
        assignment,
        view=request.GET.get("show", ""),
        search=request.GET.get("q", "").strip()[:80],
        number=int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1,
        now=now,
    )
    address = _address(assignment)
    context: dict[str, Any] = {
        "assignment": assignment,
        "cohort": assignment.cohort,
        "room": room,
        "form": form,
        "selected": set(request.POST.getlist("attempts")),
        "address": address,
        "query": _query(request),
        "search": request.GET.get("q", ""),
    }
    if request.htmx and request.method == "GET":
        return render(request, "cohorts/live.html#room", context)
    context["events"] = control_room.recent_events(assignment)
    return render(request, "cohorts/live.html", context, status=422 if form.errors else 200)


def _address(assignment: Assignment) -> str:
    return reverse("cohorts:live", args=[assignment.cohort_id, assignment.pk])


def _query(request: SignedInRequest) -> str:
    """Which part of the list is shown, without the page: it changes while one works."""
    return urlencode({name: request.GET[name] for name in ("show", "q") if request.GET.get(name)})


def _do(assignment: Assignment, values: dict[str, Any], request: SignedInRequest, now: datetime) -> str:
    """What the form asks for; says what came of it."""
    by, reason = request.user, values["reason"]
    chosen = None if values["scope"] == "all" else values["attempts"]
    if values["action"] == "add":
        minutes = values["minutes"]
        n = control.add_minutes(assignment, by=by, minutes=minutes, reason=reason, now=now, chosen=chosen)
        return _added(n, minutes, is_all=chosen is None)
    if values["action"] == "pause":
        n = control.pause(assignment, by=by, reason=reason, now=now, chosen=chosen)
        return ngettext("%(n)s exam is paused.", "%(n)s exams are paused.", n) % {"n": n}
    if values["action"] == "resume":
        n = control.resume(assignment, by=by, reason=reason, now=now, chosen=chosen)
        return ngettext("%(n)s exam goes on.", "%(n)s exams go on.", n) % {"n": n}
    if values["action"] == "close":
        n = control.close_now(assignment, by=by, reason=reason, now=now, chosen=chosen)
        return ngettext("%(n)s exam was ended.", "%(n)s exams were ended.", n) % {"n": n}
    if values["action"] == "message":
        n = control.message(assignment, by=by, text=values["text"], now=now, chosen=chosen)
        return ngettext("The message goes to %(n)s learner.", "The message goes to %(n)s learners.", n) % {
            "n": n
        }
    if values["action"] == "incident":
        n = control.credit_incident(
            assignment,
            by=by,
            begun_at=values["begun_at"],
            ended_at=values["ended_at"],
            reason=reason,
            now=now,
        )
        return ngettext(
            "%(n)s learner got the lost time back.", "%(n)s learners got the lost time back.", n
        ) % {"n": n}
    if values["action"] != "reopen":
        raise Http404
    control.reopen(
        assignment, values["attempts"][0], by=by, minutes=values["minutes"], reason=reason, now=now
    )
    return _("The attempt is open again, and its learner may go on.")


def _added(n: int, minutes: int, *, is_all: bool) -> str:
    words = ngettext(
        "%(n)s running exam ends %(minutes)s min later.", "%(n)s running exams end %(minutes)s min later.", n
    ) % {"n": n, "minutes": minutes}
    if not is_all:
        return words
    return f"{words} {_('Those who have not started get more time by an exception.')}"


def _refusal(error: control.ControlError) -> str:
    return {
        "no_reason": _("Write why: the learners read it, and it stays in the log."),
        "no_text": _("Write the message, of at most 500 characters."),
        "bad_minutes": _("Say how many minutes, from 1 to 600."),
        "bad_period": _("The time must be over by now, and last at most a day."),
        "nobody": _(
            "Nothing was done: of these, none is in the right state for it any more. Look at the list again."
        ),
        "not_found": _("There is no such attempt in this assignment."),
        "still_running": _("This attempt is still running: give it more time instead."),
        "runs_elsewhere": _("This learner has another attempt of the same mock running. It must end first."),
    }[error.code]
