"""Ground: every table of the first version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def words(name: str, *members: str) -> sa.Enum:
    """A list of words, held to it by a CHECK constraint."""
    return sa.Enum(*members, name=name, native_enum=False, create_constraint=True, length=24)


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("login", name="uq_account_login"),
    )
    op.create_table(
        "city",
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("province_zh", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("region3", sa.String(), nullable=False),
        sa.Column("city_class", sa.String(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("resident_population_2020", sa.Integer(), nullable=False),
        sa.Column("share_male", sa.Float(), nullable=False),
        sa.Column("share_age_0_14", sa.Float(), nullable=False),
        sa.Column("share_age_15_59", sa.Float(), nullable=False),
        sa.Column("share_age_60_plus", sa.Float(), nullable=False),
        sa.Column("share_age_65_plus", sa.Float(), nullable=False),
        sa.Column("urbanization_rate", sa.Float(), nullable=False),
        sa.Column("retail_sales", sa.Float(), nullable=True),
        sa.Column("retail_sales_year", sa.Integer(), nullable=True),
        sa.Column("retail_sales_source", sa.String(), nullable=False),
        sa.Column("census_source", sa.String(), nullable=False),
        sa.Column("list_basis", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_city"),
    )
    op.create_table(
        "indicator_tree_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_indicator_tree_version"),
        sa.UniqueConstraint("name", name="uq_indicator_tree_version_name"),
        sa.UniqueConstraint("sha256", name="uq_indicator_tree_version_sha256"),
    )
    op.create_table(
        "instrument_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_instrument_version"),
        sa.UniqueConstraint("name", "version", name="uq_instrument_version_name_version"),
        sa.UniqueConstraint("sha256", name="uq_instrument_version_sha256"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["account.id"], name="fk_audit_entry_actor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_at", "audit_entry", ["at"])

    op.create_table(
        "login_session",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_login_session_account_id"),
        sa.PrimaryKeyConstraint("secret_sha256", name="pk_login_session"),
    )
    op.create_index("ix_login_session_account_id", "login_session", ["account_id"])

    op.create_table(
        "wave",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("tree_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            words("wavestate", "planned", "open", "closed", "frozen", "released"),
            nullable=False,
        ),
        sa.Column("opens_on", sa.Date(), nullable=True),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.Column("composite", sa.String(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument_version.id"], name="fk_wave_instrument_id"
        ),
        sa.ForeignKeyConstraint(["tree_id"], ["indicator_tree_version.id"], name="fk_wave_tree_id"),
        sa.PrimaryKeyConstraint("id", name="pk_wave"),
        sa.UniqueConstraint("key", name="uq_wave_key"),
    )
    op.create_table(
        "quota_cell",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("age_band", sa.String(), nullable=False),
        sa.Column("gender", sa.String(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("collected", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["city_code"], ["city.code"], name="fk_quota_cell_city_code"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_quota_cell_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_quota_cell"),
        sa.UniqueConstraint(
            "wave_id",
            "city_code",
            "age_band",
            "gender",
            name="uq_quota_cell_wave_id_city_code_age_band_gender",
        ),
    )
    op.create_table(
        "sampling_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "kind",
            words("pointkind", "compound", "mall", "supermarket", "scenic", "village"),
            nullable=False,
        ),
        sa.Column("stratum", sa.String(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["city_code"], ["city.code"], name="fk_sampling_point_city_code"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_sampling_point_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sampling_point"),
        sa.UniqueConstraint("wave_id", "code", name="uq_sampling_point_wave_id_code"),
    )
    op.create_index("ix_sampling_point_city_code", "sampling_point", ["city_code"])

    op.create_table(
        "snapshot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_snapshot_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot"),
    )
    op.create_index("ix_snapshot_wave_id", "snapshot", ["wave_id"])

    op.create_table(
        "assignment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_assignment_account_id"),
        sa.ForeignKeyConstraint(["point_id"], ["sampling_point.id"], name="fk_assignment_point_id"),
        sa.PrimaryKeyConstraint("id", name="pk_assignment"),
        sa.UniqueConstraint("account_id", "point_id", name="uq_assignment_account_id_point_id"),
    )
    op.create_index("ix_assignment_point_id", "assignment", ["point_id"])

    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("surveyor_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["city_code"], ["city.code"], name="fk_invitation_city_code"),
        sa.ForeignKeyConstraint(["point_id"], ["sampling_point.id"], name="fk_invitation_point_id"),
        sa.ForeignKeyConstraint(["surveyor_id"], ["account.id"], name="fk_invitation_surveyor_id"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_invitation_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("token_sha256", name="uq_invitation_token_sha256"),
    )
    op.create_index("ix_invitation_surveyor_id", "invitation", ["surveyor_id"])

    op.create_table(
        "response",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_uuid", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=True),
        sa.Column("surveyor_id", sa.Uuid(), nullable=True),
        sa.Column("invitation_id", sa.Uuid(), nullable=True),
        sa.Column("quota_cell_id", sa.Uuid(), nullable=True),
        sa.Column("mode", words("mode", "self", "assisted", "paper", "import"), nullable=False),
        sa.Column(
            "status",
            words(
                "status",
                "draft",
                "submitted",
                "returned",
                "city_approved",
                "approved",
                "frozen",
                "screened_out",
                "refused",
                "quota_full",
                "void",
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("dropped_answers", sa.Integer(), nullable=False),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["city_code"], ["city.code"], name="fk_response_city_code"),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument_version.id"], name="fk_response_instrument_id"
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitation.id"], name="fk_response_invitation_id"
        ),
        sa.ForeignKeyConstraint(["point_id"], ["sampling_point.id"], name="fk_response_point_id"),
        sa.ForeignKeyConstraint(
            ["quota_cell_id"], ["quota_cell.id"], name="fk_response_quota_cell_id"
        ),
        sa.ForeignKeyConstraint(["surveyor_id"], ["account.id"], name="fk_response_surveyor_id"),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_response_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_response"),
        sa.UniqueConstraint("client_uuid", name="uq_response_client_uuid"),
        sa.UniqueConstraint("invitation_id", name="uq_response_invitation_id"),
    )
    op.create_index("ix_response_surveyor_submitted", "response", ["surveyor_id", "submitted_at"])
    op.create_index("ix_response_wave_city_status", "response", ["wave_id", "city_code", "status"])

    op.create_table(
        "response_revision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("answers", JSON, nullable=False),
        sa.Column("timings", JSON, nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["account.id"], name="fk_response_revision_author_id"
        ),
        sa.ForeignKeyConstraint(
            ["response_id"], ["response.id"], name="fk_response_revision_response_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_response_revision"),
        sa.UniqueConstraint(
            "response_id", "number", name="uq_response_revision_response_id_number"
        ),
    )
    op.create_index(
        "ux_response_revision_current",
        "response_revision",
        ["response_id"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )
