import pytest
from django.db import DatabaseError, connection, transaction

from questions.models import QuestionVersion
from tests.factories import make_blueprint, make_published_question

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> QuestionVersion:
    return make_published_question(make_blueprint())


@pytest.mark.parametrize(
    "change",
    [{"content": {}}, {"difficulty": "0.10"}, {"number": 7}, {"published_at": None}, {"level": "recall"}],
)
def test_a_published_version_refuses_even_a_bulk_update(
    version: QuestionVersion, change: dict[str, object]
) -> None:
    with pytest.raises(DatabaseError, match="published version"), transaction.atomic():
        QuestionVersion.objects.filter(pk=version.pk).update(**change)

    version.refresh_from_db()
    assert version.parsed.key == "a"


def test_a_published_version_may_be_rendered_anew(version: QuestionVersion) -> None:
    QuestionVersion.objects.filter(pk=version.pk).update(rendered={"stem": "<p>better</p>"})

    version.refresh_from_db()
    assert version.rendered == {"stem": "<p>better</p>"}


def test_a_draft_can_be_changed(version: QuestionVersion) -> None:
    draft = QuestionVersion.objects.create(
        question=version.question,
        number=2,
        topic=version.topic,
        item_type=version.item_type,
        level=version.level,
        difficulty=version.difficulty,
        content=version.content,
        rendered=version.rendered,
        fingerprint="draft",
    )

    assert QuestionVersion.objects.filter(pk=draft.pk).update(level="recall") == 1


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's test flush deletes row by row")
def test_postgresql_refuses_to_delete_a_published_version(version: QuestionVersion) -> None:
    with (
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match="published version"),
        transaction.atomic(),
    ):
        cursor.execute("DELETE FROM questions_questionversion WHERE id = %s", [version.pk])
