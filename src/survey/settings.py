"""Settings of one process, read from environment variables and `.env`, never changed."""

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[2]


_ARCHIVE_NAME_DIGITS = 12

ENGINE_NAME = r"local(:[1-9][0-9]?)?|spark://[^/\s]+:[0-9]+|yarn|k8s://\S+|spark\+local(\[([1-9][0-9]?|\*)\])?"
"""Names of engines that sum the parts of a wave (docs/scale.md)."""


class Settings(BaseSettings):
    """Configuration of one process; every field can be set as `SURVEY_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix="SURVEY_", env_file=".env", extra="ignore", frozen=True
    )

    data_dir: Path = PROJECT_ROOT / "var"
    database_url: str = ""
    language: str = "zh"
    host: str = "127.0.0.1"
    port: int = 8501
    public_url: str = ""
    """Address by which browsers reach the platform: printed links begin with it, and an `Origin` of
    it is accepted."""
    demo: bool = False
    """Offer sign-in by choosing a role; only ever on for a database that holds demo data."""
    public_rate_per_minute: int = 360
    """Requests of one address to the public endpoints (forms, posts, sign-in); six times as many to
    all endpoints together. 0 means no limit."""
    trusted_proxies: int = 0
    """How many trusted reverse proxies are in front and write `X-Forwarded-For`."""

    sockets_per_address: int = Field(default=300, ge=0)
    """Open pages of one address in one process; 0 means no limit, here and below. An office of
    sixty behind one address has some 200."""
    sockets_per_session: int = Field(default=12, ge=0)
    """Open pages of one signed-in browser in one process."""
    messages_per_second: float = Field(default=5.0, ge=0)
    """Steady rate of messages of one session's pages, with bursts of forty; above it they wait."""
    busy_sessions_per_address: int = Field(default=20, ge=1)
    """Sessions of one address that may reach this rate at the same time."""
    page_runs_at_once: int = Field(default=4, ge=0)
    """Pages that one process draws at the same time; others wait."""
    page_runs_per_session: int = Field(default=1, ge=1)
    """Pages of one session that are drawn at the same time."""
    uploads_per_session: int = Field(default=20, ge=0)
    """Files of one session that are held in memory, until its pages are closed."""
    upload_megabytes_per_session: int = Field(default=150, ge=0)
    """Size of these files together, in megabytes."""
    upload_megabytes: int = Field(default=600, ge=0)
    """Size of the files of all sessions in one process, in megabytes."""

    engine: str = Field(default="local", pattern=rf"^({ENGINE_NAME})$")
    """Where the parts of a wave are summed: `local`, `local:N` for N worker processes, or a Spark
    master (docs/scale.md)."""
    engine_python: str = ""
    """Interpreter of Spark's workers; empty: `PYSPARK_PYTHON`, else the path of this one."""
    engine_start_seconds: float = Field(default=120.0, gt=0)
    """How long Spark may take until its first worker answers."""
    engine_files: str = Field(default="", repr=False)
    """Folder that the workers of the engine see, by path or by a URI of pyarrow (`s3://…`,
    `hdfs://…`): files of a wave are copied there while it is summed. Empty: they see the data
    folder at the same path."""

    audit_seconds: float = Field(default=60.0, ge=0)
    """How long the audit of hidden counts takes at every freeze, in seconds of one core of the
    machine it was measured on (docs/disclosure.md); 0: as long as it takes for every cell."""

    two_person_freeze: bool = True
    """Freezing a wave for good and releasing it are requested by one person and confirmed by
    another; off: one person is enough (docs/planning.md)."""

    look_at_new: bool = True
    """Assess the quality of new interviews every few minutes, and audit the hidden counts of frozen
    waves that no freeze has reached; one process at a time does each."""

    audit_key: str = Field("", repr=False)
    """Key of the audit chain, so that the database's owner cannot forge it; 32 characters."""
    audit_key_file: Path | None = None
    """File with one key per line, the newest last; older keys verify what they sealed."""

    release_key: SecretStr = SecretStr("")
    """Private keys that sign releases, separated by commas, the newest last."""
    release_key_file: Path | None = None
    """File with one such key per line, the newest last (docs/publishing.md)."""
    time_stamp_url: str = ""
    """Address of a server for RFC 3161 time stamps of releases; empty: none is asked."""
    time_stamp_certificates: Path | None = None
    """PEM file with the certificates of the authorities behind that server."""

    database_pool_size: int = 10
    """Connections to PostgreSQL that one process keeps open (docs/postgresql.md)."""
    database_pool_overflow: int = 15
    """Further connections that it opens when all of these are busy."""
    database_pool_timeout: float = 10.0
    """Seconds that work waits for a connection before it fails."""
    database_pool_recycle: int = 1800
    """Seconds after which a connection is replaced by a new one."""
    database_statement_timeout: float = 30.0
    """Seconds that one statement may take on PostgreSQL; 0: no limit, here and below."""
    database_lock_timeout: float = 10.0
    """Seconds that a statement waits for the lock of a row or table."""
    database_idle_timeout: float = 60.0
    """Seconds that a transaction may be open without a statement."""
    database_patient_timeout: float = 3600.0
    """Limit of statements and idle transactions while freezing, importing and migrating."""

    database_read_url: str = ""
    """Read replica of the store (PostgreSQL), for pages that only look; empty: none."""
    database_read_max_lag: float = Field(default=30.0, gt=0)
    """Seconds that the replica may be behind; beyond them these pages read from the store."""

    session_hours: int = 12
    """Hours after which a session ends."""
    idle_minutes: int = 120
    """Minutes without use after which a session ends."""
    oidc_issuer: str = ""
    """Address of an OpenID Connect provider, for example `https://login.example.org`; empty: none.
    """
    oidc_client_id: str = ""
    oidc_client_secret: str = Field("", repr=False)
    oidc_name: str = ""
    """Name of the provider on the sign-in page."""
    oidc_second_factor: bool = False
    """The provider verifies a second factor itself, so ours is not required."""

    public_door: bool | None = None
    """Serve the releases that were announced as public to everybody, below `/data/`
    (docs/public-door.md); unless it is set, only a demonstration does."""
    site_licence: str = ""
    """Licence of the figures on the public site, as its pages name it; empty: all rights reserved.
    """
    site_identifier: str = Field(default="", pattern=r"^(https://\S*\{release\}\S*)?$")
    """Persistent identifier (DOI, CSTR) of a release on the public site as an address, with
    `{release}` for its id, as `https://doi.org/10.12345/{release}`; empty: none."""
    report_organisation: str = ""
    """Name of the association on the cover of reports and in their method sheet."""
    report_contact: str = ""
    """Person or office that answers questions about a report."""
    report_template: Path | None = None
    """Word template of reports of the association's own; empty: the shipped one."""
    report_rules: Path | None = None
    """CSV of sentences of reports that replace shipped ones (docs/reports.md)."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = "auto"
    """Format of the log; `auto` is text on a terminal and JSON elsewhere."""
    metrics_port: int = 0
    """Prometheus metrics on a port of their own; 0 means none."""
    metrics_host: str = "127.0.0.1"

    api_rate_per_minute: int = 120
    """Requests of one key to the results API; 0 means no limit."""
    withdraw_rate_per_minute: int = 20
    """Codes that one address may try on the page for withdrawing; 0 means no limit."""
    phone_key: SecretStr = SecretStr("")
    """Fernet keys for telephone numbers and for secrets of second factors, separated by commas; the
    first one encrypts."""
    phone_key_file: Path | None = None
    """A file with one such key a line, where `phone_key` is not set."""
    secret_key_file: Path | None = None
    """Key file for second factors if neither is set, by default `secret.key` in the data folder.

    It is created when needed. Telephone numbers are asked for only with a configured key.
    """
    backup_dir: Path | None = None
    """Folder with backups, which the audit page offers to check; nothing is written there."""
    keep_phone_days: int = Field(default=60, ge=0)
    """Days that telephone numbers are kept after they were left."""
    keep_device_days: int = Field(default=30, ge=7)
    """Days that the device of a link is kept after the link expired."""
    keep_session_days: int = Field(default=90, ge=1)
    """Days that sessions are kept after they ended."""
    keep_file_name_days: int = Field(default=365, ge=1)
    """Days that names of imported files are kept."""
    keep_withdrawn_days: int = Field(default=180, ge=1)
    """Days that place and surveyor of a withdrawn interview are kept after the withdrawal."""
    keep_parked_days: int = Field(default=60, ge=7)
    """Days that interviews which arrived too late wait for a decision; then they are deleted."""
    keep_photo_days: int = Field(default=30, ge=7)
    """Days that a photo is kept which no visit, returned or stored, refers to."""
    keep_code_days: int = Field(default=400, ge=1)
    """Days that withdrawal codes of frozen waves are kept as hashes after the interview."""
    clean_up: bool = True
    """Delete expired data once a day; one process at a time does it."""

    @cached_property
    def store_url(self) -> str:
        """SQLAlchemy URL of the store; without configuration, SQLite in `data_dir`."""
        if self.database_url:
            return self.database_url
        return f"sqlite:///{self.data_dir / 'survey.db'}"

    @property
    def own_key_file(self) -> Path:
        """Key file for second factors where no configured key encrypts them."""
        return self.secret_key_file or self.data_dir / "secret.key"

    @property
    def demo_marker(self) -> Path:
        """File in the data folder that exists once the demo data are complete."""
        return self.data_dir / "demo.json"

    @property
    def demo_progress_dir(self) -> Path:
        """Folder in the data folder that exists while demo data are being made."""
        return self.data_dir / "demo-progress"

    @property
    def snapshot_dir(self) -> Path:
        """Folder of all snapshots."""
        return self.data_dir / "snapshots"

    @property
    def photo_dir(self) -> Path:
        """Folder of all photos, each named by its SHA-256."""
        return self.data_dir / "photos"

    @property
    def release_dir(self) -> Path:
        """Folder with the archives of signed and published releases."""
        return self.data_dir / "releases"

    @property
    def serves_site(self) -> bool:
        """Whether everybody reads public releases below `/data/`."""
        return self.demo if self.public_door is None else self.public_door

    @property
    def site_dir(self) -> Path:
        """Folder with the public site as it was built, a folder for each state of its releases."""
        return self.data_dir / "site"

    def release_path(self, key: str, sha256: str) -> Path:
        """Return the file of the archive of a release, named by its id and hash."""
        return self.release_dir / f"{key}-{sha256[:_ARCHIVE_NAME_DIGITS]}.zip"


@lru_cache(maxsize=1)
def current_settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
