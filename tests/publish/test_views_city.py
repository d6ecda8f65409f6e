"""A city's page: differences only where there are any, suppressed groups without a number."""

from uuid import uuid4

import pandas as pd
import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.publish.views.city import (
    REFERENCES,
    CityFilters,
    CityNotFoundError,
    CityView,
    build_city_profile,
    city_choices,
)
from survey.publish.views.measures import TOPICS
from survey.results import WaveResults

Frozen = dict[str, WaveResults]
SUZHOU = "320500"


def view(frozen: Frozen, language: str = "en", **filters: object) -> CityView:
    return build_city_profile(
        results=frozen["main-2024"],
        principal=OPERATOR,
        language=language,
        filters=CityFilters(**{"city": SUZHOU, **filters}),
    )


def nation_gaps(frozen: Frozen, indicator: list[str]) -> pd.DataFrame:
    return frozen["main-2024"].gaps(
        OPERATOR, contrast="nation", area_level="city", area=SUZHOU, group="all",
        indicator=indicator,
    )  # fmt: skip


def test_the_headline_and_the_place(frozen: Frozen) -> None:
    shown = view(frozen)
    assert shown.name == "Suzhou"
    assert shown.location == "Jiangsu · East · Other cities · Mega cities"
    assert f"from {shown.headline.n:,d} valid interviews" in shown.sentence


def test_strengths_and_gaps_are_exactly_the_clear_second_level_differences(frozen: Frozen) -> None:
    tree = frozen["main-2024"].tree
    assert tree is not None
    gaps = nation_gaps(frozen, [indicator.code for indicator in tree.level(2)])
    shown = view(frozen)
    assert len(shown.strengths) == int((gaps["verdict"] == "higher").sum())
    assert len(shown.weaknesses) == int((gaps["verdict"] == "lower").sum())
    assert all(difference.is_clear and difference.is_higher for difference in shown.strengths)
    assert all(difference.is_clear and not difference.is_higher for difference in shown.weaknesses)


def test_the_comparison_never_calls_an_unclear_difference_one(frozen: Frozen) -> None:
    for city in city_choices(results=frozen["main-2024"], principal=OPERATOR, language="en"):
        shown = view(frozen, city=city)
        if shown.difference.is_clear:
            word = "above" if shown.difference.is_higher else "below"
            assert f"points {word} the nation" in shown.comparison
        else:
            assert shown.comparison.startswith("No detectable difference")


def test_the_tree_shows_two_or_three_levels(frozen: Frozen) -> None:
    assert len(view(frozen).tree.table) == 1 + 3 + 17
    assert len(view(frozen, detail=True).tree.table) == 1 + 3 + 17 + 27


def test_labels_of_the_tree_are_unique(frozen: Frozen) -> None:
    labels = view(frozen, language="zh", detail=True).tree.data["label"]
    assert labels.is_unique


@pytest.mark.parametrize("against", REFERENCES)
def test_the_yardstick_is_the_mean_of_its_area(frozen: Frozen, against: str) -> None:
    area = {"nation": "CN", "region3": "东部", "size_tier": "mega"}[against]
    expected = (
        frozen["main-2024"]
        .cells(OPERATOR, area_level=against, area=area, group="all", indicator="composite")[
            "estimate"
        ]
        .iloc[0]
    )
    tree = view(frozen, against=against).tree
    assert tree.data.loc[tree.data["code"] == "composite", "reference"].iloc[0] == expected


@pytest.mark.parametrize("against", ["nation", "region3", "size_tier"])
def test_the_marks_are_those_of_the_chosen_yardstick(frozen: Frozen, against: str) -> None:
    gaps = frozen["main-2024"].gaps(
        OPERATOR, contrast=against, area_level="city", area="320500", group="all"
    )
    clear = gaps[gaps["verdict"].isin(["higher", "lower"])].set_index("indicator")["difference"]
    tree = view(frozen, against=against).tree
    marks = {"higher": True, "lower": False}
    drawn = {
        code: marks[role]
        for code, role in zip(tree.data["code"], tree.data["role"], strict=True)
        if role in marks
    }
    assert drawn == {code: clear[code] > 0 for code in tree.data["code"] if code in clear}
    assert "the city is part of it" in tree.note
    assert "Verdict" in tree.table


def test_a_suppressed_group_shows_words_and_no_number(frozen: Frozen) -> None:
    shown = view(frozen)
    hidden = shown.groups.data[shown.groups.data["role"] == "hidden"]
    assert len(hidden)
    assert hidden[["estimate", "ci_low", "ci_high", "n"]].isna().all(axis=None)
    assert set(hidden["note"]) == {"Not shown: too few interviews, or to protect personal data"}
    table = shown.groups.table.set_index("Group").loc[hidden["label"].tolist()]
    assert set(table["Remark"]) == {"Not shown: too few interviews, or to protect personal data"}
    assert table[["Score (0–100)", "n"]].isna().all(axis=None)


@pytest.mark.parametrize("topic", TOPICS)
def test_reports_stand_beside_the_nation(frozen: Frozen, topic: str) -> None:
    for picture in view(frozen, topic=topic).measures:
        assert picture.text.series == ("Suzhou", "Nation")
        assert set(picture.data["series"]) == {"Suzhou", "Nation"}
        assert picture.data.groupby("series").size().nunique() == 1


def test_an_unknown_city_is_an_error_in_words(frozen: Frozen) -> None:
    with pytest.raises(CityNotFoundError):
        view(frozen, city="999999")


def test_after_release_every_reader_may_open_every_city(frozen: Frozen) -> None:
    official = Principal(uuid4(), "Li", Role.CITY_OFFICIAL, SUZHOU)
    choices = city_choices(results=frozen["main-2024"], principal=official, language="en")
    assert len(choices) == 100
    assert choices[SUZHOU] == "Suzhou"
