"""The approved list of a release: kinds, languages and formats, and never a row of a person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.locale import LANGUAGES
from survey.release.file_builders import FILE_BUILDERS, parse_choices
from survey.release.publication_source import REPORTS, FileBuilderName, FileChoice
from survey.reports.report_service import ReportFormat
from survey.results.method_sheets import SHEETS
from tests.error_codes import raises_code


@given(
    st.sampled_from(FileBuilderName),
    st.lists(st.sampled_from(LANGUAGES), min_size=1, unique=True),
    st.lists(st.sampled_from(ReportFormat), min_size=1, unique=True),
)
def test_a_choice_is_read_as_it_was_written(
    name: FileBuilderName, languages: list[str], formats: list[ReportFormat]
) -> None:
    choice = FileChoice(
        name,
        tuple(each for each in LANGUAGES if each in languages),
        tuple(each for each in ReportFormat if each in formats) if name in REPORTS else (),
    )
    assert FileChoice.parse(str(choice)) == choice


@pytest.mark.parametrize(
    "text", ["", "rows", "microdata:zh", "figures:fr", "tables:docx", "nation-report:odt", "../x"]
)
def test_other_kinds_are_refused(text: str) -> None:
    with raises_code("builder_unknown"):
        parse_choices(["figures", text])


@pytest.mark.parametrize("texts", [[], ["tables"], ["figures", "tables", "tables:zh"]])
def test_figures_are_in_every_release_and_a_kind_once(texts: list[str]) -> None:
    with raises_code("builder_unknown"):
        parse_choices(texts)


def test_nothing_of_a_release_holds_rows() -> None:
    """A new kind is decided upon in docs/publishing.md first."""
    assert {name.value for name in FILE_BUILDERS} == {
        "figures", "tables", "workbook", "tidy", "codebook", "questionnaire",
        "nation-report", "province-reports", "city-reports", "quality", *SHEETS,
    }  # fmt: skip
