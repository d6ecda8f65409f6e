"""A line of a backup is the same on both databases, whatever the value."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from survey.store.backup.loader import _advance_sequences
from survey.store.backup.manifest import BackupManifest, ColumnKind, ColumnRecord, TableRecord
from survey.store.backup.row_codec import (
    column_kind_of,
    line_reader,
    line_writer,
    plain_table,
    select_expression,
)
from survey.store.engine import engine_for

COLUMNS = tuple(ColumnRecord(name=f"a_{kind}", kind=kind) for kind in ColumnKind)
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([-0.0, 1e15, 1e16, 1e22, 1e300, 5e-324, 2.0**63, 2.0**64, 0.1 + 0.2]),
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
WITHIN = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)
DOCUMENTS = st.one_of(st.lists(WITHIN, max_size=4), st.dictionaries(TEXTS, WITHIN, max_size=4))
TIMES = st.datetimes(
    datetime(1950, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]),
)
ROWS = st.tuples(
    TEXTS,
    st.integers(-(2**63), 2**63 - 1),
    NUMBERS.filter(lambda n: isinstance(n, float)),
    st.booleans(),
    st.uuids(),
    TIMES,
    st.dates(date(1900, 1, 1)),
    DOCUMENTS,
    st.binary(max_size=40),
)


@pytest.fixture
def connections(sqlite_url: str, postgres_url: str) -> Iterator[list[Connection]]:
    with engine_for(sqlite_url).connect() as first, engine_for(postgres_url).connect() as second:
        for connection in (first, second):
            table = plain_table("everything", COLUMNS)
            if connection.dialect.name == "postgresql":
                table.c["a_json"].type = sa.dialects.postgresql.JSONB()
            table.create(connection)
        yield [first, second]


def _line(connection: Connection) -> bytes:
    table, dialect = plain_table("everything", COLUMNS), connection.dialect.name
    query = sa.select(*(select_expression(table.c[c.name], c.kind, dialect) for c in COLUMNS))
    return line_writer(COLUMNS)(connection.execute(query).one())


@given(row=ROWS)
@settings(max_examples=60, suppress_health_check=[*HealthCheck])
def test_both_databases_say_the_same_and_give_it_back(
    connections: list[Connection], row: tuple[object, ...]
) -> None:
    written = (*row[:7], orjson.dumps(row[7]).decode(), row[8])
    line = line_writer(COLUMNS)(written)
    for connection in connections:
        assert line_writer(COLUMNS)(_stored(connection, line)) == line
        assert _line(connection) == line


def _stored(connection: Connection, line: bytes) -> sa.Row[tuple[object, ...]]:
    values = line_reader(COLUMNS, connection.dialect.name)(line)
    raw = connection.connection.driver_connection
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    assert raw is not None
    connection.exec_driver_sql("DELETE FROM everything")
    marks = ", ".join([mark] * len(COLUMNS))
    connection.exec_driver_sql(f"INSERT INTO everything VALUES ({marks})", values)
    table, dialect = plain_table("everything", COLUMNS), connection.dialect.name
    return connection.execute(
        sa.select(*(select_expression(table.c[c.name], c.kind, dialect) for c in COLUMNS))
    ).one()


def test_nothing_and_the_null_of_json_stay_apart() -> None:
    column = (ColumnRecord(name="a", kind=ColumnKind.JSON),)
    write, read = line_writer(column), line_reader(column, "sqlite")
    assert read(write([None])) == (None,)
    assert read(write(["null"])) == ("null",)


def test_sqlite_gives_a_document_that_is_a_mere_number_as_that_number() -> None:
    column = (ColumnRecord(name="a", kind=ColumnKind.JSON),)
    assert line_writer(column)([5]) == line_writer(column)(["5"]) == b"[[5]]\n"


def test_numbers_that_json_has_not_are_kept() -> None:
    column = (ColumnRecord(name="a", kind=ColumnKind.REAL),)
    write, read = line_writer(column), line_reader(column, "postgresql")
    assert math.isnan(read(write([math.nan]))[0])
    assert read(write([-math.inf])) == (-math.inf,)


def test_a_column_that_no_backup_could_carry_is_refused() -> None:
    with pytest.raises(TypeError, match=r"t\.c"):
        column_kind_of(sa.Table("t", sa.MetaData(), sa.Column("c", sa.Interval())).c.c)


def test_counters_go_on_after_the_restored_numbers(postgres_url: str) -> None:
    record = TableRecord(
        name="counted",
        columns=(ColumnRecord(name="number", kind=ColumnKind.INTEGER),),
        key=("number",),
        rows=1,
        sha256="",
    )
    manifest = BackupManifest.model_construct(tables=(record,))  # type: ignore[call-arg]
    with engine_for(postgres_url).begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE counted (number int GENERATED BY DEFAULT AS IDENTITY)"
        )
        connection.exec_driver_sql("INSERT INTO counted VALUES (41)")
        _advance_sequences(connection, manifest)
        connection.exec_driver_sql("INSERT INTO counted DEFAULT VALUES")
        assert connection.exec_driver_sql("SELECT max(number) FROM counted").scalar_one() == 42


def test_ids_are_the_same_text(sqlite_url: str) -> None:
    value = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    column = (ColumnRecord(name="a", kind=ColumnKind.UUID),)
    line = line_writer(column)([value])
    assert line == b'["01890a5d-ac96-774b-bcce-b302099a8057"]\n'
    assert line_reader(column, "sqlite")(line) == (value.hex,)
    assert line_reader(column, "postgresql")(line) == (value,)
