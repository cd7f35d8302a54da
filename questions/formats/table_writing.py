"""A question → a row of a table, and what the row can't hold.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats import exchange, table_columns, table_keys
from questions.formats.exchange import ExchangeQuestion, Loss, Rejection
from questions.formats.table_cells import neutralised, tidy
from questions.formats.table_rows import Memory, read_rows


def write_row(question: ExchangeQuestion) -> list[str]:
    """The cells in the order of `table_columns.COLUMNS`."""
    content = question.content
    scenario = question.scenario
    cells = {
        "code": question.code,
        "type": str(content.item_type),
        "topic": question.topic,
        "level": str(question.level or ""),
        "difficulty": "" if question.difficulty is None else str(question.difficulty),
        "keep_order": "true" if question.keep_order else "",
        "tags": "; ".join(re.sub(r"([\\;,|])", r"\\\1", tag) for tag in question.tags),
        "stem": content.stem,
        "key": _key(content),
        "references": "\n".join(content.references),
        "category": " / ".join(map(_folder, question.category)),
    }
    if scenario:
        cells |= {"scenario_code": scenario.code, "scenario_title": scenario.title}
        cells["scenario_text"] = scenario.text
    texts = {place: option.text for place, option in enumerate(content.options)}
    for place, option in enumerate(content.options):
        letter = exchange.option_id(place)
        cells |= {f"option_{letter}": option.text, f"rationale_{letter}": option.rationale}
    places = {option.id: place for place, option in enumerate(content.options)}
    for number, prompt in enumerate(content.prompts, 1):
        cells |= {f"prompt_{number}": prompt.text, f"prompt_rationale_{number}": prompt.rationale}
        if prompt.match in places:
            cells[f"match_{number}"] = table_keys.write_option(places[prompt.match], texts)
    return [tidy(cells.get(name, "")) for name in table_columns.NAMES]


def losses(question: ExchangeQuestion, *, longest: int) -> tuple[Loss, ...]:
    """What a row can't hold; `longest` is the most that a cell can, in UTF-16 units."""
    found = []
    if question.pictures:
        names = ", ".join(picture.name for picture in question.pictures)
        found.append(Loss("image", f"A table holds no pictures ({names}); their places in the texts stay."))
    if question.title:
        found.append(Loss("title", "A table has no column for the title."))
    if out := _leaving_out(question, longest):
        return (*found, out)
    row = [neutralised(cell) for cell in write_row(question)]
    read = next(read_rows(enumerate([table_columns.NAMES, row]), Memory()))
    if isinstance(read, Rejection):
        return (*found, Loss(read.code, read.why, leaves_out=True))
    if replace(read, where="") != _expected(question):
        why = "Parts of it would be read back otherwise: look at its key, order and empty fields."
        found.append(Loss("changed", why))
    return tuple(found)


def leaves_out(question: ExchangeQuestion, *, longest: int) -> bool:
    return any(loss.leaves_out for loss in losses(question, longest=longest))


def _leaving_out(question: ExchangeQuestion, longest: int) -> Loss | None:
    content = question.content
    if len(content.options) > table_columns.OPTIONS:
        why = f"It has {len(content.options)} options; a row has room for {table_columns.OPTIONS}."
        return Loss("too_many_options", why, leaves_out=True)
    if len(content.prompts) > table_columns.PROMPTS:
        why = f"It has {len(content.prompts)} prompts; a row has room for {table_columns.PROMPTS}."
        return Loss("too_many_prompts", why, leaves_out=True)
    for name, cell in zip(table_columns.NAMES, write_row(question), strict=True):
        if len(cell) * 2 < longest:
            continue
        # The apostrophe of a neutralised text counts, too.
        length = len(cell.encode("utf-16-le")) // 2 + 1
        if length > longest:
            why = f"“{name}” has {length:,} characters; a cell holds at most {longest:,}."
            return Loss("long_text", why, leaves_out=True)
    return None


def _expected(question: ExchangeQuestion) -> ExchangeQuestion:
    content = exchange.letter_ids(question.content)
    content = QuestionContent(
        content.item_type,
        tidy(content.stem),
        tuple(replace(o, text=tidy(o.text), rationale=tidy(o.rationale)) for o in content.options),
        tuple(replace(p, text=tidy(p.text), rationale=tidy(p.rationale)) for p in content.prompts),
        tuple(map(tidy, content.references)),
    )
    scenario = question.scenario and replace(
        question.scenario, title=tidy(question.scenario.title), text=tidy(question.scenario.text)
    )
    return replace(question, content=content, scenario=scenario, where="", title="", pictures=(), losses=())


def _key(content: QuestionContent) -> str:
    texts = {place: option.text for place, option in enumerate(content.options)}
    if content.item_type is ItemType.ORDERING:
        steps = [(option.position, place) for place, option in enumerate(content.options)]
        places = [place for position, place in sorted((p or 0, n) for p, n in steps if p is not None)]
        return " > ".join(table_keys.write_option(place, texts) for place in places)
    right = [place for place, option in enumerate(content.options) if option.is_correct]
    return ", ".join(table_keys.write_option(place, texts) for place in right)


def _folder(name: str) -> str:
    return re.sub(r"(?:(?<=\s)|^)([/>])(?=\s|$)", r"\\\1", name.replace("\\", "\\\\"))


def template_rows() -> Iterable[list[str]]:
    """Two questions that show how the columns are filled in."""
    choice = QuestionContent(
        ItemType.MULTIPLE_CHOICE,
        "A model predicts well on its training data and poorly on new data.\n\nWhat should be tried **FIRST**?",
        (
            Option("a", "A larger network", "It has more freedom to learn the training data by heart."),
            Option(
                "b", "Stronger regularisation", "It holds the weights back, so that less is overfitted.", True
            ),
            Option("c", "More epochs", "Longer training fits the same data even closer."),
            Option("d", "A test set that is smaller", "It only makes the measurement less certain."),
        ),
        (),
        ("Study guide, chapter 3",),
    )
    matching = QuestionContent(
        ItemType.MATCHING,
        "Match each question to the measure that answers it.",
        (Option("a", "Precision"), Option("b", "Recall"), Option("c", "Accuracy")),
        (
            Prompt("p1", "How many of the alarms were right?", "a", "Precision looks at what was flagged."),
            Prompt("p2", "How many of the cases were found?", "b", "Recall looks at what should be flagged."),
            Prompt("p3", "How many decisions were right at all?", "c", "Accuracy counts both kinds."),
        ),
    )
    common = ExchangeQuestion(choice, topic="1.1.1", level=Level.APPLY, difficulty=Decimal("0.65"))
    yield write_row(replace(common, code="example-001", tags=("overfitting", "training")))
    yield write_row(replace(common, content=matching, code="example-002", difficulty=Decimal("0.70")))
