"""Tables are imported when they are asked for, each with those that it refers to."""

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from survey.store import tables
from survey.store.tables import Wave, get_metadata

FOLDER = Path(tables.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
NOT_TABLES = {"columns", "erasure"}


def run_fresh(script: str, *arguments: str) -> list[str]:
    """Return the words that a script prints in a process that has imported nothing."""
    command = [sys.executable, "-c", script, *arguments]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    return printed.stdout.split()


def declared_tables(module: str) -> set[str]:
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any(key.arg == "table" for key in node.keywords)
    }


def tables_by_module() -> dict[str, set[str]]:
    return {module: declared_tables(module) for module in MODULES if module not in NOT_TABLES}


def names_for_types() -> dict[str, set[str]]:
    """Return what the package imports for type checkers, by module."""
    tree = ast.parse((FOLDER / "__init__.py").read_text(encoding="utf-8"))
    guards = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in guards[0].body if isinstance(node, ast.ImportFrom)]
    return {
        str(node.module).rpartition(".")[2]: {alias.name for alias in node.names}
        for node in imports
    }


def test_every_table_is_named_for_types_and_found_by_its_name() -> None:
    declared = tables_by_module()
    assert names_for_types() == {module: {"*"} for module in declared}
    names = set().union(*declared.values())
    assert names <= set(dir(tables))
    for module, found in declared.items():
        for name in found:
            assert getattr(tables, name).__module__ == f"survey.store.tables.{module}"
    assert {table.name for table in get_metadata().tables.values()} == {
        getattr(tables, name).__table__.name for name in names
    }


def test_the_metadata_of_a_fresh_process_has_every_table() -> None:
    script = (
        "from survey.store.tables import get_metadata; "
        "print(*(table.name for table in get_metadata().sorted_tables))"
    )
    assert set(run_fresh(script)) == set(get_metadata().tables)


@pytest.mark.slow
def test_a_module_brings_the_tables_that_its_own_refer_to() -> None:
    """In a process each: a row whose foreign key leads nowhere could not be stored."""
    script = """
import os, sys
from importlib import import_module
import survey.store.tables
from sqlalchemy.orm import configure_mappers
from sqlmodel import SQLModel

assert not SQLModel.metadata.tables, "a table was imported that nobody asked for"
for module in sys.argv[1:]:
    if not (child := os.fork()):
        import_module(f"survey.store.tables.{module}")
        try:
            for table in SQLModel.metadata.tables.values():
                for key in table.foreign_keys:
                    key.column
            configure_mappers()
        except BaseException as error:
            print(module, type(error).__name__, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
    assert run_fresh(script, *MODULES) == []


def test_threads_that_ask_at_once_get_the_same_tables() -> None:
    script = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from survey.store import tables
from sqlalchemy.orm import configure_mappers

names, size = sys.argv[1:], 8
start = Barrier(size)

def ask(place):
    start.wait()
    found = {name: getattr(tables, name) for name in names[place:] + names[:place]}
    configure_mappers()
    return found

sys.setswitchinterval(1e-5)
with ThreadPoolExecutor(size) as pool:
    first, *others = pool.map(ask, range(0, 8 * size, size))
assert all(found == first for found in others)
print(len(first), len(tables.get_metadata().tables))
"""
    names = sorted(set().union(*tables_by_module().values()))
    assert run_fresh(script, *names) == [str(len(names))] * 2


def test_a_table_can_be_unpickled_where_it_was_not_imported() -> None:
    script = (
        "import pickle, sys; print(pickle.loads(bytes.fromhex(sys.argv[1])).__table__.fullname)"
    )
    assert run_fresh(script, pickle.dumps(Wave).hex()) == ["wave"]


def test_a_name_that_no_table_has_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Wawe'"):
        _ = tables.Wawe  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="cannot import name 'Wawe'"):
        from survey.store.tables import Wawe  # type: ignore[attr-defined]  # noqa: F401
