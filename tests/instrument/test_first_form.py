"""What helps to write a first form: example, names with a meaning, advice, similar names."""

from pathlib import Path
from typing import Any

import pytest

from survey.questionnaire.advice import advise
from survey.questionnaire.checks import (
    RESERVED_NAMES,
    check_instrument,
    only_errors,
    score_findings,
)
from survey.questionnaire.model import ItemKind, PrivacyRole
from survey.questionnaire.special_names import list_special_names
from survey.questionnaire.xlsform.import_log import XlsformError
from survey.questionnaire.xlsform.reader import load_bundle, read_xlsform, read_xlsform_content
from survey.results.domains import GROUP_VARIABLES
from survey.settings import PROJECT_ROOT
from survey.waves.questionnaires import example_workbook
from tests.instrument.workbooks import form


def test_the_example_is_a_questionnaire_without_a_finding() -> None:
    imported = read_xlsform_content("example.xlsx", example_workbook())
    form = imported.instrument
    assert (imported.skipped, imported.warnings) == ((), ())
    assert only_errors((*check_instrument(form), *score_findings(form, None))) == ()
    assert [str(each.message) for each in advise(form, imported.rows)] == [
        "There is no indicator tree: there will be no composite score."
    ]
    items = form.by_name
    assert items["consent"].privacy is PrivacyRole.CONSENT
    assert items["goods"].low_label.keys() == {"zh", "en"}
    assert items["kind"].choice_filter is not None
    assert items["comment"].kind is ItemKind.TEXT
    assert form.sections[1].ends is not None


def test_every_name_that_the_results_know_is_listed() -> None:
    names = {(each.column, each.name) for each in list_special_names()}
    asked = {name for column, name in names if column == "name"}
    assert {*GROUP_VARIABLES} - {"age_band"} < asked
    assert {"age", "birth_year", "overall"} | RESERVED_NAMES < asked
    assert {name for column, name in names if column == "privacy"} == set(PrivacyRole)


@pytest.mark.parametrize("name", ["main-2024", "main-2021", "elderly-2024", "minors-2024"])
def test_nothing_is_advised_on_what_we_ship_but_a_tree(name: str) -> None:
    shipped = load_bundle(PROJECT_ROOT / "seed" / "instruments", name).instrument
    advice = [each.column for each in advise(shipped, {})]
    assert advice == ([] if shipped.tree else ["indicator"])


def test_what_a_form_lacks_is_advised_with_its_row(tmp_path: Path) -> None:
    survey = [
        ("type", "name", "label", "parameters"),
        ("range", "goods", "Goods?", "start=1 end=10 step=1"),
    ]
    imported = read_xlsform(form(tmp_path, survey))
    advice = [(each.row, each.column) for each in advise(imported.instrument, imported.rows)]
    assert advice == [(None, "privacy"), (None, "indicator"), (2, "low_label")]
    assert all(each.suggestion for each in advise(imported.instrument, imported.rows))
    without = read_xlsform(form(tmp_path, [("type", "name", "label"), ("integer", "age", "Age?")]))
    columns = [each.column for each in advise(without.instrument, without.rows)]
    assert columns == ["privacy", "type"]


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (("text", "why", "Why?", "${dispite} = 'yes'"), "dispute"),
        (("select_one yes_ni", "again", "Again?", None), "yes_no"),
    ],
)
def test_a_similar_name_is_offered(tmp_path: Path, row: tuple[Any, ...], wanted: str) -> None:
    survey = [
        ("type", "name", "label", "relevant"),
        ("select_one yes_no", "dispute", "Dispute?", None),
        row,
    ]
    choices = [("list_name", "name", "label"), ("yes_no", "yes", "Yes"), ("yes_no", "no", "No")]
    with pytest.raises(XlsformError) as error:
        read_xlsform(form(tmp_path, survey, choices))
    [finding] = error.value.findings
    assert (finding.row, str(finding.suggestion)) == (3, f"Did you mean “{wanted}”?")


def test_an_answer_given_in_advance_is_left_out_and_said_why(tmp_path: Path) -> None:
    survey = [
        ("type", "name", "label", "default", "parameters"),
        ("range", "goods", "Goods?", "10", "start=1 end=10 step=1"),
        ("text", "town", "Town?", "Port", None),
    ]
    imported = read_xlsform(form(tmp_path, survey))
    told = [(each.row, each.column) for each in imported.warnings if each.column == "default"]
    assert told == [(2, "default"), (3, "default")]
    assert imported.skipped == ()


def test_a_look_up_in_a_file_is_named_with_what_to_use_instead(tmp_path: Path) -> None:
    survey = [
        ("type", "name", "label", "calculation"),
        ("text", "code", "Code?", None),
        ("calculate", "price", None, "pulldata('fruits', 'price', 'code', ${code})"),
    ]
    with pytest.raises(XlsformError) as error:
        read_xlsform(form(tmp_path, survey))
    [finding] = error.value.findings
    assert (finding.row, finding.column) == (3, "calculation")
    assert "pulldata()" in str(finding.message)
    assert "choice_filter" in str(finding.suggestion)
    assert "select_one_from_file" in str(finding.suggestion)
