"""Contents of reports: published numbers, no verdict without a test, nothing of hidden cells."""

import re
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.evidence_city.outside_city import OutsideEvidence
from survey.figures.figure_table import list_figures
from survey.figures.views.city import compare_with_nation
from survey.figures.views.estimate_text import difference_of
from survey.figures.views.ranking import describe_rank
from survey.figures.views.view_context import ViewContext
from survey.locale import translator
from survey.reports.contents import Report, ReportKind, ReportTable
from survey.reports.report_builder import SECTION_KEYS, build_report
from survey.reports.result_sections import describe_change, describe_difference, describe_place
from survey.reports.rule_check import read_rules
from survey.reports.scope import ReportScope, split_ties
from survey.results import WaveResults
from survey.store.tables import Shown, WaveState
from tests.error_codes import raises_code

Frozen = dict[str, WaveResults]
SUZHOU = "320500"
NUMBER = re.compile(r"(?<![A-Za-z0-9_.])\d[\d,]*(?:\.\d+)?(?!\d*\.?\d)")
"""Not the code of an indicator of the third level, such as 2.10.1."""
FIXED = {"0", "1", "2", "3", "95", "100", "0.1", "15", "12315", "60", "70", "18", "2023", "2024"}
"""Numbers of the wording itself: confidence level, scale, ages, years, parts of names."""
PLACES = re.compile(r"^(\d+)–(\d+)$")
INTERVAL = re.compile("^([+\u2212]?[0-9.]+) (?:至|to) ([+\u2212]?[0-9.]+)$")
MOVED = ("上升", "下降", "rose", "fell")


def report(
    frozen: Frozen,
    kind: ReportKind = ReportKind.CITY,
    area: str = SUZHOU,
    language: str = "zh",
    principal: Principal = OPERATOR,
    outside: OutsideEvidence | None = None,
) -> Report:
    return build_report(
        ReportScope(
            kind,
            area,
            ViewContext(frozen["main-2024"], principal, language),
            [frozen["main-2023"]],
            read_rules(),
            read_outside=lambda: outside,
        )
    )


AREAS = [(ReportKind.CITY, SUZHOU), (ReportKind.PROVINCE, "32"), (ReportKind.NATION, NATION)]


def numbers_in(text: str) -> set[str]:
    return {number.replace(",", "") for number in NUMBER.findall(text.replace("\u2212", " "))}


def numbers_of_tables(made: Report) -> set[str]:
    tables = list(made.tables())
    texts = [cell for table in tables for row in table.rows for cell in row]
    texts += [table.note for table in tables]
    return {number for text in texts for number in numbers_in(text)}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("kind", "area"), AREAS)
def test_every_number_in_a_sentence_stands_in_a_table(
    frozen: Frozen, kind: ReportKind, area: str, language: str
) -> None:
    made = report(frozen, kind, area, language)
    known = numbers_of_tables(made) | FIXED | counts_of(made)
    unknown = {
        sentence: odd for sentence in made.sentences() if (odd := numbers_in(sentence) - known)
    }
    assert not unknown


def counts_of(made: Report) -> set[str]:
    """How many rows of a table have each verdict, and how many there are: sentences count them."""
    counted = set()
    for table in made.tables():
        for column in range(len(table.columns)):
            values = pd.Series([row[column] for row in table.rows])
            counted |= {str(count) for count in values.value_counts()}
            sets = (PLACES.match(value) for value in values)
            counted |= {str(int(found[2]) - int(found[1])) for found in sets if found}
        counted.add(str(len(table.rows)))
    return counted


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_place_of_every_city_is_what_the_pairs_say(frozen: Frozen, language: str) -> None:
    """A set of places is a count: cities within it may be told apart, and others may not."""
    results = frozen["main-2024"]
    frozen_pairs = results.rank_pairs(OPERATOR, indicator="composite")
    pairs = set(zip(frozen_pairs["area"], frozen_pairs["other"], strict=True))
    ranks = results.ranks(OPERATOR, indicator="composite").dropna(subset="rank")
    rank_of = dict(zip(ranks["area"].astype(str), ranks["rank"], strict=True))
    for city, rank in rank_of.items():
        unclear = {
            other
            for other in rank_of.keys() - {city}
            if (city, other) not in pairs and (other, city) not in pairs
        }
        above = sum((other, city) in pairs for other in rank_of)
        low, high = above + 1, above + 1 + len(unclear)
        scope = ReportScope(
            ReportKind.CITY, city, ViewContext(results, OPERATOR, language), (), read_rules()
        )
        said = describe_place(scope)
        assert {str(int(rank)), str(low), str(high), str(len(unclear))} <= numbers_in(said), said
        page = describe_rank(scope.context, city, "composite")
        assert {str(low), str(high), str(len(unclear))} <= numbers_in(page), page
        for words in (said, page):
            assert not re.search("其间|之间的城市|in between|between (?:them|these)", words)


NOT_TOLD_APART = "没有可辨别|分不出|not told apart|cannot be told|can be told apart|no detectable"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_called_the_same_whose_own_interval_leaves_zero_out(
    frozen: Frozen, language: str
) -> None:
    """What is clear taken alone and not among all is said to be neither."""
    results, before = frozen["main-2024"], frozen["main-2023"]
    alone = 0
    for city in results.cells(OPERATOR, area_level="city", group="all")["area"].unique():
        reading = ViewContext(results, OPERATOR, language)
        scope = ReportScope(ReportKind.CITY, str(city), reading, (before,), read_rules())
        changes = scope.changes([scope.main])
        pairs = [(describe_difference(scope), scope.difference)]
        if changes is not None and len(changes):
            pairs.append((describe_change(scope), difference_of("", changes)))
        page = compare_with_nation(reading, scope.difference) if scope.difference else ""
        of_both = [bool(re.search("单独?看|Taken alone", text)) for text in (page, pairs[0][0])]
        assert of_both[0] == of_both[1], "page and report decide the same"
        for said, difference in pairs:
            if not said or difference is None or difference.is_clear:
                continue
            sided = difference.figure.interval_side != 0
            alone += sided
            assert bool(re.search(NOT_TOLD_APART, said)) != sided, said
            assert ("单独看" in said or "Taken alone" in said) == sided, said
    assert alone > 5, "the waves have such cities"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_verdict_in_a_table_agrees_with_the_interval_beside_it(
    frozen: Frozen, language: str
) -> None:
    unsure, found = {"zh": "○ 一并检验后存疑", "en": "○ not sure (all tested)"}[language], 0
    for city in ("110000", SUZHOU, "420500", "510100"):
        for row in (row for each in report(frozen, area=city, language=language).tables()
                    for row in each.rows):  # fmt: skip
            ends = next(filter(None, map(INTERVAL.match, row)), None)
            verdict = next((cell for cell in row if cell.startswith("○ ")), None)
            if ends is None or verdict is None:
                continue
            low, high = (float(end.replace("\u2212", "-")) for end in ends.groups())
            if low and high:  # not rounded to zero
                found += low > 0 or high < 0
                assert (verdict == unsure) == (low > 0 or high < 0), row
    assert found


def published_decimals(frozen: Frozen) -> set[str]:
    """Every score, difference, interval and weight that the results publish, as printed."""
    results, before = frozen["main-2024"], frozen["main-2023"]
    tables = [
        results.cells(OPERATOR),
        before.cells(OPERATOR),
        results.changes(OPERATOR, before=before.wave),
        results.drivers(OPERATOR),
        *(
            results.gaps(OPERATOR, contrast=contrast)
            for contrast in ("rest", "nation", "size_tier")
        ),
    ]
    values = np.concatenate(
        [table.select_dtypes("number").to_numpy(dtype=float).ravel() for table in tables]
    )
    return {f"{abs(value):.1f}" for value in np.unique(values[~np.isnan(values)])}


@pytest.mark.parametrize(("kind", "area"), AREAS)
def test_every_decimal_in_a_table_is_published(frozen: Frozen, kind: ReportKind, area: str) -> None:
    made = report(frozen, kind, area)
    published = published_decimals(frozen)
    for section in made.sections:
        if section.key == "method":
            continue
        for table in (block for block in section.blocks if isinstance(block, ReportTable)):
            for row in table.rows:
                decimals = {n for cell in row[1:] for n in numbers_in(cell) if "." in n}
                assert decimals <= published, (section.key, row)


def table_of(made: Report, key: str) -> ReportTable:
    section = made.find_section(key)
    assert section is not None
    return next(block for block in section.blocks if isinstance(block, ReportTable))


def tree_of(made: Report) -> ReportTable:
    """The whole table of the indicators, which is in the annex."""
    title = translator(made.language)("Indicators beside the nation and peers")
    return next(table for table in made.tables() if table.title == title)


def test_the_tree_is_the_published_table(frozen: Frozen) -> None:
    rows = frozen["main-2024"].gaps(
        OPERATOR, contrast="nation", area_level="city", area=SUZHOU, group="all"
    )
    by_code = rows.set_index(rows["indicator"].astype(str))
    for name, own, nation, difference, *_ in tree_of(report(frozen)).rows[1:]:
        row = by_code.loc[name.split()[0]]
        assert [own, nation] == [f"{row[key]:.1f}" for key in ("estimate", "reference")]
        assert difference.replace("\u2212", "-") == f"{row['difference']:+.1f}"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_sections_stand_in_their_order(frozen: Frozen, language: str) -> None:
    keys = [section.key for section in report(frozen, language=language).sections]
    assert keys == [key for key in SECTION_KEYS if key in keys]
    assert {"headline", "compared", "standouts", "actions", "reading"} <= set(keys)
    assert {"place", "years", "change", "tree", "strengths", "problems"} <= set(keys)
    assert keys[-2:] == ["tables", "method"]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("verdict", ["rise", "fall", "none"])
def test_nothing_rises_or_falls_without_a_test(frozen: Frozen, language: str, verdict: str) -> None:
    """The sentence of a change is that of its verdict, whatever the sign of the difference."""

    def judge(rows: pd.DataFrame) -> None:
        if "before_wave" in rows.columns:
            rows["verdict"] = verdict

    made = report({**frozen, "main-2024": altered(frozen["main-2024"], judge)}, language=language)
    text = next(sentence for sentence in made.findings if "2023" in sentence)
    assert [word for word in MOVED if word in text] == MOVED_WORDS[verdict][language]
    if verdict == "none":
        assert not any(word in sentence for word in MOVED for sentence in made.sentences())


MOVED_WORDS = {
    "rise": {"zh": ["上升"], "en": ["rose"]},
    "fall": {"zh": ["下降"], "en": ["fell"]},
    "none": {"zh": [], "en": []},
}


def test_ties_are_named_as_ties() -> None:
    rows = [("a", "5.0"), ("b", "4.0"), ("c", "3.0"), ("d", "3.0"), ("e", "2.0")]
    runs = split_ties(rows, lambda row: row[1])
    assert [[name for name, _ in run] for run in runs] == [["a"], ["b"], ["c", "d"]]


def altered(results: WaveResults, alter: Callable[[pd.DataFrame], None]) -> WaveResults:
    """The same results, every table of which has been through `alter`."""

    class Altered(WaveResults):
        def _read_filtered(self, principal, name, wanted):  # type: ignore[no-untyped-def]
            rows = super()._read_filtered(principal, name, wanted).copy()
            alter(rows)
            return rows

        def changes(self, principal, **keys):  # type: ignore[no-untyped-def]
            rows = super().changes(principal, **keys).copy()
            alter(rows)
            return rows

    copy = Altered.__new__(Altered)
    copy.__dict__.update(results.__dict__)
    return copy


def hide(results: WaveResults, names: dict[str, str]) -> WaveResults:
    """The results with the cells of these keys hidden, as the gate leaves them."""

    def blank(rows: pd.DataFrame) -> None:
        if not set(names) <= set(rows.columns):
            return
        hidden = np.logical_and.reduce(
            [rows[column].astype(str) == value for column, value in names.items()]
        )
        rows["shown"] = rows["shown"].astype(bool) & ~hidden
        for column in rows.select_dtypes("number").columns:
            rows[column] = rows[column].astype(float).mask(hidden)

    return altered(results, blank)


def test_a_hidden_group_is_not_mentioned(frozen: Frozen) -> None:
    whole = report(frozen, language="en")
    assert "60–70 years" in words_of(whole)
    hidden = hide(
        frozen["main-2024"], {"area_level": "city", "area": SUZHOU, "group": "elderly=yes"}
    )
    made = report({**frozen, "main-2024": hidden}, language="en")
    assert "60–70 years" not in words_of(made)
    assert "Not shown: too few" not in words_of(made)


def test_a_hidden_city_has_no_report_and_is_in_no_other(frozen: Frozen) -> None:
    hidden = hide(frozen["main-2024"], {"area_level": "city", "area": SUZHOU})
    with raises_code("report_impossible"):
        report({**frozen, "main-2024": hidden})
    nation = report({**frozen, "main-2024": hidden}, ReportKind.NATION, NATION, "en")
    assert "Wuxi" in words_of(nation)
    assert "Suzhou" not in words_of(nation)


def words_of(made: Report) -> str:
    return "\n".join([*made.sentences(), *(" ".join(row) for t in made.tables() for row in t.rows)])


def official(area: str, role: Role = Role.CITY_OFFICIAL) -> Principal:
    return Principal(uuid4(), "official", role, area)


@pytest.fixture
def closed(frozen: Frozen) -> Frozen:
    """The waves before their release."""
    copies = {}
    for key in ("main-2024", "main-2023"):
        copy = WaveResults.__new__(WaveResults)
        copy.__dict__.update(frozen[key].__dict__)
        copy.wave = replace(
            frozen[key].wave, state=WaveState.FROZEN, shown=Shown.NOTHING, first_places=None
        )
        copies[key] = copy
    return copies


def test_a_city_official_gets_the_own_city_before_release_and_no_other(closed: Frozen) -> None:
    reader = official(SUZHOU)
    made = report(closed, principal=reader)
    assert any("尚未发布" in mark for mark in made.imprint.marks)
    assert "无锡" not in words_of(made)
    with pytest.raises(AccessDeniedError):
        report(closed, area="320200", principal=reader)


def test_after_the_release_another_city_is_open(frozen: Frozen) -> None:
    assert report(frozen, area="320200", principal=official(SUZHOU)).area == "无锡"


def test_surveyors_have_no_report(frozen: Frozen) -> None:
    with pytest.raises(AccessDeniedError):
        report(frozen, principal=official(SUZHOU, Role.SURVEYOR))


def test_an_unknown_area_is_said(frozen: Frozen) -> None:
    with raises_code("report_impossible"):
        report(frozen, area="999999")


def test_chosen_peers_take_the_place_of_cities_of_the_size(frozen: Frozen) -> None:
    made = build_report(
        ReportScope(
            ReportKind.CITY,
            SUZHOU,
            ViewContext(frozen["main-2024"], OPERATOR, "en"),
            (),
            read_rules(),
            peers=("320200", "330100"),
        )
    )
    cities = {row[0] for row in table_of(made, "place").rows}
    assert cities == {"Suzhou", "Wuxi", "Hangzhou"}
    assert tree_of(made).columns[-1].head == "Against Mean of 2 chosen cities"


@pytest.mark.parametrize(("kind", "area"), AREAS)
def test_every_id_below_a_table_names_a_published_figure(
    frozen: Frozen, kind: ReportKind, area: str
) -> None:
    made = report(frozen, kind, area, "en")
    results, before = frozen["main-2024"], frozen["main-2023"]
    figures = list_figures(results, OPERATOR, earlier=[before.wave])
    known = {name for table in figures for name in table["id"]}
    named = [
        name
        for table in made.tables()
        for name in re.findall(r"main-2024-[\w.=+\-]+[\w]", table.ids)
    ]
    assert named
    for name in named:
        # A word in capitals takes the place of what differs from row to row.
        pattern = re.sub("INDICATOR|CITY|GROUP", "@", name)
        form = re.compile(re.escape(pattern).replace("@", r"[\w.=+]+") + r"\Z")
        assert any(form.match(each) for each in known), name
    if kind is ReportKind.NATION:
        assert "main-2024-region3.东部-composite-all-score" in named
