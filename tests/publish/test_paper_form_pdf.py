"""The printed questionnaire: numbered as the keying grid, on A4, in a large print as well."""

import re
import zlib
from collections.abc import Iterator

import pytest

from survey.instrument.jump_targets import list_jumps
from survey.instrument.model import Instrument
from survey.instrument.paper_codes import number_questions
from survey.instrument.xlsform.reader import load_bundle
from survey.locale import translator
from survey.publish.paper_form_pdf import LARGE_PRINT, USUAL_PRINT, paper_form_pdf
from survey.publish.paper_lines import PrintedRow, paginate, wrap_lines
from survey.settings import PROJECT_ROOT

LENGTH = re.compile(rb"/Length (\d+)[^>]*>>\s*stream\r?\n")
TOKEN = re.compile(r"/F\d+ ([\d.]+) Tf|\(((?:\\.|[^\\)])*)\) Tj|<([0-9A-Fa-f]+)> Tj", re.DOTALL)
PAIR = re.compile(r"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>")


def shipped(name: str) -> Instrument:
    return load_bundle(PROJECT_ROOT / "seed" / "instruments", name).instrument


def streams(pdf: bytes) -> Iterator[str]:
    for match in LENGTH.finditer(pdf):
        content = pdf[match.end() : match.end() + int(match[1])]
        try:
            yield zlib.decompress(content).decode("latin-1")
        except zlib.error:
            yield content.decode("latin-1")


def unicode_map(pdf: bytes) -> dict[str, str]:
    """Return the characters by glyph, as the file declares them for whoever copies its text."""
    table = next(text for text in streams(pdf) if "beginbfchar" in text)
    return {
        glyph.upper(): bytes.fromhex(code).decode("utf-16-be")
        for glyph, code in PAIR.findall(table)
    }


def pages_of(pdf: bytes) -> list[list[tuple[float, str]]]:
    """Return of each page its texts with their size in points, in the order of drawing."""
    glyphs = unicode_map(pdf)
    pages = []
    for text in streams(pdf):
        if not re.search(r"\bBT\b.*\bTj\b", text):
            continue
        size, lines = 0.0, []
        for token in TOKEN.finditer(text):
            if token[1]:
                size = float(token[1])
                continue
            raw = token[3] or unescape(token[2]).encode("latin-1").hex()
            codes = [raw[at : at + 4].upper() for at in range(0, len(raw), 4)]
            lines.append((size, "".join(glyphs[code] for code in codes)))
        pages.append(lines)
    return pages


def unescape(text: str) -> str:
    plain = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
    return re.sub(r"\\(.)", lambda match: plain.get(match[1], match[1]), text, flags=re.DOTALL)


@pytest.mark.parametrize("name", ["main-2023", "elderly-2024", "minors-2024"])
@pytest.mark.parametrize("large", [False, True])
def test_numbers_on_the_paper_are_those_of_the_keying_grid(name: str, large: bool) -> None:
    form = shipped(name)
    pages = pages_of(paper_form_pdf(form, language="zh", large=large))
    drawn = [text for page in pages for _, text in page]
    numbers = [int(text[:-1]) for text in drawn if re.fullmatch(r"\d+\.", text)]
    assert numbers == list(range(1, len(number_questions(form)) + 1))
    whole = "".join(drawn)
    for item in number_questions(form):
        assert form.by_name[item].label["zh"] in whole


def test_answers_carry_their_codes_and_arrows() -> None:
    form, zh = shipped("main-2023"), translator("zh")
    drawn = [text for page in pages_of(paper_form_pdf(form, language="zh")) for _, text in page]
    assert "1 愿意参加" in drawn
    jump = list_jumps(form)["had_dispute"]["no"]
    arrow = zh("→ go on with question {number}", number=jump.question)
    assert f"2 没有  {arrow}" in drawn
    assert "B 不了解" in drawn
    assert "10 非常满意" in drawn


@pytest.mark.parametrize(("large", "size"), [(False, USUAL_PRINT), (True, LARGE_PRINT)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_says_what_it_is_of_and_nothing_is_smaller(
    large: bool, size: object, language: str
) -> None:
    form, t = shipped("elderly-2024"), translator(language)
    pdf = paper_form_pdf(form, language=language, large=large)
    pages = pages_of(pdf)
    assert pdf.count(b"/MediaBox [0 0 595.28 841.89]") >= 1
    for number, page in enumerate(pages, start=1):
        drawn = [text for _, text in page]
        count = t("page {number} of {pages}", number=number, pages=len(pages))
        assert f"{form.version} · {count}" in drawn
        assert form.title[language][:6] in drawn[0]
    smallest = min(points for page in pages for points, _ in page)
    assert smallest >= (18 if large else 9)


def test_an_unknown_language_is_that_of_the_questionnaire() -> None:
    form = shipped("elderly-2024")
    drawn = pages_of(paper_form_pdf(form, language="fr"))[0]
    assert any(form.title["zh"][:4] in text for _, text in drawn)


def test_lines_break_where_chinese_may_break() -> None:
    assert wrap_lines("一二三，四五", 3, len) == ["一二", "三，四", "五"]
    assert wrap_lines("一二（三四", 3, len) == ["一二", "（三四"]
    assert wrap_lines("two words here", 9, len) == ["two words", "here"]
    assert wrap_lines("unbreakable", 4, len) == ["unbr", "eaka", "ble"]
    assert wrap_lines("a\nb", 9, len) == ["a", "b"]
    assert wrap_lines("", 9, len) == [""]


def test_a_question_is_not_divided_unless_no_page_can_hold_it() -> None:
    row = PrintedRow(10, lambda _pdf, _x, _y: None)
    assert [len(page) for page in paginate([[row] * 3, [row] * 3], 50)] == [3, 3]
    assert [len(page) for page in paginate([[row] * 7], 50)] == [5, 2]
