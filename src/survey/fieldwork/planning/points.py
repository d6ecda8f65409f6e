"""Sampling points: the uploaded list, checked row by row; the draw, on the record; undoing it."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from sqlalchemy import delete, func, insert, select
from sqlmodel import Session
from sqlmodel import select as select_rows

from survey.access.audit import record
from survey.access.principal import Action, Principal
from survey.fieldwork.planning.drafting import PERMITS, WaveFixed
from survey.fieldwork.planning.saving import plan_cities
from survey.fieldwork.planning.words import KIND_NAMES, STRATUM_NAMES
from survey.fieldwork.waves import locked_wave, wave_by_key
from survey.locale import SurveyError, msg
from survey.sample.draw import Drawn, ListedPoint, canonical, draw, fingerprint
from survey.sample.frame import FrameCity
from survey.sample.workbooks import CellError, Checker, Column, Sheet, SheetRow, read_sheet
from survey.store.core import table_of
from survey.store.tables import (
    Assignment,
    Invitation,
    PointDraw,
    PointKind,
    QuotaMargin,
    SamplingPoint,
    Wave,
    WaveState,
    new_id,
)

MOST_POINTS = 60
LARGEST_SEED = 2**53 - 1
LARGEST_TARGET = 5_000
_CITY_SUFFIX = "\u5e02"
"""What every Chinese city name ends in and people leave out."""
_POINTS, _ASSIGNMENTS = table_of(SamplingPoint), table_of(Assignment)
_INVITATIONS = table_of(Invitation)


class DrawImpossible(SurveyError):
    code = "draw_impossible"


@dataclass(frozen=True)
class PointList:
    """What a file holds: points that can be drawn from, and what is wrong with other rows."""

    points: tuple[ListedPoint, ...]
    errors: tuple[CellError, ...]

    @property
    def sha256(self) -> str:
        return fingerprint(self.points)


def point_sheet(cities: list[FrameCity], language: str) -> Sheet:
    """The template of a point list, without rows."""
    names = tuple(_name(city, language) for city in cities)
    return Sheet(
        "points",
        (
            Column("city", msg("City"), 16, choices=names),
            Column("code", msg("Code of the point"), 20),
            Column("name", msg("Name of the point"), 34),
            Column("kind", msg("Kind"), 22, words=KIND_NAMES),
            Column("stratum", msg("Urban or rural"), 16, words=STRATUM_NAMES),
            Column("target", msg("Target (may stay empty)"), 14),
            Column("opens_on", msg("From (may stay empty)"), 16),
            Column("closes_on", msg("To (may stay empty)"), 16),
        ),
    )


def _name(city: FrameCity, language: str) -> str:
    return city.name_zh if language == "zh" else city.name_en


def city_finder(cities: list[FrameCity]) -> Callable[[str], str | None]:
    """From a code or a name in either language to the code."""
    known = {
        word.casefold(): city.code
        for city in cities
        for word in (city.code, city.name_zh, city.name_en, city.name_zh.removesuffix(_CITY_SUFFIX))
    }
    return lambda word: known.get(word.casefold())


def read_point_list(
    *, session: Session, principal: Principal, key: str, name: str, content: bytes
) -> PointList:
    """Check an uploaded list; nothing is stored. Raises `WorkbookError` for the file as a whole."""
    principal.require(Action.PLAN)
    wave = wave_by_key(session=session, key=key)
    cities = plan_cities(session=session, principal=principal)
    sheet = point_sheet(cities, "zh")
    rows, errors = read_sheet(name, content, sheet)
    used_codes = set(
        session.exec(select_rows(SamplingPoint.code).where(SamplingPoint.wave_id == wave.id))
    )
    reader = _Reader(sheet, city_finder(cities), wave, used_codes)
    points = [point for row in rows if (point := reader.read(row, errors)) is not None]
    return PointList(tuple(points), tuple(sorted(errors, key=lambda error: error.row)))


class _Reader:
    """Reads the rows of one list one after the other; codes are taken once."""

    def __init__(
        self, sheet: Sheet, find_city: Callable[[str], str | None], wave: Wave, used_codes: set[str]
    ) -> None:
        self._sheet, self._find_city, self._wave = sheet, find_city, wave
        self._taken, self._seen = used_codes, dict[str, int]()

    def read(self, row: SheetRow, errors: list[CellError]) -> ListedPoint | None:
        check = Checker(self._sheet, row, errors)
        city = check.known("city", self._find_city, msg("This is no city of the survey."))
        code = self._code(check)
        name = check.text("name")
        kind, stratum = check.word("kind"), check.word("stratum")
        target = check.number("target", least=1, most=LARGEST_TARGET)
        opens, closes = self._days(check)
        if not check.is_clean():
            return None
        return ListedPoint(
            code, cast(str, city), name, cast(str, kind), cast(str, stratum),
            int(target) if target is not None else None, opens, closes,
        )  # fmt: skip

    def _code(self, check: Checker) -> str:
        code = check.text("code")
        if code in self._taken:
            check.fail("code", msg("The wave has a sampling point with this code already."))
        elif code in self._seen:
            check.fail("code", msg("This code stands in row {row} as well.", row=self._seen[code]))
        elif code:
            self._seen[code] = check.row.number
        return code

    def _days(self, check: Checker) -> tuple[date | None, date | None]:
        opens, closes = check.day("opens_on"), check.day("closes_on")
        first, last = self._wave.opens_on, self._wave.closes_on
        if opens and closes and closes < opens:
            check.fail("closes_on", msg("The last day must not lie before the first."))
        for key, day in (("opens_on", opens), ("closes_on", closes)):
            if day and ((first and day < first) or (last and day > last)):
                check.fail(
                    key,
                    msg("This day lies outside the wave, {first} to {last}.",
                        first=first or "…", last=last or "…"),
                )  # fmt: skip
        return opens, closes


def interviews_by_stratum(*, session: Session, wave: Wave) -> dict[str, dict[str, int]]:
    """City -> stratum -> planned interviews, of cities that have no sampling point yet."""
    served = select_rows(SamplingPoint.city_code).where(SamplingPoint.wave_id == wave.id)
    rows = session.exec(
        select_rows(QuotaMargin)
        .where(QuotaMargin.wave_id == wave.id, QuotaMargin.dimension == "stratum")
        .order_by(QuotaMargin.city_code)
    ).all()
    done = set(session.exec(served))
    wanted: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        if row.city_code not in done:
            wanted[row.city_code][row.category] = row.target
    return dict(wanted)


def try_draw(
    *,
    session: Session,
    principal: Principal,
    key: str,
    listed: PointList,
    per_city: int,
    seed: int,
) -> Drawn:
    """What `draw_points` would do, without doing it."""
    principal.require(Action.PLAN)
    wave = wave_by_key(session=session, key=key)
    return _drawn(session, wave, listed, per_city, seed)


def draw_points(
    *,
    session: Session,
    principal: Principal,
    key: str,
    listed: PointList,
    per_city: int,
    seed: int,
    now: datetime,
) -> Drawn:
    """Draw for every city that is planned, listed and has no points yet, and store the points.

    The list, its SHA-256 and the seed are kept, so that anybody can repeat the draw.

    Raises:
        WaveFixed: the wave is closed, frozen or released. DrawImpossible: nothing can be drawn, or
            rows of the list are wrong.
    """
    principal.require(Action.PLAN)
    wave = locked_wave(session=session, key=key)
    if wave.state not in {WaveState.PLANNED, WaveState.OPEN}:
        raise WaveFixed(PERMITS[wave.state])
    if listed.errors:
        raise DrawImpossible(msg("Please mend the list first: points left out could not be drawn."))
    drawn = _drawn(session, wave, listed, per_city, seed)
    _store_points(session, wave, drawn)
    document = canonical(listed.points)
    session.add(
        PointDraw(
            wave_id=wave.id, seed=seed, per_city=per_city, list_sha256=listed.sha256,
            list_document=document, listed=len(listed.points), drawn=len(drawn.points),
            drawn_at=now,
        )
    )  # fmt: skip
    session.flush()
    record(
        session=session, actor=principal, action="wave.points_drawn", subject_kind="wave",
        subject_id=wave.id, now=now,
        detail={
            "seed": seed, "list_sha256": listed.sha256, "listed": len(listed.points),
            "drawn": len(drawn.points), "per_city": per_city,
        },
    )  # fmt: skip
    return drawn


def _drawn(session: Session, wave: Wave, listed: PointList, per_city: int, seed: int) -> Drawn:
    if not 1 <= per_city <= MOST_POINTS or not 0 <= seed <= LARGEST_SEED:
        raise DrawImpossible(
            msg("Draw 1 to {most} points a city, with a seed of at most 16 digits.",
                most=MOST_POINTS)
        )  # fmt: skip
    wanted = interviews_by_stratum(session=session, wave=wave)
    if not wanted:
        raise DrawImpossible(
            msg("Save the sample first: targets of points follow from it. Cities that have points "
                "are not drawn again.")
        )  # fmt: skip
    here: Mapping[str, dict[str, int]] = {
        city: planned for city, planned in wanted.items()
        if any(point.city_code == city for point in listed.points)
    }  # fmt: skip
    drawn = draw(listed.points, here, per_city=per_city, seed=seed)
    if not drawn.points:
        raise DrawImpossible(msg("The list holds no point of a city that still needs some."))
    return drawn


def _store_points(session: Session, wave: Wave, drawn: Drawn) -> None:
    session.connection().execute(
        insert(_POINTS),
        [
            {
                "id": new_id(), "wave_id": wave.id, "city_code": point.city_code,
                "code": point.code, "name": point.name, "kind": PointKind(point.kind),
                "stratum": point.stratum, "target": point.target, "opens_on": point.opens_on,
                "closes_on": point.closes_on,
            }
            for point in drawn.points
        ],
    )  # fmt: skip


def discard_points(*, session: Session, principal: Principal, key: str, now: datetime) -> int:
    """Take back all points of a wave that is still planned, and who was to work there.

    The draws stay on record: a draw that is repeated until it pleases can be seen.
    """
    principal.require(Action.PLAN)
    wave = locked_wave(session=session, key=key)
    if wave.state is not WaveState.PLANNED:
        raise WaveFixed(PERMITS[wave.state])
    here = select(_POINTS.c.id).where(_POINTS.c.wave_id == wave.id)
    connection = session.connection()
    invited = select(func.count()).where(_INVITATIONS.c.point_id.in_(here))
    if connection.execute(invited).scalar_one():
        raise WaveFixed(msg("Links were handed out for these points; they have to stay."))
    connection.execute(delete(_ASSIGNMENTS).where(_ASSIGNMENTS.c.point_id.in_(here)))
    gone = connection.execute(delete(_POINTS).where(_POINTS.c.wave_id == wave.id)).rowcount
    record(
        session=session, actor=principal, action="wave.points_discarded", subject_kind="wave",
        subject_id=wave.id, now=now, detail={"points": gone, "from": gone, "to": 0},
    )  # fmt: skip
    return gone
