"""The waves that have begun: what reviewers and those who follow the fieldwork choose from."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from survey.access.principal import AccessDenied, Action, Principal
from survey.locale import msg
from survey.store.core import table_of
from survey.store.tables import Wave, WaveState

_WAVES = table_of(Wave)


@dataclass(frozen=True)
class BegunWave:
    """A wave that is open or over."""

    id: UUID
    key: str
    title: Mapping[str, str]
    state: WaveState
    is_demo: bool


_READERS = (Action.REVIEW, Action.BACK_CHECK, Action.FOLLOW_FIELDWORK, Action.SETTLE_PAPER)


def begun_waves(*, session: Session, principal: Principal) -> list[BegunWave]:
    """Every wave that is no longer only planned: open ones first, then the newest."""
    if not any(principal.may(action) for action in _READERS):
        raise AccessDenied(msg("Your role does not include this."))
    query = select(_WAVES).where(_WAVES.c.state != WaveState.PLANNED)
    rows = session.connection().execute(query.order_by(_WAVES.c.year.desc(), _WAVES.c.key)).all()
    waves = [
        BegunWave(row.id, row.key, {"zh": row.title_zh, "en": row.title_en}, row.state, row.is_demo)
        for row in rows
    ]
    return sorted(waves, key=lambda wave: wave.state != WaveState.OPEN)
