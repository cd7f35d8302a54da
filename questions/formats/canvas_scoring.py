"""What the response processing of a QTI 1.2 item rewards, and which feedback it shows when.  Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from questions.formats.xml_reading import children, local, text

Element = etree._Element


@dataclass(frozen=True)
class Choice:
    """A value of a response: `index` is its place where the order counts."""

    response: str
    value: str
    index: int | None = None


@dataclass
class Condition:
    chosen: list[Choice] = field(default_factory=list)
    not_chosen: list[Choice] = field(default_factory=list)
    score: float | None = None
    feedback: list[str] = field(default_factory=list)
    is_alternative: bool = False


@dataclass
class Scoring:
    """`is_guessed` where nothing scores, and each answer that is named counts as right."""

    conditions: list[Condition]
    is_guessed: bool = False

    def scores(self, response: str) -> dict[str, float]:
        """What choosing each value alone brings."""
        found: dict[str, float] = defaultdict(float)
        for condition in self.conditions:
            if condition.score is None or condition.not_chosen:
                continue
            chosen = [choice for choice in condition.chosen if choice.response == response]
            if len(chosen) == 1 or condition.is_alternative:
                for choice in chosen:
                    found[choice.value] = max(found[choice.value], condition.score)
        return dict(found)

    def together(self, response: str) -> tuple[str, ...]:
        """The values that are to be chosen together: of the best condition that names several."""
        best: Condition | None = None
        for condition in self.conditions:
            several = len(condition.chosen) + len(condition.not_chosen) > 1 and not condition.is_alternative
            if several and (condition.score or 0) > ((best.score or 0) if best else 0):
                best = condition
        if best is None:
            return ()
        return tuple(dict.fromkeys(c.value for c in best.chosen if c.response in (response, "")))

    def sequence(self, response: str) -> tuple[str, ...]:
        """The values in the order that is right."""
        found: list[Choice] = []
        for condition in self.conditions:
            if (condition.score or 0) > 0:
                found += [choice for choice in condition.chosen if choice.response in (response, "")]
        if all(choice.index is not None for choice in found):
            found.sort(key=lambda choice: choice.index or 0)
        return tuple(dict.fromkeys(choice.value for choice in found))

    def places(self) -> tuple[str, ...]:
        """The steps in order, where each is a response of its own whose value is its place."""
        found = {
            choice.response: int(choice.value)
            for condition in self.conditions
            if (condition.score or 0) > 0 and len(condition.chosen) == 1
            for choice in condition.chosen
            if _index(choice.value) is not None
        }
        return tuple(sorted(found, key=lambda response: found[response]))

    def feedback_of(self, response: str, value: str) -> tuple[str, ...]:
        """The feedbacks that choosing this value, and nothing else, shows."""
        return tuple(
            link
            for condition in self.conditions
            if not condition.not_chosen
            and [(c.response, c.value) for c in condition.chosen] == [(response, value)]
            for link in condition.feedback
        )

    def feedback_about(self, response: str) -> tuple[str, ...]:
        """The feedbacks of conditions on this response alone, whatever the value."""
        return tuple(
            link
            for condition in self.conditions
            if {c.response for c in (*condition.chosen, *condition.not_chosen)} == {response}
            for link in condition.feedback
        )


def read(item: Element) -> Scoring:
    found = []
    for processing in children(item, "resprocessing"):
        for element in processing.iterdescendants():
            if local(element) == "respcondition":
                found.append(_condition(element))
    is_guessed = all(condition.score is None for condition in found)
    if is_guessed:
        # Some write the right answer without saying that it scores.
        for condition in found:
            condition.score = None if condition.feedback else 100.0
    return Scoring(found, is_guessed)


def _condition(element: Element) -> Condition:
    condition = Condition()
    for part in element.iterdescendants():
        match local(part):
            case "varequal":
                choice = Choice(part.get("respident") or "", text(part), _index(part.get("index")))
                parents = [local(parent) for parent in part.iterancestors()]
                inside = parents[: parents.index("respcondition")]
                # Some negate the negation.
                is_negated = inside.count("not") % 2 == 1
                (condition.not_chosen if is_negated else condition.chosen).append(choice)
                condition.is_alternative |= inside[:1] == ["or"] and not is_negated
            case "varsubset":
                response = part.get("respident") or ""
                condition.chosen += [Choice(response, value.strip()) for value in text(part).split(",")]
            case "setvar":
                condition.score = (condition.score or 0) + _points(part)
            case "displayfeedback":
                condition.feedback.append(part.get("linkrefid") or "")
    if (element.get("title") or "").lower() == "correct" and not condition.score:
        condition.score = 100.0
    return condition


def _points(setting: Element) -> float:
    """Brightspace counts what is wrong in a variable of its own, and may leave out how much it adds."""
    variable, value = (setting.get("varname") or "").lower(), text(setting)
    if "incorrect" in variable:
        return 0.0
    if not value and "correct" in variable:
        return 1.0
    sign = -1 if (setting.get("action") or "").lower() == "subtract" else 1
    return sign * _score(value)


def _score(value: str) -> float:
    if value.upper().endswith(".MAX"):
        return 100.0
    number = value.replace(",", ".")
    return float(number) if re.fullmatch(r"[+-]?(\d{1,9}(\.\d{0,20})?|\.\d{1,20})", number) else 0.0


def _index(value: str | None) -> int | None:
    return int(value) if value and re.fullmatch(r"\d{1,4}", value) else None


def response_ids(presentation: Element) -> Iterator[Element]:
    return (
        found for found in presentation.iterdescendants() if local(found) in ("response_lid", "response_grp")
    )


def ident(answers: Element) -> str:
    return answers.get("ident") or answers.get("respident") or ""
