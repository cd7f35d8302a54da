"""Blueprints made, edited and copied by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from questions import blueprint_spec, blueprints, listing, tasks
from questions.blueprint_outline import Outline
from questions.blueprint_spec import DomainPart, Head, Rule, Spec, TaskPart, TopicPart
from questions.blueprints import BlueprintError, NewTask
from questions.models import Blueprint, Domain, Listing, TaskMapping, TaskStatement, Topic
from tests.factories import NOW, make_blueprint, make_note, make_published_question

HEAD = Head(title="An exam", items=20, scored_items=15, minutes=40, item_types=("multiple_choice",))


def spec(*weights: str, head: Head = HEAD) -> Spec:
    domains = tuple(
        DomainPart(
            code=str(d),
            title=f"Domain {d}",
            weight=Decimal(weight),
            tasks=(TaskPart(f"{d}.1", f"Task {d}.1", (TopicPart(f"{d}.1.1", "A topic", "This and that"),)),),
        )
        for d, weight in enumerate(weights, start=1)
    )
    return Spec(head, domains)


def code_of(error: pytest.ExceptionInfo[BlueprintError]) -> str:
    return error.value.code


# ── making ──


@pytest.mark.django_db
def test_a_new_blueprint_says_what_was_typed() -> None:
    head = replace(HEAD, valid_from=date(2026, 1, 1), forbidden=(Rule(r"\bOld\b", "it is old"),))
    wanted = spec("33.33", "66.67", head=head)

    made = blueprints.create_blueprint(wanted, code="NEW-1")

    stored = blueprint_spec.spec_of(made)
    assert stored.head == head
    assert [(d.code, d.weight, d.tasks[0].topics[0].covers) for d in stored.domains] == [
        ("1", Decimal("33.33"), "This and that"),
        ("2", Decimal("66.67"), "This and that"),
    ]
    assert made.forbidden == [{"pattern": r"\bOld\b", "why": "it is old"}]


@pytest.mark.django_db
@pytest.mark.parametrize("weights", [("60", "39.99"), ("60", "40.01"), ("99.99",), ("50", "50", "0.01")])
def test_weights_must_total_100(weights: tuple[str, ...]) -> None:
    with pytest.raises(BlueprintError) as error:
        blueprints.create_blueprint(spec(*weights), code="NEW-1")

    assert code_of(error) == "weights"
    assert not Blueprint.objects.exists()


@pytest.mark.django_db
def test_what_else_is_refused() -> None:
    blueprints.create_blueprint(spec("100"), code="NEW-1")
    twice = spec("50", "50")
    twice = replace(twice, domains=(twice.domains[0], replace(twice.domains[1], code="1")))

    for wanted, code, name in ((spec("100"), "code_taken", "NEW-1"), (twice, "code_twice", "NEW-2")):
        with pytest.raises(BlueprintError) as error:
            blueprints.create_blueprint(wanted, code=name)
        assert code_of(error) == code
    with pytest.raises(BlueprintError) as error:
        blueprints.create_blueprint(Spec(HEAD), code="NEW-3")
    assert code_of(error) == "no_domains"
    assert Blueprint.objects.count() == 1


# ── editing ──


@pytest.mark.django_db
def test_everything_can_be_renamed_added_and_moved_and_keeps_its_row() -> None:
    blueprint = make_blueprint()
    question = make_published_question(blueprint, topic="1.1.1")
    before = blueprint_spec.spec_of(blueprint)
    first, second = before.domains
    # The two domains change places and codes, the tasks of one of them too; one is new.
    tasks = (
        replace(first.tasks[1], code="1.1"),
        replace(first.tasks[0], code="1.2", title="Once the first"),
        TaskPart("1.3", "New", (TopicPart("1.3.1", "New topic"),)),
    )
    wanted = Spec(
        replace(before.head, title="Another title", minutes=99),
        (
            replace(second, code="1", weight=Decimal("30.5")),
            replace(first, code="2", weight=Decimal("69.5"), cut=Decimal("0.7"), tasks=tasks),
        ),
    )

    blueprints.edit_blueprint(blueprint, wanted, seen=blueprint_spec.fingerprint(before), now=NOW)

    stored = blueprint_spec.spec_of(blueprint.__class__.objects.get(pk=blueprint.pk))
    assert (stored.head.title, stored.head.minutes) == ("Another title", 99)
    assert [(d.id, d.code, d.weight, d.cut) for d in stored.domains] == [
        (second.id, "1", Decimal("30.50"), None),
        (first.id, "2", Decimal("69.50"), Decimal("0.700")),
    ]
    assert [(t.id, t.code) for t in stored.domains[1].tasks][:2] == [
        (first.tasks[1].id, "1.1"),
        (first.tasks[0].id, "1.2"),
    ]
    question.refresh_from_db()
    assert question.topic.task.title == "Once the first"


@pytest.mark.django_db
def test_a_topic_may_move_to_another_task_and_its_old_one_go() -> None:
    blueprint = make_blueprint()
    question = make_published_question(blueprint, topic="1.2.1")
    before = blueprint_spec.spec_of(blueprint)
    first = before.domains[0]
    joined = replace(first.tasks[0], topics=(*first.tasks[0].topics, *first.tasks[1].topics))
    wanted = replace(before, domains=(replace(first, tasks=(joined,)), before.domains[1]))

    blueprints.edit_blueprint(blueprint, wanted, seen=blueprint_spec.fingerprint(before), now=NOW)

    question.refresh_from_db()
    assert question.topic.task.code == "1.1"
    assert not TaskStatement.objects.filter(code="1.2", domain__blueprint=blueprint).exists()


@pytest.mark.django_db
def test_the_bank_list_follows_the_outline(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.refresh_listings, "delay", tasks.refresh_listings)
    blueprint = make_blueprint()
    question = make_published_question(blueprint, topic="1.2.1").question
    listing.refresh([question.pk])
    before = blueprint_spec.spec_of(blueprint)
    first, second = before.domains
    moved = replace(first.tasks[1].topics[0], title="A name like no other")
    wanted = replace(
        before,
        domains=(
            replace(first, tasks=first.tasks[:1]),
            replace(second, tasks=(replace(second.tasks[0], topics=(moved,)), second.tasks[1])),
        ),
    )

    with django_capture_on_commit_callbacks(execute=True):
        blueprints.edit_blueprint(blueprint, wanted, seen=blueprint_spec.fingerprint(before), now=NOW)

    line = Listing.objects.select_related("task", "domain").get(question=question)
    assert line.task is not None and line.domain is not None
    assert (line.task.code, line.domain.code) == ("2.1", "2")
    assert "a name like no other" in line.search


@pytest.mark.django_db
def test_new_patterns_judge_every_question_anew(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.refresh_listings, "delay", tasks.refresh_listings)
    blueprint = make_blueprint()
    question = make_published_question(blueprint, topic="1.1.1").question
    listing.refresh([question.pk])
    blocks = Listing.objects.get(question=question).blocks
    before = blueprint_spec.spec_of(blueprint)
    wanted = replace(before, head=replace(before.head, forbidden=(Rule("option a", "it is gone"),)))

    with django_capture_on_commit_callbacks(execute=True):
        blueprints.edit_blueprint(blueprint, wanted, seen=blueprint_spec.fingerprint(before), now=NOW)

    assert Listing.objects.get(question=question).blocks == blocks + 1


@pytest.mark.django_db
def test_the_bank_list_follows_also_while_the_broker_is_down(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(ids: list[int]) -> None:
        raise OperationalError("nobody listens")

    blueprint = make_blueprint()
    question = make_published_question(blueprint, topic="1.1.1").question
    listing.refresh([question.pk])
    blocks = Listing.objects.get(question=question).blocks
    before = blueprint_spec.spec_of(blueprint)
    wanted = replace(before, head=replace(before.head, forbidden=(Rule("option a", "it is gone"),)))
    monkeypatch.setattr(tasks.refresh_listings, "delay", refused)

    with django_capture_on_commit_callbacks(execute=True):
        blueprints.edit_blueprint(blueprint, wanted, seen=blueprint_spec.fingerprint(before), now=NOW)

    assert Listing.objects.get(question=question).blocks == blocks + 1


@pytest.mark.django_db
def test_the_second_of_two_editors_overwrites_nothing() -> None:
    blueprint = make_blueprint()
    before = blueprint_spec.spec_of(blueprint)
    seen = blueprint_spec.fingerprint(before)
    mine = replace(before, head=replace(before.head, title="Mine"))
    theirs = replace(before, head=replace(before.head, title="Theirs"))
    blueprints.edit_blueprint(blueprint, mine, seen=seen, now=NOW)

    with pytest.raises(BlueprintError) as error:
        blueprints.edit_blueprint(blueprint, theirs, seen=seen, now=NOW)

    assert code_of(error) == "changed_meanwhile"
    stored = blueprint_spec.spec_of(Blueprint.objects.get(pk=blueprint.pk))
    assert stored.head.title == "Mine"
    assert blueprint_spec.differences(stored, theirs) == [
        blueprint_spec.Difference("title", "Mine", "Theirs")
    ]


@pytest.mark.django_db
def test_saving_what_is_there_changes_nothing() -> None:
    blueprint = make_blueprint()
    before = blueprint_spec.spec_of(blueprint)

    blueprints.edit_blueprint(blueprint, before, seen=blueprint_spec.fingerprint(before), now=NOW)

    again = blueprint_spec.spec_of(Blueprint.objects.get(pk=blueprint.pk))
    assert again == before


@pytest.mark.django_db
def test_what_is_used_does_not_go_and_says_by_what() -> None:
    blueprint = make_blueprint()
    for number in range(5):
        make_published_question(blueprint, topic="1.1.1", code=f"q-{number}")
    before = blueprint_spec.spec_of(blueprint)
    without = replace(
        before, domains=(replace(before.domains[0], tasks=before.domains[0].tasks[1:]), before.domains[1])
    )

    with pytest.raises(BlueprintError) as error:
        blueprints.edit_blueprint(blueprint, without, seen=blueprint_spec.fingerprint(before), now=NOW)

    assert (code_of(error), error.value.detail) == ("in_use", "1.1.1")
    [use] = error.value.uses
    assert (use.what, use.count, use.examples[0]) == ("question versions", 5, "q-0 v1")
    assert blueprint_spec.spec_of(blueprint) == before


@pytest.mark.django_db
def test_a_study_note_does_not_go_unnoticed_with_its_topic() -> None:
    blueprint = make_blueprint()
    make_note(blueprint, topic="2.2.1", title="How to")

    for part in (
        Topic.objects.get(code="2.2.1"),
        TaskStatement.objects.get(code="2.2"),
        Domain.objects.get(code="2"),
    ):
        [use] = blueprints.uses_of(part)
        assert (use.what, use.examples) == ("study note", ("How to",))
    assert blueprints.uses_of(Topic.objects.get(code="2.1.1")) == []
    assert Topic.objects.filter(code="2.1.1").exists()


@pytest.mark.django_db
def test_a_row_of_another_blueprint_is_no_part_of_this_one() -> None:
    mine, theirs = make_blueprint(), make_blueprint()
    before = blueprint_spec.spec_of(mine)
    foreign = replace(before.domains[0], id=blueprint_spec.spec_of(theirs).domains[0].id)
    wanted = replace(before, domains=(foreign, before.domains[1]))

    with pytest.raises(BlueprintError) as error:
        blueprints.edit_blueprint(mine, wanted, seen=blueprint_spec.fingerprint(before), now=NOW)

    assert code_of(error) == "unknown_part"


# ── the next version ──


@pytest.mark.django_db
def test_the_next_version_knows_what_each_task_became() -> None:
    old = make_blueprint(code="OLD", valid_until=date(2026, 9, 28))
    became = {
        "1.1": [NewTask("1.1", "Task 1.1")],
        "1.2": [NewTask("1.9", "Renamed")],
        "2.1": [NewTask("2.5", "Half"), NewTask("2.6", "Other half")],
        "2.2": [],
    }

    new = blueprints.copy_blueprint(old, code="NEW", title="The next", became=became)

    assert (new.follows, new.title, new.valid_from, new.valid_until) == (
        old,
        "The next",
        date(2026, 9, 29),
        None,
    )
    stored = blueprint_spec.spec_of(new)
    assert [task.code for task in stored.tasks] == ["1.1", "1.9", "2.5", "2.6"]
    assert [topic.code for topic in stored.topics] == ["1.1.1", "1.2.1", "2.1.1"]
    assert stored.total_weight == 100
    mapped = TaskMapping.objects.order_by("old__code", "new__code").values_list("old__code", "new__code")
    assert list(mapped) == [("1.1", "1.1"), ("1.2", "1.9"), ("2.1", "2.5"), ("2.1", "2.6")]
    assert blueprint_spec.spec_of(old).tasks[0].id != stored.tasks[0].id


@pytest.mark.django_db
def test_two_tasks_may_be_joined() -> None:
    old = make_blueprint(weights=(100,))
    joined = [NewTask("1.1", "Both")]

    new = blueprints.copy_blueprint(old, code="NEW", title="N", became={"1.1": joined, "1.2": joined})

    [task] = blueprint_spec.spec_of(new).tasks
    assert [topic.code for topic in task.topics] == ["1.1.1", "1.2.1"]
    assert TaskMapping.objects.filter(new=task.id).count() == 2


@pytest.mark.django_db
def test_no_task_is_forgotten() -> None:
    old = make_blueprint()

    with pytest.raises(BlueprintError) as error:
        blueprints.copy_blueprint(old, code="NEW", title="N", became={"1.1": [], "2.1": [], "2.2": []})

    assert (code_of(error), error.value.detail) == ("unmapped", "1.2")
    assert Blueprint.objects.count() == 1


# ── the outline as typed ──


def typed(**changes: str) -> dict[str, str]:
    fields = {
        "d.1.code": "1",
        "d.1.title": "One",
        "d.1.weight": "60",
        "d.1.cut": "",
        "t.n1.code": "1.1",
        "t.n1.title": "Task",
        "p.n1.code": "1.1.1",
        "p.n1.title": "Topic",
        "p.n1.covers": "",
        "d.n1.code": "2",
        "d.n1.title": "Two",
        "d.n1.weight": "40",
        "d.n1.cut": "0.7",
    }
    return {**fields, **{name.replace("_", "."): value for name, value in changes.items()}}


def test_the_order_of_the_fields_is_the_outline() -> None:
    parts = Outline.read(typed()).clean()

    assert parts is not None
    first, second = parts[0]
    assert (first.id, second.id, second.cut) == (1, None, Decimal("0.7"))
    assert [(task.code, task.topics[0].code) for task in first.tasks] == [("1.1", "1.1.1")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("weight", each) for each in ("", "0", "100.01", "12.345", "1e2", "-5", "NaN", "9" * 5000, "٣")),
        *(("cut", each) for each in ("1.1", "0", "0.1234", "x")),
        *(("title", each) for each in ("", "x" * 201, "a\x00b")),
        *(("code", each) for each in ("", "a b", "x" * 17, "~1", "2")),
    ],
)
def test_what_is_no_value_is_marked_at_its_row(name: str, value: str) -> None:
    outline = Outline.read(typed(**{f"d_1_{name}": value}))

    assert outline.clean() is None
    marked = [row for row in outline.domains if name in row.errors]
    assert len(marked) == 1


def test_rows_are_added_moved_and_removed() -> None:
    outline = Outline.read(typed())

    outline.act("add d")
    outline.act("add t.n1")
    outline.act("add p.n1")
    outline.act("up d.n1")
    outline.act("up d.n1")
    outline.act("remove t.n1")
    for nonsense in (
        "",
        "add",
        "add x",
        "add t.99",
        "up d.99",
        "remove",
        "fly d.1",
        "down d.n2",
        "remove x.1",
    ):
        outline.act(nonsense)

    assert [row.ref for row in outline.domains] == ["d.n1", "d.1", "d.n2"]
    assert [row.ref for row in outline.domains[0].rows] == ["t.n2"]
    assert outline.domains[1].rows == []


def test_beyond_the_end_a_row_moves_into_the_part_next_door() -> None:
    outline = Outline.read(typed(t_n2_code="2.1", p_n2_code="2.1.1"))

    def below(domain: int) -> list[str]:
        return [row.ref for row in outline.domains[domain].rows]

    outline.act("down t.n1")
    assert (below(0), below(1)) == ([], ["t.n1", "t.n2"])
    outline.act("down p.n1")
    assert [row.ref for row in outline.domains[1].rows[1].rows] == ["p.n1", "p.n2"]
    outline.act("up t.n1")
    outline.act("up t.n1")
    outline.act("down t.n2")
    assert (below(0), below(1)) == (["t.n1"], ["t.n2"])


def test_an_absurd_form_stays_bounded() -> None:
    data = {f"d.{n}.code": str(n) for n in range(100)} | {
        "t.x.code": "1",
        "p.7.code": "orphan",
        "d..code": "1",
    }

    outline = Outline.read(data)

    assert len(outline.domains) == 30
    assert all(row.rows == [] for row in outline.domains)


def test_the_total_is_said_while_the_rest_is_unfinished() -> None:
    outline = Outline.read(typed(d_n1_weight="39,99", d_1_title=""))

    assert (outline.total_shown, outline.is_whole) == ("99.99", False)
