"""What codes of practice ask of a wave and the store cannot tell: recorded, proposed, in words."""

from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Work
from survey.release.quality_evidence import find_statement_at
from survey.release.register import require_readable_wave
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import Posting, Wave, WaveStatement
from survey.store.tables.publications import WaveStatementData
from survey.waves.waves import get_wave

_OF_ONE_WAVE = frozenset({"method_changes", "pretests", "cost", "misuse", "agencies"})
"""Fields that are not proposed from the wave before."""


def save_statement(work: Work, *, wave_key: str, data: WaveStatementData) -> UUID:
    """Record what the codes ask of a wave, in place of what was recorded; return its id.

    Raises:
        WaveNotFoundError: there is no such wave.
        RefusedError: a text is too long, or the cost too high.
    """
    work.require(Action.RELEASE)
    wave = get_wave(session=work.session, key=wave_key)
    require_readable_wave(work.principal, wave)
    clean = data.checked("wave_statement_refused", china_date(work.now))
    statement = WaveStatement(
        **clean.model_dump(), wave_id=wave.id, saved_by=actor_id(work.principal), saved_at=work.now
    )
    recorded = [name for name in clean.columns() if getattr(clean, name)]
    work.add(statement, AuditEvent.WAVE_STATEMENT_SAVED, wave.key, {"fields": recorded})
    return statement.id


def find_statement(work: Work, *, wave_key: str) -> WaveStatementData | None:
    """Return what is recorded of a wave; None without a statement."""
    work.require(Action.READ_METHOD)
    wave = get_wave(session=work.session, key=wave_key)
    require_readable_wave(work.principal, wave)
    return find_statement_at(work.session, wave.id, work.now)


def propose_statement(work: Work, *, wave_key: str) -> WaveStatementData:
    """Return what is recorded of a wave or, without a statement, a proposal.

    Proposed are the statement of the newest wave of the series before it, but for what is of one
    wave alone, and the agencies and surveyors that were posted.
    """
    work.require(Action.RELEASE)
    wave = get_wave(session=work.session, key=wave_key)
    require_readable_wave(work.principal, wave)
    known = find_statement_at(work.session, wave.id, work.now)
    if known is not None:
        return known
    before = (
        select(WaveStatement)
        .join(Wave, col(Wave.id) == col(WaveStatement.wave_id))
        .where(Wave.series == wave.series, Wave.year < wave.year, col(Wave.is_demo) == wave.is_demo)
        .order_by(col(Wave.year).desc(), col(WaveStatement.saved_at).desc())
    )
    found = work.session.exec(before.limit(1)).first()
    kept = (
        {} if found is None else WaveStatementData.of(found).model_dump(exclude=set(_OF_ONE_WAVE))
    )
    return WaveStatementData(**kept, agencies=_name_agencies(work.session, wave))


def _name_agencies(session: Session, wave: Wave) -> str:
    query = select(Posting.agency).where(Posting.wave_id == wave.id).distinct()
    return "; ".join(sorted(name for name in session.exec(query) if name))
