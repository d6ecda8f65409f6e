"""A wave that came with weights: its figures rest on them, and on nothing the survey would make."""

import csv
import io
import json
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.collection.importing.commit import commit_import
from survey.collection.importing.import_plan import plan_import
from survey.collection.importing.target_wave import ImportRequest
from survey.estimate import Design, estimate
from survey.figures.views.method import build_method_view
from survey.files.microdata.deidentify import deidentify
from survey.files.microdata.pseudonyms import Pseudonyms
from survey.files.microdata.release_classes import merge_classes
from survey.files.microdata.released_rows import MIN_CLASS_SIZE
from survey.files.microdata.rows_in_parts import weight_margins
from survey.locale import translator
from survey.questionnaire.model import Instrument
from survey.results import open_results
from survey.results.analysis import STRATUM, WEIGHT
from survey.results.freeze import freeze_frame, freeze_wave
from survey.results.wave_parts import WaveData
from survey.results.wave_rules import WaveRules
from survey.results.wave_snapshots import load_wave_data
from survey.results.weighting import WeightSpread, read_given_weights
from survey.snapshots.response_frame import (
    GIVEN_WEIGHT,
    CountedResponses,
    build_response_frame,
    response_frame,
)
from survey.snapshots.snapshot_files import FreezeOptions, read_snapshot
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Response, Snapshot, now
from tests.audit_tampering import disable_triggers
from tests.error_codes import raises_code
from tests.small_waves import SmallWave, person, small_instrument, small_wave
from tests.work_of import work_of

N = 160


def weight_of(number: int) -> float:
    return 0.25 + number * 37 % 101 / 8


def answers_file() -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["city", "point", "gender", "age", "price", "service", "overall", "权重"])
    for number in range(N):
        writer.writerow(
            [
                ("110000", "310000")[number % 2],
                f"p{number % 5}",
                ("male", "female")[number % 3 > 0],
                18 + number * 7 % 70,
                5 + number % 5,
                4 + number * 3 % 7,
                6 + number % 4,
                repr(weight_of(number)),
            ]
        )
    return buffer.getvalue().encode()


def imported(folder: Any, url: str) -> SmallWave:
    wave = small_wave(folder, url=url)
    request = ImportRequest(
        answers_file(),
        instrument=small_instrument(),
        wave_key=wave.key,
        mapping="column,item\n权重,weight\n".encode(),
        file_name="agency.csv",
    )
    with session_scope(wave.settings.store_url) as session:
        plan = plan_import(work_of(session, OPERATOR, now()), request=request)
        assert not plan.rejected, [
            translator("en")(rejection.message) for rejection in plan.rejected[:2]
        ]
        commit_import(work_of(session, OPERATOR, now()), plan=plan)
    return wave


@pytest.fixture
def wave(tmp_path: Any, store_url: str) -> SmallWave:
    return imported(tmp_path, store_url)


def by_hand(city: int | None, score: Any) -> float:
    """The weighted mean over the interviews of a city, all in figures of this file."""
    rows = [number for number in range(N) if city is None or number % 2 == city]
    total = sum(weight_of(number) for number in rows)
    return float(sum(weight_of(number) * (score(number) - 1) / 9 * 100 for number in rows) / total)


def test_the_figures_are_those_of_the_given_weights(wave: SmallWave) -> None:
    frozen = freeze_wave(
        wave.settings, wave_key=wave.key, actor=OPERATOR, options=FreezeOptions(final=True)
    )
    with session_scope(wave.settings.store_url) as session:
        results = open_results(wave.settings, session, wave.key)
    manifest, frame = read_snapshot(wave.settings.snapshot_dir / frozen.directory)
    scored = frame.assign(
        price=(frame["price"] - 1) / 9 * 100,
        key=frame["city_code"].astype(str) + ":" + frame["stratum"].astype(str),
        nation="CN",
    )
    design = Design(weight=GIVEN_WEIGHT, strata="key", psu="psu", lonely_psu="adjust")
    for level, by, places in (
        ("city", "city_code", (("110000", 0), ("310000", 1))),
        ("nation", "nation", (("CN", None),)),
    ):
        direct = estimate(scored, "price", design, by=by).set_index(by)
        cells = results.exact(OPERATOR, "cells.parquet", {"area_level": level, "group": "all"})
        cells = cells.set_index(["area", "indicator"])
        for place, city in places:
            price = by_hand(city, lambda number: 5 + number % 5)
            service = by_hand(city, lambda number: 4 + number * 3 % 7)
            cell = cells.loc[(place, "1.1.1")]
            assert cell["estimate"] == pytest.approx(price, rel=1e-12)
            assert cells.loc[(place, "2.1.1"), "estimate"] == pytest.approx(service, rel=1e-12)
            whole = cells.loc[(place, "composite"), "estimate"]
            assert whole == pytest.approx(0.4 * price + 0.6 * service, rel=1e-12)
            for column in ("estimate", "se", "n"):
                assert cell[column] == pytest.approx(direct.loc[place, column], rel=1e-9), column
    equal = np.mean([(5 + number % 5 - 1) / 9 * 100 for number in range(N)])
    assert abs(by_hand(None, lambda number: 5 + number % 5) - equal) > 0.1, "weights matter here"
    assert manifest.weights == "given"
    (file,) = manifest.weight_files
    assert (file.column, file.sha256) == ("权重", sha256(answers_file()).hexdigest())
    written = (wave.settings.snapshot_dir / frozen.directory / "manifest.json").read_text()
    assert "agency" not in written, "a file's name may name people"


def test_the_method_says_where_the_weights_come_from_and_tells_nobodys(wave: SmallWave) -> None:
    freeze_wave(wave.settings, wave_key=wave.key, actor=OPERATOR)
    with session_scope(wave.settings.store_url) as session:
        results = open_results(wave.settings, session, wave.key)
    report = results.method.weighting
    weights = np.array([weight_of(number) for number in range(N)])
    assert report.way == "given"
    assert report.kish_deff == pytest.approx(1 + weights.var() / weights.mean() ** 2)
    assert report.shown_smallest == pytest.approx(np.sort(weights)[9] / weights.mean())
    assert report.shown_largest == pytest.approx(np.sort(weights)[-10] / weights.mean())
    for language, words in (("en", "given: used as they came"), ("zh", "随数据给定")):
        view = build_method_view(
            wave=results.wave,
            manifest=results.manifest,
            method=results.method,
            tree=results.tree,
            language=language,
        )
        text = json.dumps(view.weights, ensure_ascii=False)
        assert view.given_weights
        old = report.model_copy(update={"kish_deff": 1 - 4e-15})
        equal = build_method_view(
            wave=results.wave,
            manifest=results.manifest,
            method=results.method.model_copy(update={"weighting": old}),
            tree=results.tree,
            language=language,
        )
        assert [value for _, value in equal.weights if value in ("0.0", "1.0")] == ["0.0", "1.0"]
        assert words in text
        assert sha256(answers_file()).hexdigest() in text
        assert "权重" in text
        assert f"{weights.max() / weights.mean():.3f}" not in text
    assert f"{weights.std() / weights.mean():.1f}" in text


@pytest.mark.slow
def test_a_snapshot_read_again_has_the_same_weights(wave: SmallWave) -> None:
    frozen = freeze_wave(wave.settings, wave_key=wave.key, actor=OPERATOR)
    with read_scope(wave.settings.store_url) as session:
        source = load_wave_data(
            session, wave.read(session), wave.settings.snapshot_dir / frozen.directory
        )
    assert sorted(source.people[WEIGHT]) == sorted(weight_of(number) for number in range(N))
    again = freeze_wave(wave.settings, wave_key=wave.key, actor=OPERATOR)
    assert again.sha256 == frozen.sha256


def test_a_wave_in_which_some_lack_a_weight_is_not_frozen(wave: SmallWave) -> None:
    with session_scope(wave.settings.store_url) as session:
        # As a store of an earlier version may hold it: the database refuses it now.
        disable_triggers(session)
        for response in session.exec(
            select(Response).where(Response.city_code == "310000").limit(3)
        ):
            response.given_weight = None
            session.add(response)
    with raises_code("weights_missing", match=r"3 interviews .*310000: 3") as refused:
        freeze_wave(wave.settings, wave_key=wave.key, actor=OPERATOR)
    assert "Void them" in str(refused.value)
    with read_scope(wave.settings.store_url) as session:
        assert session.exec(select(Snapshot)).first() is None


def test_exported_rows_share_their_weight_with_four_others(wave: SmallWave) -> None:
    frozen = freeze_wave(wave.settings, wave_key=wave.key, actor=OPERATOR)
    with read_scope(wave.settings.store_url) as session:
        source = load_wave_data(
            session, wave.read(session), wave.settings.snapshot_dir / frozen.directory
        )
    made = deidentify(
        source.people, source.instrument, Pseudonyms("ab" * 32), margins=weight_margins(source)
    )
    table = made.table
    assert GIVEN_WEIGHT not in table
    keys = [
        table[name].astype("string").fillna("").to_numpy()
        for name in ("city_code", "stratum", "age_band", "gender")
        if name in table
    ]
    assert table.groupby([*keys, table["weight"].to_numpy()]).size().min() >= MIN_CLASS_SIZE
    own = source.people.groupby(source.people["city_code"].astype(str))[WEIGHT].sum()
    assert table.groupby("city_code")["weight"].sum().to_dict() == pytest.approx(own.to_dict())
    assert len(set(table["weight"])) <= N / MIN_CLASS_SIZE
    assert made.merged > N / 2


def people_with(weights: list[float], labels: list[str] | None = None) -> pd.DataFrame:
    table = pd.DataFrame({WEIGHT: weights, "city_code": "110000", STRATUM: "110000:u"})
    return table.assign(gender=labels) if labels else table


@given(st.data())
@settings(max_examples=60)
def test_whatever_the_weights_each_is_shared_and_their_sum_stays(data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.floats(1e-3, 1e3), min_size=MIN_CLASS_SIZE, max_size=60))
    labels = data.draw(
        st.lists(st.sampled_from(["m", "f"]), min_size=len(weights), max_size=len(weights))
    )
    for people, names in ((people_with(weights, labels), ["gender"]), (people_with(weights), [])):
        made = merge_classes(
            people,
            city="city_code",
            stratum=STRATUM,
            weight=WEIGHT,
            labels=names,
            minimum=MIN_CLASS_SIZE,
        )
        keys = [made[name].astype("string").fillna("") for name in [*names, WEIGHT]]
        assert made.groupby(keys).size().min() >= MIN_CLASS_SIZE
        assert made[WEIGHT].sum() == pytest.approx(sum(weights), rel=1e-9)


def test_neighbouring_weights_are_merged_not_any() -> None:
    """Where every interview has a weight of its own, a row keeps about what it had."""
    weights = [float(number) for number in np.random.default_rng(7).permutation(3000) + 1]
    made = merge_classes(
        people_with(weights, ["m", "f"] * 1500),
        city="city_code",
        stratum=STRATUM,
        weight=WEIGHT,
        labels=["gender"],
        minimum=MIN_CLASS_SIZE,
    )
    assert np.abs(made[WEIGHT].to_numpy() - np.array(weights)).max() < 30
    assert made["gender"].notna().all()


@given(st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=40))
def test_the_report_is_finite_and_names_no_extreme_of_a_few(weights: list[float]) -> None:
    result = read_given_weights(pd.DataFrame({GIVEN_WEIGHT: weights, "city_code": "110000"}))
    assert result is not None
    used, report = result
    assert used.tolist() == weights
    assert 1 <= report.kish_deff <= len(weights) * (1 + 1e-9)
    assert report.effective_n == pytest.approx(len(weights) / report.kish_deff)
    if len(weights) < 20:
        assert report.shown_smallest is None
    else:
        relative = np.array(weights) / np.mean(weights)
        assert report.shown_smallest is not None
        assert report.shown_largest is not None
        assert (relative <= report.shown_smallest * (1 + 1e-12)).sum() >= 10
        assert (relative >= report.shown_largest * (1 - 1e-12)).sum() >= 10


@pytest.mark.parametrize("seed", range(30))
def test_equal_weights_never_cost_less_than_nothing(seed: int) -> None:
    """Sums by city of one and the same number differ from multiples of it in their last digits."""
    dice = np.random.default_rng(seed)
    weight, count = round(float(dice.uniform(0.1, 5)), 2), int(dice.integers(100, 2000))
    city = dice.choice(["110000", "310000", "320100"], count)
    deff = WeightSpread.of(pd.Series(np.full(count, weight)), pd.Series(city)).kish_deff
    assert 1 <= deff < 1 + 1e-12


@pytest.mark.slow
def test_equal_weights_cost_nothing_and_scale_changes_no_figure(wave: SmallWave) -> None:
    assert WeightSpread.of(pd.Series(np.ones(5)), pd.Series(["110000"] * 5)).kish_deff == 1
    with read_scope(wave.settings.store_url) as session:
        frame = response_frame(session, small_instrument(), CountedResponses(wave.read(session).id))
    shown = []
    for scale in (1.0, 1e-6, 1e6):
        scaled = frame.assign(**{GIVEN_WEIGHT: frame[GIVEN_WEIGHT] * scale})
        with session_scope(wave.settings.store_url) as session:
            freeze_frame(
                work_of(session, OPERATOR, now(), settings=wave.settings),
                wave=wave.read(session),
                frame=scaled,
            )
        with session_scope(wave.settings.store_url) as session:
            results = open_results(wave.settings, session, wave.key)
        cells = results.cells(OPERATOR, area_level="city")
        shown.append(cells[["estimate", "ci_low", "ci_high", "n", "shown"]])
    for table in shown[1:]:
        pd.testing.assert_frame_equal(table, shown[0], check_exact=False, rtol=1e-9)


def test_a_source_without_given_weights_is_raked_as_ever() -> None:
    form: Instrument = small_instrument(few_groups=True)
    frame = build_response_frame([person(n, "110000", psu=f"p{n % 4}") for n in range(60)], form)
    source = WaveData.weigh(
        frame, WaveRules.of(series="main", instrument=form, tree=None, composite="item_means")
    )
    assert source.report.way == "raked"
    assert source.report.margin
    assert source.people[WEIGHT].nunique() > 1
