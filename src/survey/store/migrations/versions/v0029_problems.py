"""Problem lists of cities, with the evidence for what was done.

Version 0028 does not know the tables; its reports show the list with columns to fill in.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

STATES = ("proposed", "in_progress", "done", "accepted", "reopened", "withdrawn")
BASES = ("priority", "below_nation", "group_gap", "chosen")
IN_HANDS = "(unit <> '' AND deadline IS NOT NULL) OR state IN ('proposed', 'withdrawn')"
STANDING = sa.text("state <> 'withdrawn'")


def _words(name: str, *values: str) -> sa.Enum:
    return sa.Enum(
        *values, name=op.f(name), native_enum=False, create_constraint=True, length=24
    )  # fmt: skip


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _create_problems() -> None:
    keys = {"wave_id": "wave.id", "city_code": "city.code", "created_by": "account.id"}
    op.create_table(
        "problem",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("basis", _words("ck_problem_problembasis", *BASES), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("indicator", "respondent_group", "wording", "measure", "unit")
        ),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("state", _words("ck_problem_problemstate", *STATES), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        _time("created_at"),
        _time("changed_at"),
        sa.CheckConstraint(IN_HANDS, name=op.f("ck_problem_in_somebodys_hands")),
        *(
            sa.ForeignKeyConstraint([name], [target], name=f"fk_problem_{name}")
            for name, target in keys.items()
        ),
        sa.PrimaryKeyConstraint("id", name="pk_problem"),
    )
    op.create_index("ix_problem_city_code", "problem", ["city_code"])
    op.create_index(
        "uq_problem_standing",
        "problem",
        ["wave_id", "city_code", "indicator", "respondent_group"],
        unique=True,
        sqlite_where=STANDING,
        postgresql_where=STANDING,
    )


def _create_evidence() -> None:
    table = "problem_evidence"
    keys = {"problem_id": "problem.id", "given_by": "account.id"}
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        _time("given_at"),
        *(
            sa.ForeignKeyConstraint([name], [target], name=f"fk_{table}_{name}")
            for name, target in keys.items()
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
    op.create_index(f"ix_{table}_problem_id", table, ["problem_id"])


def upgrade() -> None:
    _create_problems()
    _create_evidence()
