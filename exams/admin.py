"""To look at what was sat and scored; mock exams and exam plans alone are changed here."""

from __future__ import annotations

from django.contrib import admin

from accounts.read_only_admin import KeptAdmin, ReadOnlyAdmin, ReadOnlyInline
from exams.models import (
    Assignment,
    AssignmentEvent,
    AssignmentQuestion,
    AssignmentTally,
    Attempt,
    AttemptEvent,
    Challenge,
    DomainScore,
    Evidence,
    ExamPlan,
    Exposure,
    ItemStatistic,
    ItemTally,
    LearnerOverride,
    MockExam,
    MockScoreCount,
    MockStatistic,
    Paper,
    PaperItem,
    PaperTally,
    PartStanding,
    PopulationPrior,
    Reminder,
    ReportRun,
    Response,
    Result,
    Standing,
    Sweep,
    TaskScore,
)

LEARNER = ("attempt__learner__email", "attempt__learner__name")


@admin.register(MockExam)
class MockExamAdmin(KeptAdmin):
    list_display = (
        "title",
        "code",
        "blueprint",
        "items",
        "unscored",
        "minutes",
        "opens_at",
        "closes_at",
        "is_published",
    )
    list_filter = ("is_published", "blueprint")
    list_select_related = ("blueprint",)
    search_fields = ("title", "code")
    autocomplete_fields = ("blueprint",)


class PaperItemInline(ReadOnlyInline):
    model = PaperItem
    fields = ("slot", "version", "is_scored")

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        return super().get_queryset(request).select_related("version__question")


@admin.register(Paper)
class PaperAdmin(ReadOnlyAdmin):
    list_display = ("title", "number", "mock", "blueprint", "item_count", "created_at", "withdrawn_at")
    list_filter = ("blueprint", "mock")
    list_select_related = ("mock", "blueprint")
    search_fields = ("title",)
    date_hierarchy = "created_at"
    inlines = (PaperItemInline,)


@admin.register(PaperItem)
class PaperItemAdmin(ReadOnlyAdmin):
    list_display = ("paper", "slot", "version", "is_scored")
    list_select_related = ("paper", "version__question")
    search_fields = ("paper__title", "version__question__code")


class ResponseInline(ReadOnlyInline):
    model = Response
    fields = ("slot", "version", "answer", "revision", "is_flagged", "saved_at", "is_in_grace", "is_correct")

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        return super().get_queryset(request).select_related("version__question")


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """Every event of a sitting: `manage.py attempt_log <id>`, or the list of attempt events."""

    list_display = (
        "id",
        "learner",
        "mock",
        "purpose",
        "state",
        "started_at",
        "deadline_at",
        "closed_at",
        "closed_reason",
    )
    list_filter = ("state", "purpose", "mock", "closed_reason")
    list_select_related = ("learner", "mock")
    search_fields = ("id", "learner__email", "learner__name", "digest")
    date_hierarchy = "started_at"
    inlines = (ResponseInline,)


@admin.register(Response)
class ResponseAdmin(ReadOnlyAdmin):
    list_display = (
        "attempt",
        "slot",
        "version",
        "answer",
        "revision",
        "saved_at",
        "is_in_grace",
        "is_correct",
    )
    list_filter = ("is_in_grace", "is_correct")
    list_select_related = ("attempt", "version__question")
    search_fields = ("attempt__id", *LEARNER, "version__question__code")
    show_full_result_count = False


@admin.register(AttemptEvent)
class AttemptEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "attempt", "kind", "slot", "revision", "answer")
    list_filter = ("kind",)
    list_select_related = ("attempt",)
    search_fields = ("attempt__id", *LEARNER)
    show_full_result_count = False


@admin.register(Exposure)
class ExposureAdmin(ReadOnlyAdmin):
    list_display = ("learner", "question", "attempt")
    list_select_related = ("learner", "question", "attempt")
    search_fields = ("learner__email", "question__code")
    show_full_result_count = False


@admin.register(Result)
class ResultAdmin(ReadOnlyAdmin):
    list_display = ("attempt", "learner", "scaled_score", "passed", "correct", "scored_items", "method")
    list_filter = ("passed", "method", "attempt__purpose", "attempt__mock")
    list_select_related = ("attempt__learner",)
    search_fields = ("attempt__id", *LEARNER)

    @admin.display(ordering="attempt__learner__email")
    def learner(self, result: Result) -> str:
        return str(result.attempt.learner)


@admin.register(DomainScore)
class DomainScoreAdmin(ReadOnlyAdmin):
    list_display = ("result_id", "domain", "correct", "seen", "low", "high", "verdict")
    list_filter = ("verdict", "domain")
    list_select_related = ("domain",)
    search_fields = ("result__attempt__id", "result__attempt__learner__email")


@admin.register(TaskScore)
class TaskScoreAdmin(ReadOnlyAdmin):
    list_display = ("result_id", "task", "correct", "seen", "low", "high", "verdict")
    list_filter = ("verdict", "task")
    list_select_related = ("task",)
    search_fields = ("result__attempt__id", "result__attempt__learner__email")


@admin.register(Evidence)
class EvidenceAdmin(ReadOnlyAdmin):
    list_display = ("learner", "task", "kind", "correct", "seen")
    list_filter = ("kind", "task")
    list_select_related = ("learner", "task")
    search_fields = ("learner__email", "learner__name")


@admin.register(ExamPlan)
class ExamPlanAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("learner", "blueprint", "exam_on")
    list_filter = ("blueprint",)
    list_select_related = ("learner", "blueprint")
    search_fields = ("learner__email", "learner__name")
    autocomplete_fields = ("learner", "blueprint")


@admin.register(ItemStatistic)
class ItemStatisticAdmin(ReadOnlyAdmin):
    list_display = ("version", "n", "correct")
    list_select_related = ("version__question",)
    search_fields = ("version__question__code",)


@admin.register(MockScoreCount)
class MockScoreCountAdmin(ReadOnlyAdmin):
    list_display = ("mock", "scaled_score", "n")
    list_filter = ("mock",)
    list_select_related = ("mock",)


@admin.register(PopulationPrior)
class PopulationPriorAdmin(ReadOnlyAdmin):
    list_display = ("domain", "task", "kind", "mean", "strength", "learners", "fitted_at")
    list_filter = ("kind", "domain")
    list_select_related = ("domain", "task")


@admin.register(Sweep)
class SweepAdmin(ReadOnlyAdmin):
    list_display = ("name", "finished_at", "handled")


@admin.register(Challenge)
class ChallengeAdmin(ReadOnlyAdmin):
    list_display = ("version", "state", "learner", "created_at", "answered_by", "answered_at")
    list_filter = ("state", "version__topic__task")
    list_select_related = ("version__question", "learner", "answered_by")
    search_fields = ("version__question__code", "text", "answer", "learner__email", "learner__name")
    date_hierarchy = "created_at"
    fields = (
        "version",
        "attempt",
        "learner",
        "text",
        "state",
        "answer",
        "answered_by",
        "answered_at",
        "created_at",
    )


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("title", "cohort", "mock", "opens_at", "closes_at", "attempts_allowed", "withdrawn_at")
    list_select_related = ("cohort", "mock")
    search_fields = ("title", "cohort__title")


@admin.register(LearnerOverride)
class LearnerOverrideAdmin(ReadOnlyAdmin):
    list_display = ("assignment", "learner", "opens_at", "closes_at", "attempts_allowed", "extra_minutes")
    list_select_related = ("assignment", "learner")


@admin.register(AssignmentEvent)
class AssignmentEventAdmin(ReadOnlyAdmin):
    list_display = ("assignment", "kind", "at", "by", "learner", "reason")
    list_filter = ("kind",)
    list_select_related = ("assignment", "by", "learner")


@admin.register(Reminder)
class ReminderAdmin(ReadOnlyAdmin):
    list_display = ("assignment", "learner", "closes_at", "sent_at")
    list_select_related = ("assignment", "learner")


@admin.register(Standing)
class StandingAdmin(ReadOnlyAdmin):
    list_display = ("learner", "blueprint", "sittings", "last_at", "last_scaled", "chance", "trend")
    list_select_related = ("learner", "blueprint")


@admin.register(PartStanding)
class PartStandingAdmin(ReadOnlyAdmin):
    list_display = ("standing", "domain", "task", "correct", "seen", "verdict")
    list_select_related = ("standing__learner", "standing__blueprint", "domain", "task")


@admin.register(MockStatistic)
class MockStatisticAdmin(ReadOnlyAdmin):
    list_display = ("mock", "n", "passed", "updated_at")
    list_select_related = ("mock",)


@admin.register(ItemTally)
class ItemTallyAdmin(ReadOnlyAdmin):
    list_display = ("version", "mock", "omitted", "not_reached")
    list_select_related = ("version__question", "mock")


@admin.register(PaperTally)
class PaperTallyAdmin(ReadOnlyAdmin):
    list_display = ("paper",)
    list_select_related = ("paper",)


@admin.register(AssignmentTally)
class AssignmentTallyAdmin(ReadOnlyAdmin):
    list_display = ("assignment", "is_first", "n", "passed")
    list_select_related = ("assignment",)


@admin.register(AssignmentQuestion)
class AssignmentQuestionAdmin(ReadOnlyAdmin):
    list_display = ("assignment", "version", "n", "correct", "blank")
    list_select_related = ("assignment", "version__question")


@admin.register(ReportRun)
class ReportRunAdmin(ReadOnlyAdmin):
    list_display = ("kind", "cohort", "assignment", "format_name", "state", "by", "created_at")
    list_select_related = ("cohort", "assignment", "by")
