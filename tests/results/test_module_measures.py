"""Questions that a questionnaire declares to be measured: beside the score, without a list."""

import pytest

from seed.demo.shipped_data import shipped_instrument, shipped_tree
from survey.questionnaire.checks import check_instrument
from survey.questionnaire.model import Instrument, Item, ItemKind
from survey.results.measures import MIN_SIDE, Measure, measures_for, module_measures
from survey.results.wave_rules import WaveRules
from tests.small_waves import questionnaire, rating, select_one

CHOICES = ("yes", "no", "dk")


def measured(item: Item, **more: object) -> Item:
    return item.model_copy(update={"is_measured": True, **more})


def own() -> Instrument:
    return questionnaire(
        rating("price", "1.1.1"),
        measured(rating("calm")),
        measured(select_one("debts", *CHOICES), sensitive=True),
        select_one("hobby", *CHOICES),
        tree="small",
    )


def test_only_what_is_declared_is_measured_and_money_asks_for_three_on_each_side() -> None:
    found = {measure.key: measure for measure in module_measures(own(), (), ())}
    assert list(found) == ["calm", "debts=yes", "debts=no"]
    assert [measure.min_side for measure in found.values()] == [1, MIN_SIDE, MIN_SIDE]


def test_nobody_is_in_the_share_of_those_who_do_not_know() -> None:
    """They are not in the base: a share of 0 per cent would be a figure that looks right."""
    assert "debts=dk" not in {measure.key for measure in module_measures(own(), (), ())}


def test_a_question_in_a_list_of_measures_is_not_measured_twice() -> None:
    declared = Measure(
        key="in_debt", item="debts", choices=("yes",), name={"en": "in debt"}, topic="debts",
        direction="lower",
    )  # fmt: skip
    listed = measures_for(own(), (declared,))
    assert {measure.item for measure in module_measures(own(), listed, ())} == {"calm"}


def test_a_scored_question_cannot_stand_beside_the_score_as_well() -> None:
    both = questionnaire(measured(rating("price", "1.1.1")), tree="small")
    texts = [str(finding.message) for finding in check_instrument(both)]
    assert any("not both" in text for text in texts)


@pytest.mark.parametrize("is_measured", [True, False])
def test_a_wave_of_the_main_study_measures_what_its_questionnaire_declares(
    is_measured: bool,
) -> None:
    shipped = shipped_instrument("main-2024")
    changed = {"is_measured": is_measured}
    sections = tuple(
        section.model_copy(
            update={
                "items": tuple(
                    item.model_copy(update=changed) if item.name == "dispute_nature" else item
                    for item in section.items
                )
            }
        )
        for section in shipped.sections
    )
    instrument = shipped.model_copy(update={"sections": sections})
    assert instrument.by_name["dispute_nature"].kind is ItemKind.SELECT_ONE
    data = WaveRules.of(
        series="main", instrument=instrument, tree=shipped_tree("cca-2023"), composite="item_means"
    )
    keys = {measure.key for measure in data.measures if measure.item == "dispute_nature"}
    assert ("dispute_nature=quality" in keys) is is_measured
    assert not set(data.plan.tree.item_columns) & {measure.item for measure in data.measures}
