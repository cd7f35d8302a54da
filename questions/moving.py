"""Rows from one table into another by one statement each: thousands of them in a moment.

SQLite has one writer at a time. Rows that Python sends one after another would keep everybody waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, models


@dataclass(frozen=True)
class Column:
    """Of the table that is read, which the statement calls `s`; or any other expression without parameters."""

    sql: str


def insert(
    model: type[models.Model], values: Mapping[str, Any], *, source: str, params: tuple[Any, ...] = ()
) -> None:
    """INSERT INTO … SELECT. Every field that `values` leaves out gets its default."""
    quote = connection.ops.quote_name
    names, parts, constants = [], [], []
    for field in model._meta.concrete_fields:
        if field.primary_key:
            continue
        value = values.get(field.attname, field.get_default())
        names.append(quote(str(field.column)))
        if isinstance(value, Column):
            parts.append(value.sql)
            continue
        # PostgreSQL takes a bare NULL or word for text; SQLite's CAST would make a number of a time.
        is_typed = connection.vendor == "postgresql"
        parts.append(f"CAST(%s AS {field.cast_db_type(connection)})" if is_typed else "%s")
        constants.append(field.get_db_prep_save(value, connection))
    table = quote(model._meta.db_table)
    statement = f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(parts)} FROM {source}"
    with connection.cursor() as cursor:
        cursor.execute(statement, [*constants, *params])
