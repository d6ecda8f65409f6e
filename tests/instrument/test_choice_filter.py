"""Cascading choices: what is offered after the earlier answers, and nothing else is accepted."""

from datetime import date
from pathlib import Path

import pytest

from survey.collection.importing.row_answers import restrict_instrument
from survey.locale import translator
from survey.questionnaire.browser_payload import browser_form
from survey.questionnaire.checks import check_instrument
from survey.questionnaire.translations import ConditionText
from survey.questionnaire.validation import validate
from survey.questionnaire.version_difference import ItemChange, compare_versions
from survey.questionnaire.xlsform.import_log import XlsformError
from survey.questionnaire.xlsform.reader import ImportedForm, read_xlsform
from survey.questionnaire.xlsform.writer import xlsform_bytes
from tests.instrument.sample_instrument import cascade
from tests.instrument.workbooks import Table, form

TODAY = date(2026, 5, 20)
SURVEY = ("type", "name", "label", "choice_filter")
CHOICES = (
    ("list_name", "name", "label", "State", "size"),
    ("states", "tx", "Texas"),
    ("states", "wa", "Washington"),
    ("counties", "king", "King", "wa", 3),
    ("counties", "king", "King", "tx", 1),
    ("counties", "hill", "Hill", "tx", 2),
)
STATE = ("select_one states", "state", "State?")
TWICE = (("form_id", "version", "allow_choice_duplicates"), ("a_form", "1", "yes"))


def imported(folder: Path, *rows: tuple[str, ...], choices: Table = CHOICES) -> ImportedForm:
    return read_xlsform(form(folder, (SURVEY, STATE, *rows), choices, TWICE))


def problems(answers: dict[str, object]) -> dict[str, str]:
    verdict = validate(cascade(), answers, today=TODAY)
    return {problem.item: problem.code for problem in verdict.problems}


def test_the_columns_of_the_choices_are_read_and_written(tmp_path: Path) -> None:
    read = imported(tmp_path, ("select_one counties", "county", "County?", "STATE = ${state}"))
    assert [str(warning.message) for warning in read.warnings if warning.sheet == "choices"] == []
    king, hill = read.instrument.by_name["county"].choices
    assert king.columns == ({"state": "wa", "size": "3"}, {"state": "tx", "size": "1"})
    assert hill.columns == ({"state": "tx", "size": "2"},)
    assert read.instrument.by_name["state"].choices[0].columns == ()
    (tmp_path / "again.xlsx").write_bytes(xlsform_bytes(read.instrument))
    assert read_xlsform(tmp_path / "again.xlsx").instrument == read.instrument


def test_a_sample_survives_a_workbook(tmp_path: Path) -> None:
    assert check_instrument(cascade()) == ()
    (tmp_path / "cascade.xlsx").write_bytes(xlsform_bytes(cascade()))
    assert read_xlsform(tmp_path / "cascade.xlsx").instrument == cascade()


def test_only_what_is_offered_is_accepted() -> None:
    good = {"region": "north", "county": "lake", "towns": ["mill"], "again": "king"}
    assert validate(cascade(), good, today=TODAY).answers == good
    # Who was refused before is not known, so nothing goes with it.
    assert problems(good | {"county": "hill"}) == {"county": "choice", "again": "choice"}
    assert problems(good | {"towns": ["port", "mill"], "again": "dk"}) == {"towns": "choice"}
    assert problems(good | {"again": "hill"}) == {"again": "choice"}
    assert problems(good | {"again": "dk"}) == {}


def test_what_offers_nothing_is_not_asked_unless_there_is_a_special_answer() -> None:
    verdict = validate(cascade(), {"region": "sea", "county": "king", "again": "dk"}, today=TODAY)
    assert verdict.route == ("region", "again")
    assert verdict.accepted
    assert verdict.off_route == ("county",)
    assert problems({}) == {"again": "required"}


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (("select_one counties", "county", "C", "nowhere = ${state}"), (3, "choice_filter")),
        (("select_one counties", "county", "C", "state = ${later}"), (3, "choice_filter")),
        (("select_one counties", "county", "C", "state = ${county}"), (3, "choice_filter")),
        (("select_one counties", "county", "C", "state = "), (3, "choice_filter")),
        (("select_one counties or_other", "county", "C", "state = ${state}"), (3, "choice_filter")),
    ],
)
def test_a_filter_that_cannot_be_used_is_named(
    tmp_path: Path, row: tuple[str, ...], place: tuple[int, str]
) -> None:
    with pytest.raises(XlsformError) as refused:
        imported(tmp_path, row, ("text", "later", "Later?"))
    (finding,) = refused.value.findings
    assert (finding.row, finding.column) == place
    assert translator("zh")(finding.message) != str(finding.message)


def test_a_value_without_quotes_is_taken_as_a_text(tmp_path: Path) -> None:
    read = imported(tmp_path, ("select_one counties", "county", "C", "state = TX"))
    assert read.instrument.by_name["county"].choice_filter == "state = 'tx'"
    assert any(warning.column == "choice_filter" for warning in read.warnings)


def test_two_labels_of_one_name_are_said(tmp_path: Path) -> None:
    choices = (*CHOICES, ("counties", "hill", "Hill (Washington)", "wa"))
    row = ("select_one counties", "county", "C", "state = ${state}")
    warnings = imported(tmp_path, row, choices=choices).warnings
    assert [warning.row for warning in warnings if warning.sheet == "choices"] == [4]


def test_a_filter_on_another_type_is_not_used(tmp_path: Path) -> None:
    read = imported(tmp_path, ("text", "why", "Why?", "state = ${state}"))
    assert read.instrument.by_name["why"].choice_filter is None
    assert [w.row for w in read.warnings if w.column == "choice_filter"] == [3]


def test_paper_says_on_what_the_choices_depend() -> None:
    writer = ConditionText(cascade(), translator("en"), "en")
    items = cascade().by_name
    assert writer.write_filter(items["region"]) == ""
    assert writer.write_filter(items["county"]) == "Only answers that go with question 1."
    assert (
        writer.write_filter(items["towns"])
        == "Only answers that go with question 2 and question 1."
    )


def test_an_import_without_the_earlier_question_offers_everything() -> None:
    present = ["county", "towns"]
    restricted = restrict_instrument(cascade(), present, {})
    assert restricted.by_name["county"].choice_filter is None
    assert validate(restricted, {"county": "hill"}, today=TODAY).accepted
    whole = restrict_instrument(cascade(), ["region", "county"], {})
    assert whole.by_name["county"].choice_filter == "${region} = of"


def test_a_changed_filter_is_a_changed_rule() -> None:
    before = cascade()
    item = before.by_name["county"].model_copy(update={"choice_filter": "of = 'north'"})
    items = tuple(item if each.name == "county" else each for each in before.items())
    section = before.sections[0].model_copy(update={"items": items})
    after = before.model_copy(update={"sections": (section,)})
    (difference,) = compare_versions(before, after)
    assert difference.changes == (ItemChange.RULES,)


def test_the_browser_gets_the_columns_of_filtered_choices_only() -> None:
    items = browser_form(cascade())["sections"][0]["items"]
    assert items[1]["choice_filter"] == ["=", ["$", "region"], ["@", "of"]]
    assert items[1]["choices"][1]["columns"] == [{"of": "north"}]
    assert "columns" not in items[0]["choices"][0]
