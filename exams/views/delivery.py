"""Sitting an attempt: the page, the saves, the end. Every address answers JSON to who asks for it."""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from exams import closing, delivery, player
from exams.cohorts import trail
from exams.form_answers import FormAnswers
from exams.models import Attempt
from exams.views.errors import RequestError, json_login_required, wants_json
from questions.content import ItemType

CONFLICTS = {"stale", "checked"}


@never_cache
@require_safe
@json_login_required
def attempt(request: SignedInRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """The player; once the sitting is over, the way to its results."""
    now = timezone.now()
    sitting = _own_attempt(request, attempt_id)
    sitting = closing.close_if_overdue(sitting, now=now)
    if sitting.is_open and sitting.paused_at is not None:
        if wants_json(request):
            return JsonResponse({**_standing_json(sitting, now), "slots": []})
        return _paused_page(request, sitting, now)
    if wants_json(request):
        return JsonResponse(_attempt_json(sitting, player.player_page(sitting, now=now)))
    if not sitting.is_open:
        return redirect("exams:results", attempt_id)
    return render(request, "exams/player.html", {"page": player.player_page(sitting, now=now)})


@require_POST
@json_login_required
def save(request: SignedInRequest, attempt_id: uuid.UUID, slot: int) -> JsonResponse:
    """Store one answer: 200, or 400 malformed, 404 not yours, 409 older than what is stored, 410 closed,
    423 paused."""
    now = timezone.now()
    try:
        change = _change(_body(request))
        saved = delivery.save_response(
            attempt_id, learner_id=request.user.pk, slot=slot, change=change, now=now
        )
    except RequestError as error:
        return error.response
    except delivery.DeliveryError as error:
        return _refusal(error, attempt_id, now)
    return JsonResponse(
        {
            "slot": saved.slot,
            "revision": saved.revision,
            "saved_at": saved.saved_at.isoformat(),
            "seconds_left": round(saved.seconds_left, 1),
        }
    )


@require_POST
@login_required
def save_all(request: SignedInRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """The whole form, for browsers without JavaScript: each slot by its own revision."""
    outcome = _save_form(request, attempt_id)
    if outcome is FormOutcome.PAUSED:
        return _paused_page(request, _own_attempt(request, attempt_id), timezone.now())
    if outcome is FormOutcome.SAVED:
        saved_at = date_format(timezone.localtime(), "H:i:s")
        messages.success(request, _("Saved at %(time)s.") % {"time": saved_at})
    return redirect("exams:attempt", attempt_id)


@require_POST
@json_login_required
def submit(request: SignedInRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Close the attempt; repeated, the same receipt."""
    now = timezone.now()
    seconds: Mapping[str, Any] = {}
    if request.content_type == "application/json":
        try:
            seconds = _seconds(_body(request))
        except RequestError as error:
            return error.response
    elif (
        any(name.startswith("revision-") for name in request.POST)
        and _save_form(request, attempt_id) is FormOutcome.PAUSED
    ):
        return _paused_page(request, _own_attempt(request, attempt_id), now)
    try:
        closed = delivery.submit_attempt(attempt_id, learner=request.user, now=now, seconds=seconds)
    except delivery.DeliveryError as error:
        raise Http404 from error
    if not wants_json(request):
        return redirect("exams:results", attempt_id)
    return JsonResponse(
        {
            "state": closed.state,
            "receipt": receipt_json(closed),
            "results": reverse("exams:results", args=[attempt_id]),
        }
    )


@require_POST
@json_login_required
def pulse(request: SignedInRequest, attempt_id: uuid.UUID) -> JsonResponse:
    """Where the learner is and how long each question took; the reply sets the player's clock."""
    now = timezone.now()
    # The most frequent request after a save: it reads no more than it needs.
    mine = Attempt.objects.sat_by(request.user).select_related("paper").order_by()
    sitting = closing.close_if_overdue(get_object_or_404(mine, pk=attempt_id), now=now)
    try:
        body = _body(request)
        position = body.get("position")
        if position is not None and not _is_whole(position):
            raise RequestError("bad_position", _("The position is a whole number."))
        known = body.get("control_revision", sitting.control_revision)
        if not _is_whole(known):
            raise RequestError("bad_control_revision", _("The control revision is a whole number."))
        delivery.note_pulse(sitting, position=position, seconds=_seconds(body), now=now)
    except RequestError as error:
        return error.response
    # Only who is behind costs the read of what staff did.
    news = trail.news(sitting, since=known) if known < sitting.control_revision else []
    return JsonResponse({**_standing_json(sitting, now), "news": news})


@require_POST
@login_required
def feedback(request: SignedInRequest, attempt_id: uuid.UUID, slot: int) -> HttpResponse:
    """Practice: settle one answer and show its key with every rationale."""
    now = timezone.now()
    sitting = _own_attempt(request, attempt_id)
    if not player.gives_feedback_at_once(sitting):
        raise Http404
    if any(name.startswith("revision-") for name in request.POST):
        _save_form(request, attempt_id)
    try:
        response = delivery.check_response(sitting, slot=slot, now=now)
    except delivery.DeliveryError as error:
        if error.code == "closed":
            return redirect("exams:results", attempt_id)
        if error.code == "paused":
            return redirect("exams:attempt", attempt_id)
        raise Http404 from error
    if not request.htmx and "text/html" in request.headers.get("Accept", "") and "revision-1" in request.POST:
        return redirect(reverse("exams:attempt", args=[attempt_id]) + f"#question-{slot}")
    item = player.player_item(sitting, response)
    return render(request, "exams/player.html#feedback", {"item": item, "feedback": item.feedback})


# ── parts ──


def _own_attempt(request: SignedInRequest, attempt_id: uuid.UUID) -> Attempt:
    mine = Attempt.objects.sat_by(request.user).select_related("paper__blueprint", "mock", "assignment")
    return get_object_or_404(mine, pk=attempt_id)


def _body(request: SignedInRequest) -> Mapping[str, Any]:
    """The JSON object of the body, or the form's fields with their answer read as JSON."""
    if request.content_type != "application/json":
        return _form_body(request)
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise RequestError("bad_json", _("The body is not JSON.")) from error
    if not isinstance(body, dict):
        raise RequestError("bad_json", _("The body is not a JSON object."))
    return body


def _form_body(request: SignedInRequest) -> Mapping[str, Any]:
    body: dict[str, Any] = {name: request.POST[name] for name in request.POST}
    if body.get("answer", "").lstrip()[:1] in ("[", "{", '"') or body.get("answer") == "null":
        try:
            body["answer"] = json.loads(body["answer"])
        except (ValueError, RecursionError) as error:
            raise RequestError("bad_json", _("The answer is not JSON.")) from error
    if body.get("revision", "").isascii() and body.get("revision", "").isdigit():
        body["revision"] = int(body["revision"][:12])
    if "flagged" in body:
        body["flagged"] = body["flagged"] in ("1", "on", "true", "True")
    body.pop("struck", None)
    return body


def _change(body: Mapping[str, Any]) -> delivery.Change:
    if "answer" not in body:
        raise RequestError("no_answer", _("Send an answer, or null for blank."))
    if not _is_whole(body.get("revision")):
        raise RequestError("bad_revision", _("Send the revision as a whole number from 1."))
    flagged, struck = body.get("flagged"), body.get("struck")
    if flagged is not None and not isinstance(flagged, bool):
        raise RequestError("bad_flag", _("“flagged” is true or false."))
    if struck is not None and not (isinstance(struck, list) and all(isinstance(s, str) for s in struck)):
        raise RequestError("bad_strikes", _("“struck” is a list of option ids."))
    return delivery.Change(
        answer=body["answer"], revision=body["revision"], is_flagged=flagged, struck=struck
    )


def _seconds(body: Mapping[str, Any]) -> Mapping[str, Any]:
    seconds = body.get("seconds") or {}
    if not isinstance(seconds, dict):
        raise RequestError("bad_seconds", _("“seconds” maps slots to whole seconds."))
    return seconds


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _refusal(error: delivery.DeliveryError, attempt_id: uuid.UUID, now: Any) -> JsonResponse:
    if error.code == "not_found":
        return JsonResponse(
            {"code": error.code, "message": _("There is no such question in your exams.")}, status=404
        )
    if error.code == "closed":
        assert error.response is not None
        state = error.response.attempt.state
        return JsonResponse(
            {
                "code": "closed",
                "message": _("This exam is closed. The answer was kept as evidence but does not count."),
                "state": state if state != Attempt.State.IN_PROGRESS else Attempt.State.CLOSED,
                "results": reverse("exams:results", args=[attempt_id]),
            },
            status=410,
        )
    if error.code == "paused":
        return JsonResponse(
            {"code": "paused", "message": _("The exam is paused. Send this answer again when it goes on.")},
            status=423,
        )
    if error.code in CONFLICTS:
        assert error.response is not None
        stored = error.response
        return JsonResponse(
            {
                "code": error.code,
                "message": _("A newer answer is stored."),
                "slot": stored.slot,
                "revision": stored.revision,
                "answer": stored.answer,
                "flagged": stored.is_flagged,
                "struck": stored.struck,
                "saved_at": stored.saved_at and stored.saved_at.isoformat(),
                "seconds_left": round(delivery.seconds_left(stored.attempt, now=now), 1),
            },
            status=409,
        )
    wording = {
        "wrong_type": _("The answer has the wrong shape for this type of question."),
        "unknown_option": _("The answer names an option that this question does not have."),
        "unknown_prompt": _("The answer names a prompt that this question does not have."),
        "repeated_option": _("The answer names an option twice."),
        "too_many_options": _("The answer has more options than the question asks for."),
        "bad_revision": _("Send the revision as a whole number from 1."),
    }
    return JsonResponse({"code": error.code, "message": wording[error.code]}, status=400)


class FormOutcome(enum.Enum):
    SAVED = "saved"
    LATE = "late"
    PAUSED = "paused"


def _save_form(request: SignedInRequest, attempt_id: uuid.UUID) -> FormOutcome:
    """Save what the plain form changed and say what of it was not taken.

    A browser without JavaScript sends every slot; only those that differ from what its page was made of
    are saves, each above the revision that it knew: an old page can't blank a newer answer.
    """
    now = timezone.now()
    sitting = closing.close_if_overdue(_own_attempt(request, attempt_id), now=now)
    if sitting.is_open and delivery.is_paused(sitting, now=now):
        return FormOutcome.PAUSED
    kept: list[int] = []
    late: list[int] = []
    form = FormAnswers(request.POST)
    for response in sitting.responses.select_related("version").order_by("slot"):
        known = form.revision(response.slot)
        if known is None or response.checked_at is not None:
            continue
        answer = form.answer(response.slot, ItemType(response.version.item_type), response.version.parsed)
        flagged = form.is_flagged(response.slot)
        if answer == response.answer and flagged == response.is_flagged:
            continue
        if known < response.revision:
            kept.append(response.slot)
            continue
        change = delivery.Change(answer=answer, revision=known + 1, is_flagged=flagged)
        try:
            delivery.save_response(
                attempt_id, learner_id=request.user.pk, slot=response.slot, change=change, now=now
            )
        except delivery.DeliveryError as error:
            if error.code == "paused":
                return FormOutcome.PAUSED
            (late if error.code == "closed" else kept).append(response.slot)
    if kept:
        messages.warning(request, _kept_newer(kept))
    if late:
        messages.error(request, _("The time was over: what you sent last came too late to count."))
    delivery.note_progress(attempt_id, now=now)
    return FormOutcome.LATE if late else FormOutcome.SAVED


def _paused_page(request: SignedInRequest, sitting: Attempt, now: datetime) -> HttpResponse:
    """No questions, no clock; what a form sent meanwhile stays in the page, to be sent again after the pause."""
    unsent = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]
    page = player.paused_page(sitting, unsent=unsent, now=now)
    return render(request, "exams/player_paused.html", {"page": page})


def _kept_newer(slots: list[int]) -> str:
    return ngettext(
        "Question %(slots)s was not changed: check it, its stored answer is newer or what you sent does not fit.",
        "Questions %(slots)s were not changed: check them, their stored answers are newer or what you sent does not fit.",
        len(slots),
    ) % {"slots": ", ".join(map(str, slots))}


def receipt_json(sitting: Attempt) -> dict[str, Any]:
    assert sitting.closed_at is not None
    return {
        "answered": sitting.answered_count,
        "digest": sitting.digest,
        "closed_at": sitting.closed_at.isoformat(),
    }


def _standing_json(sitting: Attempt, now: datetime) -> dict[str, Any]:
    return {
        "state": sitting.state,
        "paused": sitting.paused_at is not None,
        "deadline_at": sitting.deadline_at.isoformat(),
        "server_now": now.isoformat(),
        "seconds_left": round(delivery.seconds_left(sitting, now=now), 1),
        "control_revision": sitting.control_revision,
    }


def _attempt_json(sitting: Attempt, page: player.PlayerPage) -> dict[str, Any]:
    return {
        **_standing_json(sitting, page.server_now),
        "seconds_left": round(page.seconds_left, 1) if sitting.is_open else 0,
        "slots": [
            {
                "slot": item.slot,
                "type": item.item_type,
                "options": [option.id for option in item.options],
                "prompts": [prompt.id for prompt in item.prompts],
                "answer": json.loads(item.answer_json),
                "revision": item.revision,
                "flagged": item.is_flagged,
            }
            for item in page.items
        ],
    }
