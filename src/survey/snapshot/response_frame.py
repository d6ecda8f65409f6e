"""Stored responses as one typed frame: a row an interview, in the order of its id.

Five kinds of "no score" stay five different negative codes.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
from sqlalchemy import Table, select
from sqlmodel import Session, SQLModel

from survey.instrument.model import Instrument, Item, ItemKind, SpecialAnswer
from survey.store.tables import (
    Account,
    Response,
    ResponseRevision,
    SamplingPoint,
    Status,
    revision_join,
)

DONT_KNOW, NOT_EXPERIENCED, REFUSED, NOT_ASKED, MISSING = -1, -2, -3, -4, -5
_CODES: dict[Any, int] = {
    SpecialAnswer.DONT_KNOW.value: DONT_KNOW,
    SpecialAnswer.NOT_EXPERIENCED.value: NOT_EXPERIENCED,
    SpecialAnswer.REFUSED.value: REFUSED,
    None: MISSING,
}
NOT_IN_ANSWERS = object()
"""Stands for an item that is not among the answers at all: it was off the route."""


def encode_ratings(values: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Return scores and negative codes of one rating as int8, in the order of `values`.

    An explicit null is an asked but unanswered item; an absent one was not asked.
    """
    lookup: dict[Any, int] = {**_CODES, NOT_IN_ANSWERS: NOT_ASKED}
    return np.fromiter(
        (value if type(value) is int else lookup.get(value, MISSING) for value in values),
        dtype=np.int8,
        count=len(values),
    )


def item_columns(item: Item, values: Sequence[Any]) -> dict[str, Any]:
    """Return the snapshot columns of one item: none for notes and open text.

    Open text stays in the store: it may name people, and no estimate reads it.
    """
    if item.kind is ItemKind.RATING:
        return {item.name: encode_ratings(values)}
    if item.kind is ItemKind.SELECT_ONE:
        known = [choice.name for choice in item.choices]
        return {item.name: pd.Categorical(_texts(values), categories=known)}
    if item.kind is ItemKind.SELECT_MULTIPLE:
        return _multiple(item, values)
    if item.kind in {ItemKind.INTEGER, ItemKind.DECIMAL, ItemKind.CALCULATE}:
        numbers = [float(v) if isinstance(v, int | float) else np.nan for v in values]
        return {item.name: np.asarray(numbers, dtype=np.float64)}
    if item.kind is ItemKind.DATE:
        return {item.name: pd.Series(_texts(values), dtype="string")}
    return {}


def _texts(values: Sequence[Any]) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in values]


def _multiple(item: Item, values: Sequence[Any]) -> dict[str, Any]:
    """Return one int8 column a choice: 1 chosen, 0 not chosen, negative as for ratings."""
    chosen = [frozenset(v) if isinstance(v, list) else None for v in values]
    empty = [NOT_ASKED if v is NOT_IN_ANSWERS else MISSING for v in values]
    return {
        f"{item.name}/{choice.name}": np.fromiter(
            (
                gap if picks is None else int(choice.name in picks)
                for picks, gap in zip(chosen, empty, strict=True)
            ),
            dtype=np.int8,
            count=len(values),
        )
        for choice in item.choices
    }


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
GIVEN_WEIGHT = "weight:given"
"""Column of the weights that the interviews of an imported wave brought along, null where one has
none; absent where none has. No item can have this name."""


def _table_of(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


def response_frame(
    *,
    session: Session,
    wave_id: UUID,
    instrument: Instrument,
    statuses: Sequence[Status] = FREEZABLE,
) -> pd.DataFrame:
    """Return one row a response in one of `statuses`, sorted by id.

    Columns are `RESPONSE_COLUMNS`, `GIVEN_WEIGHT` where there are such weights, then the items.
    Ratings are int8 with the codes of this module; `psu` and `stratum` are null where no sampling
    point was recorded.
    """
    response, revision = _table_of(Response), _table_of(ResponseRevision)
    point, account = _table_of(SamplingPoint), _table_of(Account)
    query = (
        select(
            response.c.id,
            response.c.city_code,
            point.c.code,
            point.c.stratum,
            account.c.login,
            response.c.mode,
            response.c.language,
            response.c.started_at,
            response.c.submitted_at,
            response.c.duration_seconds,
            response.c.given_weight,
            revision.c.answers,
        )
        .select_from(
            response.join(revision, revision_join(response, revision))
            .outerjoin(point, point.c.id == response.c.point_id)
            .outerjoin(account, account.c.id == response.c.surveyor_id)
        )
        .where(
            response.c.wave_id == wave_id,
            response.c.status.in_(statuses),
            revision.c.is_current,
        )
        .order_by(response.c.id)
    )
    rows = session.execute(query).all()
    frame = build_response_frame(((*row[:-2], row[-1]) for row in rows), instrument)
    weights = [row[-2] for row in rows]
    if any(weight is not None for weight in weights):
        frame.insert(len(RESPONSE_COLUMNS), GIVEN_WEIGHT, pd.Series(weights, dtype="float64"))
    return frame


def build_response_frame(rows: Iterable[tuple[Any, ...]], instrument: Instrument) -> pd.DataFrame:
    """Build the frame of rows with the values of `RESPONSE_COLUMNS` followed by the answers."""
    listed = list(rows)
    answers = [row[-1] for row in listed]
    columns: dict[str, Any] = {
        name: [row[place] for row in listed] for place, name in enumerate(RESPONSE_COLUMNS)
    }
    columns["response_id"] = [str(value) for value in columns["response_id"]]
    columns["mode"] = [str(value) for value in columns["mode"]]
    for item in instrument.items():
        columns.update(
            item_columns(item, [answer.get(item.name, NOT_IN_ANSWERS) for answer in answers])
        )
    frame = pd.DataFrame(columns)
    for name in ("city_code", "psu", "stratum", "surveyor", "mode", "language"):
        frame[name] = frame[name].astype("category")
    for name in ("started_at", "submitted_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    frame["duration_seconds"] = frame["duration_seconds"].astype("float64")
    return frame
