"""What a bank already holds, so that an import knows its questions again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from questions import echoes, likeness, wording
from questions.content import QuestionContent
from questions.formats.exchange import ExchangeQuestion
from questions.incoming import print_of
from questions.models import Blueprint, ImportRow, Question

Outcome = ImportRow.Outcome

WITH_OUR_CODES = ("yaml", "csv", "xlsx")
"""In these files a code is ours. Elsewhere it is the other system's, which may use it again for another."""
_WORLDWIDE = re.compile(r"(?=(?:[^0-9]*[0-9]){6})[A-Za-z0-9_-]{24,}")
_OWN_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_MOST_ALIKE = 5
"""So many questions with the same stem are compared with one of a file."""
_RETIRED = "“{}” is retired. Restore it first, or give this question another code."
_HAS_DRAFT = "“{}” has a draft already. Publish or discard it, then import again."


@dataclass(frozen=True)
class Verdict:
    outcome: str
    code: str = ""
    why: str = ""
    same_as: int | None = None
    updates: bool = False


@dataclass
class Stored:
    """`facts`: topic, level, difficulty and order of what the question says now."""

    code: str
    is_retired: bool
    has_draft: bool = False
    stem: str = ""
    prints: set[str] = field(default_factory=set)
    facts: tuple[str, str, Decimal | None, bool] = ("", "", None, False)


class Known:
    """The questions of a blueprint by code, origin and content."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        prefix = re.split(r"[^a-z0-9]", blueprint.code.lower())[0] or "q"
        self._shape = re.compile(rf"{re.escape(prefix)}-[A-Za-z0-9.]+-\d{{3,}}")
        self.stored: dict[int, Stored] = {}
        self._by_code: dict[str, int] = {}
        self._by_origin: dict[str, int] = {}
        self._by_print: dict[str, int] = {}
        self._by_words: dict[int, list[int]] = {}
        self._foreign = set(Question.objects.exclude(blueprint=blueprint).values_list("code", flat=True))
        self._here: dict[str, str] = {}
        self._updated: dict[int, str] = {}
        self.learn(Q())

    def learn(self, which: Q) -> set[int]:
        """Read the questions that `which` selects, again where they are known; gives back which they are."""
        fields = (
            *("pk", "code", "origin", "state"),
            *("current__content", "current__topic__code", "current__level", "current__difficulty"),
            *("current__keeps_order", "draft__pk", "draft__content", "draft__topic__code", "draft__level"),
            *("draft__difficulty", "draft__keeps_order"),
        )
        found = Question.objects.filter(which, blueprint=self.blueprint).order_by().values_list(*fields)
        seen = set()
        for row in found.iterator(chunk_size=500):
            self._learn_one(dict(zip(fields, row, strict=True)))
            seen.add(row[0])
        return seen

    def _learn_one(self, row: dict[str, Any]) -> None:
        pk, has_draft = row["pk"], row["draft__pk"] is not None
        newest = "draft" if has_draft else "current"
        stored = Stored(row["code"], row["state"] == Question.State.RETIRED, has_draft)
        stored.facts = (
            row[f"{newest}__topic__code"] or "",
            row[f"{newest}__level"] or "",
            row[f"{newest}__difficulty"],
            bool(row[f"{newest}__keeps_order"]),
        )
        for source in ("current", "draft"):
            if data := row[f"{source}__content"]:
                content = QuestionContent.from_json(data)
                stored.prints.add(print_of(content))
                if content.references:
                    # Most formats have no place for references: a file without them says no other question.
                    stored.prints.add(print_of(replace(content, references=())))
                stored.stem = content.stem
        self.stored[pk] = stored
        self._by_code[row["code"]] = pk
        if not stored.is_retired:
            if row["origin"]:
                self._by_origin[row["origin"]] = pk
            for each in stored.prints:
                self._by_print.setdefault(each, pk)
            self._by_words.setdefault(echoes.words_of(stored.stem), []).append(pk)

    def is_free(self, code: str) -> bool:
        return code not in self._by_code and code not in self._foreign

    def take(self, code: str) -> None:
        """A code that a question of this import gets."""
        self._foreign.add(code)

    def wished_code(self, question: ExchangeQuestion, format_name: str) -> str:
        """The file's code, where it is one of ours rather than another system's."""
        code = question.code
        is_ours = format_name in WITH_OUR_CODES or self._shape.fullmatch(code)
        return code if is_ours and _OWN_CODE.fullmatch(code) else ""

    def verdict(
        self, question: ExchangeQuestion, *, fingerprint: str, format_name: str, origin: str
    ) -> Verdict:
        """What becomes of it, which is then taken as part of the import: the next equal one is a duplicate."""
        found = self._same(question, format_name=format_name, origin=origin)
        if found is not None:
            return self._against(found, question, fingerprint, format_name)
        if (pk := self._by_print.get(fingerprint)) is not None:
            why = f"“{self.stored[pk].code}” says the same."
            return Verdict(Outcome.DUPLICATE, "same_content", why, pk)
        if where := self._here.get(fingerprint):
            return Verdict(Outcome.DUPLICATE, "twice_in_file", f"The file says it already: {where}.")
        for pk in self._by_words.get(echoes.words_of(question.content.stem), ())[:_MOST_ALIKE]:
            if echoes.is_poorer_copy(fingerprint, pk, format_name=format_name):
                return self._poorer(pk)
        self._here[fingerprint] = question.where or question.code or "above"
        return Verdict(_outcome(question))

    def late(self, fingerprint: str, same_as: int | None) -> Verdict | None:
        """Why something that was judged before can't come in any more, after `learn` of what has changed."""
        if same_as is not None:
            stored = self.stored[same_as]
            if stored.is_retired:
                return Verdict(Outcome.REJECTED, "retired", _RETIRED.format(stored.code), same_as)
            if stored.has_draft:
                return Verdict(Outcome.REJECTED, "has_draft", _HAS_DRAFT.format(stored.code), same_as)
        elif (pk := self._by_print.get(fingerprint)) is not None:
            return Verdict(Outcome.DUPLICATE, "same_content", f"“{self.stored[pk].code}” says the same.", pk)
        return None

    def _same(self, question: ExchangeQuestion, *, format_name: str, origin: str) -> int | None:
        """The question that this one is a text of, by our own code or by where it once came from."""
        pk = self._by_code.get(question.code) if question.code else None
        is_certain = pk is not None and bool(self.wished_code(question, format_name))
        if pk is None and origin:
            pk = self._by_origin.get(origin)
        if pk is None or is_certain:
            return pk
        # Another system numbers its questions anew in every file: q_1 of two files is hardly the same one.
        is_alike = wording.similarity(self.stored[pk].stem, question.content.stem) >= likeness.NOTABLE
        return pk if is_alike else None

    def _poorer(self, pk: int) -> Verdict:
        why = f"“{self.stored[pk].code}” says the same, and more than this format can hold."
        return Verdict(Outcome.DUPLICATE, "same_content", why, pk)

    def _against(self, pk: int, question: ExchangeQuestion, fingerprint: str, format_name: str) -> Verdict:
        stored = self.stored[pk]
        if stored.is_retired:
            return Verdict(Outcome.REJECTED, "retired", _RETIRED.format(stored.code), pk)
        if fingerprint in stored.prints and not _differ(stored.facts, question):
            return Verdict(Outcome.DUPLICATE, "same_content", f"“{stored.code}” says the same.", pk)
        if not _differ(stored.facts, question):
            if echoes.is_poorer_copy(fingerprint, pk, format_name=format_name):
                return self._poorer(pk)
            if echoes.was_said_before(fingerprint, pk):
                why = f"“{stored.code}” has said this before, and says something newer now."
                return Verdict(Outcome.DUPLICATE, "said_before", why, pk)
        if stored.has_draft:
            return Verdict(Outcome.REJECTED, "has_draft", _HAS_DRAFT.format(stored.code), pk)
        if where := self._updated.get(pk):
            why = f"The file has another text of “{stored.code}” already: {where}. Keep one of the two."
            return Verdict(Outcome.REJECTED, "code_twice", why, pk)
        self._updated[pk] = question.where or "above"
        return Verdict(_outcome(question), same_as=pk, updates=True)


def origin_of(question: ExchangeQuestion, *, format_name: str, filename: str) -> str:
    """What a later import knows the question by: format and identifier, with the file's name.

    The name is left out where the identifier is one that no other system gives, such as 32 hex digits.
    """
    if not question.code or format_name in WITH_OUR_CODES:
        return ""
    file = "" if _WORLDWIDE.fullmatch(question.code) else f"{filename[:100]}#"
    return f"{format_name}:{file}{question.code}"[:200]


def changed_since(moment: datetime) -> Q:
    """Questions that somebody else may have touched since."""
    return (
        Q(created_at__gte=moment)
        | Q(draft__saved_at__gte=moment)
        | Q(current__published_at__gte=moment)
        | Q(events__at__gte=moment)
    )


def _outcome(question: ExchangeQuestion) -> str:
    return Outcome.DEGRADED if question.losses else Outcome.IMPORTED


def _differ(facts: tuple[str, str, Decimal | None, bool], question: ExchangeQuestion) -> bool:
    """Whether the file says another topic, level or difficulty; what it leaves out doesn't count."""
    topic, level, difficulty, keeps_order = facts
    return (
        (question.topic not in ("", topic))
        or (question.level is not None and str(question.level) != level)
        or (question.difficulty is not None and question.difficulty != difficulty)
        or (question.keep_order and not keeps_order)
    )
