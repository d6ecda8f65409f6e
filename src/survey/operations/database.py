"""Checks of the store: schema, connections, clock, second factors, backups."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from survey.access.second_factor import count_secrets
from survey.locale import Message, msg
from survey.operations import Findings, named
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import engine_for, read_scope
from survey.store.read_replica import check_replica, require_read_url
from survey.store.schema import head_revision, is_before_release, known_revisions, stored_revision
from survey.store.tables import AuditEntry, Response, UtcDateTime, now

BACKUP_HOURS = 36
"""Oldest acceptable backup: a missed nightly backup is reported the next morning."""
_CLOCK_SECONDS = 5.0
_FUTURE = timedelta(minutes=2)
_BUSY_SHARE = 0.8


@named(msg("Store"))
def check_schema(settings: Settings) -> Findings:
    """Yield results on whether the store is reachable and has this software version's schema."""
    shown = make_url(settings.store_url).render_as_string(hide_password=True)
    try:
        present = stored_revision(settings.store_url)
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        detail = msg(
            "{url} cannot be reached: {reason}. Is the database running, and is "
            "SURVEY_DATABASE_URL right?",
            url=shown,
            reason=reason,
        )
        yield False, detail
        return
    yield present == head_revision(), _describe_schema(shown, present)


def _describe_schema(shown: str, present: str | None) -> Message:
    if present == head_revision():
        return msg("{url}, schema up to date", url=shown)
    if present is None or present in known_revisions():
        return msg("{url} has an old or no schema; run: survey init", url=shown)
    if is_before_release(present):
        return msg(
            "{url} stands at migration {present}, from before 0.1.0; start version 0.1.0 on it "
            "once, which upgrades it.",
            url=shown,
            present=present,
        )
    return msg(
        "{url} stands at migration {present}, which a newer version made; update this software.",
        url=shown,
        present=present,
    )


@named(msg("Connections"))
def check_connections(settings: Settings) -> Findings:
    """Yield as a result whether PostgreSQL has free connections; nothing for SQLite."""
    if not settings.database_url.startswith("postgres"):
        return
    with engine_for(settings.store_url).connect() as connection:
        most = int(connection.execute(text("SHOW max_connections")).scalar_one())
        limit = connection.execute(text("SHOW statement_timeout")).scalar_one()
        count = text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = :kind")
        used = connection.execute(count, {"kind": "client backend"}).scalar_one()
    if used > most * _BUSY_SHARE:
        detail = msg(
            "{used} of {most} are taken; raise max_connections, or run fewer processes.",
            used=used,
            most=most,
        )
        yield False, detail
    else:
        detail = msg(
            "{used} of {most} are taken; time-out of a statement: {limit}",
            used=used,
            most=most,
            limit=limit,
        )
        yield True, detail


@named(msg("Read replica"))
def check_read_replica(settings: Settings) -> Findings:
    """Yield the result on the read replica and its lag; nothing if none is configured."""
    require_read_url(settings)
    state = check_replica(settings)
    if state is None:
        return
    near = msg("{seconds} s behind the primary", seconds=round(state.lag_seconds, 1))
    yield state.problem is None, state.problem or near


@named(msg("Clock"))
def check_clock(settings: Settings) -> Findings:
    """Yield results on whether this clock agrees with the database's and is past audit entries."""
    with read_scope(settings.store_url) as session:
        apart, newest = _measure_clock_difference(session), _find_latest_entry_time(session)
    if abs(apart) > _CLOCK_SECONDS:
        detail = msg(
            "This machine and the database's are {seconds} s apart; set both by NTP.",
            seconds=round(apart),
        )
        yield False, detail
    elif newest is not None and newest > now() + _FUTURE:
        detail = msg(
            "The newest audit entry is of {time}, in the future: a clock is wrong; set it by NTP.",
            time=newest.isoformat(timespec="seconds"),
        )
        yield False, detail
    else:
        yield True, msg("agrees with the store")


def _measure_clock_difference(session: Session) -> float:
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        return 0.0
    theirs: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return (datetime.now(UTC) - theirs).total_seconds()


def _find_latest_entry_time(session: Session, event: AuditEvent | None = None) -> datetime | None:
    query = select(func.max(col(AuditEntry.at), type_=UtcDateTime))
    if event is not None:
        query = query.where(AuditEntry.action == event)
    return session.exec(query).one()


@named(msg("Second factors"))
def check_second_factors(settings: Settings) -> Findings:
    """Yield results on whether secrets of second factors are encrypted and can be decrypted."""
    with read_scope(settings.store_url) as session:
        unencrypted, unreadable, count = count_secrets(session)
    if unencrypted:
        detail = msg("{count} stand in the store as they are; run: survey init", count=unencrypted)
        yield False, detail
    if unreadable:
        detail = msg(
            "{count} cannot be read: the key they were encrypted with is not here. Put it back "
            "({file} or SURVEY_PHONE_KEY), or reset them under accounts.",
            count=unreadable,
            file=settings.own_key_file,
        )
        yield False, detail
    if count and not unencrypted and not unreadable:
        yield True, msg("{count}, all encrypted", count=count)


@named(msg("Backup"))
def check_backups(settings: Settings) -> Findings:
    """Yield as a result whether the last backup is recent, if the store holds real interviews."""
    with read_scope(settings.store_url) as session:
        real = select(Response.id).where(col(Response.is_demo).is_(False)).limit(1)
        at_stake = session.exec(real).first() is not None
        last = _find_latest_entry_time(session, AuditEvent.STORE_BACKED_UP)
    if last is None:
        never = msg("There has never been one; run: survey backup FOLDER --encrypt")
        nothing = msg("not needed yet: there are no interviews but demo data")
        yield not at_stake, never if at_stake else nothing
        return
    hours = (now() - last) / timedelta(hours=1)
    if at_stake and hours > BACKUP_HOURS:
        detail = msg(
            "The last one is {hours} hours old; look why the nightly backup does not run.",
            hours=round(hours),
        )
        yield False, detail
    else:
        yield True, msg("the last one is {hours} hours old", hours=round(hours))
