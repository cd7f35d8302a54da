"""Files in pieces in the database: web and worker share no disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from django.db import connection, models
from django.db.models import QuerySet

from questions.models import ExportChunk, ExportRun, ImportChunk, ImportRun

PIECE = 1024 * 1024


def store_upload(run: ImportRun, file: BinaryIO) -> None:
    for number, data in enumerate(_pieces(file)):
        _insert(ImportChunk, run, number, data)


def store_export(run: ExportRun, file: BinaryIO) -> int:
    """In place of what is there; the file's bytes."""
    return store(ExportChunk, run, file)


def store(model: type[models.Model], run: models.Model, file: BinaryIO) -> int:
    """In place of the pieces that `model` holds of the run; the file's bytes."""
    model._default_manager.filter(run=run).delete()
    size = 0
    for number, data in enumerate(_pieces(file)):
        _insert(model, run, number, data)
        size += len(data)
    return size


def gathered(run: ImportRun) -> BinaryIO:
    """The uploaded file again, on this machine's disk until it is closed."""
    file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  (the caller closes it)
    for data in data_of(ImportChunk.objects.filter(run=run)):
        file.write(data)
    file.seek(0)
    return file


def streamed(run: ExportRun) -> Iterator[bytes]:
    return data_of(ExportChunk.objects.filter(run=run))


def data_of(pieces: QuerySet[Any]) -> Iterator[bytes]:
    # One row a query: a cursor over all of them would hold the whole file in memory on some databases.
    number = 0
    while piece := pieces.filter(number=number).first():
        yield bytes(piece.data)
        number += 1


def _insert(model: type[models.Model], run: models.Model, number: int, data: bytes) -> None:
    if connection.vendor != "postgresql":
        model._default_manager.create(run_id=run.pk, number=number, data=data)
        return
    import psycopg

    # Django writes bytes as hex digits into the statement: measured 30 MB in 0.8 s, and as bytes in 0.2 s.
    statement = f"INSERT INTO {model._meta.db_table} (run_id, number, data) VALUES (%s, %s, %b)"
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, (run.pk, number, data))


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while data := file.read(PIECE):
        yield data
