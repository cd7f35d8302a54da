"""What an answer to each item type looks like, and whether it is right.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from questions.content import Answer, ItemType, QuestionContent


class AnswerError(ValueError):
    """An answer that doesn't fit its item. `code` says how; views choose the words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class AnswerShape:
    """All that is needed to judge whether an answer is well-formed. Holds no key."""

    item_type: ItemType
    option_ids: frozenset[str]
    prompt_ids: frozenset[str]
    select_count: int | None

    @classmethod
    def of(cls, content: QuestionContent) -> AnswerShape:
        return cls(
            item_type=content.item_type,
            option_ids=frozenset(o.id for o in content.options),
            prompt_ids=frozenset(p.id for p in content.prompts),
            select_count=content.select_count,
        )


def parse(shape: AnswerShape, raw: Any) -> Answer:
    """Return `raw` in its canonical form, or raise `AnswerError`.

    Blank in every spelling (None, "", [], {}, a matching with every prompt open) is None. A multiple
    response is sorted, a matching drops its open prompts, an ordering keeps its order.
    Codes: wrong_type, unknown_option, unknown_prompt, repeated_option, too_many_options.
    """
    if raw is None or raw == "" or raw == [] or raw == {}:
        return None
    match shape.item_type:
        case ItemType.MULTIPLE_CHOICE:
            if not isinstance(raw, str):
                raise AnswerError("wrong_type")
            _known(shape, [raw])
            return raw
        case ItemType.MULTIPLE_RESPONSE:
            chosen = sorted(_list_of_options(shape, raw))
            if shape.select_count is not None and len(chosen) > shape.select_count:
                raise AnswerError("too_many_options")
            return chosen
        case ItemType.ORDERING:
            return _list_of_options(shape, raw)
        case ItemType.MATCHING:
            if not isinstance(raw, dict):
                raise AnswerError("wrong_type")
            if not raw.keys() <= shape.prompt_ids:
                raise AnswerError("unknown_prompt")
            pairs = {prompt: option for prompt, option in sorted(raw.items()) if option not in (None, "")}
            _known(shape, list(pairs.values()))
            return pairs or None


def is_complete(shape: AnswerShape, answer: Answer) -> bool:
    """Whether nothing more is asked of the learner: every prompt matched, as many options as asked for."""
    if answer is None:
        return False
    if shape.item_type is ItemType.MULTIPLE_RESPONSE:
        return len(answer) == shape.select_count
    if shape.item_type is ItemType.MATCHING:
        return len(answer) == len(shape.prompt_ids)
    if shape.item_type is ItemType.ORDERING:
        # How many steps belong would be a hint; one step alone is no order yet.
        return len(answer) > 1
    return True


def is_correct(key: Answer, answer: Answer) -> bool:
    """All or nothing: the set, the sequence or every pair equals the key. Blank is wrong.

    Both sides are canonical (`parse`, `QuestionContent.key`), so that equality decides for every type.
    """
    return answer is not None and answer == key


def _list_of_options(shape: AnswerShape, raw: Any) -> list[str]:
    if not isinstance(raw, list):
        raise AnswerError("wrong_type")
    _known(shape, raw)
    if len(set(raw)) != len(raw):
        raise AnswerError("repeated_option")
    return list(raw)


def _known(shape: AnswerShape, ids: list[Any]) -> None:
    if not all(isinstance(option, str) for option in ids):
        raise AnswerError("wrong_type")
    if not set(ids) <= shape.option_ids:
        raise AnswerError("unknown_option")
