"""A made-up next version of the product, which has one migration more."""

from pathlib import Path

import pytest

from survey.store import schema

NEXT = """
import sqlalchemy as sa
from alembic import op
from survey.store.migrations.steps import add_column, statement_by_statement

revision = "9001"
down_revision = "{head}"
{floor}

def upgrade():
    add_column("response", sa.Column("next_note", sa.String(), nullable=True))
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE response ADD CONSTRAINT ck_next CHECK (dropped_answers >= 0) NOT VALID")
    with statement_by_statement() as alone:
        op.execute("ALTER TABLE response VALIDATE CONSTRAINT ck_next")
        op.create_index(
            "ix_next", "response", ["language"], postgresql_concurrently=alone, if_not_exists=True
        )
"""


class NextVersion:
    """`next_version()` makes this process run as the next version until `back()`."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, patch
        self._head, self._own = schema.head_revision(), schema.VERSIONS

    def __call__(self, floor: str = "") -> None:
        """Serve no version that is older than `floor`, where it is given."""
        line = f'serves_from = "{floor}"' if floor else ""
        migration = NEXT.format(head=self._head, floor=line)
        (self._folder / "v9001_next.py").write_text(migration)
        self._patch.setattr(schema, "VERSIONS", (*self._own, self._folder))

    def back(self) -> None:
        """Run as this version again."""
        self._patch.setattr(schema, "VERSIONS", self._own)
