"""A draft as a learner would sit it: the player's own templates, on a question that nobody has published."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import access
from accounts.requests import SignedInRequest
from exams.player import LETTERS, PlayerItem, PlayerOption, PlayerPrompt, PlayerScenario
from questions import authoring, keyed, rendering, reviewing, scenarios
from questions.authoring import DraftFields
from questions.models import Draft, Question, ScenarioVersion
from questions.views.drafts import answer_first

MAX_CODE = 64


@never_cache
@require_safe
@access.permission_required(access.WRITE_QUESTIONS)
def question_preview(request: SignedInRequest, code: str) -> HttpResponse:
    """Exam, or with `?mode=review` key and reasons; the editor asks for the fragment alone."""
    if len(code) > MAX_CODE or "\0" in code:
        raise Http404
    rows = Question.objects.select_related("draft__scenario", "current__scenario_version__scenario")
    question = get_object_or_404(rows, code=code)
    draft: Draft | None = getattr(question, "draft", None)
    if draft is not None and reviewing.is_blind(draft, request.user):
        return answer_first(request, code)
    fields = authoring.fields_of(question)
    case = scenarios.latest(fields.scenario) if fields.scenario else None
    is_review = request.GET.get("mode") == "review"
    rendered = rendering.render_content(fields.content)
    context = {
        "question": question,
        "is_review": is_review,
        "item": None if is_review else _item(fields, case),
        "page": {"item_count": 1, "feedback_at_once": False},
        "keyed": keyed.keyed(fields.content, rendered, case) if is_review else None,
    }
    is_fragment = request.htmx
    template = "exams/question_preview.html"
    return render(request, f"{template}#body" if is_fragment else template, context)


def _item(fields: DraftFields, case: ScenarioVersion | None) -> PlayerItem:
    content, rendered = fields.content, rendering.render_content(fields.content)
    return PlayerItem(
        slot=1,
        item_type=str(content.item_type),
        stem_html=mark_safe(rendered["stem"]),
        scenario=PlayerScenario(case.scenario.code, case.title, mark_safe(case.rendered)) if case else None,
        select_count=content.select_count,
        options=tuple(
            PlayerOption(
                id=option.id,
                letter=LETTERS[place % len(LETTERS)],
                html=mark_safe(rendered["options"][option.id]["text"]),
                is_chosen=False,
                is_struck=False,
                position=None,
            )
            for place, option in enumerate(content.options)
        ),
        prompts=tuple(
            PlayerPrompt(id=prompt.id, html=mark_safe(rendered["prompts"][prompt.id]["text"]), chosen="")
            for prompt in content.prompts
        ),
        answer_json="null",
        revision=0,
        saved_at=None,
        is_flagged=False,
        is_seen=True,
        is_answered=False,
        seconds=0,
        feedback=None,
    )
