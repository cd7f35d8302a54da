from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from questions import bank_export, loading, rendering
from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats.blueprint import BlueprintSpec, parse_blueprint
from questions.formats.native import BankFile, Checked, FormatError, QuestionEntry, ScenarioEntry, parse_bank
from questions.loading import LoadingError, LoadReport
from questions.models import Blueprint, Domain, Question, QuestionVersion, Scenario, TaskStatement, Topic
from tests.questions.test_blueprint_file import SMALL

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 9, 7, 14, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "mla-c01"


def spec(text: str = SMALL) -> BlueprintSpec:
    return parse_blueprint(text.encode(), filename="blueprint.yaml")


@pytest.fixture
def blueprint() -> Blueprint:
    return loading.load_blueprint(spec())


def make_entry(code: str = "q-1", *, topic: str = "1.1.1", stem: str = "", **fields: Any) -> QuestionEntry:
    options = tuple(
        Option(id_, f"The option {id_}", f"The **reason** of {id_}.", id_ == "a")
        for id_ in ("a", "b", "c", "d")
    )
    content = QuestionContent(
        ItemType.MULTIPLE_CHOICE, stem or f"Which one of {code}?", options, (), ("note:1.1.1",)
    )
    values: dict[str, Any] = {
        "level": Level.APPLY,
        "difficulty": Decimal("0.60"),
        "content": content,
        **fields,
    }
    return QuestionEntry(code=code, topic=topic, **values)


def make_file(*entries: QuestionEntry, scenarios: tuple[ScenarioEntry, ...] = (), **fields: Any) -> BankFile:
    return BankFile(
        blueprint="EX-1", questions=entries, scenarios=scenarios, filename="questions/1.1.yaml", **fields
    )


def load(
    file: BankFile, blueprint: Blueprint, *, source: str = "1.1.yaml", now: datetime = NOW
) -> LoadReport:
    return loading.load_bank_file(file, blueprint=blueprint, source=source, now=now)


def question(code: str = "q-1") -> Question:
    return Question.objects.select_related("current").get(code=code)


# The blueprint


def test_a_blueprint_is_written_with_its_outline(blueprint: Blueprint) -> None:
    assert blueprint.code == "EX-1"
    assert blueprint.passing_score == 720
    assert blueprint.forbidden == [{"pattern": r"\bOld Thing\b", "why": "it is retired"}]
    assert list(Domain.objects.values_list("code", "weight", "cut")) == [
        ("1", Decimal(60), None),
        ("2", Decimal(40), Decimal("0.700")),
    ]
    assert list(TaskStatement.objects.values_list("domain__code", "code")) == [("1", "1.1"), ("2", "2.1")]
    assert Topic.objects.get(code="2.1.1").covers == "This and that."


def test_the_same_blueprint_again_changes_nothing(blueprint: Blueprint) -> None:
    before = [list(model.objects.values()) for model in (Blueprint, Domain, TaskStatement, Topic)]
    again = loading.load_blueprint(spec())
    assert again == blueprint
    assert [list(model.objects.values()) for model in (Blueprint, Domain, TaskStatement, Topic)] == before


def test_titles_weights_and_places_may_change(blueprint: Blueprint) -> None:
    text = SMALL.replace("title: Topic", "title: Renamed").replace("weight: 60", "weight: 70")
    text = text.replace("weight: 40", "weight: 30").replace("code: '2.1'", "code: '2.9'")
    topic = Topic.objects.get(code="2.1.1")
    loading.load_blueprint(spec(text))
    assert Topic.objects.get(code="1.1.1").title == "Renamed"
    assert Domain.objects.get(code="1").weight == 70
    topic.refresh_from_db()
    assert topic.task.code == "2.9"
    assert not TaskStatement.objects.filter(code="2.1").exists()


def test_a_topic_that_has_questions_cannot_go(blueprint: Blueprint) -> None:
    load(make_file(make_entry(topic="2.1.1")), blueprint)
    with pytest.raises(LoadingError) as caught:
        loading.load_blueprint(spec(SMALL.replace("code: 2.1.1", "code: 2.1.2")))
    assert caught.value.code == "in_use"
    assert "2.1.1 Another" in caught.value.detail
    assert Topic.objects.filter(code="2.1.1").exists()
    assert not Topic.objects.filter(code="2.1.2").exists()


# Loading


def test_a_new_question_is_published(blueprint: Blueprint) -> None:
    entry = make_entry(keep_order=True, tags=("cost",), checked=Checked(by="expert", agreed=True))
    assert load(make_file(entry), blueprint) == LoadReport(created=("q-1",))
    found = question()
    assert (found.state, found.source, found.blueprint) == (Question.State.PUBLISHED, "1.1.yaml", blueprint)
    version = found.current
    assert version is not None
    assert (version.number, version.published_at, version.topic.code) == (1, NOW, "1.1.1")
    assert (version.item_type, version.level, version.difficulty) == (
        "multiple_choice",
        "apply",
        Decimal("0.60"),
    )
    assert (version.keeps_order, version.tags, version.checked) == (
        True,
        ["cost"],
        {"by": "expert", "agreed": True},
    )
    assert version.parsed == entry.content
    assert version.rendered == rendering.render_content(entry.content)
    assert "<strong>reason</strong>" in version.rendered["options"]["a"]["rationale"]


def test_the_same_file_again_changes_nothing(blueprint: Blueprint) -> None:
    file = make_file(make_entry(), make_entry("q-2"))
    load(file, blueprint)
    before = list(Question.objects.values()), list(QuestionVersion.objects.values())
    assert load(file, blueprint, now=LATER) == LoadReport(unchanged=("q-1", "q-2"))
    assert (list(Question.objects.values()), list(QuestionVersion.objects.values())) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda e: replace(e, content=replace(e.content, stem="Which other?")),
        lambda e: replace(e, difficulty=Decimal("0.61")),
        lambda e: replace(e, level=Level.ANALYSE),
        lambda e: replace(e, topic="2.1.1"),
        lambda e: replace(e, keep_order=True),
        lambda e: replace(e, tags=("new",)),
        lambda e: replace(e, checked=Checked(by="expert", agreed=False)),
        lambda e: replace(e, content=replace(e.content, options=e.content.options[::-1])),
        lambda e: replace(e, content=replace(e.content, references=())),
    ],
)
def test_every_change_makes_the_next_version(
    blueprint: Blueprint, change: Callable[[QuestionEntry], QuestionEntry]
) -> None:
    load(make_file(make_entry(), make_entry("q-2")), blueprint)
    first = question().current
    report = load(make_file(change(make_entry()), make_entry("q-2")), blueprint, now=LATER)
    assert report == LoadReport(updated=("q-1",), unchanged=("q-2",))
    second = question().current
    assert first is not None and second is not None
    assert (second.number, second.published_at) == (2, LATER)
    first.refresh_from_db()
    assert first.parsed == make_entry().content


def test_going_back_to_an_old_text_is_a_new_version(blueprint: Blueprint) -> None:
    for stem in ("One?", "Two?", "One?"):
        load(make_file(make_entry(stem=stem)), blueprint)
    assert [v.parsed.stem for v in question().versions.order_by("number")] == ["One?", "Two?", "One?"]
    assert question().current == question().versions.get(number=3)


def test_what_has_gone_from_its_file_is_retired_and_comes_back(blueprint: Blueprint) -> None:
    load(make_file(make_entry(), make_entry("q-2")), blueprint)
    assert load(make_file(make_entry()), blueprint, now=LATER) == LoadReport(
        unchanged=("q-1",), retired=("q-2",)
    )
    assert (question("q-2").state, question("q-2").retired_at) == (Question.State.RETIRED, LATER)
    assert load(make_file(make_entry()), blueprint) == LoadReport(unchanged=("q-1",))
    report = load(make_file(make_entry(), make_entry("q-2")), blueprint)
    assert report == LoadReport(unchanged=("q-1",), restored=("q-2",))
    assert (question("q-2").state, question("q-2").retired_at) == (Question.State.PUBLISHED, None)
    assert question("q-2").versions.count() == 1


def test_a_restored_question_may_have_changed_too(blueprint: Blueprint) -> None:
    load(make_file(make_entry(), make_entry("q-2")), blueprint)
    load(make_file(make_entry()), blueprint)
    report = load(make_file(make_entry(), make_entry("q-2", stem="Which, now?")), blueprint)
    assert report.restored == ("q-2",)
    current = question("q-2").current
    assert current is not None and current.number == 2


def test_another_file_retires_nothing_of_this_one(blueprint: Blueprint) -> None:
    load(make_file(make_entry()), blueprint)
    assert load(make_file(make_entry("q-2")), blueprint, source="2.1.yaml") == LoadReport(created=("q-2",))
    assert question().state == Question.State.PUBLISHED


def test_a_question_written_on_the_site_is_never_retired_by_a_load(blueprint: Blueprint) -> None:
    load(make_file(make_entry()), blueprint, source="")
    load(make_file(make_entry("q-2")), blueprint)
    assert loading.retire_missing(blueprint, keep=[], now=NOW) == ("q-2",)
    assert question().state == Question.State.PUBLISHED


def test_a_question_moves_to_another_file(blueprint: Blueprint) -> None:
    load(make_file(make_entry()), blueprint)
    assert load(make_file(make_entry()), blueprint, source="2.1.yaml") == LoadReport(unchanged=("q-1",))
    assert load(make_file(make_entry("q-3")), blueprint) == LoadReport(created=("q-3",))
    assert question().state == Question.State.PUBLISHED


# Refusals: all of the file or nothing


def refused(file: BankFile, blueprint: Blueprint) -> list[str]:
    with pytest.raises(FormatError) as caught:
        load(file, blueprint)
    return [str(problem) for problem in caught.value.problems]


def test_an_unknown_topic_refuses_the_whole_file(blueprint: Blueprint) -> None:
    file = make_file(make_entry(), make_entry("q-2", topic="7.7.7", line=30))
    (problem,) = refused(file, blueprint)
    assert problem.startswith("questions/1.1.yaml:30: q-2: The topic “7.7.7” is not in the blueprint.")
    assert not Question.objects.exists()


def test_a_file_of_another_blueprint_is_refused(blueprint: Blueprint) -> None:
    (problem,) = refused(replace(make_file(make_entry()), blueprint="EX-2"), blueprint)
    assert "belongs to the blueprint “EX-2”, not to “EX-1”" in problem


def test_codes_of_another_blueprint_are_refused(blueprint: Blueprint) -> None:
    scenario = ScenarioEntry("sc-1", "A case", "A text.", line=3)
    other = loading.load_blueprint(spec(SMALL.replace("EX-1", "EX-2")))
    theirs = replace(make_file(make_entry(scenario="sc-1"), scenarios=(scenario,)), blueprint="EX-2")
    load(theirs, other)
    ours = make_file(make_entry(scenario="sc-1", line=5), scenarios=(scenario,))
    assert refused(ours, blueprint) == [
        "questions/1.1.yaml:3: sc-1: Another blueprint has a scenario with this code. Choose another code.",
        "questions/1.1.yaml:5: q-1: Another blueprint has a question with this code. Choose another code.",
    ]


def test_a_failure_halfway_leaves_nothing_behind(
    blueprint: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: QuestionContent) -> dict[str, Any]:
        raise RuntimeError("no more")

    monkeypatch.setattr(rendering, "render_content", fail)
    scenario = ScenarioEntry("sc-1", "A case", "A text.")
    with pytest.raises(RuntimeError):
        load(make_file(make_entry(scenario="sc-1"), scenarios=(scenario,)), blueprint)
    assert not Question.objects.exists()
    assert not Scenario.objects.exists()


# Scenarios


def test_a_changed_scenario_gives_it_and_its_questions_a_new_version(blueprint: Blueprint) -> None:
    scenario = ScenarioEntry("sc-1", "A case", "What *happened*.")
    entries = (make_entry(scenario="sc-1"), make_entry("q-2", scenario="sc-1"), make_entry("q-3"))
    load(make_file(*entries, scenarios=(scenario,)), blueprint)
    version = question().current
    assert version is not None and version.scenario_version is not None
    assert version.scenario_version.rendered == "<p>What <em>happened</em>.</p>\n"
    assert version.scenario_version.published_at == NOW

    changed = replace(scenario, text="What happened then.")
    report = load(make_file(*entries, scenarios=(changed,)), blueprint, now=LATER)
    assert report == LoadReport(updated=("q-1", "q-2"), unchanged=("q-3",))
    case = Scenario.objects.get(code="sc-1")
    assert [v.text for v in case.versions.order_by("number")] == ["What *happened*.", "What happened then."]
    for code in ("q-1", "q-2"):
        current = question(code).current
        assert current is not None and current.scenario_version == case.current
    version.refresh_from_db()
    assert version.scenario_version.number == 1


def test_an_unchanged_scenario_keeps_its_version(blueprint: Blueprint) -> None:
    scenario = ScenarioEntry("sc-1", "A case", "What happened.")
    file = make_file(make_entry(scenario="sc-1"), scenarios=(scenario,))
    load(file, blueprint)
    assert load(file, blueprint) == LoadReport(unchanged=("q-1",))
    assert Scenario.objects.get(code="sc-1").versions.count() == 1


# The database's work


def test_the_number_of_queries_does_not_grow_with_the_questions(
    blueprint: Blueprint, django_assert_max_num_queries: Any
) -> None:
    for count in (3, 120):
        file = make_file(*(make_entry(f"q-{count}-{n}") for n in range(count)))
        with django_assert_max_num_queries(30):
            load(file, blueprint, source=f"{count}.yaml")
        with django_assert_max_num_queries(30):
            load(file, blueprint, source=f"{count}.yaml")


# Out and in again


def every_type(topic: str) -> tuple[QuestionEntry, ...]:
    ordering = QuestionContent(
        ItemType.ORDERING,
        "Put in order.\n\nNot all are used: $x^2$.",
        tuple(
            Option(i, f"Step {i}", "It is so.", position=p)
            for i, p in zip("abcd", (2, 3, 1, None), strict=True)
        ),
    )
    matching = QuestionContent(
        ItemType.MATCHING,
        "Match: each.",
        tuple(Option(i, f"- {i}") for i in "xyz"),
        tuple(Prompt(f"p{n}", f"“{i}” #{n}", i, "It is so.") for n, i in enumerate("xyz")),
    )
    response = QuestionContent(
        ItemType.MULTIPLE_RESPONSE,
        "Which? (Select TWO.)",
        tuple(Option(i, f"Option: {i}", "It is so.", i in "ae") for i in "abcde"),
    )
    return (
        make_entry(f"{topic}-o", topic=topic, content=ordering, tags=("a", "b c")),
        make_entry(f"{topic}-m", topic=topic, content=matching, checked=Checked("expert", True)),
        make_entry(f"{topic}-r", topic=topic, content=response, keep_order=True, scenario=f"sc-{topic}"),
    )


def test_export_and_load_again_is_no_change(blueprint: Blueprint) -> None:
    for topic in ("1.1.1", "2.1.1"):
        case = ScenarioEntry(f"sc-{topic}", "A: case", "Two\n\nparagraphs.")
        load(make_file(*every_type(topic), scenarios=(case,)), blueprint, source=f"{topic[:3]}.yaml")
    files = bank_export.export_bank(blueprint)
    assert list(files) == ["1.1.yaml", "2.1.yaml"]
    before = list(Question.objects.values()), list(QuestionVersion.objects.values())
    for name, text in files.items():
        report = load(parse_bank(text.encode(), filename=name), blueprint, source=name, now=LATER)
        assert len(report.unchanged) == 3
        assert report == LoadReport(unchanged=report.unchanged)
    assert (list(Question.objects.values()), list(QuestionVersion.objects.values())) == before
    assert bank_export.export_bank(blueprint) == files


def test_what_is_retired_is_not_exported(blueprint: Blueprint) -> None:
    load(make_file(make_entry(), make_entry("q-2")), blueprint)
    load(make_file(make_entry()), blueprint)
    (text,) = bank_export.export_bank(blueprint).values()
    assert "q-1" in text and "q-2" not in text


def test_the_bank_that_ships_loads_exports_and_loads_again() -> None:
    shipped = parse_blueprint((FIXTURES / "blueprint.yaml").read_bytes(), filename="blueprint.yaml")
    blueprint = loading.load_blueprint(shipped)
    for path in sorted((FIXTURES / "questions").glob("*.yaml")):
        load(parse_bank(path.read_bytes(), filename=path.name), blueprint, source=path.name)
    versions = QuestionVersion.objects.count()
    assert versions == Question.objects.published().count() >= 65
    files = bank_export.export_bank(blueprint)
    assert set(files) == {path.name for path in (FIXTURES / "questions").glob("*.yaml")}
    for name, text in files.items():
        report = load(parse_bank(text.encode(), filename=name), blueprint, source=name)
        assert report == LoadReport(unchanged=report.unchanged)
    assert QuestionVersion.objects.count() == versions
    assert bank_export.export_bank(blueprint) == files
