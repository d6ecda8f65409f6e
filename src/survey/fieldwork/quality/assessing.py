"""Assessing a wave: flags and risk of every finished interview, stored for those who review."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
from sqlalchemy import delete, select
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Action, Principal
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.quality.detecting import Assessment, assess
from survey.fieldwork.quality.interviews import Floats, Interviews, interviews_of
from survey.fieldwork.quality.kinds import REVIEW_FROM, VERSION, FlagKind
from survey.fieldwork.quality.reading import stored_interviews
from survey.fieldwork.waves import wave_by_key
from survey.store.bulk import insert_columns
from survey.store.core import table_of
from survey.store.tables import Response, ResponseFlag, ResponseRisk, Wave, new_id

_RESPONSES, _WAVES = table_of(Response), table_of(Wave)
_FLAGS, _RISKS = table_of(ResponseFlag), table_of(ResponseRisk)


@dataclass(frozen=True)
class WaveAssessed:
    """What one run found."""

    wave_key: str
    interviews: int
    flags: Mapping[FlagKind, int]
    to_review: int
    """Interviews with a risk of at least `REVIEW_FROM`."""
    version: str


def assess_wave(
    *, session: Session, principal: Principal, wave_key: str, now: datetime
) -> WaveAssessed:
    """Flag every finished interview of a wave and give it a risk score; no status changes.

    Repeating it replaces all flags and scores of the wave. Interviews that arrive later have none
    until the next run. Raises `WaveUnknown` and `AccessDenied`.
    """
    principal.require(Action.ADMINISTER)
    wave = wave_by_key(session=session, key=wave_key)
    take_turns(session, wave.id)
    instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    interviews = interviews_of(stored_interviews(session, wave.id), instrument)
    assessment = assess(interviews)
    _forget(session, wave.id)
    write_assessed(session, interviews, assessment, now)
    result = WaveAssessed(
        wave_key=wave_key,
        interviews=len(interviews),
        flags={flags.kind: len(flags.rows) for flags in assessment.flags},
        to_review=int((assessment.risk >= REVIEW_FROM).sum()),
        version=VERSION,
    )
    record(
        session=session, actor=principal, action="quality.assessed", subject_kind="wave",
        subject_id=wave.id, now=now,
        detail={
            "key": wave_key, "interviews": result.interviews, "to_review": result.to_review,
            "version": VERSION, "flags": {str(kind): n for kind, n in result.flags.items()},
        },
    )  # fmt: skip
    return result


def take_turns(session: Session, wave_id: UUID) -> None:
    """Of two runs at once the second waits for the first; interviews go on arriving."""
    session.connection().execute(
        select(_WAVES.c.id).where(_WAVES.c.id == wave_id).with_for_update(key_share=True)
    )


def _forget(session: Session, wave_id: UUID) -> None:
    inside = select(_RESPONSES.c.id).where(_RESPONSES.c.wave_id == wave_id)
    for table in (_FLAGS, _RISKS):
        session.connection().execute(delete(table).where(table.c.response_id.in_(inside)))


def write_assessed(
    session: Session,
    interviews: Interviews,
    assessment: Assessment,
    now: datetime,
    only: Collection[int] | None = None,
) -> None:
    """Store flags and risk of all rows, or only of some; what stood there is gone before."""
    made = {"detected_at": now, "detector_version": VERSION}
    connection = session.connection()
    for flags in assessment.flags:
        places = [at for at, row in enumerate(flags.rows.tolist()) if only is None or row in only]
        if places:
            insert_columns(
                connection,
                ResponseFlag,
                {
                    "id": [new_id() for _ in places],
                    "response_id": [interviews.ids[flags.rows[at]] for at in places],
                    "strength": flags.strength[places].tolist(),
                    "detail": [flags.details[at] for at in places],
                },
                {"kind": str(flags.kind), **made},
            )
    rows = list(range(len(interviews))) if only is None else sorted(only)
    if rows:
        insert_columns(
            connection,
            ResponseRisk,
            {
                "response_id": [interviews.ids[row] for row in rows],
                "score": assessment.risk[rows].tolist(),
                "pace": _or_none(assessment.pace[rows]),
                "mean_score": _or_none(assessment.mean_score[rows]),
            },
            made,
        )


def _or_none(values: Floats) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]
