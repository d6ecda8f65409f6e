"""What a migration may not do while another version serves (docs/postgresql.md).

The search is by name, so it sees what is written plainly; that nothing is hidden from it is a
matter of reading the migration.
"""

import ast
from collections.abc import Iterator

LARGE_TABLES = frozenset(
    {
        "response", "response_revision", "response_flag", "response_risk", "audit_entry",
        "invitation", "paper_keying",
    }
)  # fmt: skip
"""Tables that grow with the interviews."""
_REMOVED = {
    "drop_table": "drops a table that the older version may read",
    "drop_column": "drops a column that the older version may read",
    "rename_table": "renames a table under the older version",
    "batch_alter_table": "builds a table anew: triggers are lost on SQLite, rows written once more",
}
_STATEMENTS = {
    "DROP TABLE": _REMOVED["drop_table"],
    "DROP COLUMN": _REMOVED["drop_column"],
    "RENAME ": "renames under the older version",
    "SET NOT NULL": "reads the whole table under a lock; add a CHECK that is NOT VALID first",
    "LOCK TABLE": "locks a table",
    "VACUUM FULL": "writes a table once more under a lock",
    "CLUSTER": "writes a table once more under a lock",
}


def broken_rules(source: str) -> list[str]:
    """The rules that the source of a migration breaks, in words; none, when it is safe."""
    return [rule for node in ast.walk(ast.parse(source)) for rule in _of_node(node)]


def _of_node(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from (why for words, why in _STATEMENTS.items() if words in node.value.upper())
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from _of_call(node, node.func.attr)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield from _of_call(node, node.func.id)


def _of_call(call: ast.Call, name: str) -> Iterator[str]:
    given = {each.arg: each.value for each in call.keywords}
    if name in _REMOVED:
        yield _REMOVED[name]
    if name == "alter_column" and given.keys() & {"type_", "new_column_name", "nullable"}:
        yield "changes a column that the older version uses, or writes the table once more"
    if name == "autocommit_block":
        yield "fails in a restore; use statement_by_statement of migrations.steps"
    if name == "add_column" and isinstance(call.func, ast.Attribute):
        yield "adds a column that an empty store has already; use add_column of migrations.steps"
    if name in {"create_table", "create_index"} and not _is_true(given.get("if_not_exists")):
        yield "makes what an empty store has already; say if_not_exists"
    if name == "add_column" and _is_required(call) and "server_default" not in _column(call):
        yield "adds a column that the older version cannot fill; give it a server_default"
    indexes = name in {"create_index", "create_unique_constraint"} and _touches_big(call)
    if indexes and "postgresql_concurrently" not in given:
        yield "indexes a big table under a lock; use postgresql_concurrently"
    checks = name in {"create_foreign_key", "create_check_constraint"} and _touches_big(call)
    if checks and not _is_true(given.get("postgresql_not_valid")):
        yield "checks a big table under a lock; add it NOT VALID and validate it afterwards"


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _touches_big(call: ast.Call) -> bool:
    return any(
        isinstance(each, ast.Constant) and each.value in LARGE_TABLES for each in call.args[:2]
    )


def _column(call: ast.Call) -> dict[str | None, ast.expr]:
    columns = [each for each in call.args if isinstance(each, ast.Call)]
    return {each.arg: each.value for column in columns for each in column.keywords}


def _is_required(call: ast.Call) -> bool:
    nullable = _column(call).get("nullable")
    return isinstance(nullable, ast.Constant) and nullable.value is False
