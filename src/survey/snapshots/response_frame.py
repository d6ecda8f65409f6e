"""Stored responses as one typed frame: a row an interview, in the order of its id.

Five kinds of "no score" stay five different negative codes.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.question_types import type_of
from survey.questionnaire.question_types.question_type import NOT_IN_ANSWERS, SnapshotColumn
from survey.snapshots.response_files import SHARED_CATEGORIES
from survey.store.tables import (
    Account,
    Response,
    ResponseRevision,
    SamplingPoint,
    Status,
    revision_join,
    table_of,
)


def item_columns(item: Item, values: Sequence[Any]) -> dict[str, Any]:
    """Return name -> values of an item's snapshot columns from its answers; none for open text."""
    columns = type_of(item).snapshot_columns(item, values)
    return {column.name: _build_typed_values(column, len(values)) for column in columns}


def _build_typed_values(column: SnapshotColumn, count: int) -> Any:
    if column.dtype == "category":
        # Codes looked up here: pandas would first infer the type of every batch of texts.
        code_of = {name: code for code, name in enumerate(column.categories)}
        codes = np.fromiter((code_of.get(text, -1) for text in column.values), np.intp, count)
        dtype = pd.CategoricalDtype(list(column.categories))
        return pd.Categorical.from_codes(codes, dtype=dtype)
    if column.dtype == "string":
        return pd.Series(list(column.values), dtype="string")
    return np.fromiter(column.values, dtype=column.dtype, count=count)


FREEZABLE = (Status.APPROVED, Status.FROZEN)
RESPONSE_COLUMNS = (
    "response_id",
    "city_code",
    "psu",
    "stratum",
    "surveyor",
    "mode",
    "language",
    "started_at",
    "submitted_at",
    "duration_seconds",
)
READ_BATCH_SIZE = 2000
"""Interviews that are in memory with their answers as they are stored."""
GIVEN_WEIGHT = "weight:given"
"""Column of the weights that the interviews of an imported wave brought along, null where one has
none; absent where none has. No item can have this name."""


OFFERED_MODE = "mode:offered"
"""Column of what was to be offered at the interview's point, in a wave with a mode experiment; null
at a point without an offer. No item can have this name."""


@dataclass(frozen=True)
class CountedResponses:
    """Condition for the responses of a wave that a snapshot counts: by status and city."""

    wave_id: UUID
    statuses: Sequence[Status] = FREEZABLE
    left_out: Collection[str] = ()
    instrument_id: UUID | None = None
    """Questionnaire that they answered; None: any."""

    def is_counted(self, cities: Collection[str] | None = None) -> ColumnElement[bool]:
        """Return the SQL condition for these responses, of these `cities` alone if given."""
        response, asked = table_of(Response), self.instrument_id
        return sa.and_(
            response.c.wave_id == self.wave_id,
            response.c.status.in_(self.statuses),
            response.c.city_code.not_in(self.left_out),
            response.c.city_code.in_(cities) if cities is not None else sa.true(),
            response.c.instrument_id == asked if asked is not None else sa.true(),
        )


def response_frame(
    session: Session,
    instrument: Instrument,
    counted: CountedResponses,
    *,
    cities: Collection[str] | None = None,
    with_weights: bool | None = None,
    with_offers: bool = False,
) -> pd.DataFrame:
    """Return the `counted` responses of `cities` as a typed frame, a row each, sorted by id.

    Args:
        cities: the only ones to read; None: all.
        with_weights: whether there is a column of given weights; None: where any row has one.
        with_offers: whether there is a column of what was to be offered.

    Columns are `RESPONSE_COLUMNS`, `GIVEN_WEIGHT` and `OFFERED_MODE` where there are such, then the
    items.
    Ratings are int8 with the codes of `question_types.snapshot_codes`; `psu` and `stratum` are null
    where no sampling point was recorded.
    """
    response, revision = table_of(Response), table_of(ResponseRevision)
    point, account = table_of(SamplingPoint), table_of(Account)
    query = (
        select(
            *response.c["id", "city_code"],
            *point.c["code", "stratum"],
            account.c.login,
            *response.c["mode", "language", "started_at", "submitted_at", "duration_seconds"],
            response.c.given_weight,
            point.c.offered_mode,
            revision.c.answers,
        )
        .select_from(
            response.join(revision, revision_join(response, revision))
            .outerjoin(point, point.c.id == response.c.point_id)
            .outerjoin(account, account.c.id == response.c.surveyor_id)
        )
        .where(counted.is_counted(cities), revision.c.is_current)
        .order_by(response.c.id)
    )
    result = session.execute(query, execution_options={"yield_per": READ_BATCH_SIZE})
    weights: list[float | None] = []
    offers: list[str | None] = []

    def rows() -> Iterator[tuple[Any, ...]]:
        for *values, weight, offer, answers in result:
            weights.append(weight)
            offers.append(None if offer is None else str(offer))
            yield (*values, answers)

    frame = build_response_frame(rows(), instrument)
    if with_weights is None:
        with_weights = any(weight is not None for weight in weights)
    if with_weights:
        frame.insert(len(RESPONSE_COLUMNS), GIVEN_WEIGHT, pd.Series(weights, dtype="float64"))
    if with_offers:
        values = pd.Series(offers, dtype=object).astype("category")
        frame.insert(len(RESPONSE_COLUMNS), OFFERED_MODE, values)
    return frame


@dataclass(frozen=True)
class CityResponses:
    """Numbers of responses of one city: all, with a sampling point, with an imported weight."""

    city_code: str
    rows: int
    with_point: int
    with_weight: int


def count_responses(session: Session, counted: CountedResponses) -> tuple[CityResponses, ...]:
    """Return the numbers of counted responses by city, sorted by city code."""
    response = table_of(Response)
    query = (
        select(
            response.c.city_code,
            func.count(),
            func.count(response.c.point_id),
            func.count(response.c.given_weight),
        )
        .where(counted.is_counted())
        .group_by(response.c.city_code)
        .order_by(response.c.city_code)
    )
    return tuple(CityResponses(*row) for row in session.connection().execute(query))


def response_fingerprint(
    session: Session, counted: CountedResponses, cities: Collection[str]
) -> str:
    """Return a hash that changes when any of the `counted` responses of `cities` changes.

    Every change of a response raises its `lock_version`.
    """
    response, point, account = table_of(Response), table_of(SamplingPoint), table_of(Account)
    query = (
        select(
            *response.c["id", "lock_version", "given_weight"],
            *point.c["code", "stratum", "offered_mode"],
            account.c.login,
        )
        .select_from(
            response.outerjoin(point, point.c.id == response.c.point_id).outerjoin(
                account, account.c.id == response.c.surveyor_id
            )
        )
        .where(counted.is_counted(cities))
        .order_by(response.c.id)
    )
    digest = hashlib.sha256()
    rows = session.execute(query, execution_options={"yield_per": READ_BATCH_SIZE})
    for row in rows:
        digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


def build_response_frame(rows: Iterable[tuple[Any, ...]], instrument: Instrument) -> pd.DataFrame:
    """Return a frame of `rows`: tuples of values of `RESPONSE_COLUMNS`, then the answers.

    The answers of a batch become columns before the next batch is read: as they are stored, they
    take some fifty times the memory of their columns.
    """
    kept: dict[str, list[Any]] = {name: [] for name in RESPONSE_COLUMNS}
    texts: dict[Any, Any] = {}
    answers: list[pd.DataFrame] = []
    waiting = iter(rows)
    while (batch := list(islice(waiting, READ_BATCH_SIZE))) or not answers:
        for index, (name, values) in enumerate(kept.items()):
            values.extend(_build_plain_values(name, [row[index] for row in batch], texts))
        answers.append(_answer_columns([row[-1] for row in batch], instrument))
    frame = pd.DataFrame(kept | dict(pd.concat(answers, ignore_index=True).items()))
    for name in SHARED_CATEGORIES:
        if name in frame:
            frame[name] = frame[name].astype("category")
    for name in ("started_at", "submitted_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    frame["duration_seconds"] = frame["duration_seconds"].astype("float64")
    return frame


def _build_plain_values(name: str, values: list[Any], texts: dict[Any, Any]) -> list[Any]:
    """Return a batch of values of column `name`; equal texts are shared through `texts`."""
    if name in ("response_id", "mode"):
        values = [str(value) for value in values]
    if name in SHARED_CATEGORIES:
        return [texts.setdefault(value, value) for value in values]
    return values


def _answer_columns(answers: Sequence[Mapping[str, Any]], instrument: Instrument) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for item in instrument.items():
        columns.update(
            item_columns(item, [answer.get(item.name, NOT_IN_ANSWERS) for answer in answers])
        )
    return pd.DataFrame(columns, index=range(len(answers)))
