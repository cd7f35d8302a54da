"""What the response processing of a QTI item says, as far as it can be told without running it.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from questions.formats import xml_reading
from questions.formats.qti_markup import Element, child, get, name

CORRECT, INCORRECT, ANY = "correct", "incorrect", "any"

_TEMPLATE = re.compile(r"(?:^|[/_])(match_correct|map_response)(?:\.xml)?$", re.IGNORECASE)
_BRANCHES = {"responseIf", "responseElseIf", "responseElse"}
_NUMBER_IS_RIGHT = {"gt", "gte"}
_NUMBER_IS_WRONG = {"lt", "lte"}
_TESTS = {"and", "or", "not", "match", "equal", "member", "isNull", *_NUMBER_IS_RIGHT, *_NUMBER_IS_WRONG}


@dataclass(frozen=True)
class Meaning:
    """When a branch is taken: `kind` is CORRECT, INCORRECT, ANY or "" (another condition); or for `values`.

    `is_member` where the value may be one of several that are chosen, `place` where it has to stand there.
    """

    kind: str = ""
    values: tuple[str, ...] = ()
    is_member: bool = False
    place: int = 0


@dataclass
class Processing:
    """`shows` maps (outcome, identifier of a feedback) to when it is shown."""

    is_plain: bool = True
    is_mapped: bool = False
    shows: dict[tuple[str, str], Meaning] = field(default_factory=dict)
    copies: set[str] = field(default_factory=set)
    scores: list[tuple[Meaning, float]] = field(default_factory=list)
    sets: dict[tuple[str, str], Meaning] = field(default_factory=dict)
    rewards: dict[tuple[str, ...], float] = field(default_factory=dict)
    """The marks of whole answers that are named one by one; under () those of the correct response."""

    @property
    def adds_up(self) -> bool:
        """Whether each part of the answer earns its own marks."""
        return len(self.scores) > 1 and all(meaning.is_member or meaning.place for meaning, _ in self.scores)

    @property
    def likely_keys(self) -> list[tuple[str, ...]]:
        """The answers with the highest score, where no correct response is declared."""
        if self.adds_up:
            parts = sorted((meaning for meaning, _ in self.scores), key=lambda meaning: meaning.place)
            return [tuple(dict.fromkeys(value for part in parts for value in part.values))]
        best = max((score for _, score in self.scores), default=0.0)
        return [meaning.values for meaning, score in self.scores if score == best > 0]


def read(root: Element, *, response: str, outcomes: set[str]) -> Processing:
    """`response` is the variable of the interaction, `outcomes` those that show feedback."""
    found = Processing()
    element = child(root, "responseProcessing")
    if element is None:
        return found
    template = get(element, "template") or get(element, "templateLocation")
    if template:
        known = _TEMPLATE.search(template)
        found.is_plain = known is not None
        found.is_mapped = known is not None and known[1].lower() == "map_response"
    _Walk(found, response, outcomes).steps(element, Meaning(ANY))
    return found


@dataclass
class _Walk:
    found: Processing
    response: str
    outcomes: set[str]

    def steps(self, parent: Element, meaning: Meaning) -> None:
        for step in parent:
            kind = name(step)
            if kind == "responseCondition":
                self.condition(step, meaning)
            elif kind == "setOutcomeValue":
                self.outcome(step, meaning)
            elif kind not in ("", "exitResponse"):
                self.found.is_plain = False

    def condition(self, step: Element, outer: Meaning) -> None:
        tried: list[Meaning] = []
        for branch in step:
            kind = name(branch)
            if kind not in _BRANCHES:
                continue
            if kind == "responseElse":
                meaning = _otherwise(tried)
                actions = list(branch)
            else:
                meaning = self.meaning(branch[0]) if len(branch) else Meaning()
                actions = list(branch)[1:]
                tried.append(meaning)
            inner = meaning if outer.kind == ANY else outer if meaning.kind == ANY else Meaning()
            for action in actions:
                if name(action) == "setOutcomeValue":
                    self.outcome(action, inner)
                elif name(action) == "responseCondition":
                    self.condition(action, inner)

    def meaning(self, test: Element) -> Meaning:
        kind = name(test)
        inside = [name(part) for part in test]
        if kind in ("match", "equal", "equalRounded") and "variable" in inside and "correct" in inside:
            return Meaning(CORRECT)
        if kind in ("match", "member", "contains", "equal") and self._has_response(test):
            values = tuple(_values(test))
            return Meaning(values=values, is_member=kind in ("member", "contains")) if values else Meaning()
        if kind in ("match", "equal") and "baseValue" in inside and {"variable", "mapResponse"} & set(inside):
            return self._compared(test)
        if kind == "match" and {"index", "baseValue"} <= set(inside):
            return self._placed(test)
        if kind == "isNull":
            return Meaning(INCORRECT)
        if kind == "not" and len(test):
            return _opposite(self.meaning(test[0]))
        if kind in ("and", "or") and len(test) == 1:
            return self.meaning(test[0])
        if kind in ("and", "or"):
            return self._joined(kind, test)
        if {"variable", "mapResponse"} & set(inside):
            return Meaning(
                CORRECT if kind in _NUMBER_IS_RIGHT else INCORRECT if kind in _NUMBER_IS_WRONG else ""
            )
        return Meaning()

    def _joined(self, kind: str, test: Element) -> Meaning:
        """Several that are chosen together; what must not be chosen adds nothing to that."""
        parts = []
        for part in test:
            is_not = name(part) == "not" and len(part) > 0
            meaning = self.meaning(part[0] if is_not else part)
            if not (is_not and meaning.values):
                parts.append(_opposite(meaning) if is_not else meaning)
        if kind == "and" and parts and all(part.values for part in parts):
            return Meaning(values=tuple(value for part in parts for value in part.values))
        return Meaning()

    def _compared(self, test: Element) -> Meaning:
        """When another variable, or the marks, have this value: as it was set before, or is a number of marks."""
        variable = next((get(part, "identifier") for part in test if name(part) == "variable"), "")
        value = next(_values(test), "")
        if (variable, value) in self.found.sets:
            return self.found.sets[variable, value]
        if re.fullmatch(r"[+-]?[\d.]+", value):
            return Meaning(CORRECT if _number(value) > 0 else INCORRECT)
        return Meaning()

    def _placed(self, test: Element) -> Meaning:
        index = next(part for part in test if name(part) == "index")
        number = get(index, "n")
        if not (self._has_response(index) and re.fullmatch(r"\d{1,4}", number)):
            return Meaning()
        return Meaning(values=tuple(_values(test)), place=int(number))

    def _has_response(self, test: Element) -> bool:
        return any(name(part) == "variable" and get(part, "identifier") == self.response for part in test)

    def outcome(self, step: Element, meaning: Meaning) -> None:
        identifier = get(step, "identifier")
        names = {name(part) for part in step.iter()}
        if identifier in self.outcomes and len(step) == 1 and name(step[0]) in _TESTS:
            when = self.meaning(step[0]) if meaning.kind == ANY else Meaning()
            self.found.shows.setdefault((identifier, "true"), when)
            return
        if identifier in self.outcomes:
            for value in _values(step):
                self.found.shows.setdefault((identifier, value), meaning)
            if "variable" in names and self._has_response(step):
                self.found.copies.add(identifier)
            return
        for value in _values(step):
            self.found.sets.setdefault((identifier, value), meaning)
        if "mapResponse" in names:
            self.found.is_mapped = True
        if names - {"setOutcomeValue", "baseValue", "variable", "correct", "mapResponse", "sum", "null"}:
            self.found.is_plain = False
        score = max((_number(value) for value in _values(step)), default=0.0)
        if score > 0 and identifier.upper() == "SCORE":
            self._reward(meaning, score)
        if score > 0 and meaning.values:
            self.found.scores.append((meaning, score))
        elif score > 0 and meaning.kind in ("", INCORRECT):
            self.found.is_plain = False

    def _reward(self, meaning: Meaning, score: float) -> None:
        if meaning.kind == CORRECT or (meaning.values and not meaning.is_member and not meaning.place):
            answer = meaning.values
            self.found.rewards[answer] = max(self.found.rewards.get(answer, 0.0), score)


def _otherwise(tried: list[Meaning]) -> Meaning:
    kinds = {meaning.kind for meaning in tried}
    if CORRECT in kinds:
        return Meaning(INCORRECT)
    return Meaning(CORRECT) if kinds == {INCORRECT} else Meaning()


def _opposite(meaning: Meaning) -> Meaning:
    swapped = {CORRECT: INCORRECT, INCORRECT: CORRECT}
    return Meaning(swapped.get(meaning.kind, ""))


def _values(element: Element) -> Iterator[str]:
    return (xml_reading.text(part) for part in element.iter() if name(part) == "baseValue")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
