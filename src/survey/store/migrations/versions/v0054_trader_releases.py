"""Signed releases of traders that are named in complaints.

`serves_from`: an older version would take such an edition for one of a comparative test.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column, replace_check

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

serves_from = "0054"
"""Oldest revision whose code works with this store: before, an edition was of a check or a test."""
_BEFORE = "(check_id IS NULL) <> (test_id IS NULL)"
_AFTER = (
    "(CASE WHEN check_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN test_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN hearing_id IS NULL THEN 0 ELSE 1 END) = 1"
)


def upgrade() -> None:
    # In SQLite a foreign key comes only with its column.
    if op.get_bind().dialect.name == "sqlite":
        column = sa.Column("hearing_id", sa.Uuid(), sa.ForeignKey("trader_hearing.id"))
        known = {each["name"] for each in sa.inspect(op.get_bind()).get_columns("evidence_release")}
        is_new = column.name not in known
        if is_new:
            op.execute(
                "ALTER TABLE evidence_release ADD COLUMN hearing_id CHAR(32) "
                "CONSTRAINT fk_evidence_release_hearing_id_trader_hearing "
                "REFERENCES trader_hearing (id)"
            )
    else:
        is_new = add_column("evidence_release", sa.Column("hearing_id", sa.Uuid()))
        if is_new:
            op.create_foreign_key(
                op.f("fk_evidence_release_hearing_id_trader_hearing"),
                "evidence_release",
                "trader_hearing",
                ["hearing_id"],
                ["id"],
            )
    if is_new:
        replace_check("evidence_release", "ck_evidence_release_of_one", _BEFORE, _AFTER)
    op.create_index(
        "ix_evidence_release_hearing_id", "evidence_release", ["hearing_id"], if_not_exists=True
    )
