"""A finished interview as a browser sends it: the envelope of its answers, checked on arrival."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from survey.fieldwork.withdrawal_codes import LENGTH, hash_code, read_code

MAX_INTERVIEW_DURATION = timedelta(days=30)
IMPORT_UUID_VERSION = 5


def _require_iso_time(moment: object) -> object:
    """Refuse a bare number, which would be read as seconds since 1970."""
    if isinstance(moment, datetime) or (isinstance(moment, str) and ":" in moment):
        return moment
    raise ValueError("times are written as in ISO 8601")


DeviceTime = Annotated[AwareDatetime, BeforeValidator(_require_iso_time)]
Name = Annotated[str, Field(max_length=200)]
Seconds = Annotated[float, Field(ge=0, le=10**7, allow_inf_nan=False)]


class Submission(BaseModel):
    """A finished interview as the browser sends it.

    Only the envelope is checked here. The answers are the validator's business, because what is
    wrong with one of them has to be said beside its question.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_uuid: UUID
    """Made by the browser when the interview begins; the interview's name for ever."""
    token: Annotated[str, Field(max_length=128)] | None = None
    """The one-time link, for respondents who answer themselves."""
    point_id: UUID | None = None
    """The sampling point, when a signed-in surveyor asks the questions."""
    instrument_sha256: Annotated[str, Field(max_length=64)]
    """The questionnaire that was on the screen."""
    language: Annotated[str, Field(max_length=16)] = "zh"
    started_at: DeviceTime
    finished_at: DeviceTime | None = None
    """By the same clock as `started_at`; the difference holds even where the clock is wrong."""
    answers: Annotated[dict[Name, Any], Field(max_length=1000)]
    timings: Annotated[dict[Name, Seconds], Field(max_length=1000)] = {}
    stopped: Literal["quota_full"] | None = None
    """The form ended early by itself: people of this age and gender were not needed any more.

    A claim, and no more: whether a quota is full is for the counts of the store to say.
    """
    withdrawal_code: Annotated[str, Field(max_length=LENGTH)] | None = None
    """Drawn by the browser and shown to the respondent; its SHA-256 is stored."""

    @model_validator(mode="after")
    def _require_one_channel(self) -> Self:
        if (self.token is None) == (self.point_id is None):
            raise ValueError("either a token or a point_id")
        if self.client_uuid.version in {None, IMPORT_UUID_VERSION}:
            raise ValueError("client_uuid must be a random UUID")
        if self.withdrawal_code and read_code(self.withdrawal_code) != self.withdrawal_code:
            raise ValueError("withdrawal_code has a wrong digit")
        return self

    @property
    def duration_seconds(self) -> float | None:
        """Seconds between beginning and end, if both are known."""
        if self.finished_at is None:
            return None
        lasted = self.finished_at - self.started_at
        return lasted.total_seconds() if timedelta(0) <= lasted <= MAX_INTERVIEW_DURATION else None

    @property
    def withdrawal_sha256(self) -> str | None:
        """Hash of the withdrawal code, as stored."""
        return hash_code(self.withdrawal_code) if self.withdrawal_code else None
