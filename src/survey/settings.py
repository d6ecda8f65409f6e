"""Environment variables and `.env` become one immutable `Settings` object."""

from functools import cached_property, lru_cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """All configuration of one process; every field can be set as `SURVEY_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix="SURVEY_", env_file=".env", extra="ignore", frozen=True
    )

    data_dir: Path = PROJECT_ROOT / "var"
    database_url: str = ""
    language: str = "zh"
    host: str = "127.0.0.1"
    port: int = 8501
    public_url: str = ""
    demo: bool = False
    """Offer sign-in by choosing a role; only ever on for a database that holds demo data."""
    public_rate_per_minute: int = 360
    """Requests of one address at the public door (forms, posts, sign-in); 0 means no limit."""
    trusted_proxies: int = 0
    """How many reverse proxies of our own stand in front and write `X-Forwarded-For`."""

    look_at_new: bool = True
    """Look for odd ones among new interviews every few minutes; one of many processes does it."""

    withdraw_rate_per_minute: int = 20
    """Codes that one address may try on the page for withdrawing; 0 means no limit."""
    phone_key: SecretStr = SecretStr("")
    """Fernet keys for telephone numbers, separated by commas; the first one encrypts."""
    phone_key_file: Path | None = None
    """A file with one such key a line, where `phone_key` is not set."""
    keep_phone_days: int = Field(default=60, ge=0)
    """Telephone numbers, from the day they were left."""
    keep_device_days: int = Field(default=30, ge=7)
    """The mark of the device that opened a link, from the day the link expired."""
    keep_session_days: int = Field(default=90, ge=1)
    """Sessions of signed-in browsers, from the day they ended."""
    keep_file_name_days: int = Field(default=365, ge=1)
    """Names of imported files."""
    keep_withdrawn_days: int = Field(default=180, ge=1)
    """Where and by whom a withdrawn interview was made, from the day it was withdrawn."""
    keep_code_days: int = Field(default=400, ge=1)
    """Hashes of withdrawal codes of frozen waves, from the day of the interview."""
    clean_up: bool = True
    """Delete once a day what has been kept long enough; one of many processes does it."""

    @cached_property
    def store_url(self) -> str:
        """SQLAlchemy URL of the store; without configuration, SQLite in `data_dir`."""
        if self.database_url:
            return self.database_url
        return f"sqlite:///{self.data_dir / 'survey.db'}"

    @property
    def snapshot_dir(self) -> Path:
        return self.data_dir / "snapshots"


@lru_cache(maxsize=1)
def current_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
