"""A wave summed in parts gives the bytes of the wave summed at once."""

import io
import os
import pickle
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.compute import LocalEngine
from survey.estimate import Cube, CubeSpec, Design, EstimateError, Node, Tree, cube_change
from survey.estimate.cube.part import CubePart
from survey.estimate.cube.part_reader import MAX_KEPT_BYTES, KeptRowsLimit, PartReader
from survey.estimate.cube.passes import LinearisedTotals, SeenPart
from survey.estimate.cube.segments import PsuRuns
from survey.settings import PROJECT_ROOT
from tests.estimate.test_estimate_cube import ITEMS, TREE, raw_wave

AREAS = {"nation": None, "region": "region", "city": "city"}
GROUPS = {"all": None, "gender=f": ("gender", "f"), "old": "old", "few": "few", "none": "none"}
CITIES = 7
POINTS = Design("weight", strata="stratum", psu="point")
WITHOUT_POINTS = Design("weight", strata="stratum", assumed_deff=1.4)
ACROSS = Design("weight", strata="half", psu="point", lonely_psu="average")
"""Strata that lie in several cities."""
AGAINST = (("city", "nation"), ("city", "region"), ("region", "nation"))


def wave_of_cities(seed: int = 0) -> pd.DataFrame:
    """Seven cities of unequal size in shuffled rows, one of them with strata of one point."""
    frame = pd.concat([raw_wave(seed + i, strata=2, psus=3 + i % 3) for i in range(3)])
    frame = frame.reset_index(drop=True)
    rng = np.random.default_rng(seed)
    city = np.minimum(rng.integers(0, CITIES + 3, len(frame)), CITIES - 1)
    frame["city"] = pd.Series([f"C{number}" for number in city], dtype="str")
    frame["region"] = pd.Categorical(
        np.where(city < 3, "west", np.where(city < 5, "east", "north")), ["west", "north", "east"]
    )
    frame["stratum"] = frame["city"] + frame["stratum"].astype(str)
    frame["point"] = frame["stratum"] + "-" + frame["psu"].astype(str)
    frame.loc[frame["city"] == "C2", "point"] = frame["stratum"]
    frame["half"] = np.where(city % 2, "odd", "even")
    frame["id"] = [f"{number:06d}" for number in range(len(frame))]
    return frame


FRAME = wave_of_cities()


def spec_of(design: Design, **options) -> CubeSpec:
    return CubeSpec(
        TREE,
        design,
        areas=AREAS,
        groups=GROUPS,
        rates=["solved"],
        centres=[50.0],
        order="id",
        df_rule="weighted",
        **options,
    )


@dataclass(frozen=True)
class CitiesPart:
    """Rows of some cities, read when asked for, in this process or another."""

    cities: tuple[str, ...]
    spec: CubeSpec

    def __call__(self) -> tuple[pd.DataFrame, CubeSpec]:
        rows = FRAME[FRAME["city"].isin(self.cities)]
        return rows.reset_index(drop=True), self.spec


def tables_of(cube: Cube) -> list[bytes]:
    """Return the bytes of every table of a cube."""
    tables = [cube.table(), cube.gaps(), *(cube.against(*pair) for pair in AGAINST)]
    return [bytes_of(table) for table in (*tables, cube.point_estimates())]


def bytes_of(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    for name, column in table.items():
        buffer.write(str((name, column.dtype)).encode())
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = pd.Series(column.cat.codes.to_numpy())
        buffer.write(column.to_numpy().tobytes())
    return buffer.getvalue()


ROOM_FOR_ROWS = (0, CubePart.read(FRAME, spec_of(POINTS)).rows.nbytes // 2, MAX_KEPT_BYTES)
"""Bytes for no rows, some and all, between the looks at the parts."""
COMPOSITES = ("item_means", "per_respondent")
DESIGNS = {"points": POINTS, "without points": WITHOUT_POINTS, "across": ACROSS}


@pytest.fixture(scope="module")
def whole() -> dict[tuple[str, str], list[bytes]]:
    """Return the tables of one part by design and composite."""
    return {
        (name, composite): tables_of_design(Cube.of(FRAME, spec_of(design, composite=composite)))
        for name, design in DESIGNS.items()
        for composite in COMPOSITES
    }


def tables_of_design(cube: Cube) -> list[bytes]:
    """Return every table; where a stratum lies in several cities, those that there are."""
    if cube.sums.spec.design == ACROSS:
        return [bytes_of(cube.table()), bytes_of(cube.gaps())]
    return tables_of(cube)


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_parts_in_any_order_give_the_same_bytes(whole, data):
    owner = data.draw(st.lists(st.integers(0, 3), min_size=CITIES, max_size=CITIES))
    design = data.draw(st.sampled_from(sorted(DESIGNS)))
    composite = data.draw(st.sampled_from(COMPOSITES))
    spec = spec_of(DESIGNS[design], composite=composite)
    groups = [tuple(f"C{c}" for c in range(CITIES) if owner[c] == part) for part in set(owner)]
    parts = [CitiesPart(cities, spec) for cities in data.draw(st.permutations(groups))]
    against = () if design == "across" else AGAINST
    room = data.draw(st.sampled_from(ROOM_FOR_ROWS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("survey.estimate.cube.cube.MAX_KEPT_BYTES", room)
        cube = Cube.of_parts(parts, spec)
    once = cube.prepared(table=True, gaps=True, against=against)
    with once if data.draw(st.booleans()) else nullcontext():
        assert tables_of_design(cube) == whole[design, composite]


@pytest.mark.parametrize("design", ["points", "without points"])
def test_composites_of_cities_that_agree_are_no_noise_in_any_order(monkeypatch, design):
    """Their squares are taken from deviations of rows, which are 0 but for rounding."""
    alike = [f"C{city}" for city in (1, 3, 4)]
    frame = FRAME.copy()
    frame["weight"] *= np.random.default_rng(3).uniform(0.5, 3, len(frame))
    for place, item in enumerate(ITEMS):
        frame.loc[frame["city"].isin(alike), item] = np.int8(1 + place * 3 % 9)
    monkeypatch.setattr(sys.modules[__name__], "FRAME", frame)
    spec = spec_of(DESIGNS[design])
    cube = Cube.of(frame, spec)
    assert cube.sums.plan.dense.any()
    table = cube.table()
    cities = table[table["area"].astype(str).isin(alike) & (table["group"] == "all")]
    composites = cities[cities["indicator"] == "composite"]
    assert len(composites) == len(alike)
    assert (composites["se"] == 0).all()
    assert composites["deff"].isna().all()
    whole = tables_of(cube)
    for order in (
        (("C4",), ("C6", "C5"), ("C3", "C1"), ("C2", "C0")),
        (("C6", "C0"), ("C1",), ("C3",), ("C4", "C2", "C5")),
    ):
        parts = [CitiesPart(cities, spec) for cities in order]
        assert tables_of(Cube.of_parts(parts, spec)) == whole


@pytest.mark.parametrize("size", [1, 4, 7])
def test_a_city_is_summed_in_the_same_pieces_wherever_it_lies(monkeypatch, size):
    """Points are summed some at a time: where a piece ends must not depend on other cities."""
    monkeypatch.setattr("survey.estimate.cube.segments.PSU_BATCH_SIZE", size)
    spec = spec_of(POINTS)
    expected = Cube.of(FRAME, spec)
    pieces = list(expected.sums.segments.pieces())
    assert [piece.start for piece, _ in pieces[1:]] == [piece.stop for piece, _ in pieces[:-1]]
    assert (pieces[0][0].start, pieces[-1][0].stop) == (0, expected.sums.segments.size.sum())
    ends = [inside.stop for _, inside in pieces]
    assert len(ends) > CITIES
    for city in range(CITIES):
        alone = Cube.of_parts([CitiesPart((f"C{city}",), spec)], spec).sums.segments
        cities = expected.sums.levels[-1]
        block = int(np.flatnonzero(cities.labels[cities.of_block] == f"C{city}")[0])
        first, last = np.flatnonzero(expected.sums.segments.block == block)[[0, -1]]
        inner = [end - first for end in ends if first < end <= last]
        assert inner == [inside.stop for _, inside in alone.pieces()][:-1]
    parts = [CitiesPart((f"C{city}",), spec) for city in reversed(range(CITIES))]
    assert tables_of(Cube.of_parts(parts, spec)) == tables_of(expected)


def test_groups_of_a_large_segment_are_summed_some_at_a_time(monkeypatch):
    """To the same figures, and to the same bytes in parts as at once."""
    groups = {f"{name} {number}": group for number in range(3) for name, group in GROUPS.items()}
    spec = replace(spec_of(POINTS), groups=groups)
    together = Cube.of(FRAME, spec)
    expected = [together.table(), together.gaps(), *(together.against(*pair) for pair in AGAINST)]
    monkeypatch.setattr("survey.estimate.cube.segments.PSU_BATCH_SIZE", 1)
    monkeypatch.setattr("survey.estimate.cube.segments.LINE_BATCH_SIZE", 1)
    cube = Cube.of(FRAME, spec)
    sizes = {groups.stop - groups.start for _, _, groups in cube.parts[0].runs.batches(15)}
    assert sizes == {15, 4, 3}
    found = [cube.table(), cube.gaps(), *(cube.against(*pair) for pair in AGAINST)]
    for table, other in zip(expected, found, strict=True):
        pd.testing.assert_frame_equal(table, other, rtol=1e-9)
    parts = [CitiesPart((f"C{city}",), spec) for city in reversed(range(CITIES))]
    assert tables_of(Cube.of_parts(parts, spec)) == tables_of(cube)


@pytest.mark.slow
def test_worker_processes_give_the_same_bytes(whole):
    spec = spec_of(POINTS)
    parts = [CitiesPart((f"C{city}",), spec) for city in range(CITIES)]
    with LocalEngine(2) as engine:
        cube = Cube.of_parts(parts, spec, engine.map)
        with cube.prepared(table=True, gaps=True, against=AGAINST):
            tables = tables_of(cube)
    assert tables == whole["points", "item_means"]


def test_totals_of_a_point_do_not_depend_on_those_beside_it():
    """A product of matrices may round its last line otherwise, on some processors (AVX2)."""
    rng = np.random.default_rng(5)
    items = [f"A.{number}" for number in range(27)]
    shares = rng.dirichlet(np.ones(len(items)))
    leaves = (Node(item, "A", 2, share) for item, share in zip(items, shares, strict=True))
    answers = pd.DataFrame(rng.integers(1, 11, (len(FRAME), len(items)), np.int8), columns=items)
    frame = FRAME[["weight", "stratum", "point"]].join(answers)
    spec = CubeSpec(Tree((Node("A", None, 1, 1.0), *leaves)), POINTS, {"nation": None}, {"": None})
    cube = Cube.of(frame, spec)
    seen = SeenPart(cube.parts[0], cube.passes.means(False))
    whole = LinearisedTotals(seen).own("nation")
    for last in range(1, len(whole) + 1):
        for first in (0, last // 2, last - 1):
            totals = LinearisedTotals(seen, slice(first, last)).own("nation")
            assert totals.tobytes() == whole[first:last].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernel", "needs"),
    [("Sandybridge", {"avx"}), ("Haswell", {"avx2", "fma"}), ("SkylakeX", {"avx512f"})],
)
def test_parts_give_the_same_bytes_on_every_make_of_processor(kernel, needs):
    """The linear algebra has a kernel for each, and is told here which one to take."""
    known = Path("/proc/cpuinfo")
    if not known.exists() or not needs <= set(known.read_text().split()):
        pytest.skip(f"THIS PROCESSOR CANNOT RUN {kernel}: its products are not compared")
    tests = [sys.executable, "-m", "pytest", "-m", "not slow", "-p", "no:cacheprovider", __file__]
    run = subprocess.run(
        tests,
        env={**os.environ, "OPENBLAS_CORETYPE": kernel},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_each_part_is_read_once_for_the_sums_and_once_for_all_tables(monkeypatch):
    """Where there is no room for its rows; else once."""
    read: list[tuple[str, ...]] = []
    spec = spec_of(POINTS)

    def source(cities: tuple[str, ...]):
        def part():
            read.append(cities)
            return CitiesPart(cities, spec)()

        return part

    cities = [("C0", "C3"), ("C1", "C2"), ("C4", "C5", "C6")]
    room_of_first = PartReader(source(cities[0])).read().rows.nbytes
    for room, again in ((0, cities), (room_of_first, cities[1:]), (MAX_KEPT_BYTES, [])):
        monkeypatch.setattr("survey.estimate.cube.cube.MAX_KEPT_BYTES", room)
        read.clear()
        cube = Cube.of_parts([source(part) for part in cities], spec)
        with cube.prepared(table=True, gaps=True, against=AGAINST):
            tables_of(cube)
        assert read == [*cities, *again]


def test_rows_that_are_kept_stay_in_their_process():
    spec = spec_of(POINTS)
    reader = PartReader(CitiesPart(("C0",), spec), KeptRowsLimit(MAX_KEPT_BYTES))
    before = len(pickle.dumps(reader))
    kept = reader.read()
    assert len(pickle.dumps(reader)) == before
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reader)).read().psu, kept.psu)


def test_a_change_between_waves_in_parts_is_that_of_waves_at_once():
    spec = replace(spec_of(POINTS), order="id")
    earlier = FRAME[FRAME["city"] != "C6"].reset_index(drop=True)
    groups = [("C0", "C4"), ("C1", "C2", "C3", "C5", "C6")]
    parts = Cube.of_parts([CitiesPart(cities, spec) for cities in groups], spec)
    before = Cube.of(earlier, spec)
    assert bytes_of(cube_change(before, parts)) == bytes_of(
        cube_change(before, Cube.of(FRAME, spec))
    )


def test_a_city_in_two_parts_is_refused():
    spec = spec_of(POINTS)
    half = len(FRAME) // 2

    def first():
        return FRAME.iloc[:half].reset_index(drop=True), spec

    def second():
        return FRAME.iloc[half:].reset_index(drop=True), spec

    with pytest.raises(EstimateError, match="two parts"):
        Cube.of_parts([first, second], spec)


def test_rates_summed_about_centres_of_their_own_are_refused():
    spec = replace(spec_of(POINTS), centres=None)
    rows = FRAME.assign(solved=np.where(FRAME["city"] == "C0", 0.0, 100.0))

    def part(cities):
        def read():
            return rows[rows["city"].isin(cities)].reset_index(drop=True), spec

        return read

    with pytest.raises(EstimateError, match="different centres"):
        Cube.of_parts([part(["C0"]), part(["C1", "C2"])], spec)


def test_areas_without_labels_stay_outside_every_part():
    rows = FRAME.assign(region=FRAME["region"].where(FRAME["city"] != "C1").astype(object))
    spec = spec_of(POINTS)

    def part(cities):
        def read():
            return rows[rows["city"].isin(cities)].reset_index(drop=True), spec

        return read

    cube = Cube.of_parts([part(["C1"]), part([f"C{c}" for c in (0, 2, 3, 4, 5, 6)])], spec)
    expected = Cube.of(rows, spec)
    assert bytes_of(cube.table()) == bytes_of(expected.table())
    assert bytes_of(cube.gaps()) == bytes_of(expected.gaps())


def test_rows_in_any_order_have_the_same_smallest_keys():
    spec = spec_of(POINTS)
    shuffled = FRAME.sample(frac=1, random_state=1).reset_index(drop=True)
    ordered, other = (CubePart.read(rows, spec).layout for rows in (FRAME, shuffled))
    for name in ("block_keys", "stratum_keys"):
        assert sorted(getattr(ordered, name)) == sorted(getattr(other, name))
    assert ordered.strata.stratum_labels.equals(other.strata.stratum_labels)


def test_answers_of_any_type_give_the_same_bytes(whole):
    """Whole numbers of one byte are read at once, others column by column."""
    rows = FRAME.astype({"q0": "float64", "q3": "Int64"})
    cube = Cube.of(rows.assign(q0=rows["q0"].where(rows["q0"] > 0)), spec_of(POINTS))
    assert tables_of(cube) == whole["points", "item_means"]


@settings(max_examples=30, deadline=None)
@given(
    segments=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30)), min_size=1, max_size=12),
    seed=st.integers(0, 99),
)
def test_squares_of_segments_do_not_depend_on_what_lies_beside_them(segments, seed):
    block, size = np.array(sorted(segments)).T
    stratum = np.arange(len(size))
    runs = PsuRuns.of(np.repeat(stratum, size), np.repeat(block, size))
    z = np.random.default_rng(seed).normal(size=(size.sum(), 2, 5))
    found = np.empty((2, len(size), 2, 5))
    for psus, inside in runs.pieces():
        runs.add_squares(inside, z[psus].copy(), *found)
    for one in set(block):
        inside = block == one
        alone = PsuRuns.of(
            np.repeat(stratum[inside], size[inside]), np.repeat(one, size[inside].sum())
        )
        own, again = z[np.repeat(inside, size)], np.empty((2, inside.sum(), 2, 5))
        for psus, pieces in alone.pieces():
            alone.add_squares(pieces, own[psus].copy(), *again)
        np.testing.assert_allclose(found[:, inside], again, rtol=1e-12)
    mean = np.stack([part.mean(axis=0) for part in np.split(z, np.cumsum(size)[:-1])])
    within = np.stack(
        [
            ((part - m) ** 2).sum(axis=0)
            for part, m in zip(np.split(z, np.cumsum(size)[:-1]), mean, strict=True)
        ]
    )
    np.testing.assert_allclose(found[0], mean * size[:, None, None], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found[1], within, rtol=1e-10, atol=1e-12)
