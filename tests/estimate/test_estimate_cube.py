"""The cube says what the one-at-a-time functions say, row by row."""

import numpy as np
import pandas as pd
import pytest

from survey.estimate import (
    Cube,
    CubeSpec,
    Design,
    EstimateError,
    Node,
    RatingScale,
    Tree,
    compare,
    estimate,
    estimate_tree,
    to_scores,
)
from tests.estimate.naive_estimates import wave

DESIGN = Design("weight", strata="stratum", psu="psu")
TREE = Tree(
    (
        Node("A", None, 1, 0.356),
        Node("B", None, 1, 0.446),
        Node("C", None, 1, 0.198),
        Node("A.1", "A", 2, 0.5),
        Node("A.2", "A", 2, 0.5),
        Node("B.1", "B", 2, 1.0),
        Node("C.1", "C", 2, 1.0),
        Node("A.1.1", "A.1", 3, 0.3),
        Node("A.1.2", "A.1", 3, 0.7),
        Node("A.2.1", "A.2", 3, 1.0),
        Node("B.1.1", "B.1", 3, 0.25),
        Node("B.1.2", "B.1", 3, 0.25),
        Node("B.1.3", "B.1", 3, 0.25),
        Node("B.1.4", "B.1", 3, 0.25),
        Node("C.1.1", "C.1", 3, 1.0),
    ),
    {
        "q0": "A.1.1",
        "q1": "A.1.2",
        "q2": "A.2.1",
        "q3": "B.1.1",
        "q4": "B.1.2",
        "q5": "B.1.3",
        "q6": "B.1.4",
        "q7": "C.1.1",
        "q8": "C.1.1",
    },
)
ITEMS = list(TREE.item_columns)
GROUPS = {"all": None, "gender=f": ("gender", "f"), "old": "old", "few": "few", "none": "none"}
AREAS = {"city": "city", "region": "region", "nation": None}
NUMBERS = [
    "estimate", "se", "ci_low", "ci_high", "df", "n", "n_psu", "sum_weight", "deff",
]  # fmt: skip


def raw_wave(seed=0, **options) -> pd.DataFrame:
    """Raw int8 answers with the five codes for no score, overlapping groups and a rate."""
    rng = np.random.default_rng(seed)
    frame = wave(seed, items=9, **options)
    for item in ITEMS:
        raw = (1 + frame[item] * 0.09).round()
        frame[item] = raw.fillna(pd.Series(-rng.integers(1, 6, len(frame)))).astype(np.int8)
    frame["region"] = frame["city"].map({"C0": "east", "C1": "east", "C2": "west"})
    frame["few"] = (frame["stratum"] == "H3") & (frame["psu"] == 1)
    frame["none"] = False
    frame["solved"] = np.where(rng.random(len(frame)) < 0.5, rng.choice([0.0, 100.0]), np.nan)
    frame.loc[::3, "solved"] = 100 - frame.loc[::3, "solved"]
    frame.loc[frame["city"] == "C1", "q6"] = -4
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def expected(frame, design, area_column, group, **options) -> pd.DataFrame:
    """The same rows from `estimate_tree` and `estimate`, the group as a domain."""
    scored = to_scores(frame, ITEMS)
    member = {"all": np.ones(len(frame), bool), "gender=f": frame["gender"] == "f"}.get(
        group, frame.get(group, None)
    )
    area = frame[area_column] if area_column else pd.Series("nation", frame.index)
    scored["area"] = pd.Categorical(area.where(member), categories=sorted(area.dropna().unique()))
    tree = estimate_tree(scored, TREE, design, by="area", **options)
    options.pop("composite", None)
    options.pop("renormalise", None)
    return pd.concat([tree, estimate(scored, "solved", design, by="area", **options)])


def make_cube(frame, design, **options):
    return Cube.of(frame, CubeSpec(TREE, design, **options))


def cube_estimates(frame, design, *, deff="replace", **options):
    return make_cube(frame, design, **options).table(deff=deff)


def check_cube(table, frame, design, **options):
    for level, column in AREAS.items():
        for group in GROUPS:
            if column is None:
                column = None
            actual = table[(table["area_level"] == level) & (table["group"] == group)]
            other = expected(frame, design, column and level, group, **options)
            other = other.set_index(["area", "variable"]).loc[
                list(zip(actual["area"], actual["indicator"], strict=True))
            ]
            for name in NUMBERS:
                np.testing.assert_allclose(
                    actual[name],
                    other[name],
                    rtol=1e-9,
                    atol=1e-10,
                    err_msg=f"{level} {group} {name}",
                )
            assert actual["status"].tolist() == other["status"].tolist()


@pytest.mark.parametrize("composite", ["item_means", "per_respondent"])
@pytest.mark.parametrize("renormalise", [False, True])
def test_cube_agrees_with_estimate(composite, renormalise):
    frame = raw_wave()
    options = {"composite": composite, "renormalise": renormalise}
    table = cube_estimates(frame, DESIGN, areas=AREAS, groups=GROUPS, rates=["solved"], **options)
    assert len(table) == (4 + 2 + 1) * len(GROUPS) * 17
    check_cube(table, frame, DESIGN, **options)
    points = make_cube(
        frame, DESIGN, areas=AREAS, groups=GROUPS, rates=["solved"], **options
    ).point_estimates()
    pd.testing.assert_frame_equal(points, table[list(points)], check_exact=True)


@pytest.mark.parametrize("composite", ["item_means", "per_respondent"])
def test_rates_are_the_same_without_any_item(composite):
    """A questionnaire of choices and numbers has an empty tree."""
    frame = raw_wave()
    options = {"areas": AREAS, "groups": GROUPS, "rates": ["solved"], "composite": composite}
    table = cube_estimates(frame, DESIGN, **options)
    alone = Cube.of(frame, CubeSpec(Tree(()), DESIGN, **options)).table()
    rates, others = (each[each["indicator"] == "solved"] for each in (alone, table))
    pd.testing.assert_frame_equal(
        rates.reset_index(drop=True).astype({"indicator": str}),
        others.reset_index(drop=True).astype({"indicator": str}),
    )


@pytest.mark.parametrize("deff", ["replace", "without"])
@pytest.mark.parametrize("rule", ["adjust", "certainty", "average"])
def test_cube_with_lonely_strata_zero_weights_and_fpc(rule, deff):
    frame = raw_wave(seed=1, strata=3, psus=4)
    frame["population"] = 40
    frame.loc[frame["stratum"] == "H1", "psu"] = 0
    frame.loc[frame["psu"] == 3, "weight"] = 0.0
    frame.loc[frame["city"] == "C3", "q0"] = -1
    design = Design("weight", strata="stratum", psu="psu", fpc="population", lonely_psu=rule)
    table = cube_estimates(frame, design, areas=AREAS, groups=GROUPS, rates=["solved"], deff=deff)
    check_cube(table, frame, design, deff=deff)
    assert table.attrs["lonely_strata"] == ["H1"]


def test_cube_with_strata_across_areas_and_without_strata():
    frame = raw_wave(seed=2)
    frame["psu"] = frame["stratum"] + frame["psu"].astype(str)
    frame["stratum"] = np.where(frame["psu"].str.endswith(("0", "1")), "x", "y")
    for design in (DESIGN, Design("weight", psu="psu")):
        table = cube_estimates(frame, design, areas=AREAS, groups=GROUPS, rates=["solved"])
        check_cube(table, frame, design)


@pytest.mark.parametrize("strata", [None, "stratum"])
def test_cube_without_recorded_points(strata):
    frame = raw_wave(seed=3)
    design = Design("weight", strata=strata, assumed_deff=1.4)
    table = cube_estimates(frame, design, areas=AREAS, groups=GROUPS, rates=["solved"])
    check_cube(table, frame, design)
    assert table.attrs["assumed_deff"] == 1.4
    every_row = Design("weight", strata=strata)
    table = cube_estimates(frame, every_row, areas=AREAS, groups=GROUPS, rates=["solved"])
    check_cube(table, frame, every_row)


GAP_DESIGNS = {
    "points": DESIGN,
    "fpc": Design("weight", strata="stratum", psu="psu", fpc="population"),
    "average": Design("weight", strata="stratum", psu="psu", lonely_psu="average"),
    "certainty": Design("weight", strata="stratum", psu="psu", lonely_psu="certainty"),
    "assumed": Design("weight", strata="stratum", assumed_deff=1.4),
}
GAP_NUMBERS = ["estimate", "difference", "se", "ci_low", "ci_high", "df", "p", "n"]


def gap_wave(name):
    frame = raw_wave(seed=4, strata=3, psus=4).assign(population=40)
    if name in ("average", "certainty"):
        frame.loc[frame["stratum"].isin(["H1", "H4"]), "psu"] = 0
    return frame


def assert_same(actual, other, names, label):
    for name in names:
        np.testing.assert_allclose(
            actual[name], other[name], rtol=1e-8, atol=1e-9, err_msg=f"{label} {name}"
        )
    assert actual["status"].tolist() == other["status"].tolist(), label


@pytest.mark.parametrize("name", GAP_DESIGNS)
def test_gaps_agree_with_compare(name):
    frame, design = gap_wave(name), GAP_DESIGNS[name]
    whole = make_cube(frame, design, areas=AREAS, groups=GROUPS, rates=["solved"])
    table = whole.gaps()
    assert {"rest", "n_rest"} <= set(table.columns)
    scored = to_scores(frame, ITEMS).assign(nation="nation")
    for level in AREAS:
        for group, selector in (("gender=f", ("gender", "f")), ("old", "old"), ("few", "few")):
            other = pd.concat(
                compare(scored, variables, design, group=selector, reference="rest", by=level)
                for variables in (TREE, "solved")
            )
            actual = table[(table["area_level"] == level) & (table["group"] == group)]
            other = other.set_index([level, "variable"]).loc[
                list(zip(actual["area"], actual["indicator"], strict=True))
            ]
            assert_same(actual, other, GAP_NUMBERS, f"{level} {group}")
            np.testing.assert_allclose(actual["rest"], other["reference_estimate"], rtol=1e-9)
            assert actual["n_rest"].tolist() == other["n_reference"].tolist()


@pytest.mark.parametrize("name", GAP_DESIGNS)
def test_areas_against_larger_areas_agree_with_compare(name):
    frame, design = gap_wave(name), GAP_DESIGNS[name]
    groups = {"all": None, "old": "old", "few": "few"}
    areas = AREAS | {"place": "city"}
    whole = make_cube(frame, design, areas=areas, groups=groups, rates=["solved"])
    scored = to_scores(frame, ITEMS).assign(nation="nation")
    for area, reference in (("city", "nation"), ("region", "nation"), ("city", "place")):
        table = whole.against(area, reference)
        for group in groups:
            member = scored.assign(domain=scored["nation" if reference == "nation" else "city"])
            member["domain"] = member["domain"].astype("category")
            if group != "all":
                member["domain"] = member["domain"].where(member[group])
            other = pd.concat(
                compare(member, variables, design, group=area, reference="all", by="domain")
                for variables in (TREE, "solved")
            )
            actual = table[table["group"] == group]
            key = "nation" if reference == "nation" else actual["area"]
            key = np.broadcast_to(key, len(actual))
            other = other.set_index(["domain", "group", "variable"]).loc[
                list(zip(key, actual["area"], actual["indicator"], strict=True))
            ]
            assert_same(actual, other, GAP_NUMBERS, f"{area} {reference} {group}")
            assert actual["n_reference"].tolist() == other["n_reference"].tolist()
    every = whole.against("city", "nation")
    assert (every["reference"] == "nation").all()
    old = every[every["group"] == "old"].reset_index(drop=True)
    asked = whole.against("city", "nation", group="old")
    pd.testing.assert_frame_equal(asked, old.astype(asked.dtypes), check_exact=True)


@pytest.mark.parametrize("name", GAP_DESIGNS)
def test_gaps_level_by_level_are_the_gaps_of_all(name, monkeypatch):
    """Cut into pieces of two areas, and without a trace in what is asked for afterwards."""
    monkeypatch.setattr("survey.estimate.cube.cube.AREA_BATCH_SIZE", 2)
    whole = make_cube(gap_wave(name), GAP_DESIGNS[name], areas=AREAS, groups=GROUPS)
    every = whole.gaps()
    levels = list(whole.iter_gaps())
    assert [level["area_level"].unique().tolist() for level in levels] == [[key] for key in AREAS]
    keys = ["area_level", "area", "group", "indicator", "status"]
    joined = pd.concat([level.astype(dict.fromkeys(keys, str)) for level in levels])
    pd.testing.assert_frame_equal(
        joined.reset_index(drop=True), every.astype(dict.fromkeys(keys, str)), check_exact=True
    )
    fresh = make_cube(gap_wave(name), GAP_DESIGNS[name], areas=AREAS, groups=GROUPS)
    pd.testing.assert_frame_equal(
        whole.against("city", "nation"), fresh.against("city", "nation"), check_exact=True
    )


def test_areas_must_nest():
    whole = make_cube(raw_wave(), DESIGN, areas=AREAS, groups=GROUPS)
    with pytest.raises(EstimateError) as caught:
        whole.against("region", "city")
    assert caught.value.code == "area_not_nested"
    with pytest.raises(EstimateError, match="area level"):
        whole.against("city", "planet")
    frame = raw_wave()
    frame["psu"] = frame["stratum"] + frame["psu"].astype(str)
    with pytest.raises(EstimateError) as caught:
        make_cube(frame, Design("weight", psu="psu"), areas=AREAS, groups=GROUPS).against(
            "city", "nation"
        )
    assert caught.value.code == "area_splits_stratum"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"areas": {}}, "no_areas"),
        ({"groups": {}}, "no_groups"),
        ({"groups": {"x": "gender"}}, "not_boolean"),
        ({"groups": {"x": [True]}}, "row_count"),
        ({"areas": {"x": "gender"}}, "area_splits_psu"),
        ({"areas": {"x": ["C0"]}}, "row_count"),
        ({"scale": RatingScale(1, 5)}, "raw_range"),
        ({"composite": "C"}, "not_a_choice"),
        ({"deff": "kish"}, "not_a_choice"),
        ({"rates": ["city"]}, "not_numeric"),
    ],
)
def test_unusable_cubes(options, code):
    with pytest.raises(EstimateError) as caught:
        cube_estimates(raw_wave(), DESIGN, **({"areas": AREAS, "groups": GROUPS} | options))
    assert caught.value.code == code


def test_groups_and_areas_may_be_given_row_by_row():
    frame = raw_wave()
    by_name = cube_estimates(frame, DESIGN, areas={"city": "city"}, groups={"old": "old"})
    by_row = cube_estimates(
        frame, DESIGN, areas={"city": frame["city"]}, groups={"old": frame["old"].to_numpy()}
    )
    pd.testing.assert_frame_equal(by_name, by_row)


def test_products_of_a_wide_scale_do_not_run_over():
    """Answers of 0 to 100 lie up to 50 steps from the centre: their products need 16 bits."""
    frame = raw_wave()
    known = frame[ITEMS].where(frame[ITEMS] >= 0)
    wide = frame.assign(**((known - 1) * 11 + 1).fillna(-1).astype(np.int8))
    options = {"areas": {"city": "city"}, "groups": {"all": None, "old": "old"}}
    narrow = cube_estimates(frame, DESIGN, **options)
    table = cube_estimates(wide, DESIGN, scale=RatingScale(1, 100), **options)
    for name in NUMBERS:
        np.testing.assert_allclose(table[name], narrow[name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "design", [DESIGN, Design("weight", strata="stratum", assumed_deff=1.4)], ids=["points", "deff"]
)
@pytest.mark.parametrize("df_rule", ["design", "weighted"])
def test_an_area_level_without_areas_has_no_rows_and_changes_no_others(design, df_rule):
    """Cities whose tier nobody knows have no tier; the wave has its other figures all the same."""
    frame = raw_wave()
    options = {"groups": GROUPS, "rates": ["solved"], "df_rule": df_rule}
    nobody = np.full(len(frame), None, dtype=object)
    without, within = (
        make_cube(frame, design, areas=areas, **options)
        for areas in (AREAS, {"tier": nobody, **AREAS})
    )
    for tables in zip(
        *(
            (wave_cube.table(), wave_cube.gaps(), wave_cube.against("city", "nation"))
            for wave_cube in (without, within)
        ),
        strict=True,
    ):
        first, second = (table.astype({"area_level": str, "area": str}) for table in tables)
        pd.testing.assert_frame_equal(first, second, check_exact=False, rtol=1e-12)
    nothing = within.against("tier", "nation")
    assert len(nothing) == 0
    assert {"difference", "se", "p", "reference"} <= set(nothing.columns)


@pytest.mark.parametrize("design", [DESIGN, Design("weight", "stratum", assumed_deff=1.4)])
@pytest.mark.parametrize("answer", [0.0, 100.0])
def test_where_all_agree_there_is_no_design_effect(design, answer):
    """Of a mean of 1e-14 the squares lose more in rounding than they are."""
    frame = raw_wave()
    frame["weight"] *= np.random.default_rng(7).uniform(0.3, 3, len(frame))
    agreeing = frame["old"].to_numpy(dtype=bool)
    dice = np.random.default_rng(8).random(len(frame))
    frame["solved"] = np.where(agreeing, answer, 100.0 * (dice < 0.4))
    table = cube_estimates(frame, design, areas=AREAS, groups=GROUPS, rates=["solved"])
    silent = table[(table["indicator"] == "solved") & (table["se"] == 0)]
    assert len(silent) >= 7, "every area of the group in which all agree"
    assert silent["estimate"].to_numpy() == pytest.approx(answer)
    assert silent["deff"].isna().all(), silent["deff"].tolist()
    one = estimate(frame[agreeing], "solved", design).iloc[0]
    assert (one["se"], np.isnan(one["deff"])) == (0, True)
