"""Sums of complaints of older people and of minors by nature and class, and complaints from abroad.

Without `serves_from`: an older version reads neither.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_MEASURES = (
    "accepted", "solved", "mediated", "mediation_succeeded", "settled_first", "recovered_fen",
    "consultations", "fraud",
)  # fmt: skip
_LISTS = {
    "elder_nature": ("60_plus", "nature"),
    "elder_class": ("60_plus", "goods_class"),
    "minor_nature": ("under_18", "nature"),
    "minor_class": ("under_18", "goods_class"),
}


def upgrade() -> None:
    for table in ("complaint_count", "complaint_summary"):
        add_column(table, sa.Column("abroad", sa.Integer()))
    columns = ", ".join(_MEASURES)
    sums = ", ".join(f"sum({name})" for name in _MEASURES)
    for lens, (age, by) in _LISTS.items():
        op.execute(
            f"INSERT INTO complaint_summary (revision_id, lens, area, code, {columns}) "
            f"SELECT revision_id, '{lens}', area, {by}, {sums} FROM complaint_count "
            f"WHERE age_group = '{age}' GROUP BY revision_id, area, {by}"
        )
