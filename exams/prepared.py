"""A read whose SQL is built once: saving an answer spent more time on building its statement than on running it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection, models
from django.db.models.sql.compiler import SQLCompiler


class Parameter(models.Expression):
    """Stands in a queryset for a value that is known when it runs."""

    def __init__(self, name: str, output_field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


@dataclass(frozen=True)
class _Statement:
    sql: str
    parameters: tuple[Any, ...]
    compiler: SQLCompiler
    converters: dict[Any, Any]


class PreparedRows:
    """The rows of a `values_list` with `Parameter`s in its filters; the locks it asks for are taken."""

    def __init__(self, rows: models.QuerySet[Any, tuple[Any, ...]]) -> None:
        self.queryset = rows

    def run(self, **values: object) -> list[tuple[Any, ...]]:
        statement = self._statement
        parameters = [
            each.output_field.get_db_prep_value(values[each.name], connection)
            if isinstance(each, Parameter)
            else each
            for each in statement.parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, parameters)
            rows = cursor.fetchall()
        return [tuple(row) for row in statement.compiler.apply_converters(rows, statement.converters)]

    @cached_property
    def _statement(self) -> _Statement:
        # `connection` is each thread's own; a second thread that comes at once builds the same statement.
        compiler = self.queryset.query.chain().get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([expression for expression, *_ in compiler.select])
        return _Statement(sql, parameters, compiler, converters)
