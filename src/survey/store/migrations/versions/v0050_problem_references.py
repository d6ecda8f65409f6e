"""Problems on a city's list that rest on a figure from beside the score.

`serves_from`: an older version would take such a problem for one that rests on the wave.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

serves_from = "0050"
"""Oldest revision whose code works with this store: before, `reference` was not read."""


def upgrade() -> None:
    if not add_column(
        "problem", sa.Column("reference", sa.String(), nullable=False, server_default=sa.text("''"))
    ):
        return
    standing = sa.text("state <> 'withdrawn'")
    op.drop_index("uq_problem_standing", table_name="problem")
    op.create_index(
        "uq_problem_standing",
        "problem",
        ["wave_id", "city_code", "indicator", "respondent_group", "reference"],
        unique=True,
        if_not_exists=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
