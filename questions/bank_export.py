"""A bank out of the database, as files in the native format."""

from __future__ import annotations

from collections.abc import Sequence

from questions.content import Level
from questions.formats.native import BankFile, Checked, QuestionEntry, ScenarioEntry, render_bank
from questions.models import Blueprint, Question, QuestionVersion, TaskStatement


def export_bank(blueprint: Blueprint) -> dict[str, str]:
    """The published questions as bank files, one for each task statement that has any: name → text.

    Loading them again changes nothing, and exporting again gives the same bytes.
    """
    return {file.filename: render_bank(file) for file in published_files(blueprint)}


def published_files(blueprint: Blueprint) -> list[BankFile]:
    by_task: dict[str, list[Question]] = {}
    tasks = TaskStatement.objects.filter(domain__blueprint=blueprint).order_by("domain__position", "position")
    by_task = {code: [] for code in tasks.values_list("code", flat=True)}
    questions = Question.objects.published().filter(blueprint=blueprint, current__isnull=False)
    related = questions.select_related("current__topic__task", "current__scenario_version__scenario")
    for question in related.order_by("code"):
        by_task[_current(question).topic.task.code].append(question)
    return [_file(blueprint, code, listed) for code, listed in by_task.items() if listed]


def _file(blueprint: Blueprint, task: str, questions: Sequence[Question]) -> BankFile:
    scenarios: dict[str, ScenarioEntry] = {}
    for question in questions:
        version = _current(question).scenario_version
        if version is not None:
            code = version.scenario.code
            scenarios[code] = ScenarioEntry(code=code, title=version.title, text=version.text)
    return BankFile(
        blueprint=blueprint.code,
        questions=tuple(_entry(question) for question in questions),
        scenarios=tuple(scenarios[code] for code in sorted(scenarios)),
        filename=f"{task}.yaml",
    )


def _entry(question: Question) -> QuestionEntry:
    version = _current(question)
    checked = version.checked
    return QuestionEntry(
        code=question.code,
        topic=version.topic.code,
        level=Level(version.level),
        difficulty=version.difficulty,
        content=version.parsed,
        scenario=version.scenario_version.scenario.code if version.scenario_version else None,
        keep_order=version.keeps_order,
        tags=tuple(version.tags),
        checked=Checked(by=checked["by"], agreed=checked["agreed"]) if checked else None,
    )


def _current(question: Question) -> QuestionVersion:
    assert question.current is not None, "only questions with a published version come here"
    return question.current
