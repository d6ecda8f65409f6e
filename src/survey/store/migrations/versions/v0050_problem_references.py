"""Problems on a city's list that rest on a figure from beside the score.

`serves_from`: an older version would take such a problem for one that rests on the wave.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column
from survey.store.tables import Problem, table_of

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

serves_from = "0050"
"""Oldest revision whose code works with this store: before, `reference` was not read."""


def upgrade() -> None:
    if add_column(
        "problem", sa.Column("reference", sa.String(), nullable=False, server_default=sa.text("''"))
    ):
        op.drop_index("uq_problem_standing", table_name="problem")
        index = next(i for i in table_of(Problem).indexes if i.name == "uq_problem_standing")
        index.create(op.get_bind())
