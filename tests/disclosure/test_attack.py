"""An attacker with every table of a small frozen wave, who knows exactly who is in which domain.

Stronger than any reader: memberships are theirs, only answers are not. Still no hidden cell may
follow from all shown ones, and no two shown domains may differ by a few people.
"""

import dataclasses
import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from survey.access.principal import Principal
from survey.access.roles import NATION, Role
from survey.counts.complaint_tables import ComplaintYear
from survey.counts.count_declaration import TOTAL
from survey.counts.standing_deliveries import DeliveredPeriod
from survey.estimate.tree import COMPOSITE
from survey.figures import views as publish_views
from survey.figures.published_figures import published_results
from survey.figures.views.view_context import ViewContext
from survey.frame.city_frame import shipped_cities
from survey.locale import SurveyError
from survey.results import WaveResults, open_results
from survey.results.disclosure_inputs import declare_totals
from survey.results.headlines import DOMAIN
from survey.results.method_sheets import SHEETS
from survey.results.snapshots import CELLS, RANK_PAIRS
from survey.results.wave_parts import WaveData, WaveParts
from survey.results.wave_rules import WaveRules
from survey.settings import Settings
from survey.snapshots.response_files import is_response_file
from survey.snapshots.snapshot_files import read_snapshot
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import Shown, WaveState, new_id, now
from survey.waves.instruments import load_instrument, load_tree
from survey.waves.waves import get_wave
from tests.disclosure.memberships import Memberships, memberships

WAVE = "main-2024"
INDICATORS = ("1", "3.2.2", "overall", "elder_cash_refused", "detriment_lost")
NATIONAL = Principal(new_id(), "n", Role.NATIONAL_OFFICIAL, "CN")
PROVINCE = Principal(new_id(), "p", Role.PROVINCE_OFFICIAL, "42")
CITY = Principal(new_id(), "c", Role.CITY_OFFICIAL, "420500")
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """The frozen wave, and who is in which cell of it."""

    results: WaveResults
    source: WaveData
    who: Memberships
    cells: pd.DataFrame
    """All cells as the store has them, a row a cell in the order of `who`."""
    n: NDArray[np.int64]
    """The true counts, of the same rows."""

    def people(self, rows: NDArray[np.int64]) -> Matrix:
        """Who is in each of some cells: rows x respondents."""
        area, group, indicator = np.unravel_index(rows, self.who.shape)
        inside = self.who.within[area][:, self.who.city]
        member, answered = self.who.member.T[group], self.who.answered.T[indicator]
        return (inside & member & answered).astype(float)

    def rows_of(self, cells: pd.DataFrame) -> NDArray[np.int64]:
        """The places of cells that a reader sees."""
        keys = ["area_level", "area", "group", "indicator"]
        places = pd.Series(
            range(len(self.cells)), index=pd.MultiIndex.from_frame(self.cells[keys].astype(str))
        )
        rows = places.loc[pd.MultiIndex.from_frame(cells[keys].astype(str))]
        return np.asarray(rows, dtype=np.int64)


@pytest.fixture(scope="module")
def target(frozen_small_demo: Path) -> Iterator[Target]:
    settings = Settings(database_url="", data_dir=frozen_small_demo)
    _, frame = read_snapshot(next(settings.snapshot_dir.rglob("cells.parquet")).parent)
    with session_scope(settings.store_url) as session:
        wave = get_wave(session=session, key=WAVE)
        assert wave.tree_id is not None
        source = WaveData.weigh(
            frame,
            WaveRules.of(
                series=wave.series,
                instrument=load_instrument(session=session, instrument_id=wave.instrument_id),
                tree=load_tree(session=session, tree_id=wave.tree_id),
                composite=wave.composite,
            ),
        )
        results = open_results(settings, session, WAVE)
    cells = results.cells(NATIONAL)
    areas, groups, indicators = (
        cells[keys].drop_duplicates().astype(str)
        for keys in (["area_level", "area"], ["group"], ["indicator"])
    )
    who = memberships(source, areas, groups["group"].tolist(), indicators["indicator"].tolist())
    yield Target(results, source, who, cells, who.count().counts().ravel())
    dispose_engines()


def test_no_two_shown_domains_differ_by_a_few_people(target: Target) -> None:
    """Every pair, of any areas and groups, for every indicator."""
    some = 0
    for rows in shown_by_indicator(target):
        people = target.people(rows)
        shared = people @ people.T
        size = np.diag(shared)
        difference = size[:, None] + size[None, :] - 2 * shared
        assert not ((difference > 0) & (difference < 10)).any()
        some += int((difference > 0).sum())
    assert some > 10_000


def shown_by_indicator(target: Target) -> Iterator[NDArray[np.int64]]:
    indicators = target.cells["indicator"].astype(str)
    for indicator in indicators.unique():
        yield np.flatnonzero(target.cells["shown"] & (indicators == indicator))


@pytest.mark.parametrize("indicator", INDICATORS)
def test_no_hidden_cell_follows_from_all_that_is_shown(target: Target, indicator: str) -> None:
    """Cells and both sides of gaps; a linear combination would give count and score alike."""
    here = (target.cells["indicator"] == indicator).to_numpy()
    shown = np.flatnonzero(here & target.cells["shown"].to_numpy())
    hidden = np.flatnonzero(here & ~target.cells["shown"].to_numpy() & (target.n > 0))
    known = np.concatenate([target.people(shown), rests(target, indicator)])
    assert len(hidden) > 500
    assert not follows(target.people(hidden), known).any()
    forgotten = target.cells.iloc[shown].index[:1].to_numpy()
    again = np.concatenate([target.people(shown[1:]), target.people(shown[:1])])
    assert follows(target.people(forgotten), again).all()


def test_no_hidden_cell_follows_from_the_method_sheets(target: Target) -> None:
    """Who knows every sheet besides; each of its rows tells of all whom it is about, to the digit.

    A row about a cell is there only if the cell is, so what sheets add are their other sets of
    people: those asked in one way, in the nation and in a city, and the parts of the population
    whose understanding is compared.
    """
    cells = target.cells.astype({"area": str, "group": str, "indicator": str})
    shown = pd.MultiIndex.from_frame(cells[cells["shown"]][["area", "group", "indicator"]])
    people = target.source.people
    city, sets, about_cells = people["city_code"].astype(str), [], 0
    for sheet in SHEETS.values():
        rows = target.results.sheet(NATIONAL, sheet)
        rows = rows[rows["shown"] & (rows["line"] != "")].astype({"area": str, "item": str})
        named = rows[rows["line"].isin(["score", "quartiles", "scale", "city_means"])]
        keys = named[["area", "group", "indicator"]].astype(str)
        assert pd.MultiIndex.from_frame(keys).isin(shown).all(), sheet.key
        about_cells += len(named)
        overlap = rows[rows["line"] == "overlap"]
        for area, item in zip(overlap["area"], overlap["item"], strict=True):
            inside = (city == area) if area != NATION else np.ones(len(people), dtype=bool)
            sets.append(inside & (people["mode"].astype(str) == item.removeprefix("mode=")))
        for item in rows.loc[rows["line"] == "invariance", "item"]:
            variable = item.partition(":")[0]
            groups = people.get(variable, target.source.areas.get(variable))
            sets += [pd.Series(groups).astype(str) == value for value in pd.unique(groups)]
    assert about_cells > 500
    assert len(sets) > 10
    extra = np.array([np.asarray(own, dtype=float) for own in sets])
    here = (cells["indicator"] == COMPOSITE).to_numpy()
    seen = target.people(np.flatnonzero(here & cells["shown"].to_numpy()))
    hidden = np.flatnonzero(here & ~cells["shown"].to_numpy() & (target.n > 0))
    known = np.concatenate([seen, rests(target, COMPOSITE), extra])
    assert not follows(target.people(hidden), known).any()
    # A sheet that gave the ways of asking of a hidden cell would open it.
    told = target.people(hidden[:1]) * (people["mode"].astype(str) == "self").to_numpy(dtype=float)
    other = target.people(hidden[:1]) - told
    assert follows(target.people(hidden[:1]), np.concatenate([known, told, other])).all()


def rests(target: Target, indicator: str) -> Matrix:
    """Who is on the other side of each shown gap between a group and the rest of its area."""
    gaps = target.results.gaps(NATIONAL, contrast="rest", indicator=indicator)
    rows = target.rows_of(gaps[gaps["shown"]])
    everyone = target.rows_of(gaps[gaps["shown"]].assign(group="all"))
    return target.people(everyone) - target.people(rows)


def follows(wanted: Matrix, known: Matrix) -> NDArray[np.bool_]:
    """Which rows of `wanted` are linear combinations of those of `known`."""
    _, size, right = np.linalg.svd(known, full_matrices=False)
    basis = right[size > 1e-9 * size[0]]
    left: NDArray[np.bool_] = np.linalg.norm(wanted - wanted @ basis.T @ basis, axis=1) < 1e-6
    return left


def test_shown_gaps_have_two_shown_sides(target: Target) -> None:
    shown = target.cells["shown"].to_numpy()
    for contrast, other in (("rest", {"group": "all"}), ("nation", {"area_level": "nation"})):
        gaps = target.results.gaps(NATIONAL, contrast=contrast)
        gaps = gaps[gaps["shown"]]
        assert shown[target.rows_of(gaps)].all()
        area = {"area": "CN"} if contrast == "nation" else {}
        assert shown[target.rows_of(gaps.assign(**other, **area))].all()
        assert (gaps[["n", "n_reference"]] >= 10).all().all()


def test_no_indicator_is_left_over_from_those_beside_it(target: Target) -> None:
    """The score of an indicator is a known mixture of those below it."""
    shape = target.who.shape
    gone = ((target.n > 0) & ~target.cells["shown"].to_numpy()).reshape(shape)
    names = target.cells["indicator"].astype(str).unique().tolist()
    families = [
        total for total in declare_totals(WaveParts.of_loaded(target.source)) if total.mixture
    ]
    assert len(families) > 10
    for total in families:
        members = [names.index(key[0]) for key in (total.whole, *total.parts)]
        assert not (gone[:, :, members].sum(axis=2) == 1).any()


@pytest.mark.parametrize("reader", [NATIONAL, PROVINCE, CITY], ids=["nation", "province", "city"])
def test_no_reader_sees_what_the_store_hides(target: Target, reader: Principal) -> None:
    """Whatever the filter: all readers see some of the same rows, hidden ones without figures."""
    seen = target.results.cells(reader)
    rows = target.rows_of(seen)
    hidden = ~seen["shown"].to_numpy()
    assert (hidden == ~target.cells["shown"].to_numpy()[rows]).all()
    figures = ["estimate", "ci_low", "ci_high", "df", "n", "n_psu", "deff"]
    assert not {"se", "sum_weight"} & set(seen.columns)
    assert seen.loc[hidden, figures].isna().all().all()
    for group in ("all", "elderly=yes"):
        some = target.results.cells(reader, group=group, indicator=["1", "complained"])
        whole = seen[(seen["group"] == group) & seen["indicator"].isin(["1", "complained"])]
        pd.testing.assert_frame_equal(some, whole.reset_index(drop=True))


@pytest.mark.parametrize("reader", [PROVINCE, CITY], ids=["province", "city"])
def test_before_release_no_sum_of_what_is_seen_is_another_city(
    target: Target, reader: Principal
) -> None:
    seen = target.results.cells(reader, group="all", indicator="1")
    cities = np.unique(target.source.areas["city"].astype(str))
    outside = np.array([not reader.covers(city) for city in cities])
    area = np.unravel_index(target.rows_of(seen), target.who.shape)[0]
    known = target.who.within[area].astype(float)[:, outside]
    assert not follows(np.eye(outside.sum()), known).any()
    assert ("nation", "CN") in set(zip(seen["area_level"], seen["area"], strict=True))


def test_after_release_every_city_is_seen(target: Target) -> None:
    open_to_all = {"state": WaveState.RELEASED, "shown": Shown.SCORES}
    wave = replace(target.results.wave, **open_to_all)
    released = WaveResults(
        wave, target.results.manifest, target.results.tree, target.results._folder
    )
    seen = released.cells(CITY, area_level="city", group="all", indicator="1")
    assert seen["area"].nunique() == 100


def test_one_reason_for_whatever_is_hidden(target: Target) -> None:
    """`too_few` (1 to 9) beside `secondary` (10 and more) gave exact counts by linear programming;
    a status or a count of sampling points on a hidden row would do the same."""
    contrasts = ("rest", "nation")
    tables = [getattr(target.results, name)(NATIONAL) for name in TABLES if name != "gaps"]
    tables += [target.results.gaps(NATIONAL, contrast=contrast) for contrast in contrasts]
    assert len(tables) == len(TABLES) + 1
    for table in tables:
        hidden = table[~table["shown"]]
        assert len(hidden) or "basis" in table.columns
        assert set(hidden["reason"].astype(str)) <= {"hidden"}
        assert set(table.loc[table["shown"], "reason"].astype(str)) <= {""}
        if "status" in table.columns:
            assert set(hidden["status"].astype(str)) <= {""}


def test_no_reason_tells_that_all_gave_one_answer(target: Target) -> None:
    stored = pd.read_parquet(target.results._folder / "cells.parquet")
    assert "unanimous" not in set(stored["reason"].astype(str))
    assert target.results.method.hidden["unanimous"] > 0
    rates = [m.key for m in target.source.measures if m.sensitive and m.choices]
    shown = target.cells[target.cells["shown"] & target.cells["indicator"].isin(rates)]
    assert not shown["estimate"].isin([0.0, 100.0]).any()


TABLES = ("cells", "gaps", "small_areas", "ranks", "drivers", "headlines")
NO_FIGURES = {"shown", "grade", "rounds"}
PRESS = [result.score for result in published_results() if result.score is not None]
PLACES = [abs(where) for city in shipped_cities() for where in (city.lon, city.lat)]
OFFICE = {Role.NATIONAL_OFFICIAL: "CN", Role.PROVINCE_OFFICIAL: "42", Role.CITY_OFFICIAL: "420500"}


def test_no_table_of_the_snapshot_keeps_a_figure_of_a_hidden_row(target: Target) -> None:
    """Every file there is, so that a new kind of table cannot forget the gate."""
    seen = 0
    for path in sorted(target.results._folder.glob("*.parquet")):
        if path.name == RANK_PAIRS or is_response_file(path.name):
            continue
        table = pd.read_parquet(path)
        assert {"shown", "reason"} <= set(table.columns), path.name
        hidden = table[~table["shown"].astype(bool)]
        figures = hidden.select_dtypes("number").drop(columns=list(NO_FIGURES), errors="ignore")
        assert figures.isna().all(axis=None), path.name
        seen += len(hidden)
    assert seen > 10_000


def test_only_cities_that_are_shown_are_told_apart(target: Target) -> None:
    """A pair is two cities and an indicator, without a figure: a hidden city is in none."""
    folder = target.results._folder
    pairs = pd.read_parquet(folder / RANK_PAIRS)
    assert set(pairs.columns) == {"area_level", "area", "other", "indicator"}
    cells = pd.read_parquet(folder / CELLS)
    shown = cells[cells["shown"] & (cells["group"].astype(str) == "all")]
    keys = ["area_level", "area", "indicator"]
    open_cells = set(shown[keys].astype(str).itertuples(index=False, name=None))
    for side in ("area", "other"):
        sides = pairs[["area_level", side, "indicator"]].astype(str)
        assert set(sides.itertuples(index=False, name=None)) <= open_cells


def views() -> list[Callable[..., Any]]:
    """Every function of the views that takes a context, and filters by their names only."""
    functions = []
    for module in pkgutil.iter_modules(publish_views.__path__):
        room = importlib.import_module(f"{publish_views.__name__}.{module.name}")
        for name, member in vars(room).items():
            own = inspect.isfunction(member) and member.__module__ == room.__name__
            if own and not name.startswith("_"):
                parameters = inspect.signature(member).parameters.values()
                by_position = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
                hints = get_type_hints(member)
                if [hints[each] for each in by_position] == [ViewContext]:
                    functions.append(member)
    return functions


NO_COMPLAINTS = ComplaintYear(
    year=2024,
    periods=(
        DeliveredPeriod(
            new_id(), "2024-01", 1, True, new_id(), "one", "nobody", date(2024, 2, 1), "", "1", 0,
            False, now(), "nobody",
        ),
    ),
    by_lens={TOTAL: {}},
    by_month={},
)  # fmt: skip
"""What a system recorded is no figure of a wave; its own gate is tested with it."""


def asked_for(view: Callable[..., Any], city: str) -> dict[str, Any]:
    """Filters with the city wherever one can be named, and every detail that can be asked for."""
    hints, given = get_type_hints(view), {}
    for name, parameter in inspect.signature(view).parameters.items():
        if name == "context" or parameter.default is not parameter.empty:
            continue
        if name == "filters":
            known = {"city": city, "focus": city, "place": city, "area": city, "detail": True}
            known |= {"group": "elderly=yes", "question": "had_dispute", "variable": "gender"}
            fields = {field.name for field in dataclasses.fields(hints[name])}
            given[name] = hints[name](**{key: known[key] for key in known if key in fields})
        else:
            given[name] = {
                "others": (),
                "peers": ("310000", "320500"),
                "indicator": "composite",
                "levels": ("city",),
                "city": city,
                "area": city,
                "place": city,
                "group": "elderly=yes",
                "by": "region3",
                "against": "nation",
                "detail": True,
                "basis": DOMAIN,
                "topic": "detriment" if "module" in view.__module__ else "education",
                "measure": "detriment_lost",
                "field": "education",
                "year": NO_COMPLAINTS,
                "before": None,
                "activities": (),
            }[name]
    return given


def figures_of(shown: Any) -> Iterator[float]:
    """Every number of every picture and sentence of a view."""
    if isinstance(shown, float):
        yield shown
    elif isinstance(shown, np.ndarray | list | tuple):
        for value in shown:
            yield from figures_of(value.item() if isinstance(value, np.generic) else value)
    elif isinstance(shown, dict):
        yield from figures_of(list(shown.values()))
    elif dataclasses.is_dataclass(shown):
        yield from figures_of([getattr(shown, field.name) for field in dataclasses.fields(shown)])


@pytest.fixture(scope="module", params=OFFICE)
def reader(request: pytest.FixtureRequest) -> Principal:
    return Principal(new_id(), "r", request.param, OFFICE[request.param])


@pytest.fixture(scope="module")
def given(target: Target, reader: Principal) -> Matrix:
    """Every number that this reader may read, sorted; and where the cities of the map lie."""
    tables = [getattr(target.results, name)(reader) for name in TABLES if name != "gaps"]
    contrasts = pd.read_parquet(target.results._folder / "gaps.parquet")["contrast"].unique()
    tables += [target.results.gaps(reader, contrast=str(contrast)) for contrast in contrasts]
    runs = target.results.others(reader, indicator="composite")
    parts = [table.select_dtypes("number").to_numpy(dtype=float).ravel() for table in tables]
    return np.unique(np.abs(np.concatenate([*parts, [run.mean for run in runs], PLACES])))


def test_every_number_of_every_view_is_one_that_its_reader_was_given(
    target: Target, reader: Principal, given: Matrix
) -> None:
    """No view computes a figure from something that did not pass the gate for this reader, nor
    hands one on with more decimals than are published."""
    looked = 0
    for view, city in itertools.product(views(), ("420500", "110000")):
        arguments = asked_for(view, city)
        with suppress(SurveyError, KeyError):
            result = view(ViewContext(target.results, reader, "en"), **arguments)
            numbers = np.abs(np.array(list(figures_of(result)), dtype=float))
            numbers = numbers[np.isfinite(numbers) & (numbers != np.round(numbers))]
            numbers = numbers[~np.isin(numbers, PRESS)]
            longer = numbers[numbers != np.round(numbers, 1)]
            assert np.isin(longer, PLACES).all(), view.__name__
            strange = numbers[~(among(numbers, given) | among(numbers / 100, given))]
            assert not len(strange), view.__name__
            looked += len(numbers)
    assert looked > 100


def among(numbers: Matrix, given: Matrix) -> NDArray[np.bool_]:
    """Which numbers are, to nine digits, one of the given ones."""
    place = np.searchsorted(given, numbers).clip(1, len(given) - 1)
    near = np.minimum(np.abs(given[place] - numbers), np.abs(given[place - 1] - numbers))
    return np.asarray(near < 1e-9)
