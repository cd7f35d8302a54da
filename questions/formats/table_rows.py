"""A row of a table → a question.  Pure.

CSV and XLSX share what a row says; `table_columns` has the columns, `table_writing` the way back. Rows come
as they are read: at most `_LOOKAHEAD` of them are held, to see how the file writes its keys.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from questions.content import ItemType, Option, Prompt, QuestionContent, fingerprint
from questions.formats import exchange, table_cells, table_html, table_keys, table_lists
from questions.formats.exchange import ExchangeQuestion, ExchangeScenario, Loss, Rejection
from questions.formats.lined_yaml import shown
from questions.formats.native import CODE
from questions.formats.table_cells import Row, clean
from questions.formats.table_columns import Header, missing_columns, read_header
from questions.formats.table_keys import Habits, Key, KeyFault

_LOOKAHEAD = 500
_MOST_TITLE_ROWS = 10

_TYPES = {
    ItemType.MULTIPLE_RESPONSE: (
        *("multiple response", "multiple answer", "multiple answers", "multiple select", "multi select"),
        *("multi response", "multiselect", "checkbox", "checkboxes", "ma", "mr", "mrq", "msq", "select all"),
        *("multiple answers question", "multiple correct", "multi", "multi choice", "select multiple"),
    ),
    ItemType.ORDERING: ("ordering", "order", "sequence", "sequencing", "ranking", "reorder", "sorting"),
    ItemType.MATCHING: ("matching", "match", "matching pairs", "matching question", "pairs"),
}
# Many call a question of several right answers a “multiple choice”, too: here the key decides.
_CHOICE = (
    *(
        "multiple",
        "multiple choice",
        "mc",
        "mcq",
        "mcqs",
        "single",
        "single choice",
        "single answer",
        "single select",
    ),
    *("choice", "radio", "quiz", "multiple choice question", "one answer", "single correct", "scq"),
    *("multiple choice single", "multiple choice single answer", "single response", "best answer", "sba"),
)
_TRUE_FALSE_OPTIONS = ("True", "False")
_TRUE_FALSE = ("true false", "truefalse", "tf", "t f", "boolean", "true false question", "true or false")


class _Refused(Exception):
    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


@dataclass
class Memory:
    """What the rows of a file need to know of earlier ones."""

    codes: dict[str, str] = field(default_factory=dict)
    scenarios: dict[str, ExchangeScenario] = field(default_factory=dict)
    told: bool = False


def read_rows(
    rows: Iterable[tuple[int, Sequence[str]]], memory: Memory, *, sheet: str = ""
) -> Iterator[exchange.Outcome]:
    """The questions of numbered rows; raises `UnreadableFile` when no row names the columns."""
    prefix = f"sheet {shown(sheet)}, " if sheet else ""
    cleaned = ((number, [clean(cell) for cell in cells]) for number, cells in rows)
    header, filled = _find_header((row for row in cleaned if any(row[1])), prefix)
    begun, fault = _begin(filled)
    habits = table_keys.learn_habits(
        ((row.get("key"), _options(row)) for row in (Row(header, cells) for _, cells in begun)),
        is_index=header.has_index,
        options_from=header.options_from,
    )
    for number, cells in itertools.chain(begun, filled):
        row = table_html.plain(Row(header, cells))
        where = f"{prefix}row {number}"
        try:
            question = _question(row, habits, memory, where)
        except (_Refused, KeyFault) as refusal:
            yield Rejection(where, refusal.code, refusal.why, title=_short(row.get("stem")))
            continue
        if not memory.told:
            memory.told = True
            question = replace(question, losses=(*_of_the_file(header, habits), *question.losses))
        yield question
    if fault is not None:
        raise fault


def _begin(
    rows: Iterator[tuple[int, list[str]]],
) -> tuple[list[tuple[int, list[str]]], exchange.UnreadableFile | None]:
    """The first rows, and what ends the file among them: they come in before it is told."""
    begun: list[tuple[int, list[str]]] = []
    try:
        begun.extend(itertools.islice(rows, _LOOKAHEAD))
    except exchange.UnreadableFile as fault:
        return begun, fault
    return begun, None


def _find_header(
    rows: Iterator[tuple[int, list[str]]], prefix: str
) -> tuple[Header, Iterator[tuple[int, list[str]]]]:
    """The first row that names the columns we need, and the rows after it; titles may stand above it."""
    first: tuple[int, Header] | None = None
    seen, fault = _begin(itertools.islice(rows, _MOST_TITLE_ROWS))
    for place, (number, cells) in enumerate(seen, 1):
        header = read_header(cells)
        if not header.missing:
            return header, _then(seen[place:], fault, rows)
        if first is None or len(header.missing) < len(first[1].missing):
            first = number, header
    if fault is not None:
        raise fault
    names = _usual_names([cells for _, cells in seen])
    if names:
        return replace(read_header(names), found=()), itertools.chain(seen, rows)
    if first is None:
        raise exchange.UnreadableFile("empty", "The table is empty.", where=prefix.rstrip(", "))
    raise missing_columns(first[1], where=f"{prefix}row {first[0]}")


def _then(
    begun: list[tuple[int, list[str]]],
    fault: exchange.UnreadableFile | None,
    rows: Iterator[tuple[int, list[str]]],
) -> Iterator[tuple[int, list[str]]]:
    yield from begun
    if fault is not None:
        raise fault
    yield from rows


def _usual_names(rows: list[list[str]]) -> list[str]:
    """The columns of data sets without a header: the question, its options, and the letter of the right one."""
    width = len(rows[0]) if rows else 0
    letters = [exchange.option_id(number) for number in range(width - 2)]
    is_usual = 4 <= width <= 12 and all(
        len(cells) == width and all(cells) and cells[-1].isupper() and cells[-1].lower() in letters
        for cells in rows
    )
    return ["question", *letters, "answer"] if is_usual else []


def _of_the_file(header: Header, habits: Habits) -> Iterator[Loss]:
    """What holds for every row, and is told with the first question."""
    for name in header.unknown:
        yield Loss(
            "unknown_column", f"The column {shown(name)} is not known here; it is left out of every row."
        )
    if not header.found:
        why = (
            "No row names the columns: they are read as the question, its options, and the letter of the key."
        )
        yield Loss("no_header", why)
    if not habits.is_sure:
        why = (
            f"The keys of this file are numbers, and none shows where they begin: option a is read as "
            f"{habits.counts_from}. Look at some of them, or write letters."
        )
        yield Loss("key_unsure", why)
    elif habits.counts_from == 0:
        yield Loss("key_from_zero", "The keys of this file count the options from 0; they are read so.")


def _question(row: Row, habits: Habits, memory: Memory, where: str) -> ExchangeQuestion:
    code = table_cells.code(row)
    if code in memory.codes:
        why = f"The code “{code}” was already used in {memory.codes[code]}. Give each question its own."
        raise _Refused("duplicate_code", why)
    if not row.get("stem"):
        raise _Refused("empty_stem", "The question has no text. Write it in the column “stem”.")
    scenario = _scenario(row, memory)
    content = _content(row, habits)
    topic, category = table_cells.place(row)
    if code:
        memory.codes[code] = where
    return ExchangeQuestion(
        content=content,
        where=where,
        code=code,
        title=row.get("title"),
        topic=topic,
        level=table_cells.level(row),
        difficulty=table_cells.difficulty(row),
        keep_order=row.get("keep_order").lower() in table_cells.YES,
        tags=table_cells.tags(row),
        category=category,
        scenario=scenario,
        losses=tuple(row.losses),
    )


def _scenario(row: Row, memory: Memory) -> ExchangeScenario | None:
    code, title, text = (row.get(f"scenario_{part}") for part in ("code", "title", "text"))
    if not (code or title or text):
        return None
    if code in memory.scenarios and not text:
        return memory.scenarios[code]
    if not text:
        why = "The row names a scenario, but no row before has its text. Write it in “scenario_text”."
        raise _Refused("no_scenario_text", why)
    if code and not re.fullmatch(CODE, code):
        row.lose("code", f"The scenario code {shown(code)} is replaced: it has unfit characters.")
        code = ""
    scenario = ExchangeScenario(code or f"scenario-{fingerprint(text)[:8]}", title, text)
    if code:
        memory.scenarios.setdefault(code, scenario)
    return scenario


def _content(row: Row, habits: Habits) -> QuestionContent:
    options = _options(row)
    prompts = row.numbered("prompt_")
    rationales = row.numbered("rationale_")
    item_type, named = _item_type(row)
    if named == "true_false" and not options:
        options = dict(enumerate(_TRUE_FALSE_OPTIONS))
    references = tuple(part.strip() for part in row.get("references").split("\n") if part.strip())
    stem = row.get("stem")
    if item_type is ItemType.MATCHING or (item_type is None and prompts and not row.get("key")):
        content = _matching(row, options, prompts, rationales)
        return QuestionContent(ItemType.MATCHING, stem, content[1], content[0], references)
    if len(options) < 2:
        why = "The question has fewer than two options. Write each in a column of its own: option_a, option_b and so on."
        raise _Refused("too_few_options", why)
    key = _key(row, options, habits)
    item_type = _seen_type(row, item_type, named, key)
    _lose_without_text(row, options, rationales)
    _add_explanation(row, rationales, key)
    ids = {place: exchange.option_id(number) for number, place in enumerate(options)}
    made = tuple(
        Option(
            id=ids[place],
            text=text,
            rationale=rationales.get(place, ""),
            is_correct=item_type is not ItemType.ORDERING and place in key.options,
            position=key.options.index(place) + 1
            if item_type is ItemType.ORDERING and place in key.options
            else None,
        )
        for place, text in options.items()
    )
    return QuestionContent(item_type, stem, made, (), references)


def _options(row: Row) -> dict[int, str]:
    """The options by the number of their column; a file may have them in one cell, or apart from the key."""
    options = row.numbered("option_")
    if options:
        return options
    wrong = row.numbered("wrong_") or dict(enumerate(table_lists.several(row.get("wrong"))))
    if wrong:
        return dict(enumerate(text for text in (row.get("key"), *wrong.values()) if text))
    return dict(enumerate(table_lists.several(row.get("options"))))


def _item_type(row: Row) -> tuple[ItemType | None, str]:
    """The type, None where the key decides; and “choice” or “true_false” where the file says so."""
    text = row.get("type")
    if not text:
        return None, ""
    name = re.sub(r"[\W_]+", " ", text.lower()).strip()
    for item_type, spellings in _TYPES.items():
        if name in spellings:
            return item_type, ""
    if name in _TRUE_FALSE:
        return None, "true_false"
    if name in _CHOICE:
        return None, "choice"
    why = (
        f"Questions of the type {shown(text)} are not known here. "
        "Make it multiple_choice, multiple_response, ordering or matching."
    )
    raise _Refused("unsupported_type", why)


def _key(row: Row, options: dict[int, str], habits: Habits) -> Key:
    key = row.get("key")
    if tuple(options.values()) == _TRUE_FALSE_OPTIONS:
        key = {"t": "True", "f": "False"}.get(key.lower(), key)
    if not key:
        raise _Refused("no_key", "The question has no right answer. Write it in the column “key”.")
    if re.fullmatch(r"0(\.0)?", key) and habits.counts_from == 1 and key not in options.values():
        why = "The key is 0, while earlier rows of the file count from 1. Write letters instead of numbers."
        raise _Refused("unknown_key", why)
    return table_keys.read_key(key, options, habits)


def _seen_type(row: Row, item_type: ItemType | None, named: str, key: Key) -> ItemType:
    if item_type is not None:
        return item_type
    if len(key.options) == 1:
        return ItemType.MULTIPLE_CHOICE
    if named:
        why = "It is called a multiple choice, but has several right answers: it becomes a multiple response."
        row.lose("type_changed", why)
        return ItemType.MULTIPLE_RESPONSE
    return ItemType.ORDERING if key.is_order else ItemType.MULTIPLE_RESPONSE


def _matching(
    row: Row, options: dict[int, str], prompts: dict[int, str], rationales: dict[int, str]
) -> tuple[tuple[Prompt, ...], tuple[Option, ...]]:
    matches = row.numbered("match_")
    reasons = row.numbered("prompt_rationale_")
    if len(prompts) < 2:
        why = "A matching question needs two prompts or more, in the columns prompt_1, prompt_2 and so on."
        raise _Refused("too_few_pairs", why)
    if not options:
        # Others have no letters, but pairs of texts.
        options = dict(enumerate(dict.fromkeys(matches.values())))
    _lose_without_text(row, options, rationales)
    ids = {place: exchange.option_id(number) for number, place in enumerate(options)}
    made = []
    for number, (place, text) in enumerate(prompts.items(), 1):
        if place not in matches:
            raise _Refused("no_key", f"Prompt {place + 1} has no match. Write it in “match_{place + 1}”.")
        # A plain letter is what this format writes; what else it may be, the key's reader decides.
        named = table_keys.read_key(matches[place], options, Habits(frozenset(table_keys.Reading)))
        made.append(Prompt(f"p{number}", text, ids[named.options[0]], reasons.get(place, "")))
    if explanation := row.get("explanation"):
        made[0], moved = _explained(made[0], explanation)
        row.losses.extend(moved)
    entries = ((place, text, rationales.get(place, "")) for place, text in options.items())
    return tuple(made), tuple(Option(ids[place], text, why) for place, text, why in entries)


def _explained(prompt: Prompt, explanation: str) -> tuple[Prompt, tuple[Loss, ...]]:
    if prompt.rationale:
        return prompt, (_general_feedback(),)
    return Prompt(prompt.id, prompt.text, prompt.match, explanation), (_moved(),)


def _add_explanation(row: Row, rationales: dict[int, str], key: Key) -> None:
    """One explanation for the whole question is why the key is right."""
    explanation = row.get("explanation")
    if not explanation:
        return
    if rationales.get(key.options[0]):
        row.losses.append(_general_feedback())
        return
    rationales[key.options[0]] = explanation
    if len(key.options) > 1:
        row.losses.append(_moved())


def _general_feedback() -> Loss:
    return Loss("general_feedback", "The explanation of the whole question: the key has one of its own.")


def _moved() -> Loss:
    why = "The explanation of the whole question becomes the rationale of the first right answer."
    return Loss("general_feedback_moved", why)


def _lose_without_text(row: Row, options: dict[int, str], rationales: dict[int, str]) -> None:
    for place in rationales.keys() - options.keys():
        letter = exchange.option_id(place)
        row.lose("empty_option", f"The rationale of option {letter}: the option has no text.")


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return f"{flat[:79]}…" if len(flat) > 80 else flat
