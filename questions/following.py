"""The questions of the exam before, as they come into its next version: each under what its task became."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from questions import exporting
from questions.formats.exchange import ExchangeQuestion, Outcome, Rejection
from questions.models import Blueprint, Question, TaskMapping, Topic


@dataclass(frozen=True)
class Place:
    """Where the questions of an old topic belong: a topic, or only a task, whose topic somebody has to choose."""

    topic: str = ""
    folder: str = ""


def published_before(new: Blueprint) -> int:
    """How many questions the exam before has to bring along."""
    return _published(new.follows).count() if new.follows else 0


def questions(new: Blueprint) -> Iterator[Outcome]:
    """Every published question of the exam that `new` follows; a `Rejection` where its task has gone."""
    if new.follows is None:
        return
    places = _places(new)
    ids = _published(new.follows).order_by("code").values_list("pk", flat=True)
    for question in exporting.exchanged(list(ids), text=exporting.PUBLISHED):
        yield _placed(question, places.get(question.topic), new)


def _published(blueprint: Blueprint) -> QuerySet[Question]:
    return Question.objects.filter(blueprint=blueprint, state=Question.State.PUBLISHED)


def _placed(question: ExchangeQuestion, place: Place | None, new: Blueprint) -> Outcome:
    if place is None:
        task = question.topic.rpartition(".")[0]
        why = f"Its task {task} has nothing that follows it in {new.code}. Begin it anew there if it still fits."
        return Rejection(question.where, "task_gone", why, question.content.stem)
    folders = tuple(part for part in (new.code, place.folder) if part)
    return replace(question, topic=place.topic, category=folders)


def _places(new: Blueprint) -> dict[str, Place]:
    """Per code of an old topic: the topic of a following task with its code, else its title, else just that task."""
    there: dict[int, list[Topic]] = {}
    for topic in Topic.objects.filter(task__domain__blueprint=new).order_by("position"):
        there.setdefault(topic.task_id, []).append(topic)
    became: dict[int, list[tuple[int, str]]] = {}
    mappings = TaskMapping.objects.filter(old__domain__blueprint=new.follows, new__domain__blueprint=new)
    for old, task, code, title in mappings.order_by("new__position").values_list(
        "old", "new", "new__code", "new__title"
    ):
        became.setdefault(old, []).append((task, f"{code} {title}"))
    places = {}
    for topic in Topic.objects.filter(task__domain__blueprint=new.follows):
        if following := became.get(topic.task_id):
            found = [each for task, _ in following for each in there.get(task, ())]
            same = next((each for each in found if each.code == topic.code), None)
            same = same or next((each for each in found if each.title == topic.title), None)
            places[topic.code] = Place(topic=same.code) if same else Place(folder=following[0][1])
    return places
