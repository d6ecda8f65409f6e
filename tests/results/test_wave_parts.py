"""All tables of a wave are the same bytes, in however many parts and processes it is summed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seed.demo.interviews import generate_wave
from seed.demo.shipped_data import shipped_instrument, shipped_tree
from survey.compute import LocalEngine
from survey.disclosure import CELL_KEYS
from survey.results.changes import estimate_changes
from survey.results.disclosure_inputs import protected_cells
from survey.results.public_cells import join_public_cells
from survey.results.small_areas import build_small_area_table
from survey.results.snapshots import open_loaded_responses
from survey.results.tables import decide_cells, write_tables
from survey.results.wave_parts import LoadedPart, WaveData, WaveParts
from survey.results.wave_rules import WaveRules
from survey.results.wave_snapshots import open_files
from survey.snapshots.response_files import plan_files
from survey.snapshots.response_frame import GIVEN_WEIGHT
from survey.snapshots.snapshot_files import (
    FreezeOptions,
    WithoutPoint,
    parquet_bytes,
    write_responses,
)
from tests.error_codes import raises_code

pytestmark = pytest.mark.slow

CITIES = ("110000", "130100", "130600", "310000", "320100", "440100", "510100")
AUDIT_SECONDS = 0.2


@dataclass
class Draft:
    """Keeps what would be written."""

    files: dict[str, bytes] = field(default_factory=dict)

    def write(self, path: Path, data: bytes) -> None:
        self.files[path.name] = data

    @contextmanager
    def open(self, path: Path) -> Iterator[BinaryIO]:
        buffer = BytesIO()
        yield buffer
        self.files[path.name] = buffer.getvalue()


def rules_of(options: FreezeOptions = FreezeOptions()) -> WaveRules:  # noqa: B008, frozen
    return WaveRules.of(
        series="main",
        instrument=shipped_instrument("main-2024"),
        tree=shipped_tree("cca-2023"),
        composite="item_means",
        options=options,
    )


def made_wave(seed: int, n: int = 900) -> pd.DataFrame:
    """Interviews of seven cities of unequal size in four provinces, two of them in one."""
    frame = generate_wave("main-2024", n=n, seed=seed).approved
    rng = np.random.default_rng(seed)
    share = np.arange(1, len(CITIES) + 1) / 28
    city = rng.choice(CITIES, len(frame), p=share)
    point = pd.Series(city) + "-" + pd.Series(rng.integers(0, 6, len(frame))).astype(str)
    half = point.str[-1].astype(int) % 2
    return frame.reset_index(drop=True).assign(
        city_code=pd.Categorical(city),
        psu=point.astype("category"),
        stratum=half.astype(str).astype("category"),
    )


def tables_of(source: WaveParts) -> dict[str, bytes]:
    draft = Draft()
    write_tables(Path(), source, draft, AUDIT_SECONDS)  # type: ignore[arg-type]
    return draft.files


def parts_of(frame: pd.DataFrame, groups: Sequence[Sequence[str]], rules: WaveRules) -> WaveParts:
    parts = []
    for cities in groups:
        rows = frame[frame["city_code"].isin(cities)].reset_index(drop=True)
        have_points = bool(frame["psu"].notna().any())
        parts.append(LoadedPart(WaveData.weigh(rows, rules, others_have_points=have_points)))
    return WaveParts.open(rules, parts)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return made_wave(1)


@pytest.fixture(scope="module")
def whole(frame: pd.DataFrame) -> dict[str, bytes]:
    files = tables_of(WaveParts.of_loaded(WaveData.weigh(frame, rules_of())))
    assert set(files) >= {"cells.parquet", "gaps.parquet", "drivers.parquet", "method.json"}
    return files


def test_the_same_answers_hide_the_same_cells_once_these_are_public() -> None:
    """A gate that is told which cells were hidden would hide 6 more here (recomputation)."""
    source = WaveParts.of_loaded(WaveData.weigh(made_wave(6, n=400), rules_of()))
    figures, first, _ = decide_cells(source)
    public = join_public_cells([first[[*CELL_KEYS, "shown"]]])
    assert (~protected_cells(figures, public=public)["shown"]).sum() > (~first["shown"]).sum()
    _, again, auditor = decide_cells(source, public=public)
    pd.testing.assert_frame_equal(again, first)
    assert auditor.audited == auditor.hidden


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_any_split_of_the_cities_gives_the_same_files(
    frame: pd.DataFrame, whole: dict[str, bytes], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(CITIES))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(CITIES) - 1), max_size=4)))
    groups = [order[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    found = tables_of(parts_of(frame, groups, rules_of()))
    assert {name for name in whole if whole[name] != found[name]} == set()


def written(
    frame: pd.DataFrame, folder: Path, rules: WaveRules, run: Callable[..., Any] | None
) -> WaveParts:
    source = open_loaded_responses(frame)
    files = [
        write_responses(folder, name, source.read(cities))
        for name, cities in plan_files(source.rows_of_city).items()
    ]
    assert len(files) == 6
    return open_files(folder, files, rules, run)


@pytest.mark.slow
def test_files_in_two_worker_processes_give_the_same_tables(
    frame: pd.DataFrame, whole: dict[str, bytes], tmp_path: Path
) -> None:
    with LocalEngine(2) as engine:
        found = tables_of(written(frame, tmp_path, rules_of(), engine.map))
    assert {name for name in whole if whole[name] != found[name]} == set()
    assert tables_of(written(frame, tmp_path, rules_of(), None)) == whole


def test_a_change_between_waves_is_the_same_in_parts(frame: pd.DataFrame) -> None:
    later = made_wave(2)
    later["response_id"] = "x" + later["response_id"].astype(str)
    rules = rules_of()
    at_once = [WaveParts.of_loaded(WaveData.weigh(wave, rules)) for wave in (frame, later)]
    groups = (CITIES[:2], CITIES[2:])
    in_parts = [parts_of(wave, groups, rules) for wave in (frame, later)]
    tables = [
        parquet_bytes(estimate_changes(before, after).table)
        for before, after in (at_once, in_parts, (at_once[0], in_parts[1]))
    ]
    assert tables[0] == tables[1] == tables[2]


def test_a_change_of_some_cities_is_the_same_in_parts(frame: pd.DataFrame) -> None:
    """Waves that share a few cities: some parts have one of them, and others none."""
    later = made_wave(2)
    later["response_id"] = "x" + later["response_id"].astype(str)
    missing = {CITIES[0], CITIES[1], CITIES[3], CITIES[6]}
    later = later[~later["city_code"].isin(list(missing))].reset_index(drop=True)
    rules = rules_of()
    at_once = [WaveParts.of_loaded(WaveData.weigh(wave, rules)) for wave in (frame, later)]
    left = tuple(city for city in CITIES if city not in missing)
    in_parts = [
        parts_of(frame, (CITIES[:1], CITIES[1:3], CITIES[3:5], CITIES[5:]), rules),
        parts_of(later, (left[:1], left[1:]), rules),
    ]
    expected = estimate_changes(*at_once)
    found = estimate_changes(*in_parts)
    assert parquet_bytes(found.table) == parquet_bytes(expected.table)
    assert found.left_out == expected.left_out == (frozenset(missing), frozenset())
    areas = expected.table[["area_level", "area"]].astype(str)
    assert set(areas.loc[areas["area_level"] == "city", "area"]) == set(left)


@pytest.mark.parametrize("without", ["all", "a city"])
def test_interviews_without_points_are_the_same_stratum_in_parts(
    frame: pd.DataFrame, without: str
) -> None:
    """One city that has no points at all does not know of itself that others have."""
    gone = np.ones(len(frame), bool) if without == "all" else frame["city_code"] == CITIES[3]
    lacking = frame.assign(psu=frame["psu"].where(~gone), stratum=frame["stratum"].where(~gone))
    rules = rules_of(FreezeOptions(without_point=WithoutPoint.STRATUM))
    at_once = WaveParts.of_loaded(WaveData.weigh(lacking, rules))
    in_parts = parts_of(lacking, [[city] for city in CITIES], rules)
    assert in_parts.facts.without_point == at_once.facts.without_point
    assert in_parts.design == at_once.design
    assert tables_of(in_parts) == tables_of(at_once)


def test_what_is_missing_somewhere_is_said_of_all_cities_before_any_is_read(
    frame: pd.DataFrame,
) -> None:
    wave = type("Wave", (), {"key": "main-2024"})()
    two = frame["city_code"].isin(CITIES[:2])
    responses = open_loaded_responses(frame.assign(psu=frame["psu"].where(~two)))
    with raises_code("points_missing", match=r"110000: \d+, 130100: \d+\)"):
        responses.require_freezable(wave, WithoutPoint.REFUSE)
    responses.require_freezable(wave, WithoutPoint.STRATUM)
    weighed = frame.assign(**{GIVEN_WEIGHT: np.where(two, np.nan, 2.0)})
    with raises_code("weights_missing", match=r"110000: \d+, 130100: \d+\)"):
        open_loaded_responses(weighed).require_freezable(wave, WithoutPoint.REFUSE)


@pytest.mark.slow
def test_a_level_that_no_city_has_leaves_the_special_groups_their_differences(
    frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cities without a retail tier make an empty table of differences."""
    data = WaveData.weigh(frame, rules_of())
    asked: list[pd.DataFrame] = []
    build = build_small_area_table

    def seen(cells: pd.DataFrame, gaps: pd.DataFrame, *rest: Any, **options: Any) -> pd.DataFrame:
        asked.append(gaps)
        return build(cells, gaps, *rest, **options)

    monkeypatch.setattr("survey.results.tables.build_small_area_table", seen)
    no_tier = data.cities.assign(retail_tier="unknown")
    monkeypatch.setattr("survey.results.wave_rules.build_frame_table", lambda _: no_tier)
    tables = tables_of(WaveParts.of_loaded(WaveData.weigh(frame, rules_of())))
    levels = set(pd.read_parquet(BytesIO(tables["gaps.parquet"]))["area_level"].astype(str))
    assert "retail_tier" not in levels
    (gaps,) = asked
    assert set(gaps["contrast"].astype(str)) == {"rest"}
    assert set(gaps["area_level"].astype(str)) == {"city"}


def test_given_weights_tell_the_same_in_parts(frame: pd.DataFrame) -> None:
    weights = np.random.default_rng(3).uniform(0.2, 5, len(frame))
    weighed = frame.assign(**{GIVEN_WEIGHT: weights})
    at_once = WaveParts.of_loaded(WaveData.weigh(weighed, rules_of()))
    in_parts = parts_of(weighed, [[city] for city in CITIES], rules_of())
    assert at_once.report == in_parts.report
    assert at_once.report.way == "given"
