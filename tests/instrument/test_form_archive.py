"""Lists of choices in CSV files that come with a form, in one archive or in one folder."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from survey.locale import translator
from survey.questionnaire.xlsform.choices import MAX_FILE_CHOICES
from survey.questionnaire.xlsform.import_log import XlsformError
from survey.questionnaire.xlsform.reader import ImportedForm, read_xlsform, read_xlsform_content
from survey.questionnaire.xlsform.writer import xlsform_bytes
from survey.tabular.workbook_safety import MAX_FILE, WorkbookError
from tests.instrument.workbooks import form

SURVEY = (
    ("type", "name", "label", "parameters", "choice_filter"),
    ("text", "county", "County?"),
    ("select_one_from_file towns.csv", "town", "Town?", None, "of = ${county}"),
    ("select_multiple_from_file codes.csv", "codes", "Codes?", "value=code label=desc"),
)
TOWNS = b"name,label,OF\nport,Port,king\nmill,Mill,king\nmill,Mill,lake\n"
CODES = b"code,desc,name\n1,One,uno\n2,Two,dos\n"
FILES = {"towns.csv": TOWNS, "codes.csv": CODES}


@pytest.fixture
def workbook(tmp_path: Path) -> bytes:
    return form(tmp_path, SURVEY).read_bytes()


def packed(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def assert_whole(imported: ImportedForm) -> None:
    items = imported.instrument.by_name
    assert imported.skipped == ()
    assert [choice.name for choice in items["town"].choices] == ["port", "mill"]
    assert items["town"].choices[1].columns == ({"of": "king"}, {"of": "lake"})
    labels = [(choice.name, choice.label) for choice in items["codes"].choices]
    assert labels == [("1", {"en": "One"}), ("2", {"en": "Two"})]


def test_lists_are_read_from_the_archive(workbook: bytes) -> None:
    for mark in ("/", "\\"):
        folder = {f"form{mark}{name}": content for name, content in FILES.items()}
        content = packed({"form/form.xlsx": workbook, "__MACOSX/form/._form.xlsx": b"?", **folder})
        assert_whole(read_xlsform_content("form.zip", content))


def test_lists_are_read_beside_the_workbook(tmp_path: Path, workbook: bytes) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "form.xlsx").write_bytes(workbook)
    assert_whole(read_xlsform(tmp_path / "form.xlsx"))
    (tmp_path / "all.zip").write_bytes(packed({"form.xlsx": workbook, **FILES}))
    assert_whole(read_xlsform(tmp_path / "all.zip"))


def test_what_is_written_needs_no_file(tmp_path: Path, workbook: bytes) -> None:
    imported = read_xlsform_content("form.zip", packed({"form.xlsx": workbook, **FILES}))
    (tmp_path / "alone.xlsx").write_bytes(xlsform_bytes(imported.instrument))
    assert read_xlsform(tmp_path / "alone.xlsx").instrument == imported.instrument


def test_files_of_chinese_windows_are_read(tmp_path: Path) -> None:
    survey = (("type", "name", "label"), ("select_one_from_file \u57ce\u5e02.csv", "q", "Q?"))
    table = "name,label\nbj,\u5317\u4eac\n".encode("gb18030")
    content = packed({"form.xlsx": form(tmp_path, survey).read_bytes(), "name.csv": table})
    # Windows writes the name in GBK, without the flag that it is UTF-8.
    content = content.replace(b"name.csv", "\u57ce\u5e02.csv".encode("gb18030"))
    item = read_xlsform_content("form.zip", content).instrument.by_name["q"]
    assert [choice.label for choice in item.choices] == [{"en": "\u5317\u4eac"}]


@pytest.mark.parametrize(
    ("towns", "words"),
    [
        (None, "did not come"),
        (b"\xff\xff\xff", "cannot be read"),
        (b"name,label\n" + b'"a', "cannot be read"),
        (b"name,label\n" + b"a,A\n" * (MAX_FILE_CHOICES + 1), "more than"),
        (b"", "no choices"),
    ],
)
def test_a_list_that_cannot_be_had_is_named_with_its_row(
    workbook: bytes, towns: bytes | None, words: str
) -> None:
    files = {"form.xlsx": workbook, "codes.csv": CODES}
    files |= {} if towns is None else {"towns.csv": towns}
    with pytest.raises(XlsformError) as refused:
        read_xlsform_content("form.zip", packed(files))
    (finding,) = refused.value.findings
    assert (finding.sheet, finding.row, finding.column) == ("survey", 3, "type")
    assert words in translator("en")(finding.message)
    assert translator("zh")(finding.message) != translator("en")(finding.message)


def test_a_choice_without_a_name_is_named_with_its_file(workbook: bytes) -> None:
    files = {"form.xlsx": workbook, "codes.csv": CODES, "towns.csv": TOWNS + b",Nowhere,king\n"}
    with pytest.raises(XlsformError) as refused:
        read_xlsform_content("form.zip", packed(files))
    assert [(each.sheet, each.row) for each in refused.value.findings] == [("towns.csv", 5)]


def test_a_list_on_the_sheet_may_be_called_file(tmp_path: Path) -> None:
    survey = (("type", "name", "label"), ("select_one file or_other", "q", "Q?"))
    choices = (("list_name", "name", "label"), ("file", "a", "A"))
    item = read_xlsform(form(tmp_path, survey, choices)).instrument.by_name["q"]
    assert [choice.name for choice in item.choices] == ["a", "other"]


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd.csv", "data.xml"])
def test_only_csv_files_of_the_same_folder_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.csv").write_bytes(TOWNS)
    (tmp_path / "inner").mkdir()
    source = form(
        tmp_path / "inner", (("type", "name", "label"), (f"select_one_from_file {name}", "q", "Q?"))
    )
    with pytest.raises(XlsformError):
        read_xlsform(source)


@pytest.mark.parametrize(
    "content",
    [
        b"no archive",
        packed({"towns.csv": TOWNS}),
        packed({"a.xlsx": b"x", "b.xlsx": b"x"}),
        packed({"form.xlsx": b"x"}),
        packed({"form.xlsm": b"x"}),
        packed({f"{number}.csv": b"" for number in range(2_001)}),
        packed({"zeros.csv": bytes(65 * 2**20)}),
        bytes(MAX_FILE + 1),
    ],
    ids=["text", "none", "two", "damaged", "macros", "many", "bomb", "large"],
)
def test_an_archive_that_is_no_form_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(WorkbookError):
        read_xlsform_content("form.zip", content)


def test_two_files_of_one_name_are_refused(workbook: bytes) -> None:
    content = packed({"form.xlsx": workbook, "a/towns.csv": CODES, "b/towns.csv": CODES})
    with pytest.raises(WorkbookError, match="twice"):
        read_xlsform_content("form.zip", content)
