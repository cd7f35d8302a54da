"""What an experienced item writer would say about one question.  Pure.

`block` stops publishing (the faults of `shape`, forbidden phrases, retired things in a key); `warn` is a
give-away or a trap; `hint` is taste. The rules follow Haladyna, Downing and
Rodriguez (2002), "A review of multiple-choice item-writing guidelines for classroom assessment".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from questions import shape, wording
from questions.content import ItemType, Option, QuestionContent
from questions.shape import Finding, Severity

__all__ = ["Finding", "Forbidden", "Severity", "forbidden_in_key", "forbidden_phrases", "key_texts", "lint"]

_CHOICES = (ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE)
_FORBIDDEN_OPTION = re.compile(
    r"\b(?:all|none|any|both|neither) of (?:the |these )?(?:above|below|others?|options|answers|these)\b"
    r"|\b(?:both|neither)\s+\(?[a-h]\)?\s+(?:and|nor)\s+\(?[a-h]\)?\b"
    r"|^\W*\(?[a-h]\)?\s+(?:and|or)\s+\(?[a-h]\)?\W*$"
    r"|\b(?:i don['’]t know|not sure)\b",
    re.IGNORECASE,
)
_FORBIDDEN_STEM = re.compile(
    r"\bwhich of the following (?:is|are) (?:true|false|correct|incorrect)\b"
    r"|\bwhich statements? (?:is|are) (?:true|false)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"\b(?:options?|answers?|choices?)\s+\(?[A-F]\)?(?![\w'’])")
_IMPERATIVE = re.compile(
    r"^\W*(?:match|put|order|arrange|select|choose|pick|place|sort|rank|identify|complete|assign|pair|name|list)\b",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(
    r"\bexcept\b|\bleast likely\b|\bwhich\b.*\b(?:is|are|does|do|would|should|will|can|could)\s+not\b",
    re.IGNORECASE,
)
_QUALIFIER = re.compile(r"\b(?:MOST|LEAST|BEST|FEWEST|FIRST|LOWEST|HIGHEST|FASTEST|SHORTEST)\b")
_LOWER_QUALIFIER = re.compile(
    r"\b(?:the )?(?:least|lowest|minimal|minimum) (?:operational|administrative|development|amount of)\b"
    r"|\bmost (?:cost|operationally|secure|efficient|suitable|appropriate)",
)
_TRIVIA = re.compile(
    r"^\W*(?:what (?:is|are) the (?:maximum|minimum|default|limit|quota|price|name|acronym|port)\b"
    r"|which (?:port|year)\b|how (?:many|much)\b|what does \S+ stand for\b|in (?:which|what) year\b)",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"\$\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:[KMGT]i?B|seconds?|minutes?|hours?|days?|requests?|transactions?)\b",
    re.IGNORECASE,
)
_REUSE_SAID = re.compile(r"more than once|used (?:again|twice|several times)|reus", re.IGNORECASE)
_SURPLUS_SAID = re.compile(
    r"\bnot (?:every|all|used|needed)\b|\b(?:is|are|be) left (?:over|out)\b|\bunused\b|\bsurplus\b|\bextra\b"
    r"|\bonly (?:the|some|those)\b|\bat most once\b|\bdo(?:es)? not (?:belong|apply)\b|\bneed not\b"
    r"|\bnot be used\b|\bleave\b.*\bout\b|\b(?:choose|select|pick) the (?:\w+ )?(?:steps|actions)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Forbidden:
    """Something that no key may name: a regular expression, matched without regard to case, and why."""

    pattern: str
    why: str


def lint(content: QuestionContent, *, forbidden: Sequence[Forbidden] = ()) -> list[Finding]:
    """All findings, blocking ones first."""
    found = shape.faults(content)
    found += forbidden_phrases(content)
    found += _letters(content)
    found += _retired(content, forbidden)
    found += _stem(content)
    if content.item_type in _CHOICES:
        found += _giveaways(content)
        found += _lengths(content)
    if content.item_type is ItemType.ORDERING:
        found += _ordering(content)
    if content.item_type is ItemType.MATCHING:
        found += _matching(content)
    found += _rationales(content)
    order = list(Severity)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def key_texts(content: QuestionContent) -> list[tuple[str, str]]:
    """(where, text) of everything that the key says is right."""
    match content.item_type:
        case ItemType.MATCHING:
            wanted = {p.match for p in content.prompts}
        case ItemType.ORDERING:
            wanted = {o.id for o in content.options if o.position is not None}
        case _:
            wanted = {o.id for o in content.options if o.is_correct}
    return [(f"options.{n}.text", o.text) for n, o in enumerate(content.options, 1) if o.id in wanted]


def forbidden_in_key(
    content: QuestionContent, forbidden: Sequence[Forbidden]
) -> Iterator[tuple[str, str, Forbidden]]:
    """(where, the words found, the rule) for each retired or out-of-scope thing that the key names."""
    for where, text in key_texts(content):
        for rule in forbidden:
            found = re.search(rule.pattern, text, re.IGNORECASE)
            if found:
                yield where, found.group(), rule


def _retired(content: QuestionContent, forbidden: Sequence[Forbidden]) -> Iterator[Finding]:
    for where, words, rule in forbidden_in_key(content, forbidden):
        message = f"The key names “{words}”: {rule.why}."
        yield Finding(
            Severity.BLOCK, "retired_in_key", message, "Choose a right answer that can be used today.", where
        )


def forbidden_phrases(content: QuestionContent) -> Iterator[Finding]:
    """“All of the above” and its kin, which no question may have."""
    for number, option in enumerate(content.options, 1):
        found = _FORBIDDEN_OPTION.search(option.text)
        if found:
            message = f"Option {option.id} says “{found.group().strip()}”, which no option may."
            mend = "Write an option that stands alone; options are shuffled."
            yield Finding(Severity.BLOCK, "forbidden_phrase", message, mend, f"options.{number}.text")
    found = _FORBIDDEN_STEM.search(content.stem)
    if found:
        message = f"“{found.group()}” asks four questions at once."
        mend = "Ask one question that can be answered before the options are read."
        yield Finding(Severity.BLOCK, "forbidden_phrase", message, mend, "stem")


def _letters(content: QuestionContent) -> Iterator[Finding]:
    for where, text in _all_texts(content):
        found = _LETTER.search(text)
        if found:
            message = f"“{found.group()}” names an option by its letter, but options are shuffled."
            yield Finding(Severity.WARN, "letter_named", message, "Name it by what it says.", where)


def _stem(content: QuestionContent) -> Iterator[Finding]:
    stem = content.stem
    sentences = wording.sentences(stem)
    asking = [s for s in sentences if "?" in s or _IMPERATIVE.match(s)]
    if not asking:
        message = "The stem neither asks a question nor says what to do."
        yield Finding(
            Severity.WARN, "no_question", message, "Close it with a question or “Match each …”.", "stem"
        )
    yield from _stem_length(stem, sentences)
    closing = " ".join(asking)
    negative = _NEGATIVE.search(wording.plain(closing))
    if negative and not re.search(r"\*\*[^*]*\b(?:NOT|EXCEPT|LEAST LIKELY)\b[^*]*\*\*", stem):
        message = "The question is put in the negative without emphasis."
        yield Finding(Severity.WARN, "negative", message, "Ask for what is right, or write **NOT**.", "stem")
    bold = [q for part in re.findall(r"\*\*([^*]+)\*\*", stem) for q in _QUALIFIER.findall(part)]
    every = _QUALIFIER.findall(wording.plain(stem))
    if len(bold) < len(every) or _LOWER_QUALIFIER.search(closing):
        message = "The qualifier that decides is not emphasised."
        yield Finding(
            Severity.HINT, "qualifier", message, "Write it as **LEAST operational overhead**.", "stem"
        )
    if len(set(every)) > 1:
        message = f"There are several qualifiers ({', '.join(sorted(set(every)))}), which can contradict."
        yield Finding(Severity.WARN, "two_qualifiers", message, "Keep the one that decides.", "stem")
    if any(_TRIVIA.search(sentence) for sentence in asking):
        message = "The question seems to ask for a remembered fact."
        yield Finding(Severity.HINT, "trivia", message, "Put the fact to work in a situation.", "stem")
    if re.match(r"\W*(?:A|An|The) company\b", stem):
        message = "The stem opens with “A company”."
        yield Finding(
            Severity.HINT, "opening", message, "Name the trade: a ferry operator, a hospital group.", "stem"
        )
    numbers = set(re.findall(r"\d+", stem))
    for where, text in key_texts(content):
        for quantity in _QUANTITY.findall(text):
            if not set(re.findall(r"\d+", quantity)) & numbers:
                message = f"The key names “{quantity.strip()}”, which the stem does not."
                mend = "Check that it is no quota or price, for those change."
                yield Finding(Severity.HINT, "quantity_in_key", message, mend, where)


def _stem_length(stem: str, sentences: Sequence[str]) -> Iterator[Finding]:
    length = len(wording.plain(stem))
    if length < 40:
        message = f"The stem has {length} characters: hardly a situation."
        yield Finding(
            Severity.WARN, "short_stem", message, "Say who needs what, under which constraint.", "stem"
        )
    if length > 1_200:
        message = f"The stem has {length:,} characters."
        yield Finding(
            Severity.WARN, "wordy_stem", message, "Drop what decides nothing; 2 to 6 sentences.", "stem"
        )
    elif len(sentences) > 8:
        message = f"The stem has {len(sentences)} sentences."
        yield Finding(
            Severity.HINT, "wordy_stem", message, "Drop what decides nothing; 2 to 6 sentences.", "stem"
        )


def _giveaways(content: QuestionContent) -> Iterator[Finding]:
    keys = [o for o in content.options if o.is_correct]
    others = [o for o in content.options if not o.is_correct]
    if not keys or not others:
        return
    stem = wording.content_words(content.stem)
    in_others = _union(others)
    for key in keys:
        cues = sorted(word for word in stem & wording.content_words(key.text) - in_others if len(word) > 4)
        if cues and not _shares_alone(stem, others, keys):
            message = f"Only the key {key.id} repeats “{', '.join(cues[:3])}” of the stem."
            mend = "Use another word, or let a distractor repeat one too."
            yield Finding(Severity.WARN, "cue_word", message, mend, _where(content, key))
    hedged = [o for o in content.options if wording.count_in(o.text, wording.HEDGES)]
    if hedged and all(o.is_correct for o in hedged):
        message = "Only the key is hedged (may, usually, typically)."
        yield Finding(
            Severity.WARN,
            "hedged_key",
            message,
            "State it flatly, or hedge a distractor.",
            _where(content, hedged[0]),
        )
    absolute = [o for o in content.options if wording.count_in(o.text, wording.ABSOLUTES)]
    if len(absolute) >= 2 and not any(o.is_correct for o in absolute):
        message = "Absolute words (always, only, every) stand in distractors alone."
        yield Finding(
            Severity.WARN,
            "absolute_words",
            message,
            "Drop them, or use one in the key.",
            _where(content, absolute[0]),
        )
    ends = {o.text.rstrip().endswith(".") for o in content.options}
    if len(ends) > 1:
        message = "Some options end with a full stop and others don't."
        yield Finding(Severity.HINT, "punctuation", message, "End all options alike.", "options")


def _lengths(content: QuestionContent) -> Iterator[Finding]:
    lengths = {number: len(wording.plain(o.text)) for number, o in enumerate(content.options, 1)}
    if len(lengths) < 2:
        return
    ranked = sorted(lengths.values(), reverse=True)
    longest = next(o for n, o in enumerate(content.options, 1) if lengths[n] == ranked[0])
    is_alone = ranked[0] > ranked[1]
    if content.item_type is ItemType.MULTIPLE_CHOICE and longest.is_correct and is_alone:
        is_plain_to_see = ranked[0] >= 1.2 * ranked[1] and ranked[0] - ranked[1] >= 8
        severity = Severity.WARN if is_plain_to_see else Severity.HINT
        message = f"The key is the longest option ({ranked[0]} characters against {ranked[1]})."
        yield Finding(
            severity,
            "key_longest",
            message,
            "Shorten it, or give a distractor its detail.",
            _where(content, longest),
        )
    if ranked[0] > 2.5 * max(ranked[-1], 1) and ranked[0] - ranked[-1] > 25:
        message = f"The options' lengths are out of line ({ranked[-1]} to {ranked[0]} characters)."
        yield Finding(
            Severity.WARN, "option_lengths", message, "Give all options the same detail.", "options"
        )
    for number, option in enumerate(content.options, 1):
        for other in content.options[number:]:
            if wording.similarity(option.text, other.text) > 0.92 and len(option.text) > 40:
                message = f"Options {option.id} and {other.id} are nearly the same."
                mend = "Make the difference plain, or replace one."
                yield Finding(Severity.HINT, "options_alike", message, mend, f"options.{number}.text")


def _ordering(content: QuestionContent) -> Iterator[Finding]:
    steps = [o.position for o in content.options if o.position is not None]
    if len(steps) > 2 and steps == sorted(steps):
        message = "The steps stand in the file in their right order."
        yield Finding(
            Severity.HINT, "steps_in_order", message, "Mix them; it keeps authors honest.", "options"
        )
    if len(steps) < len(content.options) and not _SURPLUS_SAID.search(content.stem):
        message = "There are surplus steps, and the stem does not say so."
        yield Finding(Severity.WARN, "surplus_unsaid", message, "Add “Not every step is used.”", "stem")


def _matching(content: QuestionContent) -> Iterator[Finding]:
    matches = [p.match for p in content.prompts if p.match]
    if len(set(matches)) < len(matches) and not _REUSE_SAID.search(content.stem):
        message = "A response is used more than once, and the stem does not say so."
        yield Finding(
            Severity.WARN, "reuse_unsaid", message, "Add “A response may be used more than once.”", "stem"
        )
    is_surplus = bool({o.id for o in content.options} - set(matches))
    if is_surplus and not _SURPLUS_SAID.search(content.stem) and not _REUSE_SAID.search(content.stem):
        message = "A response is left over, and the stem does not say so."
        yield Finding(Severity.WARN, "surplus_unsaid", message, "Add “One response is not used.”", "stem")


def _rationales(content: QuestionContent) -> Iterator[Finding]:
    parts: list[tuple[str, str, str, str]] = [
        (f"options.{n}.rationale", o.id, o.text, o.rationale) for n, o in enumerate(content.options, 1)
    ]
    parts += [(f"prompts.{n}.rationale", p.id, p.text, p.rationale) for n, p in enumerate(content.prompts, 1)]
    for where, name, text, rationale in parts:
        if not rationale:
            continue
        if len(rationale) < 25:
            message = f"The rationale of {name} is very short."
            yield Finding(
                Severity.WARN, "thin_rationale", message, "Name the constraint it meets or breaks.", where
            )
        elif len(text) > 25 and wording.similarity(text, rationale) > 0.8:
            message = f"The rationale of {name} repeats the option."
            yield Finding(Severity.WARN, "thin_rationale", message, "Say why, not what.", where)


def _all_texts(content: QuestionContent) -> Iterator[tuple[str, str]]:
    yield "stem", content.stem
    for number, option in enumerate(content.options, 1):
        yield f"options.{number}.text", option.text
        yield f"options.{number}.rationale", option.rationale
    for number, prompt in enumerate(content.prompts, 1):
        yield f"prompts.{number}.text", prompt.text
        yield f"prompts.{number}.rationale", prompt.rationale


def _union(options: Iterable[Option]) -> frozenset[str]:
    return frozenset().union(*(wording.content_words(o.text) for o in options))


def _shares_alone(stem: frozenset[str], others: Sequence[Option], keys: Sequence[Option]) -> bool:
    """Whether a distractor, too, repeats a word of the stem that the key doesn't: no give-away then."""
    in_keys = _union(keys)
    return any(len(word) > 4 for word in stem & _union(others) - in_keys)


def _where(content: QuestionContent, option: Option) -> str:
    return f"options.{content.options.index(option) + 1}.text"
