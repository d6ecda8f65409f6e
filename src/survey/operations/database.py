"""Checks of the store: schema, connections, clock, second factors, backups."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from survey.access.second_factor import count_secrets
from survey.locale import Message, SurveyError, msg
from survey.operations import STORE_UNREADABLE, CheckResult
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


def check_schema(settings: Settings) -> Iterator[CheckResult]:
    """Check that the store can be reached and has the schema of this version."""
    name = msg("Store")
    shown = make_url(settings.store_url).render_as_string(hide_password=True)
    try:
        present = stored_revision(settings.store_url)
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        yield CheckResult(
            name,
            False,
            msg(
                "{url} cannot be reached: {reason}. Is the database running, and is "
                "SURVEY_DATABASE_URL right?",
                url=shown,
                reason=reason,
            ),
        )
        return
    yield CheckResult(name, present == head_revision(), _describe_schema(shown, present))


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


def check_connections(settings: Settings) -> Iterator[CheckResult]:
    """Check the free connections of PostgreSQL; SQLite has no limit."""
    if not settings.database_url.startswith("postgres"):
        return
    name = msg("Connections")
    try:
        with engine_for(settings.store_url).connect() as connection:
            most = int(connection.execute(text("SHOW max_connections")).scalar_one())
            limit = connection.execute(text("SHOW statement_timeout")).scalar_one()
            count = text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = :kind")
            used = connection.execute(count, {"kind": "client backend"}).scalar_one()
    except SQLAlchemyError:
        yield CheckResult(name, False, STORE_UNREADABLE)
        return
    if used > most * _BUSY_SHARE:
        detail = msg(
            "{used} of {most} are taken; raise max_connections, or run fewer processes.",
            used=used,
            most=most,
        )
        yield CheckResult(name, False, detail)
    else:
        yield CheckResult(
            name,
            True,
            msg(
                "{used} of {most} are taken; time-out of a statement: {limit}",
                used=used,
                most=most,
                limit=limit,
            ),
        )


def check_read_replica(settings: Settings) -> Iterator[CheckResult]:
    """Check that the read replica is one and near the primary; silent if none is configured."""
    name = msg("Read replica")
    try:
        require_read_url(settings)
        state = check_replica(settings)
    except SurveyError as error:
        yield CheckResult(name, False, error.message)
        return
    except SQLAlchemyError:
        yield CheckResult(name, False, STORE_UNREADABLE)
        return
    if state is None:
        return
    near = msg("{seconds} s behind the primary", seconds=round(state.lag_seconds, 1))
    yield CheckResult(name, state.problem is None, state.problem or near)


def check_clock(settings: Settings) -> Iterator[CheckResult]:
    """Check that no audit entry lies in the future."""
    name = msg("Clock")
    try:
        with read_scope(settings.store_url) as session:
            apart, newest = _measure_clock_difference(session), _find_latest_entry_time(session)
    except SQLAlchemyError:
        yield CheckResult(name, False, STORE_UNREADABLE)
        return
    if abs(apart) > _CLOCK_SECONDS:
        detail = msg(
            "This machine and the database's are {seconds} s apart; set both by NTP.",
            seconds=round(apart),
        )
        yield CheckResult(name, False, detail)
    elif newest is not None and newest > now() + _FUTURE:
        detail = msg(
            "The newest audit entry is of {time}, in the future: a clock is wrong; set it by NTP.",
            time=newest.isoformat(timespec="seconds"),
        )
        yield CheckResult(name, False, detail)
    else:
        yield CheckResult(name, True, msg("agrees with the store"))


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


def check_second_factors(settings: Settings) -> Iterator[CheckResult]:
    """Check that secrets of second factors can be decrypted; silent if there are none."""
    name = msg("Second factors")
    try:
        with read_scope(settings.store_url) as session:
            unencrypted, unreadable, count = count_secrets(session)
    except SQLAlchemyError:
        yield CheckResult(name, False, STORE_UNREADABLE)
        return
    except SurveyError as error:
        yield CheckResult(name, False, error.message)
        return
    if unencrypted:
        plain = msg("{count} stand in the store as they are; run: survey init", count=unencrypted)
        yield CheckResult(name, False, plain)
    if unreadable:
        lost = msg(
            "{count} cannot be read: the key they were encrypted with is not here. Put it back "
            "({file} or SURVEY_PHONE_KEY), or reset them under accounts.",
            count=unreadable,
            file=settings.own_key_file,
        )
        yield CheckResult(name, False, lost)
    if count and not unencrypted and not unreadable:
        yield CheckResult(name, True, msg("{count}, all encrypted", count=count))


def check_backups(settings: Settings) -> Iterator[CheckResult]:
    """Check the age of the last backup."""
    name = msg("Backup")
    try:
        with read_scope(settings.store_url) as session:
            real = select(Response.id).where(col(Response.is_demo).is_(False)).limit(1)
            at_stake = session.exec(real).first() is not None
            last = _find_latest_entry_time(session, AuditEvent.STORE_BACKED_UP)
    except SQLAlchemyError:
        yield CheckResult(name, False, STORE_UNREADABLE)
        return
    if last is None:
        never = msg("There has never been one; run: survey backup FOLDER --encrypt")
        nothing = msg("not needed yet: there are no interviews but demo data")
        yield CheckResult(name, not at_stake, never if at_stake else nothing)
        return
    hours = (now() - last) / timedelta(hours=1)
    if at_stake and hours > BACKUP_HOURS:
        old = msg(
            "The last one is {hours} hours old; look why the nightly backup does not run.",
            hours=round(hours),
        )
        yield CheckResult(name, False, old)
    else:
        yield CheckResult(name, True, msg("the last one is {hours} hours old", hours=round(hours)))
