"""Special groups and supplements: a gap is called one only when it is, and nobody is exposed."""

from dataclasses import replace

import pytest

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.special_groups import (
    GroupFilters,
    GroupsView,
    build_group_indicators,
    build_group_reports,
    build_special_groups_view,
    group_choices,
)
from survey.figures.views.supplements import SupplementView, build_supplement_view
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import SPECIAL_GROUPS
from survey.results import WaveResults
from survey.store.tables import WaveState, new_id

Frozen = dict[str, WaveResults]


def view(frozen: Frozen, group: str, indicator: str = "composite") -> GroupsView:
    return build_special_groups_view(
        ViewContext(frozen["main-2024"], OPERATOR, "en"), filters=GroupFilters(group, indicator)
    )


def build_supplement(frozen: Frozen, key: str, language: str = "en") -> SupplementView:
    return build_supplement_view(ViewContext(frozen[key], OPERATOR, language))


@pytest.mark.parametrize("group", SPECIAL_GROUPS)
def test_the_gap_is_the_one_of_the_engine(frozen: Frozen, group: str) -> None:
    gap = (
        frozen["main-2024"]
        .gaps(OPERATOR, contrast="rest", area_level="nation", group=group, indicator="composite")
        .iloc[0]
    )
    shown = view(frozen, group)
    assert shown.difference.figure.estimate == gap["difference"]
    assert shown.difference.reference == gap["reference"]
    clear = gap["verdict"] in {"higher", "lower"}
    assert shown.difference.is_clear == clear
    assert ("no detectable difference" in shown.sentence) == (not clear)


def test_every_special_group_stands_beside_the_others(frozen: Frozen) -> None:
    shown = view(frozen, "elderly=yes")
    assert shown.groups.table["Special group"].tolist() == [
        "60–70 years",
        "Guardians of a child under 18",
        "Living in the countryside",
        "Income below 3,000 yuan",
    ]


def test_an_unknown_group_falls_back_to_the_first(frozen: Frozen) -> None:
    assert view(frozen, "gender=male").name == "60–70 years"


def test_groups_have_topics_of_their_own(frozen: Frozen) -> None:
    def reports(group: str) -> ChartPanel | None:
        return build_group_reports(ViewContext(frozen["main-2024"], OPERATOR, "en"), group=group)

    assert reports("elderly=yes") is not None
    assert reports("guardian=yes") is not None
    assert reports("residence=rural") is not None
    assert reports("income=lt3000") is None
    assert view(frozen, "income=lt3000").reports == ()


def test_what_they_met_with_are_problems_the_most_frequent_first(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    problems = [
        measure.key
        for measure in results.method.measures
        if measure.topic == "elderly" and measure.choices and measure.direction == "lower"
    ]
    cells = results.cells(OPERATOR, area_level="nation", group="elderly=yes", indicator=problems)
    expected = sorted(cells.loc[cells["shown"], "estimate"], reverse=True)[:3]
    assert [figure.estimate for _, figure in view(frozen, "elderly=yes").reports] == expected


@pytest.mark.parametrize(("area", "level"), [("CN", "nation"), ("310000", "city")])
def test_the_indicators_of_a_group_in_a_place(frozen: Frozen, area: str, level: str) -> None:
    results = frozen["main-2024"]
    shown = build_group_indicators(
        ViewContext(results, OPERATOR, "en"), group="elderly=yes", area=area
    )
    gaps = results.gaps(
        OPERATOR,
        contrast="rest",
        area_level=level,
        area=area,
        group="elderly=yes",
        indicator="composite",
    )
    assert shown.data["difference"].iloc[0] == gaps["difference"].iloc[0]
    assert len(shown.data) == 1 + 3 + 17


def test_before_release_a_city_outside_the_area_is_refused(frozen: Frozen) -> None:
    official = Principal(new_id(), "suzhou", Role.CITY_OFFICIAL, "320500")
    whole = frozen["main-2024"]
    closed = WaveResults(
        replace(whole.wave, state=WaveState.FROZEN), whole.manifest, whole.tree, whole._folder
    )
    with pytest.raises(AccessDeniedError):
        build_group_indicators(
            ViewContext(closed, official, "en"), group="elderly=yes", area="110000"
        )


def test_only_known_groups_are_offered(frozen: Frozen) -> None:
    assert group_choices(frozen["main-2024"]) == SPECIAL_GROUPS
    assert group_choices(frozen["elderly-2024"]) == ()


@pytest.mark.parametrize(
    ("key", "bands"),
    [
        ("elderly-2024", ("60–69 years", "70–79 years", "80 years and over")),
        (
            "minors-2024",
            (
                "Before school",
                "Primary school age",
                "Junior secondary school age",
                "Senior secondary school age",
                "Vocational school or other",
            ),
        ),
    ],
)
def test_supplements_are_read_by_band(frozen: Frozen, key: str, bands: tuple[str, ...]) -> None:
    shown = build_supplement(frozen, key)
    assert shown.problems is not None
    assert shown.problems.text.series == bands
    assert shown.answered is not None
    assert shown.answered.text.series == bands


def test_who_answered_adds_up_to_everybody_asked(frozen: Frozen) -> None:
    shown = build_supplement(frozen, "elderly-2024")
    assert shown.answered is not None
    assert shown.answered.table["Who answered"].nunique() == 4


def test_the_headline_is_the_largest_problem_that_everybody_was_asked(frozen: Frozen) -> None:
    shown = build_supplement(frozen, "elderly-2024")
    lower = [
        m.key
        for m in frozen["elderly-2024"].method.measures
        if m.direction == "lower" and m.choices and m.topic == "elderly"
    ]
    cells = frozen["elderly-2024"].cells(
        OPERATOR, area_level="nation", group="all", indicator=lower
    )
    assert shown.headline.estimate == cells["estimate"].max()
    assert "most frequent" in shown.sentence


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("key", ["elderly-2024", "minors-2024"])
def test_every_picture_of_a_supplement_is_complete(frozen: Frozen, key: str, language: str) -> None:
    shown = build_supplement(frozen, key, language)
    drawn = (shown.problems, shown.ratings, shown.answered, shown.by_answerer)
    pictures = [panel for panel in drawn if panel is not None]
    assert len(pictures) == 4
    assert len({picture.key for picture in pictures}) == 4
    for picture in pictures:
        assert key in picture.subtitle
        assert "n = 8,000" in picture.subtitle
        assert len(picture.table) == len(picture.data)
