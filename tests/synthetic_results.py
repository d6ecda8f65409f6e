"""A store of frozen waves whose cells are made up: the shape of real results, made in a second.

`python tests/synthetic_results.py FOLDER` writes one to look at; tests use `synthetic_store`.
"""

import csv
import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from survey.access.roles import NATION, Role
from survey.disclosure import CELL_KEYS, propagate_suppression, protect
from survey.estimate import rank_sets, significant_pairs, top_probability
from survey.frame.city_frame import build_frame_table, shipped_cities, upsert_cities
from survey.questionnaire.indicator_tree import Indicator, IndicatorTree
from survey.questionnaire.model import Instrument, Item, ItemKind, Language, Section
from survey.results.analysis import add_verdicts
from survey.results.changes import CHANGE_GROUPS, EstimatedChanges, build_change_table
from survey.results.drivers import DRIVER_GROUPS
from survey.results.drivers import FIGURES as DRIVER_FIGURES
from survey.results.measures import Measure, read_measures
from survey.results.method import (
    ChangeMethod,
    DriverMethod,
    IntervalAuditMethod,
    MethodRecord,
    RankMethod,
    SmallAreaMethod,
)
from survey.results.method_sheets import ASSOCIATION, BRIDGE, FAIRNESS, MODE_EXPERIMENT, SPREAD
from survey.results.ranks import FIGURES as RANK_FIGURES
from survey.results.sheet_builders import finish_sheet
from survey.results.small_areas import build_small_area_table
from survey.results.snapshots import (
    CELLS,
    DRIVERS,
    GAPS,
    HEADLINES,
    METHOD,
    RANK_PAIRS,
    RANKS,
    SMALL_AREAS,
    changes_file,
)
from survey.results.table_columns import key_dtype
from survey.results.weighting import WeightingReport
from survey.settings import PROJECT_ROOT, Settings
from survey.snapshots.snapshot_files import (
    SINGLE_FILE,
    OverlapFiles,
    SnapshotManifest,
    find_free_folder,
    install_snapshot,
    parquet_bytes,
    snapshot_draft,
)
from survey.store import schema
from survey.store.engine import session_scope
from survey.store.tables import Account, Shown, Snapshot, Wave, WaveRelease, WaveState
from survey.waves.instruments import save_instrument, save_tree

SEED = PROJECT_ROOT / "seed"
CITY_ROLES = {Role.CITY_OFFICIAL, Role.SURVEYOR, Role.SUPERVISOR, Role.TYPIST}
MAIN_GROUPS = {
    "all": 1.0,
    "gender=male": 0.5,
    "gender=female": 0.5,
    "age_band=15-24": 0.15,
    "age_band=25-34": 0.25,
    "age_band=35-44": 0.25,
    "age_band=45-54": 0.2,
    "age_band=55-70": 0.15,
    "elderly=yes": 0.08,
    "guardian=yes": 0.3,
    "guardian=no": 0.7,
    "residence=urban": 0.8,
    "residence=rural": 0.2,
    "income=lt3000": 0.015,
    "income=from3000": 0.3,
    "income=from5000": 0.4,
    "income=ge8000": 0.285,
    "education=primary": 0.1,
    "education=junior": 0.2,
    "education=senior": 0.3,
    "education=college": 0.2,
    "education=bachelor": 0.18,
    "education=postgraduate": 0.02,
}
ELDERLY_GROUPS = {
    "all": 1.0,
    "age_band=60-69": 0.5,
    "age_band=70-79": 0.35,
    "age_band=80+": 0.15,
    "answered_by=self": 0.7,
    "answered_by=assisted": 0.15,
    "answered_by=proxy_child": 0.12,
    "answered_by=proxy_other": 0.03,
}
MINORS_GROUPS = {
    "all": 1.0,
    "school_stage=preschool": 0.2,
    "school_stage=primary": 0.35,
    "school_stage=junior": 0.25,
    "school_stage=senior": 0.15,
    "school_stage=vocational_other": 0.05,
    "guardian_relation=mother": 0.6,
    "guardian_relation=father": 0.3,
    "guardian_relation=grandparent": 0.08,
    "guardian_relation=other": 0.02,
}
_TOPICS = {
    "main": {
        "confidence",
        "complaint",
        "education",
        "elderly",
        "minors",
        "rural",
        "service",
        "background",
    },
    "elderly": {"elderly", "background"},
    "minors": {"minors", "background"},
}


NAMED_CITIES = ("320500", "440100", "110000", "310000", "320100")


@dataclass(frozen=True)
class SyntheticWave:
    """One made-up wave."""

    key: str
    series: str
    year: int
    groups: Mapping[str, float]
    n: int
    tree: bool = True
    cities: int = 100
    """Of so many cities are there figures, each of as many respondents as if it were of all."""


PLANS = (
    SyntheticWave("main-2024", "main", 2024, MAIN_GROUPS, 61_998),
    SyntheticWave("main-2023", "main", 2023, MAIN_GROUPS, 61_812),
    SyntheticWave("elderly-2024", "elderly", 2024, ELDERLY_GROUPS, 8_000, tree=False),
    SyntheticWave("minors-2024", "minors", 2024, MINORS_GROUPS, 8_000, tree=False),
)


def read_tree(path: Path) -> IndicatorTree:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return IndicatorTree(
        name=path.stem,
        indicators=tuple(
            Indicator(
                code=row["code"],
                parent=row["parent"] or None,
                level=int(row["level"]),
                name={"zh": row["name_zh"], "en": row["name_en"]},
                weight=float(row["weight"]),
                name_status=row["name_status"],
                weight_status=row["weight_status"],
            )
            for row in rows
        ),
    )


def synthetic_store(
    settings: Settings,
    *,
    plans: Sequence[SyntheticWave] = PLANS,
    measures_a_topic: int | None = None,
) -> None:
    """Fill a new store with frozen, released demo waves; few measures make it faster."""
    schema.upgrade(settings.store_url)
    tree = read_tree(SEED / "trees" / "cca-2023.csv")
    declared = read_measures(SEED / "instruments" / "measures.csv")
    with session_scope(settings.store_url) as session:
        upsert_cities(shipped_cities(), session=session)
        for role in Role:
            area = "320500" if role in CITY_ROLES else NATION
            if role is Role.PROVINCE_OFFICIAL:
                area = "32"
            login = f"demo-{role}"
            session.add(Account(login=login, name=role.value, role=role, area=area, is_demo=True))
        instrument_id = save_instrument(session=session, instrument=_instrument())
        tree_id = save_tree(session=session, tree=tree)
        folders: dict[str, Path] = {}
        for plan in plans:
            wave = Wave(
                key=plan.key,
                series=plan.series,
                year=plan.year,
                title_zh=plan.key,
                title_en=plan.key,
                instrument_id=instrument_id,
                tree_id=tree_id if plan.tree else None,
                state=WaveState.RELEASED,
                is_demo=True,
            )
            session.add(wave)
            session.flush()
            session.add(WaveRelease(wave_id=wave.id, shown=Shown.SCORES))
            measures = _few(declared, plan.series, measures_a_topic)
            manifest = _manifest(plan, tree)
            with snapshot_draft(settings.snapshot_dir, plan.key) as draft:
                (draft / SINGLE_FILE).write_bytes(plan.key.encode())
                folder = install_snapshot(draft, manifest, find_free_folder(draft, manifest))
            _write(folder, plan, tree if plan.tree else None, measures)
            folders[plan.key] = folder
            session.add(
                Snapshot(
                    wave_id=wave.id,
                    final=True,
                    sha256=manifest.responses_sha256,
                    directory=str(folder.relative_to(settings.snapshot_dir)),
                    rows=plan.n,
                )
            )
        _compare(plans, folders)


def _compare(plans: Sequence[SyntheticWave], folders: Mapping[str, Path]) -> None:
    """Changes between the waves of a series that has a tree."""
    in_time = sorted((plan for plan in plans if plan.tree), key=lambda plan: plan.year)
    for before, after in itertools.combinations(in_time, 2):
        if before.series != after.series:
            continue
        earlier, later = folders[before.key], folders[after.key]
        sides = [pd.read_parquet(folder / CELLS) for folder in (earlier, later)]
        table = build_change_table(
            _changes(*sides), before_cells=sides[0], after_cells=sides[1], before_wave=before.key
        )
        (later / changes_file(before.key, str(earlier))).write_bytes(parquet_bytes(table))


def _changes(before: pd.DataFrame, after: pd.DataFrame) -> EstimatedChanges:
    keys = list(CELL_KEYS)
    named = after["indicator"].cat.categories
    codes = [code for code in named if code == "composite" or code[0].isdigit()]
    kept = after[after["group"].isin(list(CHANGE_GROUPS)) & after["indicator"].isin(codes)]
    both = kept.merge(before, on=keys, suffixes=("_after", "_before"))
    difference = both["estimate_after"] - both["estimate_before"]
    se = np.hypot(both["se_after"], both["se_before"])
    small = (both["status_after"] == "unreliable") | (both["status_before"] == "unreliable")
    table = both[keys].assign(
        before=both["estimate_before"],
        after=both["estimate_after"],
        difference=difference,
        se=se,
        ci_low=difference - 2 * se,
        ci_high=difference + 2 * se,
        df=both[["df_after", "df_before"]].sum(axis=1),
        p=2 * special.ndtr(-np.abs(difference / se)),
        n_before=both["n_before"],
        n_after=both["n_after"],
        status=np.where(small, "unreliable", "ok"),
    )
    return EstimatedChanges(_with_column_types(table), {code: code for code in codes})


def _few(declared: tuple[Measure, ...], series: str, limit: int | None) -> tuple[Measure, ...]:
    chosen: list[Measure] = []
    for _, group in itertools.groupby(
        sorted(
            (measure for measure in declared if measure.topic in _TOPICS[series]),
            key=lambda measure: measure.topic,
        ),
        key=lambda measure: measure.topic,
    ):
        members = list(group)
        if limit is None:
            chosen += members
        else:
            chosen += [measure for measure in members if measure.choices][:limit]
            chosen += [measure for measure in members if not measure.choices][:limit]
    wanted = {measure.key for measure in chosen} | {
        measure.key
        for measure in declared
        if series != "main" and measure.item in {"answered_by", "guardian_relation"}
    }
    wanted |= {"overall"} if series != "main" else set()
    wanted -= {
        measure.key
        for measure in declared
        if measure.item in {"answered_by", "guardian_relation"} - {_ANSWERED.get(series)}
    }
    return tuple(measure for measure in declared if measure.key in wanted)


_ANSWERED = {"elderly": "answered_by", "minors": "guardian_relation"}


def _instrument() -> Instrument:
    item = Item(name="overall", kind=ItemKind.RATING, minimum=1, maximum=10)
    return Instrument(
        name="synthetic",
        version="1",
        title={"en": "Synthetic"},
        default_language="en",
        languages=(Language(code="en", name="English"),),
        sections=(Section(name="only", items=(item,)),),
    )


_OVERLAP = OverlapFiles(
    instrument="synthetic", instrument_version="0", instrument_sha256="0" * 64, responses=()
)


def _manifest(plan: SyntheticWave, tree: IndicatorTree) -> SnapshotManifest:
    return SnapshotManifest(
        wave=plan.key,
        series=plan.series,
        year=plan.year,
        title={"zh": plan.key, "en": plan.key},
        is_demo=True,
        final=True,
        composite="item_means",
        instrument="synthetic",
        instrument_version="1",
        instrument_sha256=_instrument().sha256,
        tree=tree.name if plan.tree else None,
        tree_sha256=tree.sha256 if plan.tree else None,
        rows=plan.n,
        cities=100,
        statuses=("approved",),
        responses_sha256=f"{sum(plan.key.encode()):064x}",
        overlap=_OVERLAP if plan.key == "main-2024" else None,
        software="synthetic",
        frozen_at=datetime(2024, 12, 1, tzinfo=UTC),
    )


def _write(
    folder: Path, plan: SyntheticWave, tree: IndicatorTree | None, measures: tuple[Measure, ...]
) -> None:
    codes = ["composite", *(indicator.code for indicator in tree.indicators)] if tree else []
    indicators = codes + [measure.key for measure in measures]
    cells = _cells(plan, indicators, len(codes))
    (folder / CELLS).write_bytes(parquet_bytes(_with_column_types(protect(cells))))
    gaps = add_verdicts(_with_column_types(protect(_gaps(cells), counts=["n_reference"])))
    (folder / GAPS).write_bytes(parquet_bytes(gaps))
    ranked = (
        ["composite", *(indicator.code for indicator in tree.indicators if indicator.level < 3)]
        if tree
        else []
    )
    places, pairs = _ranks(protect(cells), ranked)
    (folder / RANKS).write_bytes(parquet_bytes(places))
    (folder / RANK_PAIRS).write_bytes(parquet_bytes(pairs))
    (folder / SMALL_AREAS).write_bytes(
        parquet_bytes(_small_areas(plan, protect(_with_column_types(cells)), gaps, ranked))
    )
    (folder / DRIVERS).write_bytes(parquet_bytes(_drivers(protect(cells), tree)))
    (folder / FAIRNESS.file).write_bytes(parquet_bytes(_fairness(protect(cells))))
    (folder / SPREAD.file).write_bytes(parquet_bytes(_spread(protect(cells), tree)))
    (folder / ASSOCIATION.file).write_bytes(parquet_bytes(_association(protect(cells))))
    experiment = _mode_experiment(plan, protect(cells))
    (folder / MODE_EXPERIMENT.file).write_bytes(parquet_bytes(experiment))
    (folder / BRIDGE.file).write_bytes(parquet_bytes(_bridge(plan, protect(cells))))
    (folder / HEADLINES).write_bytes(parquet_bytes(_headlines(cells, codes)))
    method = MethodRecord(
        composite="item_means",
        level=0.95,
        lonely_psu="adjust",
        assumed_deff=None,
        minimum_n=10,
        unreliable_below_n=30,
        unreliable_below_df=8,
        weighting=WeightingReport(
            margin=("age_band", "gender"),
            source="2020 census",
            year=2020,
            sweeps=12,
            largest_misfit=1e-11,
            kish_deff=1.31,
            effective_n=plan.n / 1.31,
            smallest=0.2,
            largest=4.1,
            unknown=0,
            merges=(),
        ),
        items={},
        measures=measures,
        groups=tuple(plan.groups),
        ranking=RankMethod() if tree else None,
        hidden={"too_few": 1234},
        interval_audit=IntervalAuditMethod(
            seed=1, width=10, hidden=83_462, audited=22_617, widened=9, programmes=800
        ),
        small_areas=SmallAreaMethod(a_from_n=100, a_half_width=3, b_from_n=30, fewest_cities=20),
        drivers=DriverMethod(question="overall", minimum_n=100, replicates=500, seed=4711),
        change=ChangeMethod(false_discovery_rate=0.05),
        code_version="synthetic",
    )
    (folder / METHOD).write_text(method.model_dump_json())


def _choose_cities(codes: pd.Series, wanted: int) -> list[str]:
    """Return so many city codes from all over the country, first those that tests name."""
    step = max(len(codes) // wanted, 1)
    return list(dict.fromkeys([*NAMED_CITIES, *codes.iloc[::step], *codes]))[:wanted]


def _areas(plan: SyntheticWave) -> pd.DataFrame:
    """area_level, area, share of the nation's interviews, and a made-up effect."""
    frame = build_frame_table(shipped_cities())
    frame = frame[frame["code"].isin(_choose_cities(frame["code"], plan.cities))]
    rng = np.random.default_rng(7)
    effect = pd.Series(rng.normal(0, 4, len(frame)), index=frame.index)
    rows = [("nation", "CN", 1.0, 0.0)]
    for level, column in (
        ("region3", "region3"),
        ("region", "region"),
        ("province", "province_code"),
        ("city_class", "city_class"),
        ("size_tier", "size_tier"),
        ("retail_tier", "retail_tier"),
        ("city", "code"),
    ):
        for area, members in frame.groupby(column):
            rows.append((level, str(area), len(members) / 100, float(effect[members.index].mean())))
    return pd.DataFrame(rows, columns=["area_level", "area", "share", "effect"])


def _cells(plan: SyntheticWave, indicators: list[str], scored: int) -> pd.DataFrame:
    areas = _areas(plan)
    rng = np.random.default_rng(plan.year)
    groups = list(plan.groups)
    shape = (len(areas), len(groups), len(indicators))
    base = np.where(np.arange(len(indicators)) < scored, 80.0, 35.0)
    base = base + rng.normal(0, 3, len(indicators))
    base[0] = 80.4 if scored else base[0]
    size = plan.n * np.outer(areas["share"], [plan.groups[group] for group in groups])
    n = np.floor(size + rng.uniform(0, 1, size.shape))[:, :, None] * np.ones(shape)
    group_effect = rng.normal(0, 0.8, len(groups))
    group_effect[0] = 0.0
    se = 17 * np.sqrt(1.4 / np.maximum(n, 2))
    estimate = (
        base
        + areas["effect"].to_numpy()[:, None, None]
        + group_effect[None, :, None]
        + rng.normal(0, 1, shape) * np.minimum(se, 3)
    ).clip(0.5, 99.5)
    index = pd.MultiIndex.from_product(
        [range(len(areas)), groups, indicators], names=["row", "group", "indicator"]
    ).to_frame(index=False)
    table = index.join(areas, on="row")[["area_level", "area", "group", "indicator"]]
    flat = {"estimate": estimate, "se": se, "n": n}
    table = table.assign(**{name: values.ravel() for name, values in flat.items()})
    half = 2.0 * table["se"]
    small = table["n"] < 30
    return table.assign(
        ci_low=(table["estimate"] - half).clip(lower=0),
        ci_high=(table["estimate"] + half).clip(upper=100),
        df=np.maximum(table["n"] / 25, 2).round(),
        n_psu=np.maximum(table["n"] / 25, 2).round(),
        sum_weight=table["n"] * 1000,
        deff=1.4,
        status=np.where(table["n"] == 0, "empty", np.where(small, "unreliable", "ok")),
    )


def _gaps(cells: pd.DataFrame) -> pd.DataFrame:
    whole = (
        cells[cells["group"] == "all"].set_index(["area_level", "area", "indicator"]).sort_index()
    )
    nation = whole.xs(("nation", "CN"))
    keys = pd.MultiIndex.from_frame(cells[["area_level", "area", "indicator"]])
    rest = cells[cells["group"] != "all"].copy()
    rest_keys = keys[cells["group"] != "all"]
    rest["reference"] = whole["estimate"].reindex(rest_keys).to_numpy() + 0.2
    rest["n_reference"] = whole["n"].reindex(rest_keys).to_numpy() - rest["n"]
    rest["contrast"] = "rest"
    against = cells[(cells["group"] == "all") & (cells["area_level"] != "nation")].copy()
    against["reference"] = nation["estimate"].reindex(against["indicator"]).to_numpy()
    against["n_reference"] = nation["n"].reindex(against["indicator"]).to_numpy()
    against["contrast"] = "nation"
    peers = [_peer_differences(against, whole, level) for level in ("region3", "size_tier")]
    gaps = pd.concat([rest, against, *peers], ignore_index=True)
    difference = gaps["estimate"] - gaps["reference"]
    return gaps.assign(
        difference=difference,
        ci_low=difference - 2 * gaps["se"],
        ci_high=difference + 2 * gaps["se"],
        p=2 * special.stdtr(gaps["df"], -np.abs(difference / gaps["se"])),
    ).drop(columns=["n_psu", "sum_weight", "deff"])


def _peer_differences(against: pd.DataFrame, whole: pd.DataFrame, level: str) -> pd.DataFrame:
    """Cities against the larger area of `level` that each lies in."""
    frame = build_frame_table(shipped_cities())
    cities = against[against["area_level"] == "city"].copy()
    home = cities["area"].map(frame[level].astype(str))
    keys = pd.MultiIndex.from_arrays([[level] * len(home), home, cities["indicator"]])
    cities["reference"] = whole["estimate"].reindex(keys).to_numpy()
    cities["n_reference"] = whole["n"].reindex(keys).to_numpy()
    return cities.assign(contrast=level)


def _ranks(cells: pd.DataFrame, indicators: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Places by the estimator itself, from a few draws; the parts have no sets of their own."""
    everyone = (cells["area_level"] == "city") & (cells["group"] == "all")
    cities = cells[everyone & cells["indicator"].isin(indicators)]
    table = cities[["area_level", "area", "indicator", "n"]].assign(
        **dict.fromkeys(RANK_FIGURES, np.nan)
    )
    draws = np.random.default_rng(1).standard_normal((200, 100))
    pairs: list[tuple[str, str, str, str]] = []
    for indicator in indicators:
        placed = cities[(cities["indicator"] == indicator) & (cities["n"] >= 100)]
        if not len(placed):
            continue
        normal = draws[:, : len(placed)]
        estimate, se, df = placed["estimate"], placed["se"], placed["df"]
        sets = rank_sets(estimate, se, df=df, normal_draws=normal)
        top = top_probability(estimate, se, df=df, normal_draws=normal)
        codes = placed["area"].astype(str).tolist()
        apart = np.argwhere(significant_pairs(estimate, se, sets.attrs["critical"], df=df))
        pairs += [("city", codes[above], codes[below], indicator) for above, below in apart]
        table.loc[placed.index, list(RANK_FIGURES)] = pd.DataFrame(
            {
                **sets[["rank", "low", "high"]],
                "tied": sets.groupby("rank")["rank"].transform("size") - 1,
                "ranked": len(placed),
                "marginal_low": sets["low"],
                "marginal_high": sets["high"],
                "p_top": top,
                "sensitivity_low": sets["rank"] if indicator == "composite" else np.nan,
                "sensitivity_high": sets["rank"] if indicator == "composite" else np.nan,
            }
        )[list(RANK_FIGURES)].astype(float)
    protected = propagate_suppression(
        table.reset_index(drop=True), cells, at={"group": "all"}, figures=RANK_FIGURES
    )
    named = pd.DataFrame(pairs, columns=["area_level", "area", "other", "indicator"])
    return _with_column_types(protected), named.astype(
        {name: key_dtype(named[name]) for name in named}
    )


def _headlines(cells: pd.DataFrame, indicators: list[str]) -> pd.DataFrame:
    """The nation's cells, a tenth of a point apart from one way of counting to the next."""
    nation = cells[(cells["area_level"] == "nation") & (cells["group"] == "all")]
    nation = nation[nation["indicator"].isin(indicators)]
    nation = nation.drop(columns=["group", "n_psu", "sum_weight", "deff"]).assign(cities=100.0)
    ways = itertools.product(("domain", "city_weighted"), ("item_means", "per_respondent"))
    parts = []
    for place, (basis, composite) in enumerate(ways):
        moved = {name: nation[name] - place / 10 for name in ("estimate", "ci_low", "ci_high")}
        parts.append(nation.assign(basis=basis, composite=composite, **moved))
    return _with_column_types(protect(pd.concat(parts, ignore_index=True)))


def _small_areas(
    plan: SyntheticWave, cells: pd.DataFrame, gaps: pd.DataFrame, indicators: list[str]
) -> pd.DataFrame:
    """By the function itself, for a few indicators."""
    few = [*indicators[:3], "overall"]
    return build_small_area_table(
        cells[cells["indicator"].isin(few)],
        gaps[gaps["indicator"].isin(few)],
        build_frame_table(shipped_cities()),
        series=plan.series,
    )


def _drivers(cells: pd.DataFrame, tree: IndicatorTree | None) -> pd.DataFrame:
    """Importances drawn by lot; cities with fewer than 100 respondents have none."""
    codes = (
        [indicator.code for indicator in tree.indicators if indicator.level == 3] if tree else []
    )
    nation = (cells["area_level"] == "nation") & cells["group"].isin(DRIVER_GROUPS)
    city = (cells["area_level"] == "city") & (cells["group"] == "all")
    rows = cells[(nation | city) & cells["indicator"].isin(codes)].reset_index(drop=True)
    rng = np.random.default_rng(11)
    importance = rng.uniform(2, 6, len(rows))
    none = rows["n"].isna() | (rows["n"] < 100)
    rank = importance * (100 - rows["estimate"])
    place = rank.groupby([rows["area"], rows["group"]]).rank(ascending=False)
    table = rows[["area_level", "area", "group", "indicator", "n"]].assign(
        r_squared=0.8,
        importance=importance,
        importance_low=importance - 1,
        importance_high=importance + 1,
        performance=rows["estimate"],
        performance_low=rows["ci_low"],
        performance_high=rows["ci_high"],
        priority=np.where(place <= 3, place, 0.0),
        agreement=np.where(place <= 3, 100 - 20 * place, 5.0),
        set_agreement=45.0,
        replicates=500.0,
    )
    figures = ["r_squared", *DRIVER_FIGURES, "set_agreement", "replicates"]
    scores = ("performance", "performance_low", "performance_high")
    table.loc[none, [name for name in figures if name not in scores]] = np.nan
    table["no_drivers"] = pd.Categorical(np.where(none, "too_few_respondents", ""))
    protected = propagate_suppression(table, cells, figures=DRIVER_FIGURES)
    keyed = ["area_level", "area", "group", "indicator"]
    return protected.astype({name: key_dtype(protected[name]) for name in keyed})


def _fairness(cells: pd.DataFrame) -> pd.DataFrame:
    """Scores of the cities moved by a point, half of it by the mode, and two modes."""
    rows = cells[(cells["area_level"] == "city") & (cells["group"] == "all")]
    scores = rows[["area_level", "area", "group", "indicator", "n"]].assign(
        line="score", raw=rows["estimate"], adjusted=rows["estimate"] - 1,
        adjusted_low=rows["ci_low"] - 1, adjusted_high=rows["ci_high"] - 1,
        shift=1.0, shift_low=0.2, shift_high=1.8, by_people=0.5, by_mode=0.5, verdict="higher",
    )  # fmt: skip
    given = scores[scores["indicator"] == "composite"].assign(line="given")
    of_tree = scores["indicator"].astype(str).str.match("composite|[0-9]")
    rates = scores[scores["indicator"].isin(["confident", "had_dispute"])]
    rates = rates.assign(line="rate", by_people=np.nan, by_mode=np.nan)
    scores = scores[of_tree]
    direct = scores[scores["indicator"] == "composite"].assign(
        line="direct", by_people=np.nan, by_mode=np.nan, shift=np.nan, shift_low=np.nan,
        shift_high=np.nan, verdict="",
    )  # fmt: skip
    nation = {"area_level": "nation", "area": "CN", "group": "all", "indicator": "composite"}
    effect = {**nation, "line": "effect", "item": "mode=assisted", "effect": 2.0,
              "effect_low": 1.0, "effect_high": 3.0}  # fmt: skip
    overlap = {**nation, "line": "overlap", "item": "mode=self", "n_effective": 5200.0}
    has_composite = (rows["indicator"] == "composite").any()
    table = (
        pd.concat(
            [scores, rates, direct, given, pd.DataFrame([effect, overlap])], ignore_index=True
        )
        if has_composite
        else FAIRNESS.build_obstacle("no_composite")
    )
    return finish_sheet(FAIRNESS, table, cells)


def _spread(cells: pd.DataFrame, tree: IndicatorTree | None) -> pd.DataFrame:
    """Medians five points above the means, quartiles ten points around them."""
    codes = (
        [indicator.code for indicator in tree.indicators if indicator.level == 3] if tree else []
    )
    rows = cells[(cells["group"] == "all") & cells["area_level"].isin(["nation", "city"])]
    rows = rows[rows["indicator"].isin(codes)]
    table = rows[["area_level", "area", "group", "indicator", "n"]].assign(
        line="quartiles", item="q" + rows["indicator"].str.replace(".", "_"),
        median=rows["estimate"] + 5, median_low=rows["ci_low"] + 5, median_high=rows["ci_high"] + 5,
        lower_quartile=rows["estimate"] - 5, upper_quartile=rows["estimate"] + 15,
    )  # fmt: skip
    return finish_sheet(SPREAD, table if codes else SPREAD.build_obstacle("no_question"), cells)


def _association(cells: pd.DataFrame) -> pd.DataFrame:
    """Tests by age: disputes differ; that education reached people does not."""
    rows = cells[(cells["area_level"] == "nation") & (cells["group"] == "all")]
    rows = rows[rows["indicator"].isin(["had_dispute", "education_reached"])]
    table = rows[["area_level", "area", "group", "indicator", "n"]].assign(
        line="test", item=rows["indicator"] + ":age_band", f=12.5, f_df=3.9, f_df_points=5642,
        p_value=np.where(rows["indicator"] == "had_dispute", 0.0001, 0.4),
        verdict=np.where(rows["indicator"] == "had_dispute", "differs", "alike"),
    )  # fmt: skip
    return finish_sheet(
        ASSOCIATION, table if len(table) else ASSOCIATION.build_obstacle("no_table"), cells
    )


def _mode_experiment(plan: SyntheticWave, cells: pd.DataFrame) -> pd.DataFrame:
    """Reading aloud adds 3 points in the main wave of 2024; one in ten did otherwise."""
    if plan.key != "main-2024":
        obstacle = MODE_EXPERIMENT.build_obstacle("no_experiment")
        return finish_sheet(MODE_EXPERIMENT, obstacle, cells)
    rows = cells[(cells["area_level"] == "nation") & (cells["group"] == "all")]
    rows = rows[rows["indicator"].astype(str).str.match("composite|[0-9]")]
    effects = rows[["area_level", "area", "group", "indicator"]].assign(
        line="mode_effect", offered=2.4, offered_low=1.6, offered_high=3.2, used=3.0, used_low=2.0,
        used_high=4.0, verdict="higher", n_phone=rows["n"] // 2, n_aloud=rows["n"] // 2,
    )  # fmt: skip
    keys = {"area_level": "nation", "area": "CN", "group": "all", "indicator": "composite"}
    offers = [
        {**keys, "line": "offer", "item": f"mode={mode}", "offer_points": 960, "switched": 10.0}
        for mode in ("self", "assisted")
    ]
    table = pd.concat([pd.DataFrame(offers), effects], ignore_index=True)
    return finish_sheet(MODE_EXPERIMENT, table, cells)


def _bridge(plan: SyntheticWave, cells: pd.DataFrame) -> pd.DataFrame:
    """A step of -2 points in the main wave of 2024, half a point more in every other city."""
    if plan.key != "main-2024":
        return finish_sheet(BRIDGE, BRIDGE.build_obstacle("no_overlap"), cells)
    rows = cells[cells["area_level"].isin(["nation", "city"]) & (cells["group"] == "all")]
    step = -2.0 - 0.5 * (rows["area"].rank(method="dense") % 2).to_numpy()
    step[(rows["area_level"] == "nation").to_numpy()] = -2.0
    earlier = rows["estimate"] - step
    table = rows[["area_level", "area", "group", "indicator"]].assign(
        line="step", later=rows["estimate"], earlier=earlier, earlier_low=earlier - 0.8,
        earlier_high=earlier + 0.8, step=step, step_low=step - 0.6, step_high=step + 0.6,
        verdict="lower", basis=np.where(rows["area_level"] == "nation", "direct", "smoothed"),
        n_earlier=rows["n"] // 5,
    )  # fmt: skip
    return finish_sheet(BRIDGE, table, cells)


def _with_column_types(table: pd.DataFrame) -> pd.DataFrame:
    texts = ("area_level", "area", "group", "indicator", "contrast", "status", "basis", "composite")
    kind = pd.CategoricalDtype([""]) if table.empty else "category"
    return table.astype({name: kind for name in texts if name in table.columns})


if __name__ == "__main__":
    synthetic_store(Settings(data_dir=Path(sys.argv[1])))
