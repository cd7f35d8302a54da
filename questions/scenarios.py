"""Case texts: drafted beside their questions, published with the first of them that uses the new text."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Max

from accounts.models import User
from questions import rendering
from questions.models import Blueprint, Draft, Scenario, ScenarioVersion


class ScenarioError(Exception):
    """`code` is `code_taken` or `conflict`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@transaction.atomic
def create_scenario(blueprint: Blueprint, *, code: str, title: str, text: str) -> Scenario:
    """A case with nothing but a draft of its text."""
    Blueprint.objects.select_for_update().get(pk=blueprint.pk)
    if Scenario.objects.filter(code=code).exists():
        raise ScenarioError("code_taken")
    try:
        # Another exam's author can take the same code at the same moment.
        with transaction.atomic():
            scenario = Scenario.objects.create(blueprint=blueprint, code=code)
    except IntegrityError:
        raise ScenarioError("code_taken") from None
    scenario.versions.create(number=1, title=title, text=text, rendered=rendering.render(text))
    return scenario


@transaction.atomic
def save_text(
    scenario: Scenario, *, title: str, text: str, base: str, by: User | None = None
) -> ScenarioVersion:
    """Change the drafted text, or begin one. `base` is the `stamp` of the text that the editor was shown.

    The drafts of its questions are changed with it: who has answered one blind answers it anew, and who wrote
    the case reviews none of them.
    """
    scenario = hold(scenario.pk)
    shown = latest(scenario)
    if shown is not None and stamp(shown) != base:
        raise ScenarioError("conflict")
    if shown is not None and (shown.title, shown.text) == (title, text):
        return shown
    if shown is None or shown.published_at is not None:
        last = scenario.versions.aggregate(last=Max("number"))["last"] or 0
        shown = ScenarioVersion(scenario=scenario, number=last + 1)
    shown.title, shown.text, shown.rendered = title, text, rendering.render(text)
    shown.save()
    drafts = Draft.objects.filter(scenario=scenario)
    drafts.filter(state=Draft.State.IN_REVIEW).update(revision=F("revision") + 1)
    if by is not None:
        for draft in drafts:
            draft.authors.add(by)
    return shown


def hold(scenario_id: int) -> Scenario:
    """The case, locked until the transaction ends; before its questions, or two publishers wait for each other."""
    return Scenario.objects.select_for_update(of=("self",)).get(pk=scenario_id)


def latest(scenario: Scenario) -> ScenarioVersion | None:
    """What the next question to be published will show: the draft where there is one."""
    return scenario.versions.order_by("-number").first()


def stamp(version: ScenarioVersion) -> str:
    """Tells one text from another, for `save_text`."""
    from questions.content import fingerprint

    return fingerprint([version.number, version.title, version.text])


def publish(scenario: Scenario, *, now: datetime) -> tuple[ScenarioVersion, bool]:
    """The version to sit with, and whether it is new. The caller holds a question of it."""
    scenario = hold(scenario.pk)
    version = latest(scenario)
    assert version is not None, "a scenario is made with a text"
    is_new = version.published_at is None
    if is_new:
        version.published_at = now
        version.save(update_fields=["published_at"])
        scenario.current = version
        scenario.save(update_fields=["current"])
    return version, is_new
