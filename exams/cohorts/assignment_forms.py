"""The forms of an assignment and of a learner's exception from it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from exams import mock_building, practice, review_policy
from exams.cohorts import assigning
from exams.cohorts.assigning import AssigningError, AssignmentSpec, ExceptionSpec
from exams.mock_forms import PARTS, PHASES, LocalTimeField, PolicyCell, PolicyRow, policy_message
from exams.models import Assignment, LearnerOverride, MockExam
from exams.review_policy import Part, Phase, Policy
from questions.models import Blueprint, TaskStatement


class WindowTimeField(LocalTimeField):
    """A local time of a window, in UTC. What a change of the clocks skips is refused with what would do; of a time
    that comes twice, a window opens at the first and closes at the second, so that nobody is given less."""

    def __init__(self, *, is_end: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_end = is_end

    def to_python(self, value: Any) -> datetime | None:
        naive = _naive(value)
        if naive is None:
            return super().to_python(value)
        zone = timezone.get_current_timezone()
        first = naive.replace(tzinfo=zone)
        if (after := first.astimezone(UTC).astimezone(zone)).replace(tzinfo=None) != naive:
            raise forms.ValidationError(
                _("The clocks go forward then, and %(asked)s doesn't exist in %(zone)s. Choose %(after)s."),
                params={
                    "asked": naive.strftime("%H:%M"),
                    "zone": timezone.get_current_timezone_name(),
                    "after": after.strftime("%H:%M"),
                },
                code="skipped",
            )
        return naive.replace(tzinfo=zone, fold=int(self.is_end)).astimezone(UTC)


def _naive(value: Any) -> datetime | None:
    """What a browser sends for a local time, if that is what it is."""
    try:
        found = parse_datetime(str(value).strip())
    except ValueError:
        return None
    is_in_range = found is not None and found.tzinfo is None and 2000 <= found.year <= 2100
    return found if is_in_range else None


class AssignmentForm(forms.Form):
    """Of a mock when `blueprint` is None, else of a practice of its tasks."""

    mock = forms.ModelChoiceField(label=_("Mock exam"), queryset=MockExam.objects.none(), empty_label=None)
    tasks = forms.MultipleChoiceField(
        label=_("Tasks"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one task.")},
    )
    questions = forms.IntegerField(
        label=_("Questions"), min_value=1, max_value=practice.MAX_QUESTIONS, initial=10
    )
    title = forms.CharField(
        label=_("Title"),
        max_length=120,
        required=False,
        help_text=_("What learners read. Empty: named after what it is of."),
    )
    opens_at = WindowTimeField(label=_("Opens"))
    closes_at = WindowTimeField(label=_("Closes"), is_end=True)
    attempts_allowed = forms.IntegerField(
        label=_("Attempts allowed"),
        min_value=1,
        max_value=100,
        required=False,
        initial=1,
        help_text=_("Empty: as many as they like."),
    )
    delay_minutes = forms.IntegerField(
        label=_("Minutes between two attempts"), min_value=0, max_value=525_600, required=False, initial=0
    )
    policy_choice = forms.ChoiceField(
        label=_("What learners see when"),
        choices=[("mock", _("as the mock exam says")), ("own", _("as ticked here"))],
        widget=forms.RadioSelect,
        initial="mock",
    )
    remind_hours = forms.IntegerField(
        label=_("Remind, hours before it closes"),
        min_value=1,
        max_value=720,
        required=False,
        help_text=_("Who hasn't sat it is reminded once, before their own closing time. Empty: no reminder."),
    )

    def __init__(
        self,
        data: Any = None,
        *,
        assignment: Assignment | None = None,
        blueprint: Blueprint | None = None,
        initial: Any = None,
    ) -> None:
        super().__init__(data, initial={**_initial(assignment), **(initial or {})})
        self.assignment = assignment
        self.blueprint = blueprint
        self.is_sat = assignment is not None and assigning.is_sat(assignment)
        self.policy_errors: dict[str, list[str]] = {}
        if blueprint is None:
            for name in ("tasks", "questions"):
                del self.fields[name]
            self._offer_mocks()
        else:
            for name in ("mock", "policy_choice"):
                del self.fields[name]
            self._offer_tasks(blueprint)
        if self.is_sat:
            for name in {"mock", "tasks", "questions"} & self.fields.keys():
                self.fields[name].disabled = True

    def _offer_mocks(self) -> None:
        mocks = MockExam.objects.filter(is_published=True)
        if self.assignment is not None and self.assignment.mock_id:
            mocks = mocks | MockExam.objects.filter(pk=self.assignment.mock_id)
        field = self.fields["mock"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = mocks.order_by("position", "title")

    def _offer_tasks(self, blueprint: Blueprint) -> None:
        field = self.fields["tasks"]
        assert isinstance(field, forms.MultipleChoiceField)
        rows = TaskStatement.objects.filter(domain__blueprint=blueprint)
        in_order = rows.order_by("domain__position", "domain__code", "position", "code")
        field.choices = [(task.code, f"{task.code} {task.title}") for task in in_order]

    @property
    def chosen_tasks(self) -> list[str]:
        return list(self["tasks"].value() or []) if "tasks" in self.fields else []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        opens, closes = cleaned.get("opens_at"), cleaned.get("closes_at")
        if opens and closes and closes <= opens:
            self.add_error("closes_at", assigning_message(AssigningError("window_reversed")))
        mock = cleaned.get("mock")
        if mock and cleaned.get("policy_choice") == "own" and "closes_at" in cleaned:
            has_window = bool(closes or mock.closes_at)
            for code, phase in mock_building.policy_problems(self.policy, has_window=has_window):
                self.policy_errors.setdefault(str(phase), []).append(policy_message(code))
            if self.policy_errors:
                self.add_error(None, _("What learners see when can't be kept as ticked: the rows say why."))
        return cleaned

    @property
    def policy(self) -> Policy:
        if self.is_bound:
            return {
                str(phase): [str(part) for part in Part if f"show-{phase}-{part}" in self.data]
                for phase in Phase
            }
        own = self.assignment.review_policy if self.assignment else None
        return own if own is not None else review_policy.default()

    def policy_rows(self) -> Iterator[PolicyRow]:
        policy = self.policy
        for phase, title in PHASES.items():
            cells = tuple(
                PolicyCell(f"show-{phase}-{part}", str(label), part in policy.get(phase, []))
                for part, label in PARTS.items()
            )
            yield PolicyRow(phase, str(title), cells, tuple(self.policy_errors.get(phase, ())))

    def spec(self) -> AssignmentSpec:
        given = self.cleaned_data
        mock = given.get("mock")
        tasks = self._tasks(given.get("tasks", ()))
        blueprint = mock.blueprint if mock else self.blueprint
        assert blueprint is not None, "without one, the mock is required"
        return AssignmentSpec(
            title=given["title"] or (mock.title if mock else _practice_title(tasks)),
            blueprint=blueprint,
            mock=mock,
            task_ids=tuple(sorted(task.pk for task in tasks)),
            questions=given.get("questions"),
            opens_at=given["opens_at"],
            closes_at=given["closes_at"],
            attempts_allowed=given["attempts_allowed"],
            delay_minutes=given["delay_minutes"] or 0,
            review_policy=self.policy if given.get("policy_choice") == "own" else None,
            remind_hours=given["remind_hours"],
        )

    def _tasks(self, codes: Any) -> list[TaskStatement]:
        if self.blueprint is None:
            return []
        rows = TaskStatement.objects.filter(domain__blueprint=self.blueprint, code__in=codes)
        return list(rows.order_by("domain__position", "position"))


def _initial(assignment: Assignment | None) -> dict[str, Any]:
    if assignment is None:
        return {}
    names = ("title", "mock", "questions", "opens_at", "closes_at", "attempts_allowed", "delay_minutes")
    return {
        **{name: getattr(assignment, name) for name in names},
        "remind_hours": assignment.remind_hours or None,
        "tasks": list(assignment.tasks.values_list("code", flat=True)),
        "policy_choice": "mock" if assignment.review_policy is None else "own",
    }


def _practice_title(tasks: list[TaskStatement]) -> str:
    one = f"{tasks[0].code} {tasks[0].title}" if len(tasks) == 1 else ""
    named = one or ", ".join(task.code for task in tasks)
    return (_now("Practice: %(tasks)s") % {"tasks": named})[:120]


class ExceptionForm(forms.Form):
    opens_at = WindowTimeField(label=_("Opens"))
    closes_at = WindowTimeField(label=_("Closes"), is_end=True)
    extra_minutes = forms.IntegerField(
        label=_("Extra minutes"),
        min_value=0,
        max_value=600,
        required=False,
        initial=0,
        help_text=_("On top of what their extra time on record gives."),
    )
    attempts_allowed = forms.IntegerField(
        label=_("Attempts allowed"), min_value=1, max_value=100, required=False
    )
    note = forms.CharField(
        label=_("Reason"), max_length=300, required=False, help_text=_("The learner can read it.")
    )

    def __init__(self, data: Any = None, *, override: LearnerOverride | None, is_timed: bool) -> None:
        spec = assigning.exception_of(override)
        super().__init__(data, initial={name: getattr(spec, name) for name in self.base_fields})
        if not is_timed:
            del self.fields["extra_minutes"]

    def spec(self) -> ExceptionSpec:
        given = self.cleaned_data
        return ExceptionSpec(
            opens_at=given["opens_at"],
            closes_at=given["closes_at"],
            attempts_allowed=given["attempts_allowed"],
            extra_minutes=given.get("extra_minutes") or 0,
            note=given["note"],
        )


def assigning_message(error: AssigningError) -> str:
    if error.code == "too_few_questions":
        return ngettext(
            "There is only %(n)s published question in these tasks. Ask for as many at most, or choose more tasks.",
            "There are only %(n)s published questions in these tasks. Ask for as many at most, or choose more "
            "tasks.",
            error.count,
        ) % {"n": error.count}
    return {
        "archived": _now("The cohort is in the archive: take it out first."),
        "not_published": _now("This mock exam is a draft. Publish it first."),
        "window_reversed": _now("It closes before it opens."),
        "never_open": _now(
            "This window and the mock exam's own have no moment in common, so nobody could start. Change one of them."
        ),
        "bad_policy": _now("What learners see when can't be kept as ticked."),
        "no_tasks": _now("Choose at least one task."),
        "already_sat": _now("Somebody has sat it: what it is of stays. Assign another instead."),
        "already_withdrawn": _now("It is withdrawn already."),
        "not_withdrawn": _now("It is not withdrawn."),
        "not_found": _now("This learner is not in the cohort any more."),
    }[error.code]


FIELD_OF = {
    "window_reversed": "closes_at",
    "never_open": "closes_at",
    "no_tasks": "tasks",
    "too_few_questions": "questions",
    "not_published": "mock",
}
"""Where a refusal is shown; the others stand above the form."""
