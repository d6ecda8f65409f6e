"""One line says what a correction changed: counted by hand on a list of nine figures."""

import pytest

from survey.locale import LANGUAGES, translator
from survey.release.figures import (
    RELEASED_COLUMNS,
    Erratum,
    describe_errata,
    describe_errata_in_every_language,
    find_errata,
    format_errata,
    summarise_errata,
)

A, B = "w-110000-composite-all", "w-320500-composite-all"
BEFORE = {
    "w-CN-composite-all-score": ("score", "70.0", "69.0", "71.0", "900"),
    f"{A}-score": ("score", "60.0", "58.0", "62.0", "100"),
    f"{B}-score": ("score", "61.0", "59.0", "63.0", "101"),
    "w-110000-1.2-all-score": ("score", "50.0", "48.0", "52.0", "100"),
    "w-110000-1.2-female-score": ("score", "51.0", "47.0", "55.0", "60"),
    "w-CN-q1.2-all-share": ("share", "40.0", "38.0", "42.0", "900"),
    f"{A}-rank": ("rank", "3", "1", "7", ""),
    f"{B}-rank": ("rank", "4", "1", "8", ""),
    f"{A}-gap.nation": ("gap.nation", "-10.0", "-12.0", "-8.0", "100"),
    f"{B}-gap.nation": ("gap.nation", "-9.0", "-11.0", "-7.0", "101"),
}
AFTER = {
    # Composite scores of areas: one by its score, one by more than any other, one by its n alone.
    "w-CN-composite-all-score": ("score", "70.1", "69.1", "71.1", "898"),
    f"{A}-score": ("score", "58.7", "56.7", "60.7", "98"),
    f"{B}-score": ("score", "61.0", "59.0", "63.0", "100"),
    # Another score that changed; a group's is not shown any more; a share changed by far more.
    "w-110000-1.2-all-score": ("score", "51.2", "49.2", "53.2", "98"),
    "w-CN-q1.2-all-share": ("share", "45.0", "43.0", "47.0", "898"),
    # A rank that is another one, and one whose set of possible ranks is.
    f"{A}-rank": ("rank", "5", "2", "8", ""),
    f"{B}-rank": ("rank", "4", "2", "8", ""),
    f"{A}-gap.nation": ("gap.nation", "-11.4", "-13.4", "-9.4", "98"),
    f"{B}-gap.nation": ("gap.nation", "-9.0", "-11.0", "-7.0", "101"),
}
VERDICTS_BEFORE = {f"{A}-gap.nation": "below", f"{B}-gap.nation": "none", "w-gone": "above"}
VERDICTS_AFTER = {f"{A}-gap.nation": "below", f"{B}-gap.nation": "below", "w-new": "above"}


def figures(lines: dict[str, tuple[str, ...]]) -> bytes:
    rows = [",".join((key, "w", "city", "", "", "", *values, "")) for key, values in lines.items()]
    return "\n".join([",".join(RELEASED_COLUMNS), *rows, ""]).encode()


@pytest.fixture
def errata() -> tuple[Erratum, ...]:
    return find_errata(figures(BEFORE), figures(AFTER))


def test_a_correction_is_counted_as_by_hand(errata: tuple[Erratum, ...]) -> None:
    summary = summarise_errata(errata, (VERDICTS_BEFORE, VERDICTS_AFTER))
    # All but the gap of Suzhou, whose verdict alone is another one.
    assert summary.figures == len(errata) == 9
    assert summary.headline_scores == 3
    assert (summary.largest_change, summary.largest_figure) == ("-1.3", f"{A}-score")
    assert (summary.ranks, summary.verdicts, summary.hidden) == (1, 1, 1)
    assert describe_errata(summary, translator("en")) == (
        "9 published figures changed, among them 3 composite scores of areas; the largest change "
        f"of a score is −1.3 points ({A}-score); another rank: 1 cities; another verdict: 1 "
        "differences; not shown any more: 1 figures."
    )


def test_the_line_names_no_figure_that_is_hidden(errata: tuple[Erratum, ...]) -> None:
    hidden = [erratum for erratum in errata if erratum.is_hidden]
    summary = summarise_errata(hidden, None)
    assert (summary.figures, summary.hidden, summary.largest_figure) == (1, 1, "")
    text = describe_errata(summary, translator("en"))
    assert "no score is another one" in text
    assert "verdicts of differences were not compared" in text
    assert hidden[0].figure not in text


def test_the_file_begins_with_the_line_and_holds_the_whole_list(
    errata: tuple[Erratum, ...],
) -> None:
    summary = summarise_errata(errata, (VERDICTS_BEFORE, VERDICTS_AFTER))
    line = describe_errata_in_every_language(summary)
    first, head, *rows = format_errata(errata, line, "w-1", "A weight").decode().splitlines()
    assert all(describe_errata(summary, translator(language)) in first for language in LANGUAGES)
    assert "变动" in first
    assert head.split(",")[0] == "id"
    assert [row.split(",")[0] for row in rows] == sorted(erratum.figure for erratum in errata)
