"""Lists of sampling points: every wrong cell named, the draw repeatable and on record."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from sqlmodel import col, select

from survey.access.principal import OPERATOR, AccessDeniedError
from survey.frame.sampling_plan import canonical_csv, draw_sampling_points
from survey.locale import translator
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    CityTarget,
    PointDraw,
    QuotaMargin,
    SamplingPoint,
    WaveState,
)
from survey.tabular.workbook_safety import WorkbookError
from survey.waves.planning.sampling_points import (
    KIND_NAMES,
    STRATUM_NAMES,
    PointList,
    delete_points,
    divide_ordered,
    draw_points,
    preview_point_draw,
    read_point_list,
)
from survey.waves.planning.wave_overview import get_wave_overview, list_points
from survey.waves.waves import transition_wave
from tests.error_codes import raises_code
from tests.work_of import work_of

KEY = "main-2027"
zh = translator("zh")
File = Callable[[Sequence[Sequence[object]]], bytes]


def _rows(city: str, code: str, number: int) -> list[list[object]]:
    strata = (zh(STRATUM_NAMES["urban"]), "rural")
    mall = zh(KIND_NAMES["mall"])
    return [
        [
            city,
            f"{code}-{place:02d}",
            f"Place {place}",
            mall if place % 2 else "village",
            strata[place % 2],
            None,
            None,
            None,
        ]
        for place in range(number)
    ]


GOOD = [*_rows("北京市", "B", 20), *_rows("310000", "S", 20)]


def _read(field: Any, content: bytes, name: str = "points.xlsx") -> PointList:
    with read_scope(field.url) as session:
        return read_point_list(work_of(session, OPERATOR), key=KEY, name=name, content=content)


def _draw(field: Any, listed: PointList, seed: int = 42) -> None:
    with session_scope(field.url) as session:
        draw_points(
            work_of(session, OPERATOR, field.now), key=KEY, listed=listed, per_city=6, seed=seed
        )


def _errors(listed: PointList) -> list[tuple[int, str]]:
    return [(error.row, error.message.msgid) for error in listed.errors]


def test_words_of_either_language_and_codes_are_understood(planned: Any, point_file: File) -> None:
    listed = _read(planned, point_file(GOOD))
    assert listed.errors == ()
    assert len(listed.points) == 40
    assert {point.city_code for point in listed.points} == {"110000", "310000"}
    assert {point.kind for point in listed.points} == {"mall", "village"}


def test_every_wrong_cell_is_named_with_its_row_and_nothing_is_stored(
    planned: Any, point_file: File
) -> None:
    with session_scope(planned.url) as session:
        wave = session.get_one(type(planned.wave), planned.wave.id)
        other = session.exec(select(type(wave)).where(type(wave).key == KEY)).one()
        other.opens_on, other.closes_on = date(2027, 5, 1), date(2027, 6, 30)
        session.add(other)
    listed = _read(
        planned,
        point_file(
            [
                ["Atlantis", "a", "n", "mall", "urban", None, None, None],
                ["北京", "a", "", "mall", "urban", 3.5, None, None],
                ["北京", "a", "n", "castle", "城郊", 0, None, None],
                [None] * 8,
                ["北京", "b", "n", "mall", "urban", 10, "2027-04-30", "2027-05-03"],
                ["北京", "c", "n", "mall", "urban", 10, "soon", date(2027, 5, 3)],
                ["北京", "d", "n", "mall", "urban", 10, "2027-05-09", "2027-05-03"],
                ["北京", "e", "=1+1", "mall", "urban", "10", "2027-05-01", None],
            ]
        ),
    )
    assert _errors(listed) == [
        (2, "This is no city of the survey."),
        (3, "This code stands in row {row} as well."),
        (3, "This must not be empty."),
        (3, "This is no {kind} from {least} to {most}."),
        (4, "This code stands in row {row} as well."),
        (4, "This is none of the words of the drop-down list."),
        (4, "This is none of the words of the drop-down list."),
        (4, "This is no {kind} from {least} to {most}."),
        (6, "This day lies outside the wave, {first} to {last}."),
        (7, "This is no date such as 2026-05-20."),
        (8, "The last day must not lie before the first."),
    ]
    assert [(point.code, point.name) for point in listed.points] == [("e", "=1+1")]
    with raises_code("draw_impossible", match="mend"):
        _draw(planned, listed)
    with read_scope(planned.url) as session:
        assert get_wave_overview(work_of(session, OPERATOR), key=KEY).points == 0


def test_a_draw_can_be_repeated_from_what_was_kept(planned: Any, point_file: File) -> None:
    listed = _read(planned, point_file(GOOD))
    with read_scope(planned.url) as session:
        tried = preview_point_draw(
            work_of(session, OPERATOR), key=KEY, listed=listed, per_city=6, seed=42
        )
        assert not session.exec(select(PointDraw)).all()
    _draw(planned, listed)
    with read_scope(planned.url) as session:
        kept = session.exec(select(PointDraw)).one()
        lines = list_points(work_of(session, OPERATOR), key=KEY)
        entry = session.exec(select(AuditEntry).order_by(col(AuditEntry.id).desc())).first()
    assert hashlib.sha256(kept.list_document).hexdigest() == kept.list_sha256 == listed.sha256
    assert kept.list_document == canonical_csv(reversed(listed.points))
    assert {line.code for line in lines} == {point.code for point in tried.points}
    assert len(lines) == 12
    assert entry is not None
    assert entry.action == "wave.points_drawn"
    assert entry.detail["seed"] == 42
    assert (entry.detail["listed"], entry.detail["drawn"]) == (40, 12)
    assert entry.detail["list_sha256"] == listed.sha256
    with read_scope(planned.url) as session:
        rows = session.exec(select(QuotaMargin).where(QuotaMargin.dimension == "stratum")).all()
        ordered = {row.city_code: row.target for row in session.exec(select(CityTarget))}
    wanted: dict[str, dict[str, int]] = {}
    for row in rows:
        wanted.setdefault(row.city_code, {})[row.category] = row.target
    for city, planned_here in wanted.items():
        wanted[city] = divide_ordered(planned_here, ordered[city])
        here = sum(line.target for line in lines if line.city_code == city)
        assert here == ordered[city] < sum(planned_here.values())
    again = draw_sampling_points(listed.points, wanted, per_city=kept.per_city, seed=kept.seed)
    assert {(point.code, point.target) for point in again.points} == {
        (line.code, line.target) for line in lines
    }


def test_a_city_with_points_is_not_drawn_again(planned: Any, point_file: File) -> None:
    beijing = _read(planned, point_file(_rows("北京市", "B", 20)))
    _draw(planned, beijing)
    more = _read(planned, point_file([*_rows("北京市", "C", 20), *_rows("上海市", "S", 20)]))
    _draw(planned, more, seed=1)
    with read_scope(planned.url) as session:
        lines = list_points(work_of(session, OPERATOR), key=KEY)
    assert {line.code[0] for line in lines} == {"B", "S"}
    parsed = _read(planned, point_file(GOOD))
    assert len(parsed.errors) == 12
    with raises_code("draw_impossible"):
        _draw(planned, _read(planned, point_file(_rows("北京市", "D", 20))))


def test_a_planned_wave_takes_its_points_back_an_open_one_keeps_them(
    planned: Any, point_file: File
) -> None:
    listed = _read(planned, point_file(GOOD))
    _draw(planned, listed)
    with session_scope(planned.url) as session:
        assert delete_points(work_of(session, OPERATOR, planned.now), key=KEY) == 12
    _draw(planned, listed, seed=43)
    with session_scope(planned.url) as session:
        transition_wave(work_of(session, OPERATOR, planned.now), key=KEY, to=WaveState.OPEN)
    with raises_code("wave_fixed"), session_scope(planned.url) as session:
        delete_points(work_of(session, OPERATOR, planned.now), key=KEY)
    with read_scope(planned.url) as session:
        sheet = get_wave_overview(work_of(session, OPERATOR), key=KEY)
        assert session.exec(select(SamplingPoint).where(SamplingPoint.code == "B-00")) is not None
    assert [line.seed for line in sheet.draws] == [42, 43]
    assert sheet.points == 12


def test_a_surveyor_neither_reads_lists_nor_draws(planned: Any, point_file: File) -> None:
    content = point_file(GOOD)
    listed = _read(planned, content)
    with session_scope(planned.url) as session:
        with pytest.raises(AccessDeniedError):
            read_point_list(
                work_of(session, planned.surveyor), key=KEY, name="p.xlsx", content=content
            )
        with pytest.raises(AccessDeniedError):
            draw_points(
                work_of(session, planned.surveyor, planned.now),
                key=KEY,
                listed=listed,
                per_city=6,
                seed=1,
            )


@pytest.mark.parametrize(
    ("name", "content"),
    [("p.xlsx", b""), ("p.xlsx", b"PK\x03\x04broken"), ("p.xlsm", b"x"), ("p.csv", b"a,b\n1,2")],
)
def test_what_is_no_workbook_is_refused(planned: Any, name: str, content: bytes) -> None:
    with pytest.raises(WorkbookError):
        _read(planned, content, name)
