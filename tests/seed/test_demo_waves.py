"""Generated waves: reproducible, of the promised size, with bad interviews of known kinds."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from seed.demo import PLANS, DemoWave, generate_wave
from seed.demo.bad_interviews import MOBILISED_CITY, SHARE, UNDETECTED, count_bad_interviews
from seed.demo.calibrate import calibrate_wave
from seed.demo.field_plan import STRATA
from survey.frame.city_frame import shipped_cities

pytestmark = pytest.mark.slow

SMALL = 6_000


def digest(frame: pd.DataFrame) -> str:
    hashed = pd.util.hash_pandas_object(frame, index=True).to_numpy()
    return hashlib.sha256(hashed.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def full_2024() -> DemoWave:
    return generate_wave("main-2024")


@pytest.fixture(scope="module")
def wave_2024(full_2024: DemoWave) -> pd.DataFrame:
    return full_2024.frame


@pytest.mark.parametrize("key", list(PLANS))
def test_the_same_seed_gives_the_same_wave(key: str) -> None:
    first, second = (generate_wave(key, n=1_500, seed=7).frame for _ in range(2))
    assert digest(first) == digest(second)
    assert digest(generate_wave(key, n=1_500, seed=8).frame) != digest(first)


def test_the_seed_changes_the_draw_and_not_the_truth() -> None:
    first, other = (generate_wave("main-2023", n=SMALL, seed=seed) for seed in (1, 2))
    pd.testing.assert_frame_equal(first.truth, other.truth)


@pytest.mark.parametrize("key", ["main-2021", "elderly-2024", "minors-2024"])
def test_full_size_is_the_published_number_of_valid_interviews(key: str) -> None:
    frame = generate_wave(key).frame
    assert (frame["status"] == "approved").sum() == PLANS[key].valid
    assert frame["response_id"].is_unique
    assert frame["response_id"].is_monotonic_increasing
    by_city = frame[frame["status"] == "approved"].groupby("city_code", observed=False).size()
    assert len(by_city) == 100
    assert by_city.min() >= (525 if key.startswith("main") else 75)


@pytest.mark.parametrize(("key", "n"), [("main-2024", 200), ("elderly-2024", 200)])
def test_the_smallest_wave_still_has_every_city(key: str, n: int) -> None:
    approved = generate_wave(key, n=n).approved
    assert len(approved) == n
    assert approved["city_code"].nunique() == 100


def test_the_full_wave_of_2024_has_its_valid_interviews(wave_2024: pd.DataFrame) -> None:
    assert (wave_2024["status"] == "approved").sum() == 61_998


def test_eight_in_a_hundred_are_bad_and_a_few_of_them_pass(wave_2024: pd.DataFrame) -> None:
    is_bad = wave_2024["bad_kind"] != ""
    assert is_bad.mean() == pytest.approx(SHARE, abs=0.001)
    slipped = is_bad & (wave_2024["status"] == "approved")
    assert slipped.sum() / is_bad.sum() == pytest.approx(UNDETECTED, abs=0.005)
    void = wave_2024["status"] == "void"
    assert (wave_2024.loc[void, "reason"].astype(str) == wave_2024.loc[void, "bad_kind"]).all()
    assert (wave_2024.loc[~void, "reason"] == "").all()
    kinds = wave_2024.loc[is_bad, "bad_kind"].value_counts(normalize=True)
    assert kinds["speeder"] > kinds["straight_liner"] > kinds["near_duplicate"] > 0.2


def test_how_many_is_the_share_of_everything_collected() -> None:
    count = count_bad_interviews(61_812)
    assert count / (61_812 + count * (1 - UNDETECTED)) == pytest.approx(SHARE, abs=1e-4)


def test_speeders_are_fast_and_straight_liners_straight(wave_2024: pd.DataFrame) -> None:
    seconds = wave_2024.groupby("bad_kind", observed=True)["duration_seconds"].median()
    assert seconds["speeder"] < 110 < 250 < seconds[""] < 450
    ratings = wave_2024.loc[:, "product_range":"consumer_enforcement"].select_dtypes("int8")  # type: ignore[misc]
    some = ratings.iloc[:6_000]
    spread = some.where(some > 0).nunique(axis=1).groupby(wave_2024["bad_kind"], observed=True)
    assert spread.max()["straight_liner"] <= 2
    assert spread.quantile(0.1)[""] >= 3


def test_one_city_is_mobilised_in_one_evening(wave_2024: pd.DataFrame) -> None:
    sent = wave_2024[wave_2024["bad_kind"] == "mobilised"]
    assert set(sent["city_code"]) == {MOBILISED_CITY}
    assert sent["psu"].nunique() <= 4
    assert (sent["submitted_at"].max() - sent["submitted_at"].min()).total_seconds() < 2 * 3600
    assert (sent["status"] == "void").all()
    assert sent["overall"].where(sent["overall"] > 0).mean() > 9
    assert not (generate_wave("elderly-2024").frame["bad_kind"] == "mobilised").any()


def test_near_duplicates_follow_their_original(wave_2024: pd.DataFrame) -> None:
    items = list(wave_2024.loc[:, "product_range":"consumer_enforcement"].select_dtypes("int8"))  # type: ignore[misc]
    copies = wave_2024[wave_2024["bad_kind"] == "near_duplicate"].head(60)
    good = wave_2024[wave_2024["bad_kind"] == ""]
    for _, copy in copies.iterrows():
        near = good[(good["surveyor"] == copy["surveyor"]) & (good["psu"] == copy["psu"])]
        near = near[near["birth_year"] == copy["birth_year"]]
        differing = (near[items].to_numpy() != copy[items].to_numpy(dtype=np.int8)).sum(axis=1)
        original = near.iloc[int(differing.argmin())]
        assert differing.min() <= 9
        gap = (copy["started_at"] - original["started_at"]).total_seconds()
        assert 0 < gap < 3600 * 2


def test_rights_items_are_often_out_of_reach(wave_2024: pd.DataFrame) -> None:
    good = wave_2024[wave_2024["bad_kind"] == ""]
    unsure = good["redress_outcome"].isin([-1, -2]).mean()
    assert 0.3 < unsure < 0.5
    assert good["quality"].isin([-1, -2]).mean() < 0.02
    assert not (good["policy_awareness"] < 0).any()


def test_people_differ_within_a_city_as_people_do(wave_2024: pd.DataFrame) -> None:
    items = wave_2024.loc[:, "product_range":"consumer_enforcement"].select_dtypes("int8")  # type: ignore[misc]
    person = ((items.where(items > 0) - 1) / 9 * 100).mean(axis=1)
    good = wave_2024["bad_kind"] == ""
    within = person[good].groupby(wave_2024.loc[good, "city_code"], observed=True).std()
    assert 13 < within.mean() < 17


def test_interviews_happen_at_shopping_hours_within_the_fieldwork(wave_2024: pd.DataFrame) -> None:
    good = wave_2024[wave_2024["bad_kind"] == ""]
    local = good["started_at"].dt.tz_convert("Asia/Shanghai")
    assert local.dt.hour.between(9, 20).all()
    plan = PLANS["main-2024"]
    assert local.min().date() >= plan.opens_on
    assert local.max().date() <= plan.closes_on
    odd = wave_2024[wave_2024["bad_kind"] == "speeder"]["started_at"].dt.tz_convert("Asia/Shanghai")
    assert 0.05 < (odd.dt.hour < 6).mean() < 0.25
    old = good["age"] >= 60
    assisted = good["mode"] == "assisted"
    assert assisted[old].mean() > 0.35 > 0.1 > assisted[good["age"] < 35].mean()


def test_birth_year_and_age_agree_on_the_day(wave_2024: pd.DataFrame) -> None:
    year = wave_2024["started_at"].dt.tz_convert("Asia/Shanghai").dt.year
    assert (year - wave_2024["birth_year"] == wave_2024["age"]).all()
    assert wave_2024["age"].between(15, 70).all()


def test_most_points_last_from_year_to_year() -> None:
    points = {year: generate_wave(f"main-{year}", n=SMALL).points for year in (2023, 2024)}
    last, this = set(points[2023].code), set(points[2024].code)
    assert 0.75 < len(last & this) / len(this) < 0.95
    kinds = dict(zip(points[2023].code, points[2023].kind, strict=True))
    for code, kind in zip(points[2024].code, points[2024].kind, strict=True):
        assert kinds.get(code, kind) == kind


def test_points_nest_in_strata_and_cities(full_2024: DemoWave) -> None:
    points = full_2024.points
    codes = [city.code for city in shipped_cities()]
    for code, city, stratum in zip(points.code, points.city, points.stratum, strict=True):
        assert code.startswith(f"{codes[city]}-{STRATA[stratum][0]}-")
    per_city = np.bincount(points.city)
    assert per_city.min() >= 12
    shenzhen = codes.index("440300")
    assert set(points.stratum[points.city == shenzhen]) == {0}
    assert len(set(points.code)) == len(points.code)


def test_villages_have_their_share_of_every_city(full_2024: DemoWave) -> None:
    approved = full_2024.approved
    rural = (approved["stratum"] == "rural").groupby(approved["city_code"], observed=True)
    for city in shipped_cities():
        expected = 0 if city.urbanization_rate > 0.96 else 1 - city.urbanization_rate
        assert rural.mean()[city.code] == pytest.approx(expected, abs=0.03)


def test_modules_move_no_other_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same wave asked with the questionnaire before: every other column is the same."""
    after = generate_wave("main-2024", n=600)
    older = replace(PLANS["main-2024"], instrument="main-2023")
    monkeypatch.setitem(PLANS, "main-2024", older)  # type: ignore[arg-type]
    calibrate_wave.cache_clear()
    try:
        before = generate_wave("main-2024", n=600)
    finally:
        monkeypatch.undo()
        calibrate_wave.cache_clear()
    added = [name for name in after.frame.columns if name not in before.frame.columns]
    assert len(added) == 12
    pd.testing.assert_frame_equal(after.frame[before.frame.columns], before.frame)
