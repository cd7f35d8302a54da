"""To look at the bank. It is changed by loading it: a version that was published never changes."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.read_only_admin import KeptAdmin, ReadOnlyAdmin, ReadOnlyInline
from questions.models import (
    Blueprint,
    CategoryMapping,
    Comment,
    Domain,
    Draft,
    ExportRun,
    Image,
    ImportRun,
    Question,
    QuestionEvent,
    QuestionVersion,
    Review,
    Scenario,
    ScenarioVersion,
    StudyNote,
    TaskMapping,
    TaskStatement,
    Topic,
)


@admin.register(Blueprint)
class BlueprintAdmin(KeptAdmin):
    list_display = (
        "code",
        "title",
        "items",
        "scored_items",
        "minutes",
        "passing_score",
        "valid_from",
        "valid_until",
    )
    search_fields = ("code", "title")


@admin.register(Domain)
class DomainAdmin(KeptAdmin):
    list_display = ("code", "title", "blueprint", "weight", "cut", "position")
    list_filter = ("blueprint",)
    list_select_related = ("blueprint",)
    search_fields = ("code", "title")
    autocomplete_fields = ("blueprint",)


@admin.register(TaskStatement)
class TaskStatementAdmin(KeptAdmin):
    list_display = ("code", "title", "domain", "position")
    list_filter = ("domain__blueprint", "domain")
    list_select_related = ("domain",)
    search_fields = ("code", "title")
    autocomplete_fields = ("domain",)


@admin.register(Topic)
class TopicAdmin(KeptAdmin):
    list_display = ("code", "title", "task", "position")
    list_filter = ("task__domain__blueprint", "task__domain")
    list_select_related = ("task",)
    search_fields = ("code", "title", "covers")
    autocomplete_fields = ("task",)


@admin.register(StudyNote)
class StudyNoteAdmin(ReadOnlyAdmin):
    list_display = ("topic", "title", "source", "updated_at")
    list_filter = ("topic__task__domain__blueprint", "topic__task")
    list_select_related = ("topic",)
    search_fields = ("topic__code", "title", "text")
    fields = ("topic", "title", "source", "text", "updated_at")


class ScenarioVersionInline(ReadOnlyInline):
    model = ScenarioVersion
    fields = ("number", "title", "published_at")
    show_change_link = True


@admin.register(Scenario)
class ScenarioAdmin(ReadOnlyAdmin):
    list_display = ("code", "blueprint", "current")
    list_filter = ("blueprint",)
    list_select_related = ("blueprint", "current__scenario")
    search_fields = ("code", "versions__title")
    inlines = (ScenarioVersionInline,)


@admin.register(ScenarioVersion)
class ScenarioVersionAdmin(ReadOnlyAdmin):
    list_display = ("scenario", "number", "title", "published_at")
    list_select_related = ("scenario",)
    search_fields = ("scenario__code", "title", "text")
    fields = ("scenario", "number", "title", "text", "published_at")


class QuestionVersionInline(ReadOnlyInline):
    model = QuestionVersion
    fields = ("number", "item_type", "level", "difficulty", "published_at")
    show_change_link = True


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    list_display = ("code", "blueprint", "state", "current", "source", "retired_at")
    list_filter = ("state", "blueprint", "current__topic__task")
    list_select_related = ("blueprint", "current__question")
    search_fields = ("code", "source")
    inlines = (QuestionVersionInline,)


@admin.register(QuestionVersion)
class QuestionVersionAdmin(ReadOnlyAdmin):
    list_display = ("question", "number", "topic", "item_type", "level", "difficulty", "published_at")
    list_filter = ("item_type", "level", "topic__task")
    list_select_related = ("question", "topic")
    search_fields = ("question__code", "fingerprint")
    date_hierarchy = "published_at"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[QuestionVersion]:
        # The two big texts are not in the list.
        return QuestionVersion.objects.select_related("question", "topic")


@admin.register(Draft)
class DraftAdmin(ReadOnlyAdmin):
    list_display = ("question", "state", "topic", "item_type", "saved_at", "saved_by")
    list_filter = ("state", "item_type")
    list_select_related = ("question", "topic", "saved_by")
    search_fields = ("question__code",)


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ("question", "reviewer", "agreed", "verdict", "answered_at", "decided_at")
    list_filter = ("verdict", "agreed")
    list_select_related = ("question", "reviewer")
    search_fields = ("question__code", "reviewer__email")


@admin.register(Comment)
class CommentAdmin(ReadOnlyAdmin):
    list_display = ("at", "question", "by", "text")
    list_select_related = ("question", "by")
    search_fields = ("question__code", "text")


@admin.register(QuestionEvent)
class QuestionEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "question", "number", "kind", "by")
    list_filter = ("kind",)
    list_select_related = ("question", "by")
    search_fields = ("question__code", "by__email")
    date_hierarchy = "at"


@admin.register(Image)
class ImageAdmin(ReadOnlyAdmin):
    list_display = ("name", "media_type", "width", "height", "size", "uploaded_by", "uploaded_at")
    list_select_related = ("uploaded_by",)
    search_fields = ("name",)
    fields = ("name", "media_type", "width", "height", "size", "uploaded_by", "uploaded_at")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Image]:
        return Image.objects.defer("data")


@admin.register(TaskMapping)
class TaskMappingAdmin(ReadOnlyAdmin):
    list_display = ("old", "new")
    list_select_related = ("old", "new")


@admin.register(CategoryMapping)
class CategoryMappingAdmin(KeptAdmin):
    list_display = ("blueprint", "category", "topic")
    list_filter = ("blueprint",)
    list_select_related = ("blueprint", "topic")
    search_fields = ("category",)
    autocomplete_fields = ("topic",)


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "filename", "format_name", "state", "done", "total", "by")
    list_filter = ("state", "format_name")
    list_select_related = ("by",)
    search_fields = ("filename",)


@admin.register(ExportRun)
class ExportRunAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "filename", "format_name", "state", "done", "total", "by")
    list_filter = ("state", "format_name")
    list_select_related = ("by",)
    search_fields = ("filename",)
