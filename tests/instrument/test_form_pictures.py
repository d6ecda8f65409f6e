"""Pictures of questions and choices: read from the archive, made anew, written and compared."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from survey.compute.photo_cleaning import MAX_PICTURE_BYTES, PICTURE_SIDES_PIXELS
from survey.questionnaire.browser_payload import browser_form
from survey.questionnaire.checks import Finding
from survey.questionnaire.version_difference import (
    Comparability,
    ItemChange,
    compare_indicators,
    compare_versions,
)
from survey.questionnaire.xlsform import pictures
from survey.questionnaire.xlsform.import_log import XlsformError
from survey.questionnaire.xlsform.reader import ImportedForm, read_xlsform, read_xlsform_content
from survey.questionnaire.xlsform.writer import xlsform_archive, xlsform_bytes
from tests.instrument.test_form_archive import packed
from tests.instrument.workbooks import form

IMAGE, ENGLISH = "media::image", "media::image::English (en)"
LABEL, ENGLISH_LABEL = "label::中文 (zh)", "label::English (en)"
SURVEY = (
    ("type", "name", LABEL, ENGLISH_LABEL, IMAGE, ENGLISH, "appearance"),
    ("note", "sign", "看图", "Look", "sign.jpg"),
    ("select_one faces", "mood", "心情", "Mood", None, None, "rating"),
    ("text", "shop", "哪家店？", "Which shop?", "shop.png", "shop-en.webp"),
)
CHOICES = (
    ("list_name", "name", LABEL, ENGLISH_LABEL, "image"),
    ("faces", "1", "不好", "Bad", "sad.png"),
    ("faces", "2", "好", "Good", "happy.png"),
    ("unused", "1", "不问", "Never asked", "nowhere.png"),
)


def picture(kind: str = "PNG", colour: str = "red", size: tuple[int, int] = (64, 48)) -> bytes:
    target = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "Taken at home"
    Image.new("RGB", size, colour).save(target, kind, exif=exif)
    return target.getvalue()


FILES = {
    "sign.jpg": picture("JPEG"),
    "shop.png": picture("PNG", "blue", (40, 20)),
    "shop-en.webp": picture("WEBP", "green"),
    "sad.png": picture("PNG", "black", (30, 30)),
    "happy.png": picture("PNG", "white", (30, 30)),
}


def read(folder: Path, files: dict[str, bytes], survey: Any = SURVEY) -> ImportedForm:
    workbook = form(folder, survey, CHOICES).read_bytes()
    return read_xlsform_content("form.zip", packed({"form.xlsx": workbook, **files}))


def refused(folder: Path, files: dict[str, bytes]) -> list[Finding]:
    with pytest.raises(XlsformError) as error:
        read(folder, files)
    return list(error.value.findings)


def test_pictures_are_taken_in_their_languages_and_without_what_they_carry(tmp_path: Path) -> None:
    imported = read(tmp_path, FILES)
    items = imported.instrument.by_name
    assert (imported.skipped, imported.warnings) == ((), ())
    assert items["shop"].image.keys() == {"zh", "en"}
    assert items["shop"].image["zh"] != items["shop"].image["en"]
    assert (items["shop"].image["zh"].width, items["shop"].image["zh"].height) == (40, 20)
    assert [choice.image.keys() for choice in items["mood"].choices] == [{"zh"}, {"zh"}]
    assert imported.pictures.keys() == imported.instrument.pictures
    assert len(imported.pictures) == len(FILES)
    assert all(b"Taken at home" in content for content in FILES.values())
    for content in imported.pictures.values():
        assert b"Exif" not in content
        assert b"Taken at home" not in content
        assert Image.open(io.BytesIO(content)).format == "JPEG"


def test_what_is_written_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    imported = read(tmp_path, FILES)
    archive = xlsform_archive(imported.instrument, imported.pictures)
    again = read_xlsform_content("again.zip", archive)
    assert again.instrument.sha256 == imported.instrument.sha256
    assert again.pictures == imported.pictures
    assert again.warnings == ()


def test_pictures_are_found_in_the_folder_that_other_tools_write(tmp_path: Path) -> None:
    form(tmp_path, SURVEY, CHOICES)
    (tmp_path / "form-media").mkdir()
    for name, content in FILES.items():
        (tmp_path / "form-media" / name).write_bytes(content)
    assert len(read_xlsform(tmp_path / "form.xlsx").pictures) == len(FILES)


def test_a_picture_that_is_missing_is_named_with_its_row(tmp_path: Path) -> None:
    files = {**FILES, "happy.jpg": FILES["happy.png"]}
    del files["happy.png"], files["sign.jpg"]
    missing = refused(tmp_path, files)
    places = [(each.sheet, each.row, each.column) for each in missing]
    assert places == [("survey", 2, IMAGE), ("choices", 3, "image")] or places == [
        ("choices", 3, "image"),
        ("survey", 2, IMAGE),
    ]
    advice = {each.row: str(each.suggestion) for each in missing}
    assert "happy.jpg" in advice[3]
    assert ".zip" in advice[2]


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        picture("GIF"),
        picture("PNG")[:60],
        picture("JPEG") + packed({"a.txt": b"hidden"}),
    ],
    ids=["svg", "gif", "cut", "archive"],
)
def test_what_is_no_picture_is_named_once_with_its_row(tmp_path: Path, content: bytes) -> None:
    found = refused(tmp_path, {**FILES, "sign.jpg": content})
    assert [(each.row, each.column) for each in found] == [(2, IMAGE)]
    assert "sign.jpg" in str(found[0].message)


def test_a_picture_that_nothing_shows_is_a_warning(tmp_path: Path) -> None:
    imported = read(tmp_path, {**FILES, "old.png": picture(), "list.csv": b"name\n1\n"})
    assert ["old.png" in str(each.message) for each in imported.warnings] == [True]


def test_a_large_picture_is_made_small(tmp_path: Path) -> None:
    noise = Image.effect_noise((2_400, 1_800), 120).convert("RGB")
    target = io.BytesIO()
    noise.save(target, "JPEG", quality=90)
    imported = read(tmp_path, {**FILES, "sign.jpg": target.getvalue()})
    sign = imported.instrument.by_name["sign"].image["zh"]
    assert len(target.getvalue()) > 1_000_000
    assert len(imported.pictures[sign.sha256]) <= MAX_PICTURE_BYTES
    assert sign.width in PICTURE_SIDES_PIXELS
    assert sign.width * 3 == sign.height * 4


def test_a_form_holds_a_limited_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PICTURES", 4)
    assert len(refused(tmp_path, FILES)) == 1


def test_a_sound_is_left_out_and_its_question_is_not(tmp_path: Path) -> None:
    survey = [("type", "name", "label", "media::audio"), ("text", "a", "A?", "a.mp3")]
    with pytest.raises(XlsformError) as error:
        read(tmp_path, {}, survey)
    assert [(each.row, each.column) for each in error.value.findings] == [(2, "media::audio")]


def test_another_picture_asks_for_caution(tmp_path: Path) -> None:
    before = read(tmp_path, FILES).instrument
    after = read(tmp_path, {**FILES, "happy.png": picture("PNG", "yellow", (30, 30))}).instrument
    [difference] = compare_versions(before, after)
    assert (difference.name, difference.changes) == ("mood", (ItemChange.PICTURE,))

    def score(form: Any) -> Any:
        [section] = form.sections
        items = [
            item.model_copy(update={"indicator": "1.1.1"}) if item.name == "mood" else item
            for item in section.items
        ]
        return form.model_copy(update={"sections": (section.model_copy(update={"items": items}),)})

    verdicts = compare_indicators(score(before), score(after))
    assert {each.verdict for each in verdicts} == {Comparability.CAUTION}


def test_a_form_without_pictures_is_the_document_that_it_was(tmp_path: Path) -> None:
    survey = [("type", "name", "label"), ("text", "a", "A?")]
    imported = read_xlsform(form(tmp_path, survey))
    assert b"image" not in imported.instrument.document()
    workbook = tmp_path / "again.xlsx"
    workbook.write_bytes(xlsform_bytes(imported.instrument))
    assert read_xlsform(workbook).instrument.sha256 == imported.instrument.sha256


def test_the_browser_is_told_address_and_size(tmp_path: Path) -> None:
    imported = read(tmp_path, FILES)
    [section] = browser_form(imported.instrument)["sections"]
    sign = imported.instrument.by_name["sign"].image["zh"]
    assert section["items"][0]["image"] == {"zh": f"/form/{sign.sha256}.jpg#64x48"}
    assert all(
        choice["image"]["zh"].endswith("#30x30") for choice in section["items"][1]["choices"]
    )
