"""What a typist's browser sends of one sheet."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from survey.fieldwork.submission import IMPORT_UUID_VERSION, Name

Round = Annotated[int, Field(ge=1, le=3)]
"""1 the first keying, 2 the second, 3 the verdict between the two."""


class SheetHead(BaseModel):
    """What stands on top of the paper, and what the typist means to do with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wave: Annotated[str, Field(max_length=100)]
    serial: Annotated[str, Field(min_length=1, max_length=40)]
    round: Round
    point_id: UUID
    surveyor_id: UUID
    interview_on: date


class Keying(BaseModel):
    """One keyed sheet. As with a submission, the answers are the validator's business."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_uuid: UUID
    sheet: SheetHead
    instrument_sha256: Annotated[str, Field(max_length=64)]
    language: Annotated[str, Field(max_length=16)] = "zh"
    answers: Annotated[dict[Name, Any], Field(max_length=1000)]
    missing: Annotated[frozenset[Name], Field(max_length=1000)] = frozenset()
    """Questions left blank on the paper, as the typist has said of each."""
    seconds: Annotated[float, Field(ge=0, le=10**7, allow_inf_nan=False)] | None = None
    strokes: Annotated[int, Field(ge=0, le=10**6)] | None = None

    @field_validator("client_uuid")
    @classmethod
    def _is_random(cls, value: UUID) -> UUID:
        if value.version in {None, IMPORT_UUID_VERSION}:
            raise ValueError("client_uuid must be a random UUID")
        return value
