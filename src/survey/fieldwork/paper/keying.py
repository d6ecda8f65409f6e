"""Keying of one paper sheet: what the browser sends, its validation and comparison."""

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from survey.fieldwork.submission_envelope import IMPORT_UUID_VERSION, Name
from survey.instrument.expressions.parser import parse
from survey.instrument.expressions.syntax import references
from survey.instrument.model import Instrument
from survey.instrument.question_types import type_of
from survey.instrument.validation import AnswerProblem, Validation, validate
from survey.locale import msg
from survey.store.china_time import CHINA

Round = Annotated[int, Field(ge=1, le=3)]
"""1 the first keying, 2 the second, 3 the verdict between the two."""


class SheetHead(BaseModel):
    """Head of a paper sheet, and the round in which the typist keys it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wave: Annotated[str, Field(max_length=100)]
    serial: Annotated[str, Field(min_length=1, max_length=40)]
    round: Round
    point_id: UUID
    surveyor_id: UUID
    interview_on: date


class Keying(BaseModel):
    """One keyed sheet as the browser sends it; its answers are validated later."""

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


def check_sheet(
    instrument: Instrument, answers: Mapping[str, Any], missing: Collection[str], *, day: date
) -> Validation:
    """Validate the answers for the day of the interview; blanks on paper may stay open.

    A required question may stay open only where the typist marked it as blank, and never where it
    decides whether there is an interview at all.
    """
    checked = validate(instrument, answers, today=day)
    decisive = list_exit_items(instrument)
    problems = tuple(
        _add_reason(problem, problem.item in decisive and problem.item in missing)
        for problem in checked.problems
        if problem.code != "required" or problem.item not in missing or problem.item in decisive
    )
    return replace(checked, problems=problems)


def _add_reason(problem: AnswerProblem, is_decisive: bool) -> AnswerProblem:
    if problem.code != "required" or not is_decisive:
        return problem
    reason = msg("Without this answer there is no interview. Please set the sheet aside.")
    return AnswerProblem(problem.item, "decisive", reason)


def list_exit_items(instrument: Instrument) -> frozenset[str]:
    """Return the items that exits of a questionnaire depend on: consent, screening, age."""
    wanted = [
        name
        for section in instrument.sections
        if section.ends is not None and section.relevant is not None
        for name in references(parse(section.relevant))
    ]
    decisive: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in decisive or name not in instrument.by_name:
            continue
        decisive.add(name)
        calculation = instrument.by_name[name].calculation
        if calculation is not None:
            wanted.extend(references(parse(calculation)))
    return frozenset(decisive)


def noon_in_china(day: date) -> datetime:
    """Return noon of that day in China; paper notes the day, not the hour."""
    return datetime.combine(day, time(12), CHINA)


HEAD = ("@point", "@surveyor", "@day")
"""Fields of a sheet's head beside its questions; no item can be called so."""


@dataclass(frozen=True)
class KeyedSheet:
    """Head of the sheet and recorded answers, as one person keyed them."""

    point_id: UUID
    surveyor_id: UUID
    interview_on: date
    answers: Mapping[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        """Every field by name; a question that was not asked is absent."""
        head = (self.point_id, self.surveyor_id, self.interview_on)
        return {**dict(zip(HEAD, head, strict=True)), **self.answers}


def list_differing_fields(
    instrument: Instrument, first: KeyedSheet, second: KeyedSheet
) -> tuple[str, ...]:
    """Return the fields that differ, in the order of the sheet; calculations are not keyed."""
    fields, other = first.fields, second.fields
    return tuple(
        name
        for name in (*HEAD, *_list_keyed_items(instrument))
        if (name in fields) != (name in other)
        or not is_same_value(instrument, name, fields.get(name), other.get(name))
    )


def is_same_value(instrument: Instrument, name: str, value: object, other: object) -> bool:
    """Whether two people keyed the same value.

    In open text only the words count: two people hardly ever set the same commas and spaces.
    """
    item = instrument.by_name.get(name)
    if item is not None and type_of(item).is_open_text:
        return _normalise_text(value) == _normalise_text(other)
    return value == other


def count_errors(instrument: Instrument, keyed: KeyedSheet, settled: KeyedSheet) -> tuple[int, int]:
    """Count fields and errors of a keying, compared with the settled sheet.

    A field counts where the typist was asked and the settled sheet has it, so that one wrong turn
    of the route is one error and not as many as it skipped.
    """
    mine, right = keyed.fields, settled.fields
    both = [
        name for name in (*HEAD, *_list_keyed_items(instrument)) if name in mine and name in right
    ]
    return len(both), sum(
        not is_same_value(instrument, name, mine[name], right[name]) for name in both
    )


def _list_keyed_items(instrument: Instrument) -> list[str]:
    return [item.name for item in instrument.items() if type_of(item).is_shown]


def _normalise_text(text: object) -> str:
    plain = unicodedata.normalize("NFKC", text if isinstance(text, str) else "").casefold()
    return "".join(character for character in plain if character.isalnum())
