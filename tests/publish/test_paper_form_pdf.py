"""The printed questionnaire: numbered as the keying grid, on A4, in a large print as well."""

import re
from pathlib import Path

import pytest

from survey.locale import translator
from survey.questionnaire.jump_targets import list_jumps
from survey.questionnaire.model import Choice, Instrument, Item, ItemKind, Language, Section
from survey.questionnaire.paper_codes import number_questions
from survey.questionnaire.xlsform.reader import load_bundle
from survey.reports.paper_form_pdf import LARGE_PRINT, USUAL_PRINT, paper_form_pdf
from survey.settings import PROJECT_ROOT
from tests.instrument.sample_instrument import cascade, moments_and_ranks
from tests.instrument.test_form_pictures import FILES, picture, read
from tests.pdf_reading import read_pages, run_poppler, squeeze


def shipped(name: str) -> Instrument:
    return load_bundle(PROJECT_ROOT / "seed" / "instruments", name).instrument


def read_texts(pdf: bytes) -> list[str]:
    return [line.text for page in read_pages(pdf) for line in page]


@pytest.mark.parametrize("name", ["main-2023", "elderly-2024", "minors-2024"])
@pytest.mark.parametrize("large", [False, True])
def test_numbers_on_the_paper_are_those_of_the_keying_grid(name: str, large: bool) -> None:
    form = shipped(name)
    drawn = read_texts(paper_form_pdf(form, language="zh", large=large))
    numbers = [int(found[1]) for text in drawn if (found := re.match(r"(\d+)\.(?!\d)", text))]
    assert numbers == list(range(1, len(number_questions(form)) + 1))
    whole = squeeze("".join(drawn))
    for item in number_questions(form):
        assert squeeze(form.by_name[item].label["zh"]) in whole


def test_answers_carry_their_codes_and_arrows() -> None:
    form, zh = shipped("main-2023"), translator("zh")
    drawn = [squeeze(text) for text in read_texts(paper_form_pdf(form, language="zh"))]
    assert "1愿意参加" in drawn
    jump = list_jumps(form)["had_dispute"]["no"]
    arrow = zh("→ go on with question {number}", number=jump.question)
    assert squeeze(f"2 没有  {arrow}") in drawn
    assert "B不了解" in drawn
    assert "10非常满意" in drawn


@pytest.mark.parametrize(("large", "size"), [(False, USUAL_PRINT), (True, LARGE_PRINT)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_says_what_it_is_of_and_nothing_is_smaller(
    large: bool, size: object, language: str
) -> None:
    form, t = shipped("elderly-2024"), translator(language)
    pdf = paper_form_pdf(form, language=language, large=large)
    pages = read_pages(pdf)
    assert "(A4)" in run_poppler("pdfinfo", pdf)
    for number, page in enumerate(pages, start=1):
        drawn = [squeeze(line.text) for line in page]
        count = t("page {number} of {pages}", number=number, pages=len(pages))
        assert squeeze(f"{form.version} · {count}") in drawn
        assert squeeze(form.title[language][:6]) in drawn[0]
    smallest = min(line.size for page in pages for line in page)
    assert smallest >= (18 if large else 9)


def test_an_unknown_language_is_that_of_the_questionnaire() -> None:
    form = shipped("elderly-2024")
    drawn = read_pages(paper_form_pdf(form, language="fr"))[0]
    assert any(form.title["zh"][:4] in line.text for line in drawn)


def test_a_question_is_not_divided_unless_no_page_can_hold_it() -> None:
    def ask(count: int) -> Instrument:
        choices = tuple(
            Choice(name=f"c{n}", label={"zh": f"答案{n}" * 9}) for n in range(1, count + 1)
        )
        items = tuple(
            Item(name=f"q{n}", kind=ItemKind.SELECT_ONE, label={"zh": f"第{n}问"}, choices=choices)
            for n in range(4)
        )
        sections = tuple(Section(name=f"s{n}", items=(item,)) for n, item in enumerate(items))
        form = {"default_language": "zh", "languages": (Language(code="zh", name="中文"),)}
        return Instrument(
            name="own", version="1", title={"zh": "自编问卷"}, sections=sections, **form
        )

    def pages_of_answers(count: int) -> list[set[int]]:
        """Return the pages on which the answers to each question stand."""
        pages = read_pages(paper_form_pdf(ask(count), language="zh"))
        drawn = [(squeeze(line.text), page) for page, lines in enumerate(pages) for line in lines]
        starts = [at for at, (text, _) in enumerate(drawn) if re.match(r"第\d问", text)]
        found = [drawn[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
        return [{page for text, page in lines if "答案" in text} for lines in found]

    assert all(len(pages) == 1 for pages in pages_of_answers(20))
    assert all(len(pages) > 1 for pages in pages_of_answers(80))


def test_places_times_and_what_choices_depend_on_are_printed() -> None:
    drawn = [
        squeeze(text) for text in read_texts(paper_form_pdf(moments_and_ranks(), language="en"))
    ]
    assert squeeze("hour ____ minute ____") in drawn
    assert squeeze("Year ______ month ____ day ____ hour ____ minute ____") in drawn
    assert squeeze("____ bread") in drawn
    assert any(
        squeeze("(write the place of each answer, 1 for the first)") in text for text in drawn
    )
    drawn = [squeeze(text) for text in read_texts(paper_form_pdf(cascade(), language="en"))]
    assert squeeze("Only answers that go with question 1.") in drawn


def test_pictures_are_printed_at_a_size_that_fits(tmp_path: Path) -> None:
    files = {**FILES, "sign.jpg": picture("JPEG", "navy", (1_200, 200))}
    form = read(tmp_path, files)
    pdf = paper_form_pdf(form.instrument, form.pictures, language="zh", large=True)
    listed = [line.split() for line in run_poppler("pdfimages", pdf, "-list").splitlines()[2:]]
    sizes = [(int(line[3]), int(line[4]), int(line[12])) for line in listed]
    assert [size[:2] for size in sizes] == [(1_200, 200), (30, 30), (30, 30), (40, 20)]
    assert all(width / per_inch * 25.4 <= 150.5 for width, _, per_inch in sizes)
