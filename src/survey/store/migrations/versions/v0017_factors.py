"""Factors: room for a second factor's secret that is encrypted.

Readable ones stay as they are until `survey init` or `survey keys rotate` encrypts them. Take the
version before out of service first: it cannot check the codes of secrets that are encrypted. On
PostgreSQL a longer limit is a matter of the catalog alone; SQLite has none.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE credential ALTER COLUMN totp_secret TYPE varchar(400)")
