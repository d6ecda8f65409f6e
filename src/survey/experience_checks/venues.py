"""Venues of a check: the uploaded list, the recorded draw, and the observers of each venue."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col, select

from survey.access.principal import city_of_area, covers, covers_point
from survey.access.roles import Action, Role
from survey.access.work import Seen, Work
from survey.experience_checks.plan import CHECKS
from survey.frame.city_frame import FrameCity, shipped_cities
from survey.frame.plan_workbook import read_table_file
from survey.frame.sampling_plan import ListedPoint, canonical_csv, draw_by_kind, list_sha256
from survey.frame.workbook_io import CellChecker, CellError, WorkbookColumn, WorkbookSheet
from survey.locale import Message, label_text, labels_of, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    Account,
    Assignment,
    PointDraw,
    PointKind,
    SamplingPoint,
    VenueCheck,
    WaveState,
    table_of,
)
from survey.waves.planning.point_shares import MAX_SEED
from survey.waves.planning.sampling_points import city_finder

VENUE_TYPE_NAMES: Mapping[str, Message] = {
    "mall": msg("department store or mall"),
    "supermarket": msg("supermarket"),
    "market": msg("farmers' market"),
    "restaurant": msg("restaurant"),
    "hotel": msg("hotel"),
    "scenic": msg("scenic spot"),
    "pharmacy": msg("pharmacy"),
    "petrol": msg("petrol station"),
    "fitness": msg("gym or beauty salon"),
    "repair": msg("repair shop"),
    "office": msg("service counter of an authority"),
    "other": msg("other venue"),
}
MAX_VENUES, MAX_PER_TYPE = 5_000, 200
_ASSIGNMENTS, _POINTS = table_of(Assignment), table_of(SamplingPoint)


@dataclass(frozen=True)
class VenueList:
    """Venues read from an uploaded list, and the problems found in its cells."""

    venues: tuple[ListedPoint, ...]
    errors: tuple[CellError, ...]

    @property
    def sha256(self) -> str:
        return list_sha256(self.venues)


def venue_sheet(cities: Sequence[FrameCity], language: str = "zh") -> WorkbookSheet:
    """Return the empty worksheet of a list of venues, cities and types as drop-downs."""
    names = tuple(label_text(labels_of(city, "name"), language) for city in cities)
    return WorkbookSheet(
        "venues",
        (
            WorkbookColumn("city", msg("City"), 16, choices=names),
            WorkbookColumn("code", msg("Code of the venue"), 18),
            WorkbookColumn("name", msg("Name and address of the venue"), 44),
            WorkbookColumn("kind", msg("Type of venue"), 22, value_names=VENUE_TYPE_NAMES),
        ),
    )


def cities_of_area(area: str) -> list[FrameCity]:
    """Return the cities of the survey within an area."""
    return [city for city in shipped_cities() if covers(area, city.code)]


def read_venue_file(work: Work, *, wave_id: UUID, name: str, content: bytes) -> VenueList:
    """Return venues read from an uploaded list for a check, and its problems; store nothing.

    Raises:
        WorkbookError, RefusedError: the file as a whole.
    """
    work.require(Action.MANAGE_VENUE_CHECKS)
    check = work.find(CHECKS, wave_id)
    cities = cities_of_area(check.area)
    listed = read_table_file(name, content, venue_sheet(cities))
    seen: dict[str, int] = {}
    finder = city_finder(cities)
    venues = listed.read(lambda check: _read_venue(check, finder, seen))
    too_many = msg("A list has at most {count} venues.", count=MAX_VENUES)
    listed.require_rows("code", too_many if len(listed.rows) > MAX_VENUES else None)
    return VenueList(venues, listed.problems())


def _read_venue(
    check: CellChecker, finder: Callable[[str], str | None], seen: dict[str, int]
) -> ListedPoint | None:
    city = check.known("city", finder, msg("This is no city of the check's area."))
    code, name, kind = check.text("code"), check.text("name"), check.parse_choice("kind")
    before = seen.setdefault(code, check.row.number)
    if code and before != check.row.number:
        check.fail("code", msg("This code stands in row {row} as well.", row=before))
    if not check.is_clean():
        return None
    return ListedPoint(code, str(city), name, str(kind), str(kind))


def draw_venues(
    work: Work, seen: Seen, *, listed: VenueList, per_type: int, seed: int
) -> tuple[ListedPoint, ...]:
    """Draw `per_type` venues per type and city from `listed` for check `seen`; store, return them.

    The list, its SHA-256 and the seed are stored, so that the draw can be repeated. A draw before
    it is replaced as long as the check is planned, and stays on record.

    Raises:
        RefusedError: nothing can be drawn, or rows of the list are wrong.
    """
    check = work.lock(CHECKS, seen, (WaveState.PLANNED,))
    if listed.errors or not listed.venues:
        raise CHECKS.refuse(msg("Please mend the list first: venues left out could not be drawn."))
    if not 1 <= per_type <= MAX_PER_TYPE or not 0 <= seed <= MAX_SEED:
        raise CHECKS.refuse(
            msg("Draw 1 to {most} venues of a type, with a seed of at most 16 digits.",
                most=MAX_PER_TYPE)
        )  # fmt: skip
    drawn = draw_by_kind(listed.venues, per_kind=per_type, seed=seed)
    here = select(SamplingPoint.id).where(SamplingPoint.wave_id == check.wave_id)
    connection = work.session.connection()
    connection.execute(delete(_ASSIGNMENTS).where(_ASSIGNMENTS.c.point_id.in_(here)))
    connection.execute(delete(_POINTS).where(_POINTS.c.wave_id == check.wave_id))
    work.session.add_all(_build_point(check, venue) for venue in drawn)
    work.session.add(
        PointDraw(
            wave_id=check.wave_id,
            seed=seed,
            per_city=per_type,
            list_sha256=listed.sha256,
            list_document=canonical_csv(listed.venues),
            listed=len(listed.venues),
            drawn=len(drawn),
            drawn_at=work.now,
        )
    )
    work.save(
        CHECKS,
        check,
        AuditEvent.VENUE_CHECK_VENUES_DRAWN,
        seed=seed,
        list_sha256=listed.sha256,
        listed=len(listed.venues),
        drawn=len(drawn),
    )
    return drawn


def _build_point(check: VenueCheck, venue: ListedPoint) -> SamplingPoint:
    return SamplingPoint(
        wave_id=check.wave_id,
        city_code=venue.city_code,
        code=venue.code,
        name=venue.name,
        kind=PointKind.VENUE,
        stratum=venue.kind,
        target=check.observers,
        opens_on=check.wave.opens_on,
        closes_on=check.wave.closes_on,
    )


def list_observers(work: Work, *, wave_id: UUID) -> dict[str, tuple[str, str]]:
    """Return `login -> (name, area)` of surveyors whose area overlaps with the check's."""
    work.require(Action.MANAGE_VENUE_CHECKS)
    check = work.find(CHECKS, wave_id)
    query = (
        select(Account.login, Account.name, Account.area)
        .where(
            Account.role == Role.SURVEYOR,
            col(Account.active),
            Account.is_demo == check.wave.is_demo,
        )
        .order_by(Account.login)
    )
    return {
        login: (name, area)
        for login, name, area in work.session.exec(query)
        if covers(check.area, city_of_area(area))
        or any(covers(area, city.code) for city in cities_of_area(check.area))
    }


def assign_observers(work: Work, seen: Seen, *, logins: Sequence[str], seed: int) -> int:
    """Assign observers to every venue of check `seen`, by lot; return the number of assignments.

    Observers of one venue are different people, and which two meet is left to the seed.

    Raises:
        RefusedError: too few of them may work in a city.
    """
    check = work.lock(CHECKS, seen, (WaveState.PLANNED,))
    able = list_observers(work, wave_id=seen.id)
    chosen = sorted({login for login in logins if login in able})
    query = select(SamplingPoint).where(SamplingPoint.wave_id == check.wave_id)
    venues = work.session.exec(query.order_by(SamplingPoint.code)).all()
    if not venues:
        raise CHECKS.refuse(msg("No venue has been drawn yet."))
    people = dict(
        work.session.exec(
            select(Account.login, Account.id).where(col(Account.login).in_(chosen))
        ).all()
    )
    connection = work.session.connection()
    here = [venue.id for venue in venues]
    connection.execute(delete(_ASSIGNMENTS).where(_ASSIGNMENTS.c.point_id.in_(here)))
    load: Counter[str] = Counter()
    for venue in venues:
        fitting = [
            login for login in chosen if covers_point(able[login][1], venue.city_code, venue.code)
        ]
        if len(fitting) < check.observers:
            raise CHECKS.refuse(
                msg(
                    "Only {count} of the people chosen may work at {venue}; {needed} are needed.",
                    count=len(fitting),
                    venue=venue.name,
                    needed=check.observers,
                )
            )
        fitting.sort(key=lambda login: (load[login], _draw_lot(login, venue.code, seed)))
        for login in fitting[: check.observers]:
            load[login] += 1
            work.session.add(Assignment(account_id=people[login], point_id=venue.id))
    total = sum(load.values())
    work.save(
        CHECKS,
        check,
        AuditEvent.VENUE_CHECK_OBSERVERS_ASSIGNED,
        seed=seed,
        surveyors=chosen,
        total=total,
    )
    return total


def _draw_lot(login: str, venue: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{venue}:{login}".encode()).hexdigest()
