"""Waves of one city, of two, of one interview, of nothing: figures or words, never a traceback."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.estimate.tree import COMPOSITE
from survey.figures.views.changes import TrendFilters
from survey.figures.views.city import (
    build_city_groups,
    build_city_indicators,
    build_city_measures,
    build_city_profile,
)
from survey.figures.views.drivers import DriverFilters, build_driver_view
from survey.figures.views.method import build_method_view
from survey.figures.views.overview import (
    OverviewFilters,
    build_city_table,
    build_overview,
    build_overview_areas,
    build_overview_indicators,
)
from survey.figures.views.ranking import RankingFilters, build_ranking
from survey.figures.views.small_areas import SmallAreaFilters, build_small_area_view
from survey.figures.views.special_groups import (
    GroupFilters,
    build_group_indicators,
    build_special_groups_view,
    group_choices,
)
from survey.figures.views.trends import build_peer_gaps, build_trends_answer, build_years
from survey.figures.views.urban_rural import (
    AreaFilters,
    build_residence_areas,
    build_urban_rural_view,
)
from survey.figures.views.view_context import ViewContext
from survey.frame.city_frame import shipped_cities
from survey.locale import SurveyError, translator
from survey.questionnaire.checks import score_findings
from survey.questionnaire.indicator_tree import IndicatorTree, weigh_equally
from survey.results import WaveResults, list_waves, open_results
from survey.results.analysis import NotEstimableError
from survey.results.crosswalk import crosswalk
from survey.results.disclosure_inputs import declare_totals
from survey.results.freeze import freeze_frame, freeze_wave
from survey.results.headlines import DOMAIN
from survey.results.snapshots import open_loaded_responses
from survey.results.wave_parts import WaveData, WaveParts
from survey.results.wave_rules import WaveRules
from survey.results.wave_snapshots import load_wave_data
from survey.snapshots.response_frame import build_response_frame
from survey.snapshots.snapshot_files import FreezeOptions, WithoutPoint
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import now
from tests.error_codes import raises_code
from tests.small_waves import (
    SmallWave,
    add_wave,
    indicator,
    person,
    questionnaire,
    rating,
    select_one,
    small_instrument,
    small_tree,
    small_wave,
)
from tests.work_of import work_of

pytestmark = pytest.mark.slow

CODES = [city.code for city in shipped_cities()]


@pytest.fixture(scope="module")
def wave(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallWave]:
    yield small_wave(tmp_path_factory.mktemp("small-waves"))
    dispose_engines()


def frozen(
    wave: SmallWave, frame: pd.DataFrame, without_point: WithoutPoint = WithoutPoint.REFUSE
) -> WaveResults:
    with session_scope(wave.settings.store_url) as session:
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=wave.settings),
            wave=wave.read(session),
            frame=frame,
            options=FreezeOptions(without_point=without_point),
        )
    with session_scope(wave.settings.store_url) as session:
        return open_results(wave.settings, session, wave.key)


def look_at_every_page(
    results: WaveResults, code: str, languages: Sequence[str] = ("zh", "en")
) -> dict[str, Any]:
    """What the pages of results show of the wave."""
    shown: dict[str, Any] = {}
    for language in languages:
        context = ViewContext(results, OPERATOR, language)
        shown["overview"] = build_overview(context, filters=OverviewFilters())
        shown["indicators"] = build_overview_indicators(context, basis=DOMAIN)
        shown["areas"] = build_overview_areas(context, filters=OverviewFilters(), by="region3")
        shown["table"] = build_city_table(context, indicator=COMPOSITE)
        shown["city"] = build_city_profile(context, city=code)
        shown["city indicators"] = build_city_indicators(context, city=code, against="nation")
        shown["city groups"] = build_city_groups(context, city=code)
        shown["city reports"] = build_city_measures(context, city=code, topic="complaint")
        shown["ranking"] = build_ranking(context, filters=RankingFilters())
        shown["drivers"] = build_driver_view(context, filters=DriverFilters(code))
        shown["trends"] = build_trends_answer(context, filters=TrendFilters())
        shown["peers"] = build_peer_gaps(context, filters=TrendFilters())
        shown["years"] = build_years(context, filters=TrendFilters())
        if "residence=rural" in results.method.groups:
            shown["residence"] = build_urban_rural_view(context, filters=AreaFilters())
            shown["places"] = build_residence_areas(context, indicator=COMPOSITE, by="city")
        shown["method"] = build_method_view(
            wave=results.wave,
            manifest=results.manifest,
            method=results.method,
            tree=results.tree,
            language=language,
        )
        for group in group_choices(results):
            shown["groups"] = build_special_groups_view(context, filters=GroupFilters(group))
            shown["group indicators"] = build_group_indicators(context, group=group, area=code)
        shown["small areas"] = build_small_area_view(
            context, filters=SmallAreaFilters("elderly=yes")
        )
    return shown


@pytest.mark.parametrize(
    "code",
    [
        code if at % 9 == 0 else pytest.param(code, marks=pytest.mark.slow)
        for at, code in enumerate(CODES)
    ],
)
def test_a_wave_of_one_city_is_frozen_and_read(wave: SmallWave, code: str) -> None:
    people = [person(number, code, psu=f"p{number % 4}") for number in range(120)]
    results = frozen(wave, build_response_frame(people, small_instrument(few_groups=True)))
    cells = results.cells(OPERATOR, group="all", indicator="composite")
    shown = dict(zip(cells["area_level"].astype(str), cells["shown"], strict=True))
    assert shown["city"]
    assert shown["nation"]
    assert set(cells["n"]) == {120}
    look_at_every_page(results, code, languages=("zh",))
    official = Principal(uuid4(), "o", Role.CITY_OFFICIAL, code)
    assert list(results.rank_pairs(official, indicator=COMPOSITE)["other"]) == []
    profile = build_city_profile(ViewContext(results, official, "zh"), city=code)
    assert profile.name


def test_one_sensitive_question_that_all_answered_alike_hides_no_score(tmp_path: Path) -> None:
    """Everybody answered everything, so all indicators have one n; what is told is one answer."""
    debts = select_one("debts", "yes", "no")
    debts = debts.model_copy(update={"is_measured": True, "sensitive": True})
    asked = questionnaire(
        rating("price", "1.1.1"),
        rating("service", "2.1.1"),
        rating("overall"),
        debts,
        tree="small",
        few_groups=True,
    )
    people = [person(number, "110000", psu=f"p{number % 4}", debts="no") for number in range(120)]
    small = small_wave(tmp_path, instrument=asked, tree=small_tree())
    cells = frozen(small, build_response_frame(people, asked)).cells(OPERATOR)
    told = cells["indicator"].astype(str).str.startswith("debts=")
    assert told.any()
    assert not cells.loc[told, "shown"].any()
    plain = frozen(
        small_wave(
            tmp_path / "plain", instrument=small_instrument(few_groups=True), tree=small_tree()
        ),
        build_response_frame(people, small_instrument(few_groups=True)),
    ).cells(OPERATOR)
    assert cells.loc[~told, "shown"].tolist() == plain["shown"].tolist()
    assert cells.loc[~told & (cells["group"] == "all"), "shown"].all()
    dispose_engines()


def odd_waves() -> dict[str, list[tuple[Any, ...]]]:
    people = [person(number, "110000", psu=f"p{number % 4}") for number in range(120)]
    return {
        "two cities": [*people, *(person(50 + n, "500000", psu=f"q{n % 3}") for n in range(12))],
        "two cities of one province": [
            *people,
            *(person(50 + n, "130100", psu=f"q{n % 3}") for n in range(12)),
            *(person(80 + n, "130200", psu=f"r{n % 3}") for n in range(12)),
        ],
        "one interview": [person(1, "440300")],
        "two interviews at one point": [person(1, "440300"), person(2, "440300")],
        "an item nobody rated": [
            person(n, "310000", psu=f"p{n % 4}", price="dk") for n in range(24)
        ],
        "nobody rated anything": [
            person(n, "310000", psu=f"p{n % 4}", price="dk", service="na", overall="refused")
            for n in range(24)
        ],
        "men only": [person(n, "310000", psu=f"p{n % 4}", gender="male") for n in range(24)],
        "nobody old": [person(n, "310000", psu=f"p{n % 4}", age=30) for n in range(24)],
        "everybody agreed": [
            person(n, "310000", psu=f"p{n % 4}", price=8, service=8, overall=8) for n in range(24)
        ],
        "points agree within strata": [
            (*who[:3], f"s{n % 2}", *who[4:])
            for n in range(120)
            for who in [person(n, "310000", psu=f"p{n % 4}", price=5 + n % 2, service=5 + n % 2)]
        ],
        "nobody told age or gender": [
            person(n, "310000", psu=f"p{n % 4}", age=None, gender=None) for n in range(24)
        ],
    }


@pytest.mark.parametrize("name", list(odd_waves()))
def test_an_odd_wave_is_frozen_and_read(wave: SmallWave, name: str) -> None:
    people = odd_waves()[name]
    results = frozen(wave, build_response_frame(people, small_instrument()))
    assert results.wave.n == len(people)
    look_at_every_page(results, people[0][1])


def words_of(error: SurveyError) -> str:
    chinese = translator("zh")(error.message)
    assert chinese != str(error), "no Chinese words"
    return str(error)


def snapshot_folders(wave: SmallWave) -> set[Path]:
    root = wave.settings.snapshot_dir
    return {path for path in root.glob("*/*") if path.is_dir()}


def test_a_city_without_a_population_is_named(wave: SmallWave) -> None:
    people = [person(1, "110000"), person(2, "999999")]
    with pytest.raises(NotEstimableError, match="999999") as caught:
        frozen(wave, build_response_frame(people, small_instrument()))
    words_of(caught.value)


def test_a_wave_without_interviews_says_so(wave: SmallWave) -> None:
    with raises_code("nothing_to_freeze") as caught:
        frozen(wave, build_response_frame([], small_instrument()))
    words_of(caught.value)


def test_a_freeze_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a folder beside the snapshots nor one that the store does not know."""
    people = [person(number, "110000", psu=f"p{number % 4}") for number in range(24)]
    small = small_wave(tmp_path)
    frame = build_response_frame(people, small_instrument())
    responses = open_loaded_responses(frame)
    monkeypatch.setattr("survey.results.freeze.open_stored_responses", lambda *_: responses)
    for broken in ("write_tables", "write_changes", "register_snapshot"):
        with monkeypatch.context() as only:
            only.setattr(f"survey.results.freeze.{broken}", _full)
            with pytest.raises(OSError, match="space"):
                freeze_wave(small.settings, wave_key=small.key, actor=OPERATOR)
        assert list(small.settings.snapshot_dir.rglob("*")) == [], broken
    kept = freeze_wave(small.settings, wave_key=small.key, actor=OPERATOR)
    before = sorted(small.settings.snapshot_dir.rglob("*"))
    monkeypatch.setattr("survey.results.freeze.write_tables", _full)
    with pytest.raises(OSError, match="space"):
        freeze_wave(small.settings, wave_key=small.key, actor=OPERATOR)
    assert sorted(small.settings.snapshot_dir.rglob("*")) == before
    assert (small.settings.snapshot_dir / kept.directory).is_dir()
    dispose_engines()


def _full(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_tree_without_any_rating_is_said(tmp_path: Path) -> None:
    asked = questionnaire(select_one("brand", "a", "b"))
    small = small_wave(tmp_path, instrument=asked, tree=small_tree())
    with pytest.raises(NotEstimableError) as caught:
        frozen(
            small, build_response_frame([person(n, "110000", brand="a") for n in range(12)], asked)
        )
    words_of(caught.value)
    assert snapshot_folders(small) == set()
    dispose_engines()


def test_ratings_on_several_scales_are_each_read_on_their_own(tmp_path: Path) -> None:
    """Without a tree; the ones on another scale than the first vanished without a word."""
    asked = questionnaire(rating("price"), rating("service"), rating("stars", maximum=5))
    small = small_wave(tmp_path, instrument=asked)
    people = [person(n, "110000", psu=f"p{n % 4}", stars=1 + n % 5) for n in range(120)]
    results = frozen(small, build_response_frame(people, asked))
    cells = results.cells(OPERATOR, area_level="city", group="all")
    figures = dict(zip(cells["indicator"].astype(str), cells["estimate"], strict=True))
    assert set(figures) == {"price", "service", "stars"}
    rules = WaveRules.of(series="main", instrument=asked, tree=None, composite="item_means")
    weight = WaveData.weigh(build_response_frame(people, asked), rules).people["weight"]
    stars = pd.Series([n % 5 / 4 * 100 for n in range(120)])
    assert figures["stars"] == pytest.approx((stars * weight).sum() / weight.sum(), abs=0.051)
    look_at_every_page(results, "110000", languages=("en",))
    dispose_engines()


def with_one_row_astray() -> pd.DataFrame:
    people = [person(number, "110000", psu=f"p{number % 12}") for number in range(240)]
    people += [person(300 + n, "310000", psu=f"q{n % 12}") for n in range(240)]
    people[7] = person(7, "110000", psu=None)
    return build_response_frame(people, small_instrument())


def test_a_row_without_a_point_is_refused_with_its_number_and_city(wave: SmallWave) -> None:
    before = snapshot_folders(wave)
    with raises_code("points_missing", match=r"^1 interviews .*110000: 1\)") as caught:
        frozen(wave, with_one_row_astray())
    words_of(caught.value)
    assert snapshot_folders(wave) == before


def test_a_row_without_a_point_does_not_take_the_points_of_the_others(wave: SmallWave) -> None:
    frame = with_one_row_astray()
    results = frozen(wave, frame, WithoutPoint.STRATUM)
    assert results.method.assumed_deff is None
    assert results.method.without_point == 1
    assert results.manifest.without_point is WithoutPoint.STRATUM
    whole = frozen(wave, frame[frame["psu"].notna()].reset_index(drop=True))
    both = [
        wave_results.cells(
            OPERATOR, area_level="city", area="310000", group="all", indicator="composite"
        )
        for wave_results in (results, whole)
    ]
    ends = [cells[["ci_low", "ci_high"]].to_numpy().tolist() for cells in both]
    assert ends[0] == ends[1]
    for language, words in (("en", "a stratum of their own"), ("zh", "单独")):
        facts = look_at_every_page(results, "110000", languages=(language,))["method"].errors
        assert any(fact.startswith("<10") and words in fact for _, fact in facts), "one of nine"
    with session_scope(wave.settings.store_url) as session:
        folder = wave.settings.snapshot_dir / wave.key / results.wave.snapshot_sha256[:12]
        assert load_wave_data(session, wave.read(session), folder).without_point == 1


def test_a_wave_without_any_point_keeps_the_assumed_design_effect(wave: SmallWave) -> None:
    people = [person(number, "110000", psu=None) for number in range(120)]
    results = frozen(wave, build_response_frame(people, small_instrument()))
    assert results.method.assumed_deff == 1.4
    assert results.method.without_point == 0


def test_a_later_wave_of_the_same_city_is_compared_with_the_first(tmp_path: Path) -> None:
    small = small_wave(tmp_path)
    second = add_wave(small, "small-2027", 2027)
    people = [person(n, "110000", psu=f"p{n % 4}") for n in range(120)]
    frozen(small, build_response_frame(people, small_instrument()))
    later = [person(420 + n, "110000", psu=f"p{n % 4}") for n in range(120)]
    results = frozen(second, build_response_frame(later, small_instrument()))
    with session_scope(small.settings.store_url) as session:
        before = next(w for w in list_waves(small.settings, session) if w.key == small.key)
    change = results.changes(OPERATOR, before=before, group="all", indicator="composite")
    assert set(change["area_level"].astype(str)) >= {"nation", "city"}
    assert change["difference"].notna().all()
    dispose_engines()


@pytest.mark.parametrize(
    "few", [{"440100": 6}, {"320500": 6, "440100": 80}, {"320500": 3, "510100": 3, "440100": 80}]
)
def test_a_few_interviews_of_a_further_city_leave_the_nation_shown(
    wave: SmallWave, few: dict[str, int]
) -> None:
    """One more city is hidden beside the small one, and the nation is not.

    With a city that has no tier beside one that is its whole tier, a city was its own only part:
    an equation that says it has nobody, so that every cell was determined and hidden.
    """
    people: list[Any] = []
    for city, count in ({"110000": 80, "310000": 80} | few).items():
        people += [person(len(people) + n, city, psu=None) for n in range(count)]
    results = frozen(wave, build_response_frame(people, small_instrument()))
    cells = results.cells(OPERATOR, group="all", indicator="composite")
    shown = set(cells.loc[cells["shown"], "area"].astype(str))
    assert "CN" in shown
    assert not {city for city, count in few.items() if count < 10} & shown
    hidden = cells[~cells["shown"] & (cells["area_level"] == "city")]
    assert len(hidden) >= 2, "the small city is not the nation less the others"


def test_no_area_is_a_part_of_itself(wave: SmallWave) -> None:
    """Beijing has no retail tier, and the only city of its tier is Shanghai."""
    people = [person(n, ("110000", "310000")[n % 2], psu=None) for n in range(60)]
    rules = WaveRules.of(
        series="main", instrument=small_instrument(), tree=small_tree(), composite="item_means"
    )
    data = WaveData.weigh(build_response_frame(people, small_instrument()), rules)
    totals = declare_totals(WaveParts.of_loaded(data))
    assert ("city", "310000") in {total.whole for total in totals}
    assert not [total for total in totals if total.whole in total.parts]


def test_a_declared_renormalisation_spreads_weights_within_their_parent(tmp_path: Path) -> None:
    """By hand: 1.1 stands for all of 1; 2.1.1 and 2.1.3 share 2.1 as 0.25 to 0.5, so that the
    composite is 0.4 price + 0.6 (1/3 service + 2/3 speed)."""
    weights = {
        "1": 0.4, "2": 0.6, "1.1": 0.5, "1.2": 0.5, "2.1": 1.0, "1.1.1": 1.0, "1.2.1": 1.0,
        "2.1.1": 0.25, "2.1.2": 0.25, "2.1.3": 0.5,
    }  # fmt: skip
    tree = IndicatorTree(
        name="small", indicators=tuple(indicator(*pair) for pair in weights.items())
    )
    asked = questionnaire(
        rating("price", "1.1.1"),
        rating("service", "2.1.1"),
        rating("speed", "2.1.3"),
        tree="small",
        few_groups=True,
    )
    refused = [finding.item for finding in score_findings(asked, tree)]
    assert refused == ["1.2.1", "2.1.2"]
    declared = asked.model_copy(update={"renormalise": True})
    assert score_findings(declared, tree) == ()
    wave = small_wave(tmp_path, instrument=declared, tree=tree)
    people = [
        person(
            number,
            "110000",
            psu=f"p{number % 4}",
            price=6 + number % 3,
            service=3 + number % 2,
            speed=9 + number % 2,
            overall=None,
        )
        for number in range(120)
    ]
    results = frozen(wave, build_response_frame(people, declared))
    assert results.manifest.without_question == ("1.2", "1.2.1", "2.1.2")
    cells = results.cells(OPERATOR, area_level="nation", group="all").set_index("indicator")
    score = cells["estimate"]
    by_hand = 0.4 * score["1.1.1"] + 0.2 * score["2.1.1"] + 0.4 * score["2.1.3"]
    assert score["composite"] == pytest.approx(by_hand, abs=0.11)
    spread_over_all = (0.2 * score["1.1.1"] + 0.15 * score["2.1.1"] + 0.3 * score["2.1.3"]) / 0.65
    assert abs(score["composite"] - spread_over_all) > 0.3
    assert score["1"] == score["1.1.1"]
    assert "1.2" not in cells.index
    for language, words in (("en", "take their weight in proportion"), ("zh", "按比例")):
        facts = look_at_every_page(results, "110000", (language,))["method"].snapshot
        (text,) = [value for _, value in facts if "1.2, 1.2.1, 2.1.2" in value]
        assert words in text
    dispose_engines()


def test_one_tree_of_which_two_waves_measure_different_parts() -> None:
    whole = small_tree()
    part = whole.measured_by({"2.1.1"})
    mapping = crosswalk(whole, part)
    assert mapping is not None
    assert set(mapping.before_of) == {"2", "2.1", "2.1.1"}
    assert set(mapping.why_not) == {"composite"}


def test_equal_weights_score_the_mean_of_the_ratings(tmp_path: Path) -> None:
    """The rating of everything together is not in it: it would be its own explanation."""
    bare = questionnaire(rating("price"), rating("service"), rating("overall"), few_groups=True)
    form, tree = weigh_equally(bare)
    wave = small_wave(tmp_path, instrument=form, tree=tree)
    people = [person(number, "110000", psu=f"p{number % 4}") for number in range(60)]
    results = frozen(wave, build_response_frame(people, form))
    look_at_every_page(results, "110000")
    cells = results.cells(OPERATOR, area="110000", group="all")
    scores = cells.set_index("indicator")["estimate"]
    ratings = [item.indicator for item in form.scored_items]
    assert len(ratings) == 2
    assert scores[COMPOSITE] == pytest.approx(scores[ratings].mean(), abs=0.1)
    dispose_engines()
