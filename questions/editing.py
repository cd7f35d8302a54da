"""What the editor's page shows: the form's rows, the choices of its lists, who said what of the draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils.translation import gettext as _

from accounts.models import User
from questions import authoring, differences, reviewing, versions, wording
from questions.advice import Advice, advice, anchor_of, label_of
from questions.authoring import DraftFields
from questions.content import ItemType
from questions.differences import FieldDifference
from questions.draft_form import CHOICES, DraftForm, OptionRow, PromptRow, letter_of
from questions.models import (
    Blueprint,
    Comment,
    Draft,
    Listing,
    Question,
    QuestionTag,
    Review,
    Scenario,
    TaskStatement,
    Topic,
)

MOST_TAGS = 300


@dataclass(frozen=True)
class TextBox:
    """One text area; `problem` and `picture_problem` say what could not be stored."""

    name: str
    label: str
    value: str
    problem: str
    rows: int
    alt: str = ""
    picture_problem: str = ""


@dataclass(frozen=True)
class OptionPanel:
    number: int
    letter: str
    id: str
    text: TextBox
    rationale: TextBox | None
    is_key: bool
    position: str
    position_problem: str


@dataclass(frozen=True)
class PromptPanel:
    number: int
    place: int
    id: str
    text: TextBox
    rationale: TextBox
    match: str


@dataclass(frozen=True)
class FormPage:
    """The form as the template needs it."""

    form: DraftForm
    problems: Mapping[str, str]
    stem: TextBox
    options: tuple[OptionPanel, ...]
    prompts: tuple[PromptPanel, ...]
    blank_option: OptionPanel
    blank_prompt: PromptPanel
    positions: tuple[str, ...]


@dataclass(frozen=True)
class Remark:
    """A comment, with the field that it is about."""

    by: User | None
    at: datetime
    text: str
    label: str
    anchor: str


@dataclass(frozen=True)
class EditorPage:
    question: Question
    draft: Draft
    number: int
    fields: FormPage
    advice: Advice
    topics: tuple[tuple[TaskStatement, tuple[Topic, ...]], ...]
    scenarios: tuple[Scenario, ...]
    known_tags: tuple[str, ...]
    reviewers: tuple[User, ...]
    comments: tuple[Remark, ...]
    wanted: Review | None
    """Of the last reviewer who wanted changes."""
    seen: Listing | None

    @property
    def is_locked(self) -> bool:
        return self.draft.state == Draft.State.IN_REVIEW


def editor_page(
    question: Question,
    draft: Draft,
    fields: DraftFields,
    form: DraftForm,
    *,
    problems: Mapping[str, str],
    alts: Mapping[str, str],
) -> EditorPage:
    """The whole page; `fields` is what is stored, `form` what stands in the boxes."""
    review = Review.objects.filter(draft=draft, verdict=Review.Verdict.CHANGES_REQUESTED)
    is_wanted = draft.state == Draft.State.CHANGES_REQUESTED
    return EditorPage(
        question=question,
        draft=draft,
        number=versions.next_number(question),
        fields=form_page(form, problems=problems, alts=alts),
        advice=advice(question, fields, form),
        topics=topics_of(question.blueprint),
        scenarios=tuple(Scenario.objects.filter(blueprint=question.blueprint).order_by("code")),
        known_tags=known_tags(question.blueprint),
        reviewers=tuple(reviewing.reviewers(draft)),
        comments=tuple(_remark(each, form) for each in draft.comments.select_related("by")),
        wanted=review.select_related("reviewer").order_by("-decided_at").first() if is_wanted else None,
        seen=Listing.objects.filter(question=question, seen__gt=0).first(),
    )


def _remark(comment: Comment, form: DraftForm) -> Remark:
    where = comment.where
    label, anchor = (label_of(where), anchor_of(where, form)) if where else ("", "")
    return Remark(comment.by, comment.at, comment.text, label, anchor)


def topics_of(blueprint: Blueprint) -> tuple[tuple[TaskStatement, tuple[Topic, ...]], ...]:
    """Its topics by task, in the outline's order."""
    rows = (
        Topic.objects.filter(task__domain__blueprint=blueprint)
        .select_related("task__domain")
        .order_by(
            "task__domain__position", "task__domain__code", "task__position", "task__code", "position", "code"
        )
    )
    tasks: dict[int, tuple[TaskStatement, list[Topic]]] = {}
    for topic in rows:
        tasks.setdefault(topic.task_id, (topic.task, []))[1].append(topic)
    return tuple((task, tuple(topics)) for task, topics in tasks.values())


def known_tags(blueprint: Blueprint) -> tuple[str, ...]:
    """The tags of its questions, those first that are used most."""
    used = QuestionTag.objects.filter(question__blueprint=blueprint).values("name")
    counted = used.annotate(count=Count("id")).order_by("-count", "name")
    return tuple(row["name"] for row in counted[:MOST_TAGS])


# The form


def form_page(
    form: DraftForm, *, problems: Mapping[str, str] | None = None, alts: Mapping[str, str] | None = None
) -> FormPage:
    problems, alts = problems or {}, alts or {}

    def box(name: str, label: str, value: str, rows: int) -> TextBox:
        problem, picture = problems.get(name, ""), problems.get(f"picture-{name}", "")
        return TextBox(name, label, value, problem, rows, alts.get(name, ""), picture)

    def option(place: int, row: OptionRow) -> OptionPanel:
        name, letter = f"option-{row.number}", letter_of(place)
        given = {"letter": letter}
        # A response has no rationale of its own; what another type has left there stays in sight.
        has_reason = form.item_type is not ItemType.MATCHING or bool(row.rationale)
        reason = _("Why it is right or wrong")
        return OptionPanel(
            number=row.number,
            letter=letter,
            id=row.id,
            text=box(f"{name}-text", _TEXT_LABELS[form.item_type]() % given, row.text, 1),
            rationale=box(f"{name}-rationale", reason, row.rationale, 2) if has_reason else None,
            is_key=row.is_key,
            position=row.position,
            position_problem=problems.get(f"{name}-position", ""),
        )

    def prompt(place: int, row: PromptRow) -> PromptPanel:
        name = f"prompt-{row.number}"
        text = box(f"{name}-text", _("Prompt %(n)s") % {"n": place + 1}, row.text, 1)
        reason = box(f"{name}-rationale", _("Why they belong together"), row.rationale, 2)
        return PromptPanel(row.number, place + 1, row.id, text, reason, row.match)

    return FormPage(
        form=form,
        problems=problems,
        stem=box("stem", _("Stem"), form.stem, 8),
        options=tuple(option(place, row) for place, row in enumerate(form.options)),
        prompts=tuple(prompt(place, row) for place, row in enumerate(form.prompts)),
        blank_option=option(0, OptionRow(0, rationale="")),
        blank_prompt=prompt(0, _BLANK_PROMPT),
        positions=tuple(str(n) for n in range(1, max(len(form.options), 3) + 1)),
    )


_BLANK_PROMPT = PromptRow(0)
_TEXT_LABELS = {
    **{kind: lambda: _("Option %(letter)s") for kind in CHOICES},
    ItemType.ORDERING: lambda: _("Step %(letter)s"),
    ItemType.MATCHING: lambda: _("Response %(letter)s"),
}


# Two questions side by side


@dataclass(frozen=True)
class Pair:
    """`differences` are what the draft says against what the other does."""

    question: Question
    other: Question
    percent: int
    differences: tuple[FieldDifference, ...]


def pair_page(question: Question, other: Question) -> Pair:
    mine, theirs = authoring.fields_of(question), authoring.fields_of(other)
    share = wording.similarity(mine.content.stem, theirs.content.stem)
    return Pair(question, other, round(share * 100), tuple(differences.compare(theirs, mine)))
