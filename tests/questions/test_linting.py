from __future__ import annotations

from dataclasses import replace

import pytest

from questions.content import ItemType, Option, Prompt, QuestionContent
from questions.linting import Finding, Forbidden, Severity, lint
from questions.shape import faults, stated_count

STEM = (
    "Analysts at a ferry operator query three years of ticket sales with Amazon Athena. Each query reads a "
    "few columns, and the bill for scanned data has tripled. Which change lowers the bill the **MOST**?"
)
GOOD = QuestionContent(
    item_type=ItemType.MULTIPLE_CHOICE,
    stem=STEM,
    options=(
        Option("a", "Store the files as Apache Parquet by date", "It lets Athena skip unread columns.", True),
        Option("b", "Store the files as JSON Lines, one per day", "It is row-oriented, so each row is read."),
        Option("c", "Merge the files into one gzip archive a year", "Every column is scanned all the same."),
        Option("d", "Store the files as Avro with a schema", "It is row-oriented and compact, not columnar."),
    ),
)
RESPONSE = QuestionContent(
    item_type=ItemType.MULTIPLE_RESPONSE,
    stem="Training jobs in a private subnet must reach Amazon S3 and send logs. Which two help? (Select TWO.)",
    options=tuple(
        Option(id_, text, f"Because of reason number {id_}, as is said.", id_ in "ab")
        for id_, text in zip(
            "abcde",
            (
                "A gateway endpoint",
                "An interface endpoint",
                "A transit gateway",
                "A bastion machine",
                "A peering link",
            ),
            strict=True,
        )
    ),
)
ORDERING = QuestionContent(
    item_type=ItemType.ORDERING,
    stem="A lender rolls out a model with a canary. Put the steps in order. Not every step is used.",
    options=(
        Option("a", "Alarms are watched", "The second step, after the shift.", position=2),
        Option("b", "A share is shifted", "The first step of the canary.", position=1),
        Option("c", "The rest is shifted", "The third step, when all is quiet.", position=3),
        Option("d", "The endpoint is deleted", "Not used: there would be an outage."),
    ),
)
MATCHING = QuestionContent(
    item_type=ItemType.MATCHING,
    stem="Match each team's need to the search strategy that suits it. One strategy is not used.",
    prompts=(
        Prompt("p1", "Few, long runs", "x", "Each run should learn from the last."),
        Prompt("p2", "Every combination", "y", "Only an exhaustive search shows it."),
        Prompt("p3", "Wide ranges at once", "z", "Independent runs go all at once."),
    ),
    options=(Option("x", "Bayesian"), Option("y", "Grid"), Option("z", "Random"), Option("w", "Manual")),
)


def codes(content: QuestionContent, *, forbidden: tuple[Forbidden, ...] = ()) -> set[str]:
    return {finding.code for finding in lint(content, forbidden=forbidden)}


def finding(content: QuestionContent, code: str) -> Finding:
    return next(f for f in lint(content) if f.code == code)


def with_option(content: QuestionContent, number: int, **changes: object) -> QuestionContent:
    options = list(content.options)
    options[number - 1] = replace(options[number - 1], **changes)  # type: ignore[arg-type]
    return replace(content, options=tuple(options))


@pytest.mark.parametrize("content", [GOOD, RESPONSE, ORDERING, MATCHING])
def test_a_good_question_of_each_type_has_no_findings(content: QuestionContent) -> None:
    assert lint(content) == []


# Shape


@pytest.mark.parametrize(
    ("stem", "count"),
    [
        ("Which two? (Select TWO.)", 2),
        ("Which? (Choose three)", 3),
        ("Which? **(Select 2.)**", 2),
        ("Which? (**Select TWO.**)", 2),
        ("Select THREE of these.", 3),
        ("Which service should select two features?", None),
        ("Two teams choose four paths. Which one?", None),
    ],
)
def test_the_number_to_select(stem: str, count: int | None) -> None:
    assert stated_count(stem) == count


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        (replace(GOOD, stem=" "), "empty_stem", "stem"),
        (replace(GOOD, stem="x" * 20_001 + "?"), "long_stem", "stem"),
        (with_option(GOOD, 1, is_correct=False), "no_key", "options"),
        (with_option(GOOD, 3, is_correct=True), "two_keys", "options"),
        (with_option(GOOD, 2, id="a"), "option_id_twice", "options.2.id"),
        (
            with_option(GOOD, 2, text=" store the files as apache  parquet by date."),
            "option_text_twice",
            "options.2.text",
        ),
        (with_option(GOOD, 2, text=""), "empty_option", "options.2.text"),
        (with_option(GOOD, 4, rationale=" "), "empty_rationale", "options.4.rationale"),
        (with_option(GOOD, 4, position=1), "foreign_field", "options.4.position"),
        (with_option(GOOD, 4, text="x" * 5_001), "long_text", "options.4.text"),
        (replace(GOOD, options=GOOD.options[:2]), "options_count", "options"),
        (replace(GOOD, prompts=MATCHING.prompts), "foreign_field", "prompts"),
        (replace(GOOD, stem=STEM + " (Select TWO.)"), "select_count", "stem"),
        (with_option(RESPONSE, 3, is_correct=True), "select_count", "stem"),
        (replace(RESPONSE, stem="Which of them help the jobs of the team?"), "select_count_missing", "stem"),
        (with_option(ORDERING, 1, position=1), "positions", "options"),
        (with_option(ORDERING, 1, position=None), "steps_count", "options"),
        (with_option(ORDERING, 1, is_correct=True), "foreign_field", "options.1.correct"),
        (replace(MATCHING, prompts=MATCHING.prompts[:2]), "prompts_count", "prompts"),
        (replace(MATCHING, options=MATCHING.options[1:]), "unknown_match", "prompts.1.match"),
    ],
)
def test_a_fault_of_shape_blocks(content: QuestionContent, code: str, where: str) -> None:
    found = [f for f in faults(content) if f.code == code]
    assert [f.where for f in found] == [where]
    assert all(f.severity is Severity.BLOCK and f.message and f.how_to_mend for f in found)
    assert code in codes(content)


# Phrases


@pytest.mark.parametrize(
    "text",
    [
        "All of the above",
        "None of the above.",
        "Neither of these",
        "Both A and B",
        "A and C",
        "(b) and (c)",
        "I don't know",
    ],
)
def test_a_forbidden_option(text: str) -> None:
    found = finding(with_option(GOOD, 4, text=text), "forbidden_phrase")
    assert (found.severity, found.where) == (Severity.BLOCK, "options.4.text")


@pytest.mark.parametrize(
    "text", ["Both of the subnets' route tables", "All of the rows", "A and its replica, kept apart"]
)
def test_an_innocent_option(text: str) -> None:
    assert "forbidden_phrase" not in codes(with_option(GOOD, 4, text=text))


def test_a_stem_that_asks_four_questions() -> None:
    stem = "A team uses Amazon S3 for its training data. Which of the following is true?"
    assert finding(replace(GOOD, stem=stem), "forbidden_phrase").where == "stem"


def test_a_rationale_that_names_a_letter() -> None:
    content = with_option(GOOD, 2, rationale="Worse than option A, for it reads each row.")
    assert finding(content, "letter_named").where == "options.2.rationale"


def test_a_retired_thing_in_the_key() -> None:
    rules = (Forbidden(r"\bParquet\b", "it is retired here"), Forbidden(r"\bAvro\b", "it is retired too"))
    found = [f for f in lint(GOOD, forbidden=rules) if f.code == "retired_in_key"]
    assert [f.where for f in found] == ["options.1.text"]
    assert "“Parquet”: it is retired here" in found[0].message


def test_a_retired_thing_among_matches_counts_only_where_it_is_used() -> None:
    assert "retired_in_key" in codes(MATCHING, forbidden=(Forbidden("grid", "it is retired"),))
    assert "retired_in_key" not in codes(MATCHING, forbidden=(Forbidden("manual", "it is retired"),))


# The stem


@pytest.mark.parametrize(
    ("stem", "code"),
    [
        ("Analysts query the sales with Amazon Athena and the bill has tripled.", "no_question"),
        ("Which format is best?", "short_stem"),
        ("Which? " + "A word follows another. " * 60, "wordy_stem"),
        ("Analysts query three years of ticket sales. Which formats are not columnar?", "negative"),
        ("Analysts query three years of ticket sales. All formats help except which?", "negative"),
        ("Analysts query three years of sales. Which change is MOST useful?", "qualifier"),
        ("Analysts query three years of sales. Which is the most cost-effective change?", "qualifier"),
        ("Analysts query sales. Which is the **MOST** useful at the **LEAST** cost?", "two_qualifiers"),
        ("Amazon Athena reads files in Amazon S3. What is the maximum size of a file?", "trivia"),
        ("A company stores files in Amazon S3. Which format should it use now?", "opening"),
    ],
)
def test_a_weak_stem(stem: str, code: str) -> None:
    assert code in codes(replace(GOOD, stem=stem))


@pytest.mark.parametrize(
    "stem",
    [
        "Analysts query the sales, which may not leave the network. Which format should they use?",
        "Analysts query three years of ticket sales. Which formats are **NOT** columnar?",
    ],
)
def test_a_negative_that_is_no_trap(stem: str) -> None:
    assert "negative" not in codes(replace(GOOD, stem=stem))


def test_a_quantity_that_only_the_key_knows() -> None:
    content = with_option(GOOD, 1, text="Store files of 128 MB as Parquet by date")
    assert "quantity_in_key" in codes(content)
    assert "quantity_in_key" not in codes(replace(content, stem=STEM.replace("three years", "128 MB")))


# Give-aways


def test_the_key_is_plainly_the_longest() -> None:
    content = with_option(
        GOOD, 1, text="Store the files as Apache Parquet by date, with statistics kept for each group"
    )
    assert finding(content, "key_longest").severity is Severity.WARN


def test_the_key_is_hardly_the_longest() -> None:
    content = with_option(GOOD, 1, text="Store the files as Apache Parquet, cut by days")
    assert finding(content, "key_longest").severity is Severity.HINT


def test_a_longest_distractor_gives_nothing_away() -> None:
    content = with_option(
        GOOD, 2, text="Store the files as JSON Lines, one per day, and keep the old ones too"
    )
    assert "key_longest" not in codes(content)


def test_options_out_of_line() -> None:
    assert "option_lengths" in codes(with_option(GOOD, 4, text="Avro"))


def test_only_the_key_repeats_a_word_of_the_stem() -> None:
    content = with_option(GOOD, 1, text="Store the tickets as Apache Parquet by date")
    assert finding(content, "cue_word").where == "options.1.text"
    shared = with_option(content, 2, text="Store the analysts' files as JSON Lines, by day")
    assert "cue_word" not in codes(shared)


def test_only_the_key_is_hedged() -> None:
    content = with_option(GOOD, 1, text="Parquet by date, which usually scans less")
    assert "hedged_key" in codes(content)
    assert "hedged_key" not in codes(
        with_option(content, 2, text="JSON Lines, which usually scan less still")
    )


def test_absolute_words_in_distractors_alone() -> None:
    content = with_option(
        with_option(GOOD, 2, text="Always store JSON Lines, a file a day"),
        3,
        text="Never partition; only merge the files",
    )
    assert "absolute_words" in codes(content)
    assert "absolute_words" not in codes(
        with_option(content, 1, text="Only store Parquet, one file per date")
    )


def test_full_stops_at_the_end_of_some() -> None:
    assert "punctuation" in codes(with_option(GOOD, 2, text="Store the files as JSON Lines, one per day."))


def test_options_that_differ_by_a_letter() -> None:
    twin = "Store the files as Apache Parquet by dates of the sale"
    content = with_option(with_option(GOOD, 2, text=twin), 3, text=twin.replace("dates", "date"))
    assert "options_alike" in codes(content)


# Ordering, matching, rationales


def test_surplus_steps_must_be_announced() -> None:
    assert "surplus_unsaid" in codes(
        replace(ORDERING, stem="A lender rolls out a model. Put the steps in order.")
    )


def test_steps_in_their_right_order() -> None:
    mixed = ORDERING.options
    assert "steps_in_order" in codes(replace(ORDERING, options=(mixed[1], mixed[0], mixed[2], mixed[3])))


def test_left_over_and_reused_responses_must_be_announced() -> None:
    bare = replace(MATCHING, stem="Match each team's need to the search strategy that suits it best.")
    assert "surplus_unsaid" in codes(bare)
    prompts = (*MATCHING.prompts[:2], replace(MATCHING.prompts[2], match="x"))
    assert "reuse_unsaid" in codes(replace(MATCHING, prompts=prompts))
    said = replace(MATCHING, prompts=prompts, stem=MATCHING.stem + " A strategy may be used more than once.")
    assert "reuse_unsaid" not in codes(said)


@pytest.mark.parametrize("rationale", ["It is wrong.", "Store the files as Apache Parquet by date, yes."])
def test_a_rationale_that_says_nothing(rationale: str) -> None:
    assert finding(with_option(GOOD, 1, rationale=rationale), "thin_rationale").where == "options.1.rationale"


def test_blocking_findings_come_first() -> None:
    bad = with_option(with_option(GOOD, 4, text="None of the above."), 1, is_correct=False)
    severities = [f.severity for f in lint(bad)]
    assert severities == sorted(severities, key=list(Severity).index)
    assert severities[0] is Severity.BLOCK
