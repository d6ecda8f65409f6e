"""Default language, thanks, and what is said of a form of which nothing is left."""

from pathlib import Path

import pytest

from survey.questionnaire.browser_payload import browser_form
from survey.questionnaire.xlsform.import_log import XlsformError
from survey.questionnaire.xlsform.reader import read_xlsform
from survey.questionnaire.xlsform.writer import xlsform_bytes
from tests.instrument.workbooks import form

HEADER = ("type", "name", "label::中文 (zh)", "label::English (en)")
ROWS = (
    HEADER,
    ("integer", "a", "甲", "First"), ("integer", "b", "", "Second"), ("integer", "c", "", "Third"),
)  # fmt: skip


def test_the_language_with_most_texts_is_the_default(tmp_path: Path) -> None:
    assert read_xlsform(form(tmp_path, ROWS)).instrument.default_language == "en"
    even = (HEADER, ("integer", "a", "甲", "First"))
    assert read_xlsform(form(tmp_path, even)).instrument.default_language == "zh"
    settings = (("form_title", "form_id", "version", "default_language"), ("A", "a", "1", "zh"))
    chosen = read_xlsform(form(tmp_path, ROWS, settings=settings)).instrument
    assert chosen.default_language == "zh"


def test_the_thanks_of_the_form_reach_the_browser_and_come_back(tmp_path: Path) -> None:
    plain = read_xlsform(form(tmp_path, ROWS)).instrument
    assert "thanks" not in browser_form(plain)
    assert b"thanks" not in plain.document(), "known questionnaires keep their hash"
    settings = (
        ("form_title", "form_id", "version", "thanks_zh", "thanks_en"),
        ("A", "a", "1", "谢谢，欢迎再来！", "Thanks, come again!"),
    )
    read = read_xlsform(form(tmp_path, ROWS, settings=settings)).instrument
    assert browser_form(read)["thanks"] == {"zh": "谢谢，欢迎再来！", "en": "Thanks, come again!"}
    (tmp_path / "again.xlsx").write_bytes(xlsform_bytes(read))
    assert read_xlsform(tmp_path / "again.xlsx").instrument.sha256 == read.sha256
    single = (("form_title", "form_id", "version", "thanks"), ("A", "a", "1", "Thanks!"))
    instrument = read_xlsform(form(tmp_path, ROWS, settings=single)).instrument
    assert instrument.thanks == {"zh": "Thanks!", "en": "Thanks!"}


def test_what_was_skipped_is_said_before_that_nothing_is_left(tmp_path: Path) -> None:
    rows = (HEADER, ("geopoint", "where", "哪里", "Where"), ("image", "photo", "照片", "Photo"))
    with pytest.raises(XlsformError) as caught:
        read_xlsform(form(tmp_path, rows), unsupported="skip")
    message = str(caught.value)
    assert message.index("row 2") < message.index("row 3") < message.index("No question is left")
    assert [finding.row for finding in caught.value.findings][:2] == [2, 3]
