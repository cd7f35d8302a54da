"""Published versions are frozen by the database itself: not even update() changes them.

Only `rendered` may be written again, when the renderer improves; it follows from the frozen content.
"""

from django.db import migrations

FROZEN = {
    "questions_questionversion": (
        *("question_id", "number", "topic_id", "scenario_version_id", "item_type", "level", "difficulty"),
        *("keeps_order", "content", "fingerprint", "tags", "checked", "published_at"),
    ),
    "questions_scenarioversion": ("scenario_id", "number", "title", "text", "published_at"),
}


def freeze(apps, schema_editor):
    execute = schema_editor.execute
    if schema_editor.connection.vendor == "postgresql":
        execute(
            """
            CREATE FUNCTION refuse_change_of_published() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'a published version cannot be changed or deleted: make the next version'
                    USING ERRCODE = 'integrity_constraint_violation';
            END $$
            """,
            params=None,
        )
    for table, columns in FROZEN.items():
        for statement in _triggers(schema_editor.connection.vendor, table, columns):
            execute(statement, params=None)


def thaw(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for table in FROZEN:
        if vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER {table}_frozen_update ON {table}")
            schema_editor.execute(f"DROP TRIGGER {table}_frozen_delete ON {table}")
        else:
            schema_editor.execute(f"DROP TRIGGER {table}_frozen_update")
    if vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION refuse_change_of_published()")


def _triggers(vendor, table, columns):
    if vendor == "postgresql":
        old = ", ".join(f"OLD.{column}" for column in columns)
        new = ", ".join(f"NEW.{column}" for column in columns)
        changed = f"OLD.published_at IS NOT NULL AND ROW({old}) IS DISTINCT FROM ROW({new})"
        action = "EXECUTE FUNCTION refuse_change_of_published()"
        return (
            f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({changed}) {action}",
            f"CREATE TRIGGER {table}_frozen_delete BEFORE DELETE ON {table} FOR EACH ROW "
            f"WHEN (OLD.published_at IS NOT NULL) {action}",
        )
    changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns)
    refuse = (
        "BEGIN SELECT RAISE(ABORT, 'a published version cannot be changed or deleted: make the next version'); END"
    )
    # No trigger on DELETE here: Django's test flush deletes row by row, and the foreign keys protect what is in use.
    return (
        f"CREATE TRIGGER {table}_frozen_update BEFORE UPDATE ON {table} FOR EACH ROW "
        f"WHEN OLD.published_at IS NOT NULL AND ({changed}) {refuse}",
    )


class Migration(migrations.Migration):
    dependencies = [("questions", "0001_initial")]
    operations = [migrations.RunPython(freeze, thaw)]
