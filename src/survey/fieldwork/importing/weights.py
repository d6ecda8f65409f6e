"""Weights that interviews bring along: what may be one, and that a wave has them all or none.

A wave in which some interviews have a weight of their own and others none could be computed in no
honest way, so a file that would make it one is refused as a whole.
"""

import unicodedata
from collections.abc import Mapping
from uuid import UUID

from sqlmodel import Session, col, func, select

from survey.fieldwork.importing.column_mapping import ColumnBindings, ColumnRole
from survey.fieldwork.importing.rejections import ImportNotPossibleError
from survey.locale import msg
from survey.store.tables import Response, Status, Wave, WaveState

MIN_WEIGHT, MAX_WEIGHT = 1e-9, 1e12
"""Beyond these a weight is a slip, and its square soon no number."""
UNWEIGHTED = (Status.SCREENED_OUT, Status.REFUSED, Status.QUOTA_FULL, Status.VOID)
"""Interviews that enter no estimate need no weight."""


def read_weight(text: str) -> float | None:
    """The weight that a cell holds; None where it is none."""
    plain = unicodedata.normalize("NFKC", text).strip()
    try:
        weight = float(plain)
    except ValueError:
        return None
    # Python reads 1_000 as a number; nobody means it.
    return weight if "_" not in plain and MIN_WEIGHT <= weight <= MAX_WEIGHT else None


def check_weights(*, session: Session, wave: Wave | None, column: str | None) -> None:
    """Refuse a file by which only some interviews of the wave would have a weight.

    Args:
        column: the file's column of weights, or None.

    Raises:
        ImportNotPossibleError: says what to do instead.
    """
    if wave is None:
        return
    if column is not None and wave.state is WaveState.OPEN:
        raise ImportNotPossibleError(
            msg(
                "The wave {key} is open: its interviews are weighted by the survey itself, and "
                "column {column} gives them weights. Map the column to ignore, or import the file "
                "into a wave of its own.",
                key=wave.key,
                column=column,
            )
        )
    with_weight, without = _counts(session, wave)
    if column is not None and without:
        raise ImportNotPossibleError(
            msg(
                "The wave {key} holds {count} interviews without a weight, and column {column} "
                "gives weights: all interviews of a wave have one, or none. Map the column to "
                "ignore, or import all of them with their weights into a wave with another key.",
                key=wave.key,
                count=without,
                column=column,
            )
        )
    if column is None and with_weight:
        raise ImportNotPossibleError(
            msg(
                "The {count} interviews of the wave {key} came with weights, and no column of "
                "this file gives any: all interviews of a wave have one, or none. Map a column to "
                "weight, or import the file into a wave with another key.",
                key=wave.key,
                count=with_weight,
            )
        )


def weight_column(uses: ColumnBindings) -> str | None:
    """The name of the column that gives weights."""
    use = uses.roles.get(ColumnRole.WEIGHT)
    return use.column if use else None


def stored_weights(*, session: Session, wave: Wave) -> Mapping[UUID, float | None]:
    """The weights as they came in, by client UUID."""
    query = select(Response.client_uuid, Response.given_weight).where(Response.wave_id == wave.id)
    return {row[0]: row[1] for row in session.exec(query)}


def _counts(session: Session, wave: Wave) -> tuple[int, int]:
    """Interviews with and without a weight, of those that may enter an estimate."""
    query = select(func.count(col(Response.given_weight)), func.count()).where(
        Response.wave_id == wave.id, col(Response.status).not_in(UNWEIGHTED)
    )
    with_weight, total = session.exec(query).one()
    return with_weight, total - with_weight
