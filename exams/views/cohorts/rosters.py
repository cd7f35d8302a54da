"""A class list: upload, preview, apply."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import access, inviting, rosters
from accounts.cohort_forms import RosterForm
from accounts.models import Cohort
from accounts.requests import SignedInRequest
from accounts.rosters import Entry, Preview, Row
from exams.views.cohorts.cohorts import taught

ROWS_SHOWN = 200


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.permission_required(access.SEE_COHORT_RESULTS)
def roster(request: SignedInRequest, cohort_id: int) -> HttpResponse:
    """The form; with rows their preview. `action=apply` applies what the preview handed back."""
    chosen = taught(request, cohort_id)
    form = RosterForm(request.POST, request.FILES) if request.method == "POST" else RosterForm()
    if request.method != "POST" or not form.is_valid():
        return _form(request, chosen, form)
    try:
        entries = _entries(form)
        if request.POST.get("action") == "apply":
            return _apply(request, chosen, entries)
        shown = rosters.preview(chosen, entries, now=timezone.now())
    except rosters.RosterError as error:
        form.add_error("file" if form.cleaned_data.get("file") else "text", refusal(error))
        return _form(request, chosen, form)
    return _preview(request, chosen, shown)


def _entries(form: RosterForm) -> list[Entry]:
    file = form.cleaned_data.get("file")
    if file is None:
        return rosters.read_text(form.cleaned_data["text"])
    if file.size > rosters.MAX_BYTES:
        raise rosters.RosterError("too_big")
    return rosters.read(file.read())


def _form(request: SignedInRequest, chosen: Cohort, form: RosterForm) -> HttpResponse:
    context = {"cohort": chosen, "form": form, "most": f"{rosters.MAX_ROWS:,}"}
    return render(request, "cohorts/roster.html", context, status=400 if form.is_bound else 200)


def _preview(request: SignedInRequest, chosen: Cohort, shown: Preview, *, status: int = 200) -> HttpResponse:
    ordered = sorted(shown.rows, key=lambda row: not row.is_error)
    context = {
        "cohort": chosen,
        "rows": [(row, in_words(row)) for row in ordered[:ROWS_SHOWN]],
        "hidden": max(0, len(ordered) - ROWS_SHOWN),
        "total": len(ordered),
        "counts": {fate: shown.count(fate) for fate in ("add", "invite", "member", "invited", "left")},
        "errors": len(shown.errors),
        "changes": shown.changes,
        "text": rosters.as_text(row.entry for row in shown.rows if not row.is_error),
        "is_mailed": inviting.is_mailed(chosen),
    }
    return render(request, "cohorts/roster_preview.html", context, status=status)


def _apply(request: SignedInRequest, chosen: Cohort, entries: list[Entry]) -> HttpResponse:
    now = timezone.now()
    try:
        outcome = rosters.apply(chosen, entries, by=request.user, now=now)
    except rosters.RosterError as error:
        if error.code != "has_errors":
            raise
        messages.error(request, _("Something has changed since the preview. Nothing is applied; look again."))
        return _preview(request, chosen, rosters.preview(chosen, entries, now=now), status=409)
    added, invited = outcome.count("add"), outcome.count("invite")
    if not outcome.changes:
        messages.info(request, _("Nothing to do: everybody on the list is in the cohort, or invited."))
    if added:
        said = ngettext("%(n)d member is added.", "%(n)d members are added.", added)
        messages.success(request, said % {"n": added})
    if invited:
        said = ngettext("%(n)d person is invited by e-mail.", "%(n)d people are invited by e-mail.", invited)
        messages.success(request, said % {"n": invited})
    return redirect("cohorts:invite" if invited and not added else "cohorts:members", chosen.pk)


def in_words(row: Row) -> str:
    """What becomes of a row, or what is wrong with it and how to mend it."""
    said = {
        "add": _("is added: has an account"),
        "invite": _("is invited by e-mail: has no account yet"),
        "member": _("is in the cohort already; nothing to do"),
        "invited": _("is invited already; nothing to do"),
        "left": _("has left the cohort, or was removed; left out. Invite them if they are to come back."),
        "no_address": _("has no e-mail address. Fill it in."),
        "bad_address": _("is not an e-mail address. Correct it."),
        "long_address": _("The address is longer than 254 characters. Correct it."),
        "long_name": _("The name is longer than 120 characters. Shorten it."),
        "bad_part": _("“%(part)s” is no part. Write learner or instructor, or nothing for learner."),
        "duplicate": _("The address stands in row %(first)d already. Take one of the two out."),
        "colleague": _(
            "has an instructor's account. Write instructor in the column part, or take the row out."
        ),
        "not_instructor": _(
            "has a learner's account, which can't teach. Write learner, or ask an admin to change the account."
        ),
        "closed_account": _("The account is closed. Take the row out."),
    }
    return said[row.fate] % {"part": row.entry.part[:40], "first": row.first_line}


def refusal(error: rosters.RosterError) -> str:
    said = {
        "empty": _("There are no rows in it."),
        "too_big": _("The list is larger than 1 MB. Take out columns that aren't needed, or split it."),
        "workbook": _("This is a spreadsheet, not CSV. Save it as “CSV UTF-8” and upload that."),
        "not_text": _("This can't be read as a table of text. Save it as “CSV UTF-8” and upload that."),
        "no_email_column": _(
            "No column is called “email”. Name the column of addresses so in the first row."
        ),
        "too_many": _("The list has %(count)s rows; up to %(most)s are taken at once. Split it into parts."),
        "archived": _("The cohort is archived. Take it out of the archive first."),
    }
    return said[error.code] % {"count": f"{error.count:,}", "most": f"{rosters.MAX_ROWS:,}"}
