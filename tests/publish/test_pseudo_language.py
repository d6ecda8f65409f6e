"""A pseudo-language shows that every name and sentence of pages and reports asks for the language.

What is looked up by language stands between marks in it; a letter outside of them was not.
"""

import re
from collections.abc import Iterator

import pytest

from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.city import build_city_profile
from survey.figures.views.view_context import ViewContext
from survey.frame.city_frame import shipped_cities
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.kit.text_blocks import read_glossary
from survey.locale import PSEUDO_LANGUAGE, label_text, labels_of, msg, translator
from survey.reports.contents import Report, ReportChart, ReportKind
from survey.reports.report_builder import build_report
from survey.reports.rule_check import read_rules
from survey.reports.scope import ReportScope
from survey.results import WaveResults

SUZHOU = "320500"

Frozen = dict[str, WaveResults]
SAME_IN_EVERY_LANGUAGE = re.compile(
    r"^[0-9a-f ]{60,}$|\b(n|deff|main-20\d\d|cca-2023|synthetic|[A-C]|\d\.0e-\d+)\b"
)
"""Symbols, keys, versions, grades and hashes."""


def find_unmarked(text: str) -> str:
    """Return the letters of a text that stand outside all marks."""
    depth, outside = 0, []
    for letter in text:
        depth += (letter == "⟦") - (letter == "⟧")
        if not depth:
            outside.append(letter)
    return "".join(re.findall(r"[^\W\d_]+", SAME_IN_EVERY_LANGUAGE.sub("", "".join(outside))))


def texts_of_chart(panel: ChartPanel) -> Iterator[str]:
    yield from (panel.title, panel.subtitle, panel.alt, panel.note)
    yield from map(str, panel.table_columns)


def texts_of_report(report: Report) -> Iterator[str]:
    yield from (report.area, report.title, report.subtitle, *report.words.values())
    yield from (report.score, report.interval, *report.findings)
    yield from report.sentences()
    for section in report.sections:
        yield section.title
        for block in section.blocks:
            if isinstance(block, ReportChart):
                yield from texts_of_chart(block.panel)
    for table in report.tables():
        yield table.title
        yield from (column.head for column in table.columns)
        for row in table.rows:
            yield from row


def test_a_text_that_is_not_looked_up_is_seen() -> None:
    t = translator(PSEUDO_LANGUAGE)
    assert t("Score") == "⟦Score⟧"
    assert find_unmarked(t(msg("{city}: {score}", city=msg("Nation"), score="79.6"))) == ""
    assert find_unmarked(f"Suzhou {t('Score')}") == "Suzhou"
    assert label_text({"zh": "苏州", "en": "Suzhou"}, PSEUDO_LANGUAGE) == "⟦苏州⟧"
    assert label_text({}, PSEUDO_LANGUAGE, "320500") == "320500"


def test_names_in_both_languages_are_looked_up() -> None:
    for city in shipped_cities():
        assert find_unmarked(label_text(labels_of(city, "name"), PSEUDO_LANGUAGE)) == ""
    for name in CodeListName:
        assert not any(
            find_unmarked(each.name(PSEUDO_LANGUAGE))
            for each in shipped_code_lists().codes_of(name)
        )
    for term in read_glossary().values():
        assert find_unmarked(term.name(PSEUDO_LANGUAGE) + term.explanation(PSEUDO_LANGUAGE)) == ""


@pytest.mark.parametrize(
    ("kind", "area"), [(ReportKind.CITY, SUZHOU), (ReportKind.NATION, NATION)], ids=str
)
def test_a_report_has_no_text_of_its_own(frozen: Frozen, kind: ReportKind, area: str) -> None:
    report = build_report(
        ReportScope(
            kind,
            area,
            ViewContext(frozen["main-2024"], OPERATOR, PSEUDO_LANGUAGE),
            [frozen["main-2023"]],
            read_rules(),
            read_outside=lambda: None,
        )
    )
    left_out = {text for text in texts_of_report(report) if find_unmarked(text)}
    assert left_out == set()


def test_the_first_screen_of_a_city_has_no_text_of_its_own(frozen: Frozen) -> None:
    view = build_city_profile(
        ViewContext(frozen["main-2024"], OPERATOR, PSEUDO_LANGUAGE),
        city=SUZHOU,
        others=[frozen["main-2023"]],
    )
    assert view.peers is not None
    texts = [view.name, view.location, *view.sentences, *view.both, *texts_of_chart(view.peers)]
    texts += [each.name for each in view.strengths] + [each.name for each in view.priorities]
    texts += [text for group in view.groups for text in (group.name, group.text)]
    assert len(texts) > 12
    assert [text for text in texts if find_unmarked(text)] == []
