"""The pages of blueprints, without JavaScript."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from questions import blueprint_spec, blueprints
from questions.models import Blueprint, TaskMapping
from tests.factories import make_bank, make_blueprint, make_published_question, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def blueprint() -> Blueprint:
    return make_blueprint(code="EXAM-9")


@pytest.fixture
def editor(client: Client, ben: User) -> Client:
    client.force_login(ben)
    return client


def form_of(client: Client, address: str) -> dict[str, Any]:
    """What the form on this page would send as it stands."""
    html = client.get(address).content.decode()
    return fields_in(html)


def fields_in(html: str) -> dict[str, Any]:
    main = html[html.index("<main") :]
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input\b[^>]*>", main):
        parts = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if "name" not in parts or (parts.get("type") in ("checkbox", "radio") and " checked" not in tag):
            continue
        if parts.get("type") == "checkbox":
            fields.setdefault(parts["name"], []).append(parts["value"])
        else:
            fields[parts["name"]] = parts.get("value", "")
    for name, text in re.findall(r'<textarea\b[^>]*name="([^"]+)"[^>]*>([^<]*)</textarea>', main):
        fields[name] = text.lstrip("\n")
    for name, options in re.findall(r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', main, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def text_of(response: Any) -> str:
    html = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def rows_of(fields: dict[str, Any]) -> list[str]:
    """The parts in the order in which the page sends them."""
    return [name.removesuffix(".code") for name in fields if name.endswith(".code")]


EDIT = "/bank/blueprints/EXAM-9/edit/"


# ── who ──


@pytest.mark.parametrize("address", ["", "new/", "EXAM-9/", "EXAM-9/edit/", "EXAM-9/copy/"])
def test_learners_find_nothing_here(client: Client, ana: User, blueprint: Blueprint, address: str) -> None:
    path = f"/bank/blueprints/{address}"
    signed_out = client.get(path)
    client.force_login(ana)

    assert signed_out.status_code == 302
    assert client.get(path).status_code == 404
    assert client.post(path, {"title": "x"}).status_code in (404, 405)


@pytest.mark.parametrize("code", ["nothing", "%00", "x" * 300, "9" * 60])
@pytest.mark.parametrize("page", ["", "edit/", "copy/"])
def test_an_unknown_code_is_404(editor: Client, code: str, page: str) -> None:
    assert editor.get(f"/bank/blueprints/{code}/{page}").status_code == 404


# ── reading ──


def test_a_page_says_what_there_is(editor: Client, blueprint: Blueprint) -> None:
    make_bank(blueprint, per_task=2)

    text = text_of(editor.get("/bank/blueprints/EXAM-9/"))

    assert "10 questions, 8 of them scored, in 20 minutes; 720 of 100 to 1000 passes." in text
    assert "60 % of the score" in text
    assert "8 published, 0 in work, 0 retired" in text
    assert "thin" in text


def test_lists_cost_the_same_whatever_they_hold(editor: Client, blueprint: Blueprint) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert editor.get(address).status_code == 200
        return len(captured)

    before = {
        address: queries(address) for address in ("/bank/blueprints/", "/bank/blueprints/EXAM-9/", EDIT)
    }
    spec = blueprint_spec.spec_of(blueprint)
    became = {task.code: [blueprints.NewTask(task.code, task.title)] for task in spec.tasks}
    for number in range(20):
        make_blueprint()
        blueprints.copy_blueprint(blueprint, code=f"COPY-{number}", title="A copy", became=became)
    make_bank(blueprint, per_task=5)

    assert {address: queries(address) for address in before} == before


# ── making ──


def test_from_an_empty_page_to_a_blueprint(editor: Client) -> None:
    fields = form_of(editor, "/bank/blueprints/new/")
    fields |= {"code": "MINE-1", "title": "My exam", "items": "20", "scored_items": "20", "minutes": "30"}
    fields |= {"d.n1.code": "1", "d.n1.title": "All of it", "d.n1.weight": "100"}
    for action in ("add t.n1", "add p.n1"):
        page = editor.post("/bank/blueprints/new/", {**fields, "action": action})
        assert page.status_code == 200
        assert "It needs some words" not in text_of(page)
        fields = fields_in(page.content.decode())
    fields |= {"t.n1.code": "1.1", "t.n1.title": "A task", "p.n1.code": "1.1.1", "p.n1.title": "A topic"}

    response = editor.post("/bank/blueprints/new/", {**fields, "action": "save"})

    assert response["Location"] == "/bank/blueprints/MINE-1/"
    made = Blueprint.objects.get(code="MINE-1")
    assert [topic.code for topic in blueprint_spec.spec_of(made).topics] == ["1.1.1"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("code", "EXAM-9", "Another blueprint has this code"),
        ("code", "new", "stands for something else in addresses"),
        ("code", "a/b", "Use letters, digits"),
        ("items", "9" * 5000, "Enter a whole number"),
        ("items", "100000", "less than or equal to 500"),
        ("minutes", "0", "greater than or equal to 1"),
        ("scored_items", "21", "At most as many as there are questions."),
        ("passing_score", "1000", "It lies between the ends of the scale."),
        ("valid_until", "1999-01-01", "It lies before the first day."),
        ("valid_until", "99999-01-01", "Enter a valid date"),
        ("title", "a\x00b", "Null characters are not allowed"),
        ("d.n1.weight", "99.99", "The weights add up to 99.99, not to 100"),
        ("d.n1.weight", "100.01", "A number up to 100, with at most two decimals."),
        ("r.n1.pattern", "(a+)+b", "It could take minutes on some texts"),
        ("r.n1.pattern", "(x", "It is no regular expression"),
    ],
)
def test_bad_input_is_named_and_kept(
    editor: Client, blueprint: Blueprint, field: str, value: str, said: str
) -> None:
    fields = form_of(editor, "/bank/blueprints/new/")
    fields |= {"code": "MINE-1", "title": "My exam", "items": "20", "scored_items": "20", "minutes": "30"}
    fields |= {"d.n1.code": "1", "d.n1.title": "All & more", "d.n1.weight": "100", "valid_from": "2026-01-01"}
    if field.startswith("r."):
        fields["r.n1.why"] = "old"

    page = editor.post("/bank/blueprints/new/", {**fields, field: value, "action": "save"})

    assert page.status_code == 400
    assert said in text_of(page).replace("&#x27;", "'")
    assert 'value="All &amp; more"' in page.content.decode()
    assert Blueprint.objects.count() == 1


# ── editing ──


def test_what_the_form_shows_is_what_is_stored(editor: Client, blueprint: Blueprint) -> None:
    before = blueprint_spec.spec_of(blueprint)

    response = editor.post(EDIT, {**form_of(editor, EDIT), "action": "save"})

    assert response.status_code == 302
    assert blueprint_spec.spec_of(Blueprint.objects.get(pk=blueprint.pk)) == before


def test_rows_move_without_a_script(editor: Client, blueprint: Blueprint) -> None:
    fields = form_of(editor, EDIT)
    first, second = (row for row in rows_of(fields) if row.startswith("d."))

    page = editor.post(EDIT, {**fields, "action": f"down {first}"})
    fields = fields_in(page.content.decode())
    editor.post(EDIT, {**fields, "action": "save"})

    assert next(iter(rows_of(fields))) == second
    assert [domain.code for domain in blueprint_spec.spec_of(blueprint).domains] == ["2", "1"]


def test_a_row_that_is_needed_stays_and_says_why(editor: Client, blueprint: Blueprint) -> None:
    make_published_question(blueprint, topic="1.1.1", code="q-77")
    fields = form_of(editor, EDIT)
    used, free = [row for row in rows_of(fields) if row.startswith("t.")][:2]

    kept = editor.post(EDIT, {**fields, "action": f"remove {used}"})
    gone = editor.post(EDIT, {**fields, "action": f"remove {free}"})

    assert (
        "It stays, for it is needed by 1 question version (q-77 v1). It can be renamed and moved."
        in text_of(kept)
    )
    assert used in rows_of(fields_in(kept.content.decode()))
    assert free not in rows_of(fields_in(gone.content.decode()))


def test_a_needed_row_that_is_left_out_all_the_same_is_refused(editor: Client, blueprint: Blueprint) -> None:
    make_published_question(blueprint, topic="1.1.1", code="q-77")
    fields = form_of(editor, EDIT)
    topic = next(row for row in rows_of(fields) if row.startswith("p."))
    fields = {name: value for name, value in fields.items() if not name.startswith(topic)}

    page = editor.post(EDIT, {**fields, "action": "save"})

    assert page.status_code == 400
    assert "1.1.1 can't go. It stays, for it is needed by" in text_of(page).replace("&#x27;", "'")


def test_the_second_of_two_is_told_and_sees_both(editor: Client, blueprint: Blueprint) -> None:
    iris = Client()
    iris.force_login(make_user("Iris", role=Role.INSTRUCTOR))
    mine, theirs = form_of(editor, EDIT), form_of(iris, EDIT)
    editor.post(EDIT, {**mine, "title": "Ben was here", "action": "save"})

    page = iris.post(EDIT, {**theirs, "title": "Iris was here", "action": "save"})

    text = text_of(page)
    assert page.status_code == 400
    assert "Somebody has saved this blueprint since you opened it." in text
    assert "title Ben was here Iris was here" in text
    assert Blueprint.objects.get().title == "Ben was here"

    again = iris.post(EDIT, {**fields_in(page.content.decode()), "action": "save"})

    assert again.status_code == 302
    assert Blueprint.objects.get().title == "Iris was here"


def test_a_row_button_by_htmx_brings_the_outline_alone(editor: Client, blueprint: Blueprint) -> None:
    fields = form_of(editor, EDIT)

    page = editor.post(EDIT, {**fields, "action": "add d"}, headers={"HX-Request": "true"})

    html = page.content.decode()
    assert 'id="outline"' in html
    assert "<html" not in html and 'name="title"' not in html
    assert "d.n1.code" in html


# ── the next version ──


def test_the_next_version_is_made_and_shows_its_mapping(editor: Client, blueprint: Blueprint) -> None:
    copy = "/bank/blueprints/EXAM-9/copy/"
    fields = form_of(editor, copy)
    whats = [name for name in fields if name.startswith("what-")]
    lines = [name.replace("what", "lines") for name in whats]
    fields |= {"code": "EXAM-10", "title": "The next"}
    fields |= {whats[1]: "renamed", lines[1]: "1.7 Its new name", whats[2]: "gone"}
    fields |= {whats[3]: "several", lines[3]: "2.1 First half\r\n\r\n2.2 Second half"}

    response = editor.post(copy, fields)

    assert response["Location"] == "/bank/blueprints/EXAM-10/edit/"
    mapped = TaskMapping.objects.order_by("old__code", "new__code").values_list("old__code", "new__code")
    assert list(mapped) == [("1.1", "1.1"), ("1.2", "1.7"), ("2.2", "2.1"), ("2.2", "2.2")]
    old, new = (
        text_of(editor.get("/bank/blueprints/EXAM-9/")),
        text_of(editor.get("/bank/blueprints/EXAM-10/")),
    )
    assert "2.1 Task 2.1 gone" in old
    assert "1.2 Task 1.2 1.7 Its new name" in old
    assert "was 1.2" in new


@pytest.mark.parametrize(
    ("what", "lines", "said"),
    [
        ("renamed", "", "Write the one task that it became"),
        ("renamed", "1.1 a\n1.2 b", "Write the one task that it became"),
        ("several", "1.8 Only one", "Write at least two tasks"),
        ("several", "1.8 a\n1.8 b", "Write at least two tasks"),
        ("renamed", "no-title", "One task on each line"),
        ("renamed", "1/1 Title", "One task on each line"),
        ("renamed", "1.2 Another name", "calls 1.2"),
        ("renamed", "2.1 Task 2.1", "A task of another domain becomes 2.1 too"),
        ("", "", "Say what became of it."),
    ],
)
def test_each_task_must_be_mapped(
    editor: Client, blueprint: Blueprint, what: str, lines: str, said: str
) -> None:
    copy = "/bank/blueprints/EXAM-9/copy/"
    fields = form_of(editor, copy)
    first = next(name for name in fields if name.startswith("what-"))
    fields |= {"code": "EXAM-10", first: what, first.replace("what", "lines"): lines}

    page = editor.post(copy, fields)

    assert page.status_code == 400
    assert said in text_of(page)
    assert not Blueprint.objects.filter(code="EXAM-10").exists()


@pytest.mark.parametrize("row", ["d.²", "d." + "9" * 40, "t.٣", "d.", "x.1", "d.-1"])
def test_a_button_for_a_row_that_cannot_be_does_nothing(
    editor: Client, blueprint: Blueprint, row: str
) -> None:
    address = "/bank/blueprints/EXAM-9/edit/"
    fields = form_of(editor, address)
    response = editor.post(address, {**fields, f"{row}.title": "Odd", "action": f"remove {row}"})
    assert response.status_code == 200
    assert blueprint.domains.count() == len(rows_of(fields)) or blueprint.domains.exists()
