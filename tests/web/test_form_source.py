"""The form's source: old phones can run it, and it stays small."""

import re

import pytest

from survey.web.assets import (
    FORM_PARTS,
    PAPER_PARTS,
    PHOTO_PARTS,
    STATIC,
    embedded_script,
    page_script,
    paper_script,
    read_style,
)

FORM_SIZE = 21_100
"""It was 20 kB before choices could depend on answers and times and ranks were asked; pictures take
a tenth of one more."""
AFTER_ES2017 = {
    "optional chaining": r"\?\.[\w\[(]",
    "nullish coalescing": r"\?\?",
    "logical assignment": r"(\|\||&&)=",
    "spread or rest in an object": r"[{,]\s*\.\.\.\w+[^)\]]*\}",
    "catch without a name": r"catch\s*\{",
    "numeric separator": r"\b\d+_\d",
    "bigint": r"\b\d+n\b",
    "private field": r"[.{;\s]#\w+\s*[=;(]",
    "class field": r"^\s*static\s+\w+\s*=",
    "async iteration": r"for\s+await|async\s*\*",
    "regular expression lookbehind": r"\(\?<[=!]",
    "regular expression named group": r"\(\?<\w+>",
    "regular expression s flag": r"/[gimuy]*s[gimuy]*[,;.)]",
    "dynamic import": r"\bimport\s*\(",
    "module syntax": r"^\s*(import|export)\s",
    "later method": (
        r"\.(flat|flatMap|fromEntries|matchAll|replaceAll|trimStart|trimEnd|allSettled|any|at"
        r"|finally|replaceChildren|hasOwn|findLast|toSorted)\("
    ),
    "later global": r"\b(structuredClone|globalThis|queueMicrotask|WeakRef|ResizeObserver)\b",
}
SHARED = tuple(
    dict.fromkeys(
        (
            *FORM_PARTS, *PAPER_PARTS, *PHOTO_PARTS, "public_page", "notices", "service_worker",
            "contact",
        )
    )
)  # fmt: skip


def code_of(name: str) -> str:
    source = (STATIC / f"{name}.js").read_text("utf-8")
    without_comments = re.sub(r"/\*.*?\*/|^\s*//.*$", "", source, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', without_comments)


@pytest.mark.parametrize("name", SHARED)
def test_nothing_newer_than_es2017(name: str) -> None:
    code = code_of(name)
    newer_syntax = {
        what: match[0]
        for what, pattern in AFTER_ES2017.items()
        if (match := re.search(pattern, code, re.MULTILINE))
    }
    assert newer_syntax == {}


@pytest.mark.parametrize(
    "sample",
    [
        "a?.b",
        "a ?? b",
        "a ||= b",
        "const b = {...a};",
        "try { } catch { }",
        "const n = 1_000;",
        "list.flat()",
        "import x from 'y'",
        "import('x')",
        "for await (const x of y) {}",
        "9n;",
    ],
)
def test_the_search_finds_what_it_should(sample: str) -> None:
    assert any(re.search(pattern, sample, re.MULTILINE) for pattern in AFTER_ES2017.values())


@pytest.mark.parametrize("name", SHARED)
def test_nothing_is_evaluated_or_written_as_markup(name: str) -> None:
    code = code_of(name)
    forbidden = r"\beval\b|\bFunction\(|innerHTML|outerHTML|insertAdjacentHTML|document\.write"
    assert re.search(forbidden, code) is None


@pytest.mark.parametrize(
    "name", [*SHARED, "streamlit_mount", "interview_component", "keying_component", "component"]
)
def test_parts_are_small_enough_to_read(name: str) -> None:
    assert len((STATIC / f"{name}.js").read_text("utf-8").splitlines()) < 350


def test_the_form_with_its_style_fits_its_size() -> None:
    assert len(page_script().compressed) + len(read_style("form", "page").compressed) <= FORM_SIZE


def test_the_embedded_form_is_hardly_larger() -> None:
    """It brings the words of both languages along, which the bare page has in its HTML, asks for
    the telephone number itself, and takes photos of venues."""
    assert (
        len(embedded_script().compressed) + len(read_style("form").compressed) <= FORM_SIZE + 6_000
    )


def test_the_grid_costs_an_office_hardly_more_than_the_form() -> None:
    assert (
        len(paper_script().compressed) + len(read_style("form", "paper").compressed)
        <= FORM_SIZE + 5_000
    )


def test_nothing_is_fetched_from_elsewhere() -> None:
    for body in (
        page_script(),
        read_style("form", "page"),
        embedded_script(),
        paper_script(),
        read_style("form", "paper"),
    ):
        assert re.search(rb"https?://|url\(|@import", body.content) is None
