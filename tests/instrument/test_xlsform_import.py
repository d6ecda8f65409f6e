"""XLSForms as strangers write them: what becomes of every column, type and habit."""

from datetime import date, datetime
from pathlib import Path

import pytest

from survey.locale import translator
from survey.questionnaire.checks import check_instrument
from survey.questionnaire.model import ItemKind, SectionExit, SpecialAnswer
from survey.questionnaire.validation import validate
from survey.questionnaire.xlsform.import_log import XlsformError
from survey.questionnaire.xlsform.reader import ImportedForm, read_xlsform
from survey.tabular.workbook_safety import WorkbookError
from tests.instrument.workbooks import form, save

YES_NO = (("list_name", "name", "label"), ("yes_no", "yes", "Yes"), ("yes_no", "no", "No"))
BILINGUAL = ("label::中文 (zh)", "label::English (en)")


def refused(path: Path) -> XlsformError:
    with pytest.raises(XlsformError) as caught:
        read_xlsform(path)
    return caught.value


def skipped(path: Path) -> ImportedForm:
    return read_xlsform(path, unsupported="skip")


def test_a_bilingual_form_with_our_own_columns(tmp_path):
    path = form(
        tmp_path,
        [
            (
                "type",
                "name",
                *BILINGUAL,
                "hint::中文 (zh)",
                "hint::English (en)",
                "required",
                "relevant",
                "constraint",
                "constraint_message::中文 (zh)",
                "constraint_message::English (en)",
                "calculation",
                "parameters",
                "indicator",
                "module",
                "sensitive",
                "specials",
                "low_label::中文 (zh)",
                "low_label::English (en)",
                "ends",
            ),
            ("begin_group", "door", "开始", "Start"),
            ("select_one yes_no", "consent", "同意吗", "Do you agree?", None, None, "yes"),
            ("end_group",),
            (
                "begin_group",
                "bye",
                "再见",
                "Bye",
                None,
                None,
                None,
                "${consent} = 'no'",
                *[None] * 11,
                "refused",
            ),
            ("note", "thanks", "谢谢", "Thanks"),
            ("end_group",),
            ("begin_group", "main", "正题", "Main"),
            (
                "range",
                "quality",
                "质量",
                "Quality",
                "打分",
                "A score",
                "yes",
                None,
                ". != 7",
                "不能是7",
                "Not 7",
                None,
                "start=1 end=10 step=1",
                "2.1.2",
                "core",
                None,
                "dk na",
                "差",
                "bad",
            ),
            ("integer", "year", "年份", "Year", *[None] * 11, "yes"),
            ("calculate", "age", *[None] * 9, "2024 - ${year}"),
            ("end_group",),
        ],
        [
            ("list_name", "name", *BILINGUAL),
            ("yes_no", "yes", "是", "Yes"),
            ("yes_no", "no", "否", "No"),
        ],
        [
            ("form_title", "form_id", "version", "default_language", "tree"),
            ("满意度", "satisfaction", "2024.1", "中文 (zh)", "cca-2023"),
        ],
    )
    imported = read_xlsform(path)
    instrument = imported.instrument
    assert imported.skipped == ()
    assert imported.warnings == ()
    assert check_instrument(instrument) == ()
    assert (instrument.name, instrument.version, instrument.tree) == (
        "satisfaction",
        "2024.1",
        "cca-2023",
    )
    assert [(language.code, language.name) for language in instrument.languages] == [
        ("zh", "中文"),
        ("en", "English"),
    ]
    assert [section.name for section in instrument.sections] == ["door", "bye", "main"]
    assert instrument.sections[1].ends is SectionExit.REFUSED
    quality = instrument.by_name["quality"]
    assert quality.kind is ItemKind.RATING
    assert (quality.minimum, quality.maximum, quality.step) == (1, 10, 1)
    assert quality.specials == (SpecialAnswer.DONT_KNOW, SpecialAnswer.NOT_EXPERIENCED)
    assert quality.indicator == "2.1.2"
    assert quality.low_label == {"zh": "差", "en": "bad"}
    assert quality.constraint_message["en"] == "Not 7"
    assert instrument.by_name["year"].sensitive
    verdict = validate(
        instrument, {"consent": "yes", "quality": 8, "year": 1990}, today=date(2024, 5, 1)
    )
    assert verdict.accepted
    assert verdict.answers["age"] == 34


def test_a_single_language_form_without_settings(tmp_path):
    path = save(
        tmp_path / "my form (2).xlsx",
        {"survey": [("type", "name", "label"), ("text", "q1", "What is your name?")]},
    )
    first, second = read_xlsform(path), read_xlsform(path)
    instrument = first.instrument
    assert instrument.name == "my-form-2"
    assert instrument.default_language == "en"
    assert instrument.title == {"en": "my form (2)"}
    assert instrument.version == second.instrument.version
    assert len(instrument.version) == 8
    assert len(first.warnings) == 2  # no language, no version


def test_a_chinese_form_that_does_not_say_so(tmp_path):
    path = form(tmp_path, [("type", "name", "label"), ("text", "q1", "您的姓名？")])
    assert read_xlsform(path).instrument.default_language == "zh"


def test_other_languages_and_missing_translations(tmp_path):
    path = form(
        tmp_path,
        [
            ("type", "name", "label::Français (fr)", "label::Arabic", "hint::Français (fr)"),
            ("text", "q1", "Votre nom ?", "اسمك", "Prénom"),
            ("text", "q2", "Votre ville ?", None),
        ],
        settings=[("default_language",), ("Français (fr)",)],
    )
    imported = read_xlsform(path)
    languages = imported.instrument.languages
    assert [language.code for language in languages] == ["fr", "ar"]
    assert imported.instrument.by_name["q2"].label == {"fr": "Votre ville ?", "ar": "Votre ville ?"}
    assert any("2 texts have no" in str(warning.message) for warning in imported.warnings)
    assert check_instrument(imported.instrument) == ()


def test_header_spellings_of_fifteen_years(tmp_path):
    path = form(
        tmp_path,
        [
            (
                "Type",
                "NAME",
                "label:English",
                "Relevance",
                "Calculate",
                "Constraint Message",
                "constraint",
                "Required",
            ),
            ("select one from yes_no", "a", "A?", None, None, None, None, "TRUE"),
            ("begin group", "g", "Group", "selected(${a}, 'yes')"),
            ("int", "b", "B?", None, None, "Too low", ". > 3", "true()"),
            ("end group",),
            ("select all that apply from yes_no", "c", "C?"),
            ("calculate", "d", None, None, "${b} + 1"),
            ("add select one prompt using yes_no", "e", "E?"),
        ],
        [("list name", "value", "label:English"), ("yes_no", "yes", "Yes"), ("yes_no", "no", "No")],
    )
    instrument = read_xlsform(path).instrument
    kinds = {item.name: item.kind for item in instrument.items()}
    assert kinds == {
        "a": ItemKind.SELECT_ONE,
        "b": ItemKind.INTEGER,
        "c": ItemKind.SELECT_MULTIPLE,
        "d": ItemKind.CALCULATE,
        "e": ItemKind.SELECT_ONE,
    }
    assert instrument.by_name["a"].required
    assert instrument.by_name["b"].constraint_message == {"en": "Too low"}
    assert instrument.sections[1].relevant == "selected(${a}, 'yes')"


def test_numbers_dates_and_booleans_in_cells_are_texts(tmp_path):
    path = form(
        tmp_path,
        [
            ("type", "name", "label", "required", "relevant"),
            ("select_one scale", "a", 2024, True, None),
            ("text", "b", datetime(2024, 5, 1), False, True),
        ],
        [("list_name", "name", "label"), ("scale", 1, 1), ("scale", 2, 2.5)],
    )
    instrument = read_xlsform(path).instrument
    assert [choice.name for choice in instrument.by_name["a"].choices] == ["1", "2"]
    assert instrument.by_name["a"].label == {"en": "2024"}
    assert instrument.by_name["a"].required
    assert not instrument.by_name["b"].required
    assert instrument.by_name["b"].relevant == "true()"


def test_nested_groups_flatten_and_keep_their_conditions(tmp_path):
    path = form(
        tmp_path,
        [
            ("type", "name", "label", "relevant"),
            ("text", "before", "Before"),
            ("begin_group", "outer", "Outer", "${before} != ''"),
            ("text", "a", "A"),
            ("begin_group", "inner", "Inner", "${a} = 'x' or ${a} = 'y'"),
            ("text", "b", "B", "${a} = 'x'"),
            ("end_group",),
            ("text", "c", "C"),
            ("end_group",),
            ("text", "after", "After"),
        ],
    )
    instrument = read_xlsform(path).instrument
    assert [section.name for section in instrument.sections] == ["page_1", "outer", "page_2"]
    assert instrument.sections[1].relevant == "${before} != ''"
    assert instrument.by_name["b"].relevant == "(${a} = 'x' or ${a} = 'y') and (${a} = 'x')"
    assert instrument.by_name["inner_heading"].kind is ItemKind.NOTE
    today = date(2024, 5, 1)
    assert "b" in validate(instrument, {"before": "1", "a": "x"}, today=today).route
    assert "b" not in validate(instrument, {"before": "1", "a": "y"}, today=today).route
    assert "c" not in validate(instrument, {}, today=today).route


def test_one_group_around_everything_becomes_pages(tmp_path):
    def questions(letter):
        return [("text", f"{letter}{number}", "Q") for number in range(10)]

    path = form(
        tmp_path,
        [
            ("type", "name", "label", "relevant"),
            ("text", "ok", "OK?"),
            ("begin_group", "all", "All", "${ok} = 'yes'"),
            ("begin_group", "first", "First"),
            *questions("a"),
            ("end_group",),
            ("text", "between", "Between"),
            ("begin_group", "second", "Second", "${a1} = 'x'"),
            *questions("b"),
            ("end_group",),
            ("end_group",),
        ],
    )
    sections = read_xlsform(path).instrument.sections
    assert [section.name for section in sections] == ["page_1", "first", "all_1", "second"]
    assert sections[3].relevant == "(${ok} = 'yes') and (${a1} = 'x')"
    assert sections[2].relevant == "${ok} = 'yes'"


def test_equal_names_in_different_groups(tmp_path):
    path = form(
        tmp_path,
        [
            ("type", "name", "label"),
            ("begin_group", "mother", "Mother"),
            ("integer", "age", "Age"),
            ("end_group",),
            ("begin_group", "father", "Father"),
            ("integer", "age", "Age"),
            ("end_group",),
        ],
    )
    imported = read_xlsform(path)
    assert [item.name for item in imported.instrument.items()] == ["age", "father_age"]
    assert any("father_age" in str(warning.message) for warning in imported.warnings)


def test_ratings_and_what_is_none(tmp_path):
    survey = [
        ("type", "name", "label", "parameters", "appearance", "indicator", "minimum", "maximum"),
        ("range", "ten", "Ten", "start=1 end=10 step=1"),
        ("range", "default", "Default"),
        ("range", "nps", "NPS", "start=0;end=10;step=1"),
        ("range", "percent", "Percent", "start=0 end=100 step=1"),
        ("range", "fine", "Fine", "start=0 end=1 step=0.1"),
        ("range", "backwards", "Back", "start=5 end=1 step=-1"),
        ("select_one five", "scored", "Scored", None, None, "1.1.1"),
        ("select_one five", "marked", "Marked", None, "rating likert"),
        ("select_one five", "plain", "Plain"),
        ("integer", "age", "Age", None, None, None, 15, 70),
    ]
    choices = [
        ("list_name", "name", "label"),
        *[("five", number, f"{number} stars") for number in range(1, 6)],
        ("five", "dk", "No idea"),
    ]
    items = read_xlsform(form(tmp_path, survey, choices)).instrument.by_name
    kinds = {name: item.kind.value for name, item in items.items()}
    assert kinds == {
        "ten": "rating",
        "default": "rating",
        "nps": "rating",
        "percent": "integer",
        "fine": "decimal",
        "backwards": "rating",
        "scored": "rating",
        "marked": "rating",
        "plain": "select_one",
        "age": "integer",
    }
    scored = items["scored"]
    assert (scored.minimum, scored.maximum) == (1, 5)
    assert scored.specials == (SpecialAnswer.DONT_KNOW,)
    assert scored.special_labels == {SpecialAnswer.DONT_KNOW: {"en": "No idea"}}
    assert [choice.name for choice in scored.choices] == ["1", "2", "3", "4", "5"]
    assert items["marked"].appearance == "likert"
    assert len(items["plain"].choices) == 6
    assert (items["percent"].maximum, items["age"].minimum) == (100, 15)
    assert (items["backwards"].minimum, items["backwards"].maximum) == (1, 5)


def test_or_other_acknowledge_and_today(tmp_path):
    path = form(
        tmp_path,
        [
            ("type", "name", *BILINGUAL),
            ("today", "day"),
            ("select_one yes_no or_other", "a", "甲", "A"),
            ("acknowledge", "ok", "读过了", "Read"),
            ("note", None, "${a}，谢谢", "${a}, thanks"),
        ],
        [("list_name", "name", *BILINGUAL), ("yes_no", "yes", "是", "Yes")],
    )
    instrument = read_xlsform(path).instrument
    assert instrument.by_name["day"].calculation == "today()"
    assert [choice.name for choice in instrument.by_name["a"].choices] == ["yes", "other"]
    other = instrument.by_name["a_other"]
    assert (other.kind, other.relevant) == (ItemKind.TEXT, "selected(${a}, 'other')")
    assert other.label["zh"] == translator("zh")("Please specify.")
    answers = {"a": "other", "a_other": "both", "ok": "OK"}
    verdict = validate(instrument, answers, today=date(2024, 5, 1))
    assert verdict.accepted
    assert verdict.answers == {"day": "2024-05-01", **answers}


def test_markup_in_labels_is_shown_as_plain_text(tmp_path):
    label = "**Bold** <span style='color:red'>red</span> 3 < 5 &amp; more<br>next ${q0} ${q9}"
    path = form(
        tmp_path, [("type", "name", "label"), ("text", "q0", "Zero"), ("text", "q1", label)]
    )
    with pytest.raises(XlsformError):  # ${q9} does not exist
        read_xlsform(path)
    imported = skipped(path)
    shown = imported.instrument.by_name["q1"].label["en"]
    assert shown == "Bold red 3 < 5 & more\nnext ${q0} …"


UNSUPPORTED = [
    (("geopoint", "x", "X"), "type"),
    (("image", "x", "X"), "type"),
    (("rank yes_no or_other", "x", "X"), "type"),
    (("audit-trail", "x", "X"), "type"),
    (("geotrace", "x", "X"), "type"),
    (("barcode", "x", "X"), "type"),
    (("select_one_from_file list.csv", "x", "X"), "type"),
    (("select_one missing", "x", "X"), "type"),
    (("nonsense", "x", "X"), "type"),
    (("text", "x", "X", "pulldata('a', 'b', 'c', 'd') = 1"), "relevant"),
    (("text", "x", "X", "../y = 1"), "relevant"),
    (("text", "x", "X", "${later} = 1"), "relevant"),
    (("text", "x", "X", "${nowhere} = 1"), "relevant"),
    (("text", "x", "X", ". = 1"), "relevant"),
    (("text", "x", "X", "${y} == 1"), "relevant"),
    (("select_one yes_no", "x", "X", None, "${y} = nowhere"), "choice_filter"),
    (("calculate", "x", None, None, None, "once(random())"), "calculation"),
]


@pytest.mark.parametrize(("row", "column"), UNSUPPORTED, ids=lambda value: str(value)[:50])
def test_unsupported_is_refused_with_its_place_or_skipped_with_a_list(tmp_path, row, column):
    path = form(
        tmp_path,
        [
            ("type", "name", "label", "relevant", "choice_filter", "calculation"),
            ("integer", "y", "Y"),
            row,
            ("text", "depends", "Depends", "${x} != ''"),
            ("text", "further", "Further", "${depends} != ''"),
            ("integer", "later", "Later"),
        ],
        YES_NO,
    )
    (finding,) = refused(path).findings
    assert (finding.sheet, finding.row, finding.column) == ("survey", 3, column)
    assert finding.suggestion is not None
    for language in ("zh", "en"):
        assert translator(language)(finding.message)
        assert translator(language)(finding.suggestion)
    imported = skipped(path)
    assert [item.name for item in imported.instrument.items()] == ["y", "later"]
    assert [finding.row for finding in imported.skipped if finding.row] == [3, 4, 5]


def test_a_constraint_that_cannot_be_used_leaves_the_question(tmp_path):
    path = form(
        tmp_path,
        [
            ("type", "name", "label", "constraint"),
            ("text", "x", "X", "regex(., '(?=a)b')"),
            ("text", "y", "Y", "regex(., '[a-z]+')"),
        ],
    )
    assert refused(path).findings[0].column == "constraint"
    items = skipped(path).instrument.by_name
    assert items["x"].constraint is None
    assert items["y"].constraint == "regex(., '[a-z]+')"


def test_repeats_go_with_everything_inside_and_after(tmp_path):
    path = form(
        tmp_path,
        [
            ("type", "name", "label", "relevant", "calculation", "repeat_count"),
            ("integer", "size", "Size"),
            ("begin_repeat", "member", "Member", None, None, "${size}"),
            ("text", "first_name", "Name"),
            ("begin_group", "deep", "Deep"),
            ("integer", "years", "Years"),
            ("end_group",),
            ("end_repeat",),
            ("calculate", "total", None, None, "sum(${years})"),
            ("calculate", "oldest", None, None, "${years} + 1"),
            ("begin_group", "rest", "Rest", "${oldest} > 60"),
            ("text", "care", "Care"),
            ("end_group",),
            ("text", "comment", "Comment"),
        ],
    )
    assert [finding.row for finding in refused(path).findings] == [3, 9]
    imported = skipped(path)
    assert [item.name for item in imported.instrument.items()] == ["size", "comment"]
    assert [finding.row for finding in imported.skipped if finding.row] == [3, 9, 10, 11]
    assert "2 questions" in str(imported.skipped[0].message)


def test_harmless_things_are_warnings(tmp_path):
    path = form(
        tmp_path,
        [
            ("type", "name", "label", "default", "appearance", "guidance_hint", "my notes"),
            ("start", "start"),
            ("end", "end"),
            ("deviceid", "device"),
            ("audit", "audit"),
            ("hidden", "secret"),
            ("text", "q", "Q", "preset", "multiline w2", "only for us", "remember"),
            (None, None, None, None, None, None, "a comment row"),
        ],
    )
    imported = read_xlsform(path)
    assert imported.skipped == ()
    assert [item.name for item in imported.instrument.items()] == ["q"]
    assert imported.instrument.by_name["q"].appearance == "multiline w2"
    texts = [str(warning.message) for warning in imported.warnings]
    assert sum("is not recorded" in text for text in texts) == 5
    assert any(warning.column == "default" for warning in imported.warnings)


def test_media_is_left_out_of_the_question_not_the_question(tmp_path):
    path = form(
        tmp_path,
        [("type", "name", "label", "media::image"), ("select_one yes_no", "q", "Q", "a.png")],
        [(*YES_NO[0], "media::audio"), (*YES_NO[1], "yes.mp3"), YES_NO[2]],
    )
    places = {(finding.sheet, finding.row) for finding in refused(path).findings}
    assert places == {("survey", 2), ("choices", 2)}
    imported = skipped(path)
    assert len(imported.skipped) == 2
    assert imported.instrument.by_name["q"].choices[0].name == "yes"


@pytest.mark.parametrize(
    ("survey", "row"),
    [
        ([("begin_group", "g", "G"), ("text", "q", "Q")], 2),
        ([("text", "q", "Q"), ("end_group",)], 3),
        ([("text", None, "Q")], 2),
        ([("text", "two words", "Q")], 2),
        ([("text", "1st", "Q")], 2),
        ([(None, "q", "Q")], 2),
        ([("range", "q", "Q", "start=a end=b")], 2),
        ([("range", "q", "Q", "start=5 end=5")], 2),
        ([("text", "q", "Q", None, "1.1.1")], 2),
        ([("select_one words", "q", "Q", None, "1.1.1")], 2),
        ([("select_multiple blanks", "q", "Q")], 2),
        ([("range", "q", "Q", None, None, "maybe")], 2),
        ([("integer", "q", "Q", None, None, None, "low")], 2),
    ],
)
def test_broken_rows_are_errors_in_either_mode(tmp_path, survey, row):
    header = ("type", "name", "label", "parameters", "indicator", "specials", "minimum")
    choices = [
        ("list_name", "name", "label"),
        ("words", "good", "Good"), ("words", "bad", "Bad"), ("blanks", "a b", "A b"),
    ]  # fmt: skip
    path = form(tmp_path, [header, *survey], choices)
    assert row in [finding.row for finding in refused(path).findings]
    with pytest.raises(XlsformError):
        skipped(path)


def test_strangers_indicator_columns_mean_something_else(tmp_path):
    path = form(
        tmp_path,
        [
            ("type", "name", "label", "indicator"),
            ("text", "q1", "Q", "% of households with access to water"),
            ("select_one yes_no", "q2", "Q", "WASH"),
        ],
        YES_NO,
    )
    assert read_xlsform(path).instrument.scored_items == ()


def test_all_findings_are_in_the_message(tmp_path):
    rows = [("geopoint", f"place_{number}", "Where?") for number in range(30)]
    error = refused(form(tmp_path, [("type", "name", "label"), *rows]))
    assert len(error.findings) == 30
    text = translator("en")(error.message)
    assert "survey, row 2, column type" in text
    assert "and 10 more" in text
    assert translator("zh")(error.message) != text


def test_without_questions_or_sheet(tmp_path):
    assert refused(form(tmp_path, [("type", "name", "label")])).findings
    path = save(tmp_path / "data.xlsx", {"answers": [("a", "b")], "more": [("c",)]})
    with pytest.raises(WorkbookError, match=r"answers, more"):
        read_xlsform(path)


def test_csv_and_markdown(tmp_path):
    csv = tmp_path / "form.csv"
    csv.write_text(
        '"survey"\n,"type","name","label"\n,"integer","age","Age?"\n'
        '"settings"\n,"form_id","version"\n,"small","3"\n',
        "utf-8",
    )
    instrument = read_xlsform(csv).instrument
    assert (instrument.name, instrument.version) == ("small", "3")
    markdown = tmp_path / "form.md"
    markdown.write_text(
        "| survey |\n| | type | name | label |\n| | integer | age | Age? |\n", "utf-8"
    )
    assert [item.name for item in read_xlsform(markdown).instrument.items()] == ["age"]
