"""Sampling points of a wave: the uploaded list, the recorded draw, changes and deletion."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast

import numpy as np
from sqlalchemy import delete, func, insert, select
from sqlmodel import Session
from sqlmodel import select as select_rows

from survey.access.roles import Action
from survey.access.work import Work
from survey.frame.city_frame import FrameCity
from survey.frame.plan_workbook import read_pasted_rows
from survey.frame.quotas import largest_remainders
from survey.frame.sampling_plan import (
    ListedPoint,
    PointDrawResult,
    canonical_csv,
    draw_sampling_points,
    list_sha256,
)
from survey.frame.workbook_io import (
    CellChecker,
    CellError,
    ListedRows,
    WorkbookColumn,
    WorkbookSheet,
    read_sheet,
)
from survey.locale import Message, RefusedError, label_text, labels_of, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import day_message
from survey.store.tables import (
    Assignment,
    Invitation,
    PointDraw,
    PointKind,
    QuotaMargin,
    Response,
    SamplingPoint,
    Wave,
    WaveState,
    new_id,
    table_of,
)
from survey.waves.planning.mode_experiment import assign_offers
from survey.waves.planning.overlap import assign_overlap
from survey.waves.planning.plan_storage import plan_cities
from survey.waves.planning.point_shares import MAX_SEED
from survey.waves.planning.wave_editing import lock_changeable_wave
from survey.waves.quotas import COUNTED_STATUSES, read_city_targets
from survey.waves.waves import get_wave

KIND_NAMES: Mapping[str, Message] = {
    PointKind.COMPOUND: msg("residential compound"),
    PointKind.MALL: msg("shopping mall"),
    PointKind.SUPERMARKET: msg("supermarket"),
    PointKind.SCENIC: msg("scenic spot"),
    PointKind.VILLAGE: msg("village"),
}
STRATUM_NAMES: Mapping[str, Message] = {"urban": msg("urban"), "rural": msg("rural")}

MAX_POINTS = 60
MAX_TARGET = 5_000
_CITY_SUFFIX = "\u5e02"
"""What every Chinese city name ends in and people leave out."""
_POINTS, _ASSIGNMENTS = table_of(SamplingPoint), table_of(Assignment)
_INVITATIONS = table_of(Invitation)


@dataclass(frozen=True)
class PointList:
    """Sampling points read from a file, and the problems with other rows."""

    points: tuple[ListedPoint, ...]
    errors: tuple[CellError, ...]

    @property
    def sha256(self) -> str:
        """SHA-256 of the points as canonical CSV."""
        return list_sha256(self.points)


def point_list_template(cities: list[FrameCity], language: str) -> WorkbookSheet:
    """Return the worksheet for a list of points, with cities and kinds as drop-downs."""
    names = tuple(label_text(labels_of(city, "name"), language) for city in cities)
    return WorkbookSheet(
        "points",
        (
            WorkbookColumn("city", msg("City"), 16, choices=names),
            WorkbookColumn("code", msg("Code of the point"), 20),
            WorkbookColumn("name", msg("Name of the point"), 34),
            WorkbookColumn("kind", msg("Kind"), 22, value_names=KIND_NAMES),
            WorkbookColumn("stratum", msg("Urban or rural"), 16, value_names=STRATUM_NAMES),
            WorkbookColumn("target", msg("Target (may stay empty)"), 14),
            WorkbookColumn("opens_on", msg("From (may stay empty)"), 16),
            WorkbookColumn("closes_on", msg("To (may stay empty)"), 16),
        ),
    )


def city_finder(cities: list[FrameCity]) -> Callable[[str], str | None]:
    """Return a function from a city's code or name in either language to its code, else None."""
    known = {
        word.casefold(): city.code
        for city in cities
        for word in (city.code, city.name_zh, city.name_en, city.name_zh.removesuffix(_CITY_SUFFIX))
    }
    return lambda word: known.get(word.casefold())


def read_point_list(work: Work, *, key: str, name: str, content: bytes) -> PointList:
    """Read a list of points from a file; nothing is stored. Raises `WorkbookError`."""
    work.require(Action.PLAN)
    cities = plan_cities(work)
    return _read_points(
        work, key, cities, read_sheet(name, content, point_list_template(cities, "zh"))
    )


def read_pasted_points(work: Work, *, key: str, text: str) -> PointList:
    """Read a list of points from pasted text; nothing is stored. Raises `RefusedError`."""
    work.require(Action.PLAN)
    cities = plan_cities(work)
    return _read_points(
        work, key, cities, read_pasted_rows(text, point_list_template(cities, "zh"))
    )


def _read_points(work: Work, key: str, cities: list[FrameCity], listed: ListedRows) -> PointList:
    wave = get_wave(session=work.session, key=key)
    query = select_rows(SamplingPoint.code).where(SamplingPoint.wave_id == wave.id)
    reader = _PointListReader(city_finder(cities), wave, set(work.session.exec(query)))
    return PointList(listed.read(reader.read), listed.problems())


class _PointListReader:
    """Reader of the rows of one list of points; each code may occur once."""

    def __init__(
        self, find_city: Callable[[str], str | None], wave: Wave, used_codes: set[str]
    ) -> None:
        self._find_city, self._wave = find_city, wave
        self._known_codes, self._seen = used_codes, dict[str, int]()

    def read(self, check: CellChecker) -> ListedPoint | None:
        """Return the sampling point in row `check` of the list; None if a cell is wrong."""
        city = check.known("city", self._find_city, msg("This is no city of the survey."))
        code = self._read_code(check)
        name = check.text("name")
        kind, stratum = check.parse_choice("kind"), check.parse_choice("stratum")
        target = check.number("target", least=1, most=MAX_TARGET)
        opens, closes = self._read_days(check)
        if not check.is_clean():
            return None
        return ListedPoint(
            code, cast(str, city), name, cast(str, kind), cast(str, stratum),
            int(target) if target is not None else None, opens, closes,
        )  # fmt: skip

    def _read_code(self, check: CellChecker) -> str:
        code = check.text("code")
        if code in self._known_codes:
            check.fail("code", msg("The wave has a sampling point with this code already."))
        elif code in self._seen:
            check.fail("code", msg("This code stands in row {row} as well.", row=self._seen[code]))
        elif code:
            self._seen[code] = check.row.number
        return code

    def _read_days(self, check: CellChecker) -> tuple[date | None, date | None]:
        opens, closes = check.day("opens_on"), check.day("closes_on")
        first, last = self._wave.opens_on, self._wave.closes_on
        if opens and closes and closes < opens:
            check.fail("closes_on", msg("The last day must not lie before the first."))
        for key, day in (("opens_on", opens), ("closes_on", closes)):
            if day and ((first and day < first) or (last and day > last)):
                check.fail(key, _build_outside_wave_message(first, last))
        return opens, closes


def interviews_by_stratum(*, session: Session, wave: Wave) -> dict[str, dict[str, int]]:
    """Return city -> stratum -> ordered interviews, for cities that have no points yet.

    The quotas of the strata hold a reserve for what review takes away. Points work for what was
    ordered: theirs is the target that people there are shown.
    """
    served = select_rows(SamplingPoint.city_code).where(SamplingPoint.wave_id == wave.id)
    rows = session.exec(
        select_rows(QuotaMargin)
        .where(QuotaMargin.wave_id == wave.id, QuotaMargin.dimension == "stratum")
        .order_by(QuotaMargin.city_code)
    ).all()
    done = set(session.exec(served))
    quotas: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        if row.city_code not in done:
            quotas[row.city_code][row.category] = row.target
    ordered = read_city_targets(session, wave.id)
    return {city: divide_ordered(targets, ordered.get(city)) for city, targets in quotas.items()}


def divide_ordered(targets: Mapping[str, int], ordered: int | None) -> dict[str, int]:
    """Return stratum -> part of a city's `ordered` interviews, in proportion to `targets`."""
    planned = sum(targets.values())
    if ordered is None or not planned:
        return dict(targets)
    shares = np.array(list(targets.values())) / planned
    divided = largest_remainders(ordered * shares, ordered)
    return {stratum: int(target) for stratum, target in zip(targets, divided, strict=True)}


def preview_point_draw(
    work: Work, *, key: str, listed: PointList, per_city: int, seed: int
) -> PointDrawResult:
    """Return the points that `draw_points` would draw from `listed`, and store nothing."""
    work.require(Action.PLAN)
    wave = get_wave(session=work.session, key=key)
    return _draw_points(work.session, wave, listed, per_city, seed)


def draw_points(
    work: Work, *, key: str, listed: PointList, per_city: int, seed: int
) -> PointDrawResult:
    """Draw and store `per_city` points for each city with a plan, points in `listed` and none yet.

    The list, its SHA-256 and the seed are stored, so that the draw can be repeated.

    Raises:
        RefusedError: The wave is closed, frozen or released.
        RefusedError: Nothing can be drawn, or rows of the list are wrong.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key)
    if listed.errors:
        raise RefusedError(
            "draw_impossible",
            msg("Please mend the list first: points left out could not be drawn."),
        )
    drawn = _draw_points(work.session, wave, listed, per_city, seed)
    _store_points(work.session, wave, drawn)
    document = canonical_csv(listed.points)
    work.session.add(
        PointDraw(
            wave_id=wave.id, seed=seed, per_city=per_city, list_sha256=listed.sha256,
            list_document=document, listed=len(listed.points), drawn=len(drawn.points),
            drawn_at=work.now,
        )
    )  # fmt: skip
    work.session.flush()
    work.record(AuditEvent.WAVE_POINTS_DRAWN, wave.id, {
            "seed": seed, "list_sha256": listed.sha256, "listed": len(listed.points),
            "drawn": len(drawn.points), "per_city": per_city,
        })  # fmt: skip
    return drawn


def _draw_points(
    session: Session, wave: Wave, listed: PointList, per_city: int, seed: int
) -> PointDrawResult:
    if not 1 <= per_city <= MAX_POINTS or not 0 <= seed <= MAX_SEED:
        raise RefusedError(
            "draw_impossible",
            msg("Draw 1 to {most} points a city, with a seed of at most 16 digits.",
                most=MAX_POINTS)
        )  # fmt: skip
    wanted = interviews_by_stratum(session=session, wave=wave)
    if not wanted:
        raise RefusedError(
            "draw_impossible",
            msg("Save the sample first: targets of points follow from it. Cities that have points "
                "are not drawn again.")
        )  # fmt: skip
    here: Mapping[str, dict[str, int]] = {
        city: planned for city, planned in wanted.items()
        if any(point.city_code == city for point in listed.points)
    }  # fmt: skip
    drawn = draw_sampling_points(listed.points, here, per_city=per_city, seed=seed)
    if not drawn.points:
        raise RefusedError(
            "draw_impossible", msg("The list holds no point of a city that still needs some.")
        )
    return drawn


def _store_points(session: Session, wave: Wave, drawn: PointDrawResult) -> None:
    session.connection().execute(
        insert(_POINTS),
        [
            {**vars(point), "id": new_id(), "wave_id": wave.id, "kind": PointKind(point.kind)}
            for point in drawn.points
        ],
    )
    codes = frozenset(point.code for point in drawn.points)
    assign_overlap(session, wave, codes)
    assign_offers(session, wave, codes)


def delete_points(work: Work, *, key: str) -> int:
    """Delete all points of a planned wave and their assignments; return the number of points.

    The draws stay on record: a draw that is repeated until it pleases can be seen.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key, {WaveState.PLANNED})
    here = select(_POINTS.c.id).where(_POINTS.c.wave_id == wave.id)
    connection = work.session.connection()
    invited = select(func.count()).where(_INVITATIONS.c.point_id.in_(here))
    if connection.execute(invited).scalar_one():
        raise RefusedError(
            "wave_fixed", msg("Links were handed out for these points; they have to stay.")
        )
    connection.execute(delete(_ASSIGNMENTS).where(_ASSIGNMENTS.c.point_id.in_(here)))
    deleted = connection.execute(delete(_POINTS).where(_POINTS.c.wave_id == wave.id)).rowcount
    work.record(
        AuditEvent.WAVE_POINTS_DISCARDED, wave.id, {"points": deleted, "from": deleted, "to": 0}
    )
    return deleted


_RESPONSES = table_of(Response)


def update_point(
    work: Work, *, key: str, code: str, target: int, opens_on: date | None, closes_on: date | None
) -> tuple[str, ...]:
    """Change target and days of a sampling point; return the names of the fields that changed.

    A point without days of its own is worked at on those of the wave.

    Raises:
        RefusedError: The wave is closed, frozen or released.
        RefusedError: The target would be smaller than the number already collected.
        RefusedError: There is no such point, or its target or days are not valid.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key)
    point = work.session.exec(
        select_rows(SamplingPoint).where(
            SamplingPoint.wave_id == wave.id, SamplingPoint.code == code
        )
    ).one_or_none()
    if point is None:
        raise RefusedError(
            "point_invalid", msg("The wave has no sampling point {code}.", code=code)
        )
    _require_possible(wave, target, opens_on, closes_on)
    _require_not_below(work.session, point, target)
    wanted = {"target": target, "opens_on": opens_on, "closes_on": closes_on}
    before = {name: getattr(point, name) for name in wanted}
    changed = tuple(name for name, value in wanted.items() if before[name] != value)
    if not changed:
        return ()
    for name in changed:
        setattr(point, name, wanted[name])
    work.session.add(point)
    work.session.flush()
    work.record(AuditEvent.POINT_CHANGED, point.id, {
            "code": code,
            "from": {name: str(before[name] or "") for name in changed},
            "to": {name: str(wanted[name] or "") for name in changed},
        })  # fmt: skip
    return changed


def _require_possible(
    wave: Wave, target: int, opens_on: date | None, closes_on: date | None
) -> None:
    if not 1 <= target <= MAX_TARGET:
        raise RefusedError(
            "point_invalid",
            msg("The target of a point lies between 1 and {most}.", most=f"{MAX_TARGET:,}"),
        )
    if opens_on and closes_on and closes_on < opens_on:
        raise RefusedError("point_invalid", msg("The last day must not lie before the first."))
    for day in (opens_on, closes_on):
        early = day and wave.opens_on and day < wave.opens_on
        late = day and wave.closes_on and day > wave.closes_on
        if early or late:
            raise RefusedError(
                "point_invalid", _build_outside_wave_message(wave.opens_on, wave.closes_on)
            )


def _build_outside_wave_message(first: date | None, last: date | None) -> Message:
    return msg(
        "This day lies outside the wave, {first} to {last}.",
        first=day_message(first) if first else "…",
        last=day_message(last) if last else "…",
    )


def _require_not_below(session: Session, point: SamplingPoint, target: int) -> None:
    if target >= point.target:
        return
    query = select(func.count()).where(
        _RESPONSES.c.wave_id == point.wave_id, _RESPONSES.c.city_code == point.city_code,
        _RESPONSES.c.point_id == point.id, _RESPONSES.c.status.in_(COUNTED_STATUSES),
    )  # fmt: skip
    collected = session.connection().execute(query).scalar_one()
    if target < collected:
        raise RefusedError(
            "below_collected",
            msg("{count} interviews were collected at this point, so its target cannot be lowered "
                "to {target}.", count=collected, target=target)
        )  # fmt: skip
