"""What is different between two versions, and which comparisons over the years it breaks."""

from typing import Any

import pytest

from survey.questionnaire.indicator_tree import IndicatorTree, read_tree
from survey.questionnaire.model import Choice, Instrument, Item, ItemKind, Section
from survey.questionnaire.version_difference import (
    Comparability,
    ItemChange,
    compare_indicators,
    compare_versions,
)
from survey.questionnaire.xlsform.reader import load_bundle
from survey.settings import PROJECT_ROOT
from tests.instrument.sample_instrument import both, question, sample

SEED = PROJECT_ROOT / "seed"


def shipped(name: str) -> Instrument:
    return load_bundle(SEED / "instruments", name).instrument


def tree(name: str) -> IndicatorTree:
    return read_tree(SEED / "trees" / f"{name}.csv")


def changed(instrument: Instrument, name: str, **fields: Any) -> Instrument:
    """The same questionnaire with one question changed."""
    sections = tuple(
        section.model_copy(
            update={
                "items": tuple(
                    item.model_copy(update=fields) if item.name == name else item
                    for item in section.items
                )
            }
        )
        for section in instrument.sections
    )
    return instrument.model_copy(update={"sections": sections})


def kinds(before: Instrument, after: Instrument) -> dict[str, tuple[ItemChange, ...]]:
    return {each.name: each.changes for each in compare_versions(before, after)}


def test_the_same_version_has_no_difference() -> None:
    assert compare_versions(sample(), sample()) == ()


RATING = question("taste", ItemKind.RATING, minimum=1, maximum=10, step=1, required=True)


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({"kind": ItemKind.INTEGER}, ItemChange.TYPE),
        ({"maximum": 5}, ItemChange.SCALE),
        ({"indicator": "1.1.1"}, ItemChange.INDICATOR),
        ({"choices": (Choice(name="1", label=both("bad")),)}, ItemChange.CHOICES),
        ({"label": both("flavour")}, ItemChange.WORDING),
        ({"hint": both("on the tongue")}, ItemChange.WORDING),
        ({"high_label": both("best")}, ItemChange.WORDING),
        ({"relevant": "${taste} = 1"}, ItemChange.ROUTE),
        ({"required": False}, ItemChange.RULES),
        ({"constraint": ". > 2"}, ItemChange.RULES),
    ],
)
def test_each_change_of_a_question_has_its_name(fields: dict[str, Any], change: ItemChange) -> None:
    section = Section(name="only", items=(RATING,))
    before = sample(sections=(section,))
    assert kinds(before, changed(before, "taste", **fields)) == {"taste": (change,)}


def test_a_new_translation_is_no_new_wording() -> None:
    section = Section(name="only", items=(RATING.model_copy(update={"label": {"zh": "口味"}}),))
    before = sample(sections=(section,))
    after = changed(before, "taste", label={"zh": "口味", "en": "Taste"})
    assert compare_versions(before, after) == ()


def test_added_removed_and_moved_questions_are_told_apart() -> None:
    def form(*names: str) -> Instrument:
        items = tuple(question(name, ItemKind.TEXT) for name in names)
        return sample(sections=(Section(name="only", items=items),))

    difference = kinds(form("a", "b", "c", "d"), form("b", "c", "a", "e"))
    assert difference == {
        "a": (ItemChange.POSITION,),
        "e": (ItemChange.ADDED,),
        "d": (ItemChange.REMOVED,),
    }


def test_a_condition_of_the_page_counts_for_its_questions() -> None:
    def form(relevant: str | None) -> Instrument:
        first = Section(name="one", items=(RATING,))
        items: tuple[Item, ...] = (question("more", ItemKind.TEXT),)
        return sample(sections=(first, Section(name="two", relevant=relevant, items=items)))

    assert kinds(form(None), form("${taste} > 3")) == {"more": (ItemChange.ROUTE,)}


def verdicts(before: Instrument, after: Instrument, **trees: IndicatorTree) -> dict[str, str]:
    return {
        each.code: each.verdict.value
        for each in compare_indicators(before, after, **trees)
        if each.verdict is not Comparability.SAME
    }


def test_between_the_trees_of_2021_and_2023_only_what_changed_breaks() -> None:
    trees = {"before_tree": tree("cca-2021"), "after_tree": tree("cca-2023")}
    broken = verdicts(shipped("main-2021"), shipped("main-2023"), **trees)
    # Codes below 3.2 are new, but their questions and weights are the old ones.
    assert broken == dict.fromkeys(("", "3", "3.1", "3.1.1", "3.1.2"), "broken")


def test_back_in_time_what_is_gone_is_named() -> None:
    gone = compare_indicators(
        shipped("main-2023"),
        shipped("main-2021"),
        before_tree=tree("cca-2023"),
        after_tree=tree("cca-2021"),
    )[-2:]
    assert [each.name["zh"] for each in gone] == ["政策知晓", "政策成效"]
    assert {each.verdict for each in gone} == {Comparability.BROKEN}


def test_other_words_need_caution_all_the_way_up_and_another_scale_breaks() -> None:
    form, own = shipped("main-2023"), tree("cca-2023")
    trees = {"before_tree": own, "after_tree": own}
    reworded = changed(form, "quality", label={"zh": "质量如何？", "en": "How is the quality?"})
    assert verdicts(form, reworded, **trees) == dict.fromkeys(("", "2", "2.1", "2.1.2"), "caution")
    rescaled = changed(form, "quality", maximum=5)
    assert verdicts(form, rescaled, **trees) == dict.fromkeys(("", "2", "2.1", "2.1.2"), "broken")


def test_other_weights_break_the_indicators_above_them_and_no_other() -> None:
    form, before = shipped("main-2023"), tree("cca-2023")
    indicators = tuple(
        each.model_copy(update={"weight": {"2.1.1": 0.4, "2.1.2": 0.6}[each.code]})
        if each.code in ("2.1.1", "2.1.2")
        else each
        for each in before.indicators
    )
    after = IndicatorTree(name="other", indicators=indicators)
    broken = verdicts(form, form, before_tree=before, after_tree=after)
    assert broken == dict.fromkeys(("", "2", "2.1"), "broken")


def test_without_a_tree_there_are_no_verdicts() -> None:
    plain = shipped("elderly-2024")
    assert compare_indicators(plain, plain) == ()
