"""Agreement with R survey 4.4: published figures, and figures regenerated where R is installed."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey.estimate import (
    Design,
    Node,
    Tree,
    change,
    compare,
    estimate,
    estimate_tree,
    rake,
    share,
)

DATA = Path(__file__).parent / "data"
SCRIPT = Path(__file__).parent / "r" / "survey_cases.R"
DESIGNS = {
    "strat": ("apistrat", Design("pw", strata="stype", fpc="fpc")),
    "strat_nofpc": ("apistrat", Design("pw", strata="stype")),
    "clus1": ("apiclus1", Design("pw", psu="dnum", fpc="fpc")),
    "clus1_nofpc": ("apiclus1", Design("pw", psu="dnum")),
    "clus1_strata": ("apiclus1", Design("pw", strata="stype", psu="dnum")),
    "clus2": ("apiclus2", Design("pw", psu="dnum")),
    "clus2_fpc": ("apiclus2", Design("pw", psu="dnum", fpc="fpc1")),
}


def read_cases(text: Path) -> dict[str, dict[str, float]]:
    table = pd.read_csv(text)
    return {
        case: dict(zip(part["key"], part["value"], strict=True))
        for case, part in table.groupby("case", sort=False)
    }


CASES = read_cases(DATA / "r_survey.csv")


@pytest.fixture(scope="module")
def frames(apistrat, apiclus1, apiclus2):
    return {"apistrat": apistrat, "apiclus1": apiclus1, "apiclus2": apiclus2}


def cases(kind: str) -> list[str]:
    return [case for case in CASES if case.split("|")[0] in kind.split()]


def check(row: pd.Series, expected: dict[str, float], deff: str = "replace") -> None:
    for key, value in expected.items():
        if key.startswith("deff"):
            if key == f"deff_{deff}" and np.isfinite(value):
                assert row["deff"] == pytest.approx(value, rel=1e-6)
        elif np.isfinite(value):
            assert row[key] == pytest.approx(value, rel=1e-8), key


@pytest.mark.parametrize("deff", ["replace", "without"])
@pytest.mark.parametrize("case", cases(" ".join(DESIGNS)))
def test_means_and_domains(case, deff, frames):
    name, variable, stype = case.split("|")
    frame, design = frames[DESIGNS[name][0]], DESIGNS[name][1]
    by = () if stype == "all" else ("stype",)
    table = estimate(frame, variable, design, by=by, deff=deff)
    row = table.iloc[0] if stype == "all" else table[table["stype"] == stype].iloc[0]
    check(row, CASES[case], deff)


@pytest.mark.parametrize("case", cases("lonely"))
def test_one_psu_strata(case, apistrat):
    _, rule, fpc, wide = case.split("|")
    parts = [apistrat[apistrat["stype"] == s].head(n) for s, n in (("E", 12), ("H", 1), ("M", 9))]
    frame = pd.concat(parts)
    fpc_column = None if fpc == "none" else "fpc"
    design = Design("pw", strata="stype", fpc=fpc_column, lonely_psu=rule)
    table = estimate(frame, "api00", design, by=() if wide == "all" else "sch_wide")
    row = table.iloc[0] if wide == "all" else table[table["sch_wide"] == wide].iloc[0]
    check(row, CASES[case])


@pytest.mark.parametrize("case", cases("share"))
def test_shares(case, frames):
    _, name, wide, method = case.split("|")
    frame = frames[DESIGNS[name][0]].assign(award=lambda f: (f["awards"] == "Yes") * 1)
    table = share(
        frame,
        "award",
        DESIGNS[name][1],
        by=() if wide == "all" else "sch_wide",
        method="wald" if method == "mean" else method,
    )
    row = table.iloc[0] if wide == "all" else table[table["sch_wide"] == wide].iloc[0]
    check(row, CASES[case])


@pytest.mark.parametrize("case", cases("difference"))
def test_differences(case, frames):
    _, name, sides = case.split("|")
    reference = sides.split("-")[1]
    table = compare(
        frames[DESIGNS[name][0]],
        "api00",
        DESIGNS[name][1],
        group=("stype", "H"),
        reference=reference if reference in ("all", "rest") else ("stype", reference),
    )
    check(table.iloc[0], CASES[case])


@pytest.mark.parametrize("case", cases("keys weightless"))
def test_several_keys_and_weights_of_nought(case, frames):
    """R says 0 for a cell without a score, and for the error of a single respondent."""
    kind, name, *levels = case.split("|")
    frame, design = frames[DESIGNS[name][0]], DESIGNS[name][1]
    if kind == "weightless":
        frame = frame.assign(pw=frame["pw"].where(np.arange(len(frame)) % 7 > 0, 0.0))
    by = ["stype", "sch_wide"][: len(levels)]
    table = estimate(frame, "acs_core", design, by=by).set_index(by)
    row = table.loc[tuple(levels) if len(levels) > 1 else levels[0]]
    expected = dict(CASES[case])
    if expected["se"] == 0:
        assert row["status"] == ("empty" if expected["estimate"] == 0 else "not_estimable")
        assert np.isnan(row["se"])
        return
    check(row, expected)


@pytest.mark.parametrize("case", cases("change"))
def test_change_over_the_same_clusters(case, frames):
    _, name, stype = case.split("|")
    frame, design = frames[DESIGNS[name][0]], DESIGNS[name][1]
    waves = [frame.assign(score=frame[column]) for column in ("api99", "api00")]
    table = change(waves[0], waves[1], "score", design, by=() if stype == "all" else "stype")
    check(table.iloc[0] if stype == "all" else table.set_index("stype").loc[stype], CASES[case])


@pytest.mark.parametrize("case", cases("composite"))
def test_composite_of_item_means(case, frames):
    frame, design = frames["apiclus1"], DESIGNS[case.split("|")[1]][1]
    tree = Tree((Node("acs_46", None, 1, 0.3), Node("acs_core", None, 1, 0.7)))
    table = estimate_tree(frame, tree, design)
    check(table[table["variable"] == "composite"].iloc[0], CASES[case])


def test_raked_weights(apiclus1):
    margins = {
        "stype": pd.Series({"E": 4421, "H": 755, "M": 1018}),
        "sch_wide": pd.Series({"No": 1072, "Yes": 5122}),
    }
    raked = rake(apiclus1, "pw", margins).weights
    np.testing.assert_allclose(raked, list(CASES["rake"].values()), rtol=1e-8)


def test_weights_trimmed_once_and_raked_again(apiclus1):
    margins = {
        "stype": pd.Series({"E": 4421, "H": 755, "M": 1018}),
        "sch_wide": pd.Series({"No": 1072, "Yes": 5122}),
    }
    uneven = apiclus1.assign(w=apiclus1["pw"] * apiclus1["api99"] / 600)
    result = rake(uneven, "w", margins, trim=1.25)
    assert result.report["trimmed"].iloc[0] > 0
    np.testing.assert_allclose(result.weights, list(CASES["rake_trimmed"].values()), rtol=1e-8)


def test_published_figures(apistrat, apiclus1):
    """Lumley, survey package vignette "A survey analysis example" and help of svymean."""
    row = estimate(apistrat, "api00", Design("pw", strata="stype", fpc="fpc"), deff="without").iloc[
        0
    ]
    assert (round(row["estimate"], 2), round(row["se"], 4)) == (662.29, 9.4089)
    assert round(row["deff"], 4) == 1.2045
    row = estimate(apiclus1, "api00", Design("pw", psu="dnum", fpc="fpc"), deff="without").iloc[0]
    assert (round(row["estimate"], 2), round(row["se"], 3)) == (644.17, 23.542)
    assert round(row["deff"], 4) == 9.3459


def r_has_survey() -> bool:
    if (rscript := shutil.which("Rscript")) is None:
        return False
    probe = "quit(status = !requireNamespace('survey', quietly = TRUE))"
    return subprocess.run([rscript, "-e", probe], check=False).returncode == 0


@pytest.mark.skipif(not r_has_survey(), reason="R with the package survey is not installed")
def test_stored_figures_are_what_r_says(tmp_path):
    fresh = tmp_path / "r_survey.csv"
    with fresh.open("w") as out:
        subprocess.run(["Rscript", str(SCRIPT), str(DATA)], stdout=out, check=True)
    for case, expected in read_cases(fresh).items():
        for key, value in expected.items():
            assert CASES[case][key] == pytest.approx(value, rel=1e-9, nan_ok=True), (case, key)
