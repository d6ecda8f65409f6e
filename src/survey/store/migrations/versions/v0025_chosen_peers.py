"""Cities that a city has chosen to be compared with.

Version 0024 does not know the table and compares every city with those of its size.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLE = "chosen_peer"
CHECKS = {"position": "position BETWEEN 1 AND 8", "other_city": "peer_code <> city_code"}


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("peer_code", sa.String(), nullable=False),
        sa.Column("chosen_by", sa.Uuid(), nullable=True),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{TABLE}_{name}"))
            for name, rule in CHECKS.items()
        ),
        sa.ForeignKeyConstraint(["city_code"], ["city.code"], name=f"fk_{TABLE}_city_code"),
        sa.ForeignKeyConstraint(["peer_code"], ["city.code"], name=f"fk_{TABLE}_peer_code"),
        sa.ForeignKeyConstraint(["chosen_by"], ["account.id"], name=f"fk_{TABLE}_chosen_by"),
        sa.PrimaryKeyConstraint("city_code", "position", name=f"pk_{TABLE}"),
        sa.UniqueConstraint("city_code", "peer_code", name=f"uq_{TABLE}_city_code_peer_code"),
    )
