"""The migrations make exactly the tables that the code declares, on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Inspector, inspect, text
from sqlalchemy.exc import IntegrityError

from survey.store import schema
from survey.store.audit_chain import GENESIS_SEAL
from survey.store.engine import engine_for
from survey.store.tables import get_metadata
from tests.error_codes import raises_code

STORE_0_1_0 = Path(__file__).parent / "store_0_1_0"


def test_a_new_database_has_no_revision_and_an_upgraded_one_the_newest(bare_url: str) -> None:
    assert schema.stored_revision(bare_url) is None
    schema.upgrade(bare_url)
    assert schema.stored_revision(bare_url) == schema.head_revision()
    schema.upgrade(bare_url)
    assert schema.stored_revision(bare_url) == schema.head_revision()


def test_alembic_finds_nothing_left_to_migrate(store_url: str) -> None:
    with engine_for(store_url).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_server_default": True,
                "include_name": lambda name, kind, _: kind != "table" or not _is_part(name),
            },
        )
        assert compare_metadata(context, get_metadata()) == []


def _is_part(table: str) -> bool:
    """Whether a table is the part of another that PostgreSQL keeps for one wave."""
    return table.startswith("response_revision_")


def _plain(description: Any) -> str:
    """Reflected descriptions hold SQL text objects that never equal each other."""
    if isinstance(description, dict):
        return repr(sorted((key, _plain(value)) for key, value in description.items()))
    return str(description)


def _described(inspector: Inspector, table: str) -> dict[str, Any]:
    readers: list[Callable[[str], Any]] = [
        inspector.get_foreign_keys,
        inspector.get_unique_constraints,
        inspector.get_check_constraints,
        inspector.get_indexes,
    ]
    described: dict[str, Any] = {
        reader.__name__: sorted(map(_plain, reader(table))) for reader in readers
    }
    described["primary key"] = _plain(inspector.get_pk_constraint(table))
    described["columns"] = [
        (column["name"], str(column["type"]), column["nullable"], column["default"])
        for column in inspector.get_columns(table)
    ]
    return described


def _tables(url: str) -> dict[str, dict[str, Any]]:
    inspector = inspect(engine_for(url))
    names = set(inspector.get_table_names()) - {"alembic_version"}
    return {name: _described(inspector, name) for name in names if not _is_part(name)}


def test_migrated_and_declared_tables_are_the_same_down_to_every_constraint(bare_url: str) -> None:
    get_metadata().create_all(engine_for(bare_url))
    declared = _tables(bare_url)
    get_metadata().drop_all(engine_for(bare_url))
    schema.upgrade(bare_url)
    migrated = _tables(bare_url)
    assert len(declared) >= 14
    assert migrated.keys() == declared.keys()
    for name, description in declared.items():
        assert migrated[name] == description, name


def _guards(url: str) -> list[str]:
    """The triggers of a store, and the functions behind them, as the database writes them."""
    with engine_for(url).connect() as connection:
        if connection.dialect.name == "sqlite":
            queries = ["SELECT sql FROM sqlite_master WHERE type = 'trigger'"]
        else:
            queries = [
                "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
                "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = "
                "'public'::regnamespace",
            ]
        found = [row for query in queries for row in connection.execute(text(query)).scalars()]
    return sorted(" ".join(sql.split()) for sql in found)


def test_a_store_of_the_release_becomes_what_an_empty_one_becomes(
    bare_url: str, request: pytest.FixtureRequest
) -> None:
    """`store_0_1_0` holds what the migrations of 0.1.0 made, statement by statement."""
    engine = engine_for(bare_url).execution_options(survey_writes=True)
    statements = (STORE_0_1_0 / f"{engine.dialect.name}.sql").read_text().split("\n;;\n")
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0038')"))
        seal = {"seal": GENESIS_SEAL}
        connection.execute(text("INSERT INTO audit_head VALUES (1, 0, :seal, 0, :seal)"), seal)
    with raises_code("store_too_old", match="survey init"):
        schema.require_compatible_schema(bare_url)
    schema.upgrade(bare_url)
    assert schema.stored_revision(bare_url) == schema.head_revision()
    released, guards = _tables(bare_url), _guards(bare_url)
    fresh_url = request.getfixturevalue(f"{engine.dialect.name.removesuffix('ql')}_url")
    fresh = _tables(fresh_url)
    assert released.keys() == fresh.keys()
    for name, description in fresh.items():
        columns = sorted(description.pop("columns"))
        assert sorted(released[name].pop("columns")) == columns, name
        assert released[name] == description, name
    assert guards == _guards(fresh_url)
    assert len(guards) >= 38


def test_processes_that_start_together_migrate_once(bare_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(schema.upgrade, [bare_url] * 4))
    assert schema.stored_revision(bare_url) == schema.head_revision()


def test_a_failed_migration_leaves_nothing_behind(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        schema.upgrade(bare_url)
    assert set(inspect(engine_for(bare_url)).get_table_names()) <= {"alembic_version"}


def test_the_database_itself_refuses_an_unknown_state(store_url: str) -> None:
    statement = text(
        "INSERT INTO sampling_point (id, wave_id, city_code, code, name, kind, stratum, target) "
        "VALUES (:id, :id, '110000', 'p', 'p', 'castle', 'urban', 1)"
    )
    with (
        pytest.raises(IntegrityError, match=r"(?i)check"),
        engine_for(store_url).begin() as connection,
    ):
        connection.execute(statement, {"id": "0" * 32})
