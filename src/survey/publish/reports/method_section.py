"""Method sheet, from the manifest and the record of choices, and how to read a report.

Disclosures: the eleven of AAPOR's Transparency Initiative.
"""

from survey.locale.figures import format_count, format_score
from survey.publish.reports.contents import (
    Block,
    BulletList,
    Column,
    Imprint,
    Paragraph,
    ReportTable,
    Section,
)
from survey.publish.reports.scope import ReportScope
from survey.publish.reports.typography import set_text
from survey.publish.views.estimate_text import margin_of_error_caveat
from survey.publish.views.fieldwork_facts import Facts
from survey.publish.views.method import MethodView, build_method_view
from survey.results import WaveResults
from survey.results.domains import MAIN_SERIES, SHIPPED_SERIES

_READING_RULES = 8
_STRATEGY = "strategy"
_DISCLOSURES = (
    _STRATEGY, "sponsor", "instrument", "population", "recruitment", "modes", "dates", "precision",
    "weighting", "processing", "limits",
)  # fmt: skip


def build_method(scope: ReportScope, imprint: Imprint) -> Section | None:
    """Build the method sheet of the wave."""
    reading, t = scope.reading, scope.reading.t
    results = reading.results
    view = build_method_view(
        wave=results.wave,
        manifest=results.manifest,
        method=results.method,
        tree=results.tree,
        language=scope.language,
    )
    blocks: list[Block] = [
        Paragraph(set_text(margin_of_error_caveat(scope.figure, t), scope.language)),
        _build_disclosures(scope, view, imprint),
        _build_facts_table(scope, t("Where the figures come from"), view.snapshot),
        _build_facts_table(scope, t("Fieldwork"), view.fieldwork),
        _build_facts_table(scope, t("Weights"), view.weights),
        _build_facts_table(scope, t("Margins of error"), view.errors),
        _build_facts_table(scope, t("What is not shown"), view.disclosure),
    ]
    return scope.section("method", [block for block in blocks if block is not None])


def _build_facts_table(scope: ReportScope, title: str, facts: Facts) -> ReportTable:
    t = scope.reading.t
    columns = (Column(t("Choice"), 3), Column(t("In this wave"), 7))
    rows = tuple((name, _cut_hash(value)) for name, value in facts)
    return ReportTable(title, columns, rows)


def _cut_hash(value: str) -> str:
    """Return a value whose hash, which no line can hold, is cut into groups of sixteen."""
    if len(value) == 64 and " " not in value:
        return " ".join(value[start : start + 16] for start in range(0, 64, 16))
    return value


def _build_disclosures(scope: ReportScope, view: MethodView, imprint: Imprint) -> ReportTable:
    t, results = scope.reading.t, scope.reading.results
    manifest, method = results.manifest, results.method
    words = {
        "organisation": imprint.organisation,
        "contact": imprint.contact,
        "instrument": f"{manifest.instrument} {manifest.instrument_version}",
        "cities": str(manifest.cities),
        "date": imprint.date,
        "year": str(manifest.year),
        "n": format_count(manifest.rows),
        "own": format_count(scope.figure.n),
        "area": scope.name,
        "interval": scope.interval(scope.figure),
        "deff": format_score(method.weighting.kish_deff),
        "effective": dict(view.weights).get(t("Effective number of interviews"), ""),
        "minimum": str(method.minimum_n),
        "modes": dict(view.fieldwork)[t("Modes of the interviews")],
        "margin": dict(view.weights).get(t("Raked to"), ""),
    }
    rows = tuple(
        (
            str(number),
            scope.say("disclosure", f"{key}_name"),
            scope.say("disclosure", _choose_disclosure_case(key, results), **words),
        )
        for number, key in enumerate(_DISCLOSURES, 1)
    )
    columns = (
        Column(t("No."), 0.8, is_number=True),
        Column(t("Disclosure"), 2.6),
        Column(t("In this wave"), 7),
    )
    return ReportTable(t("Disclosures (AAPOR Transparency Initiative)"), columns, rows)


def _choose_disclosure_case(key: str, results: WaveResults) -> str:
    """Return the case of a disclosure: what the shipped survey does is no text of another study."""
    method, series = results.method, results.wave.series
    is_own = series not in SHIPPED_SERIES
    if key == "weighting":
        if method.weighting.way == "given":
            return "weighting_given"
        return key if method.weighting.margin else "weighting_totals"
    if key == "population" and series != MAIN_SERIES:
        return "population_own" if is_own else f"population_{series}"
    if key == "recruitment" and is_own:
        return "recruitment_own" if method.assumed_deff is None else "recruitment_no_points"
    return f"{key}_own" if key == _STRATEGY and is_own else key


def build_reading(scope: ReportScope) -> Section | None:
    """Build how to read the report, a rule a line."""
    lines = tuple(scope.say("reading", str(number + 1)) for number in range(_READING_RULES))
    return scope.section("reading", [BulletList(lines)])
