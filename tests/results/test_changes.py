"""Change between two waves: the estimator's figures, one family a table, nothing hidden told."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sqlmodel import select

from seed.demo import build
from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.disclosure import protect
from survey.estimate import change, to_scores
from survey.results import list_waves, open_results, tables
from survey.results.analysis import NONE, Q
from survey.results.changes import (
    FALL,
    RISE,
    EstimatedChanges,
    WavesNotComparableError,
    build_change_table,
    estimate_changes,
)
from survey.results.freeze import freeze_wave
from survey.results.wave_estimates import estimate_wave
from survey.results.wave_parts import WaveData, WaveParts
from survey.results.wave_results import ChangeNotComputedError, WaveInfo
from survey.results.wave_rules import WaveRules
from survey.settings import Settings
from survey.snapshots.response_frame import CountedResponses, response_frame
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Response, Shown, Status, Wave, WaveState, new_id
from survey.waves.instruments import load_instrument, load_tree

OLD, NEW = "main-2022", "main-2023"
READER = Principal(new_id(), "reader", Role.NATIONAL_OFFICIAL, "CN")
KEYS = ["area_level", "area", "group", "indicator"]
NUMBERS = ["before", "after", "difference", "se"]
FIGURES = [*NUMBERS, "ci_low", "ci_high", "df", "p", "n_before", "n_after", "p_adjusted"]


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two small demo waves, the earlier one with the older tree."""
    settings = Settings(database_url="", data_dir=tmp_path_factory.mktemp("changes"))
    build(settings.store_url, waves=[OLD, NEW], size=0.02, seed=7)
    dispose_engines()
    return settings


@pytest.fixture(scope="module")
def sources(small_demo: Settings) -> dict[str, WaveData]:
    by_wave = {}
    with read_scope(small_demo.store_url) as session:
        for wave in session.exec(select(Wave).where(Wave.key.in_([OLD, NEW]))):  # type: ignore[attr-defined]
            instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
            assert wave.tree_id is not None
            rules = WaveRules.of(
                series=wave.series,
                instrument=instrument,
                tree=load_tree(session=session, tree_id=wave.tree_id),
                composite=wave.composite,
            )
            frame = response_frame(session, instrument, CountedResponses(wave.id))
            by_wave[wave.key] = WaveData.weigh(frame, rules)
    dispose_engines()
    return by_wave


@pytest.fixture(scope="module")
def halves(sources: dict[str, WaveData]) -> tuple[WaveData, WaveData]:
    """One wave taken for two that share all their points; one city is in the second only."""
    people = sources[NEW].people
    gone = people["city_code"].astype(str) == "110000"
    before = people[(np.arange(len(people)) % 2 == 0) & ~gone]
    after = people[np.arange(len(people)) % 2 == 1]
    return tuple(
        replace(sources[NEW], people=half.reset_index(drop=True)) for half in (before, after)
    )  # type: ignore[return-value]


def by_hand(
    before: WaveData, after: WaveData, level: str, group: str, items: dict[str, str]
) -> pd.DataFrame:
    """`change` over matched cities; `items` renames the questions of the earlier wave."""
    frames = []
    for source in (before, after):
        label = np.where(source.memberships[group], source.areas[level], np.array(None))
        names = list(source.plan.tree.item_columns)
        frame = to_scores(source.people[[*names, "weight", "stratum_key", "psu"]], names)
        city = source.people["city_code"].astype(str).to_numpy()
        frames.append(frame.assign(area=label, city=city))
    frames[0] = frames[0].rename(columns=items)
    return change(*frames, after.plan.tree, after.design, by="area", matched="city").set_index(
        ["area", "variable"]
    )


@pytest.mark.parametrize("group", ["all", "guardian=yes"])
@pytest.mark.parametrize("level", ["nation", "region3", "size_tier", "province", "city"])
def test_the_table_is_what_the_estimator_says(
    halves: tuple[WaveData, WaveData], level: str, group: str
) -> None:
    table = estimate_changes(*map(WaveParts.of_loaded, halves)).table
    part = table[(table["area_level"] == level) & (table["group"] == group)]
    direct = by_hand(*halves, level, group, {})
    index = list(zip(part["area"].astype(str), part["indicator"].astype(str), strict=True))
    assert len(index) == len(set(index)) > 0
    for column in NUMBERS:
        expected = direct.loc[index, column].to_numpy(dtype=float)
        np.testing.assert_allclose(part[column].astype(float), expected, rtol=1e-7, atol=1e-7)
    design_df = direct.loc[index, "df"].to_numpy()
    assert (part["df"] <= design_df).all()
    low = part["difference"] - stats.t.ppf(0.975, part["df"].where(part["df"] > 0)) * part["se"]
    # Differences of scores end at ±100, and no error at all is no interval of no width.
    low = low.clip(-100, 100).mask(part["se"] <= 1e-9)
    np.testing.assert_allclose(part["ci_low"], low, rtol=1e-7, atol=1e-7)


def test_a_city_of_one_wave_only_is_in_no_area(halves: tuple[WaveData, WaveData]) -> None:
    table = estimate_changes(*map(WaveParts.of_loaded, halves)).table
    before, after = (half.people["city_code"].astype(str) for half in halves)
    # Of the few interviews of another city all may be in one half too.
    alone = set(after) - set(before)
    assert "110000" in alone
    assert not alone & set(table.loc[table["area_level"] == "city", "area"].astype(str))
    whole = table[(table["area_level"] == "nation") & (table["group"] == "all")]
    assert whole["n_after"].max() == len(after) - after.isin(list(alone)).sum()


def test_under_a_crosswalk_only_the_same_questions_with_the_same_weights(
    sources: dict[str, WaveData],
) -> None:
    wave_changes = estimate_changes(
        WaveParts.of_loaded(sources[OLD]), WaveParts.of_loaded(sources[NEW])
    )
    compared = set(wave_changes.table["indicator"].astype(str))
    assert compared == set(wave_changes.before_of)
    assert not compared & {"composite", "3", "3.1", "3.1.1", "3.1.2"}
    assert wave_changes.before_of["3.2.1"] == "3.1.1"
    nation = wave_changes.table[
        (wave_changes.table["area_level"] == "nation") & (wave_changes.table["group"] == "all")
    ].set_index("indicator")
    own = estimate_wave(WaveParts.of_loaded(sources[OLD])).cells
    own = own[(own["area_level"] == "nation") & (own["group"] == "all")].set_index("indicator")
    for code in ("1", "2.3", "3.2", "3.4.1"):
        earlier = own.loc[wave_changes.before_of[code]]
        assert nation.loc[code, "before"] == pytest.approx(earlier["estimate"], rel=1e-9)
        assert nation.loc[code, "n_before"] == earlier["n"]


def test_what_cannot_be_compared_is_refused(sources: dict[str, WaveData]) -> None:
    old, new = sources[OLD], sources[NEW]
    assert old.tree is not None
    stranger = replace(old, tree=old.tree.model_copy(update={"name": "of nobody"}))
    for before, why in (
        (replace(old, tree=None), "without an indicator tree"),
        (replace(old, composite="per_respondent"), "composite in different ways"),
        (stranger, "nobody has declared"),
        (replace(old, people=old.people.iloc[:0]), "no city in common"),
    ):
        with pytest.raises(WavesNotComparableError, match=why):
            estimate_changes(WaveParts.of_loaded(before), WaveParts.of_loaded(new))


def test_two_snapshots_of_one_wave_are_no_change(sources: dict[str, WaveData]) -> None:
    """Also where some interviews came in between."""
    whole = sources[NEW]
    provisional = replace(whole, people=whole.people.iloc[::3].reset_index(drop=True))
    for before, after in ((whole, whole), (provisional, whole)):
        with pytest.raises(WavesNotComparableError, match="two different waves"):
            estimate_changes(WaveParts.of_loaded(before), WaveParts.of_loaded(after))


def made_up(
    differences: np.ndarray, se: float = 1.0, n: float = 400.0
) -> tuple[EstimatedChanges, pd.DataFrame]:
    """Cities with these differences, and cells that hide nothing."""
    keys = pd.DataFrame(
        {
            "area_level": "city",
            "area": [f"c{place:03d}" for place in range(len(differences))],
            "group": "all",
            "indicator": "composite",
        }
    )
    table = keys.assign(
        before=80.0,
        after=80.0 + differences,
        difference=differences,
        se=se,
        ci_low=differences - 2 * se,
        ci_high=differences + 2 * se,
        df=200.0,
        p=2 * stats.t.sf(np.abs(differences / se), 200),
        n_before=n,
        n_after=n,
        status="ok",
    ).astype(dict.fromkeys(KEYS, "category"))
    cells = protect(keys.assign(n=n, estimate=80.0).astype(dict.fromkeys(KEYS, "category")))
    return EstimatedChanges(table, {"composite": "composite"}), cells


def verdict_of(
    wave_changes: EstimatedChanges, before: pd.DataFrame, after: pd.DataFrame
) -> pd.DataFrame:
    return build_change_table(wave_changes, before_cells=before, after_cells=after, before_wave="w")


@pytest.mark.slow
def test_where_nothing_changed_hardly_any_wave_has_an_arrow() -> None:
    rng = np.random.default_rng(5)
    waves = 200
    with_arrow, bare = 0, 0
    for _ in range(waves):
        wave_changes, cells = made_up(rng.standard_t(200, 100))
        table = verdict_of(wave_changes, cells, cells)
        with_arrow += bool(set(table["verdict"]) & {RISE, FALL})
        bare += bool((wave_changes.table["p"] <= Q).any())
    assert with_arrow / waves <= Q + 3 * np.sqrt(Q * (1 - Q) / waves)
    assert bare / waves > 0.9


def test_clear_changes_have_arrows_in_their_direction() -> None:
    wave_changes, cells = made_up(np.array([9.0, -9.0, 0.3]))
    table = verdict_of(wave_changes, cells, cells)
    assert table["verdict"].tolist() == [RISE, FALL, NONE]
    assert (table["before_wave"] == "w").all()


def test_the_family_is_the_cities_shown() -> None:
    """As in Benjamini and Hochberg: p_(i) m / i, made monotone; hidden cities do not count."""
    differences = np.array([3.0, 2.8, 2.6, 2.4, 2.2, 1.0, 0.5, 0.2])
    wave_changes, cells = made_up(differences)
    p = wave_changes.table["p"].to_numpy()
    everyone = verdict_of(wave_changes, cells, cells)["p_adjusted"].to_numpy()
    by_formula = np.minimum.accumulate((p * 8 / np.arange(1, 9))[::-1])[::-1]
    np.testing.assert_allclose(everyone, by_formula)
    few = cells.copy()
    few.loc[:2, ["n"]] = 4
    hidden = protect(few.drop(columns=["shown", "reason"]))
    fewer = verdict_of(wave_changes, hidden, cells)
    rest = np.minimum.accumulate((p[3:] * 5 / np.arange(1, 6))[::-1])[::-1]
    np.testing.assert_allclose(fewer["p_adjusted"].to_numpy()[3:], rest)
    assert fewer["p_adjusted"][:3].isna().all()


def test_a_change_that_is_for_orientation_only_has_no_arrow() -> None:
    wave_changes, cells = made_up(np.array([9.0, 9.0]))
    wave_changes.table["status"] = ["ok", "unreliable"]
    assert verdict_of(wave_changes, cells, cells)["verdict"].tolist() == [RISE, NONE]


@pytest.mark.parametrize("side", ["before", "after"])
def test_what_one_wave_hides_is_hidden_here(side: str) -> None:
    wave_changes, cells = made_up(np.array([9.0, 9.0]))
    hiding = cells.copy()
    hiding["shown"] = [True, False]
    hiding["reason"] = pd.Categorical(["", "secondary"], categories=cells["reason"].cat.categories)
    hiding.loc[1, ["n", "estimate"]] = np.nan
    sides = (hiding, cells) if side == "before" else (cells, hiding)
    table = verdict_of(wave_changes, *sides)
    assert table["shown"].tolist() == [True, False]
    assert table["reason"].tolist() == ["", "secondary"]
    assert table.loc[1, FIGURES].isna().all()
    assert table["verdict"].tolist() == [RISE, ""]


@pytest.mark.parametrize("n", ["n_before", "n_after"])
def test_too_few_in_either_wave_hides_the_change(n: str) -> None:
    wave_changes, cells = made_up(np.array([9.0, 9.0]))
    wave_changes.table.loc[0, n] = 9
    table = verdict_of(wave_changes, cells, cells)
    assert table["shown"].tolist() == [False, True]
    assert table.loc[0, FIGURES].isna().all()


@pytest.mark.parametrize(("n", "hidden"), [(9, True), (10, False)])
def test_a_hidden_city_of_one_wave_only_is_not_told_by_what_is_left_of_its_areas(
    n: int, hidden: bool
) -> None:
    """East is cities a and b, the nation also c; only the earlier wave has b."""
    areas = [
        ("nation", "CN"),
        ("region3", "east"),
        ("region3", "west"),
        ("city", "a"),
        ("city", "c"),
    ]
    keys = pd.DataFrame(areas, columns=["area_level", "area"])
    keys = keys.assign(group="all", indicator="composite")
    counts = np.array([600.0, 200.0, 400.0, 200.0, 400.0])
    table = keys.assign(
        before=80.0,
        after=81.0,
        difference=1.0,
        se=1.0,
        ci_low=-1.0,
        ci_high=3.0,
        df=200.0,
        p=0.3,
        n_before=counts,
        n_after=counts,
        status="ok",
    )
    everywhere = pd.concat([keys, keys.iloc[[3]].assign(area="b")], ignore_index=True).assign(
        n=[600.0 + n, 200.0 + n, 400.0, 200.0, 400.0, n]
    )
    kinds = dict.fromkeys(KEYS, "category")
    wave_changes = EstimatedChanges(
        table.astype(kinds), {"composite": "composite"}, (frozenset({"b"}), frozenset())
    )
    before = protect(everywhere.astype(kinds))
    judged_table = verdict_of(wave_changes, before, protect(keys.assign(n=counts).astype(kinds)))
    reasons = dict(zip(judged_table["area"].astype(str), judged_table["reason"], strict=True))
    why = "differencing" if hidden else ""
    assert reasons == {"CN": why, "east": why, "west": "", "a": "", "c": ""}
    assert judged_table.loc[~judged_table["shown"], FIGURES].isna().all(axis=None)


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Freeze only what a comparison reads: the cells, by the simplest rule."""
    monkeypatch.setattr(tables, "protected_cells", lambda figures, *_: protect(figures.cells))
    monkeypatch.setattr(tables, "_write_gaps", lambda *_: pd.DataFrame())
    monkeypatch.setattr(tables, "_iter_tables", lambda *_: ())
    yield
    dispose_engines()


def info(settings: Settings, key: str) -> WaveInfo:
    with read_scope(settings.store_url) as session:
        return next(wave for wave in list_waves(settings, session) if wave.key == key)


@pytest.mark.slow
def test_a_change_is_never_read_from_an_older_snapshot(small_demo: Settings, light: None) -> None:
    settings = small_demo
    later = freeze_wave(settings, wave_key=NEW, actor=OPERATOR)
    folder = settings.snapshot_dir / later.directory
    assert not list(folder.glob("changes-*"))
    earlier = freeze_wave(settings, wave_key=OLD, actor=OPERATOR)
    first = info(settings, OLD)
    assert not list(folder.glob("changes-*")), "each freeze writes into its own folder"
    (written,) = (settings.snapshot_dir / earlier.directory).glob("changes-*")
    content = written.read_bytes()
    folder = settings.snapshot_dir / freeze_wave(settings, wave_key=NEW, actor=OPERATOR).directory
    assert written.read_bytes() == content
    (again,) = folder.glob("changes-*")
    assert again.read_bytes() == content
    with session_scope(settings.store_url) as session:
        wave = session.exec(select(Wave).where(Wave.key == OLD)).one()
        some = session.exec(
            select(Response).where(Response.wave_id == wave.id, Response.status == Status.APPROVED)
        ).first()
        assert some is not None
        some.status = Status.VOID
        session.add(some)
    freeze_wave(settings, wave_key=OLD, actor=OPERATOR)
    second = info(settings, OLD)
    assert second.snapshot_sha256 != first.snapshot_sha256
    with read_scope(settings.store_url) as session:
        results = open_results(settings, session, NEW)
    counts = [
        results.changes(READER, before=one, area_level="nation", group="all")["n_before"].max()
        for one in (first, second)
    ]
    assert counts[0] > counts[1]
    stranger = replace(first, directory=f"{OLD}/ffffffffffff")
    with pytest.raises(ChangeNotComputedError):
        results.changes(READER, before=stranger)
    with pytest.raises(ChangeNotComputedError, match="two different waves"):
        results.changes(READER, before=results.wave)
    nation = results.changes(READER, before=second, area_level="nation", group="all")
    assert set(nation["before_wave"]) == {OLD}
    official = Principal(new_id(), "yichang", Role.CITY_OFFICIAL, "420500")
    seen = results.changes(official, before=second, area_level="city")
    assert set(seen["area"].astype(str)) == {"420500"}
    open_to_all = {"state": WaveState.RELEASED, "shown": Shown.SCORES}
    results.wave = replace(results.wave, **open_to_all)
    seen = results.changes(official, before=second, area_level="city")
    assert set(seen["area"].astype(str)) == {"420500"}
    released = replace(second, **open_to_all)
    assert len(results.changes(official, before=released, area_level="city")) > len(seen)
