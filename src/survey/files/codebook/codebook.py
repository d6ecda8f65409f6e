"""Codebook of a frozen wave, from its questionnaire and results, as data and as documents.

It holds no counts of answers: those of a rare answer would be figures that no gate has looked at.
The one number of a variable is the published n behind its national figure.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

import xlsxwriter

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.estimate.tree import COMPOSITE, Tree
from survey.figures.views.method import build_method_view
from survey.files.microdata.deidentify import DESIGN_COLUMNS, answer_columns
from survey.files.microdata.replicate_weights import describe_replicates
from survey.files.microdata.variables import Variable, describe_variables
from survey.frame.quotas import EVERYONE
from survey.locale import LANGUAGES, Translator, label_text, translator
from survey.questionnaire.expressions.syntax import ExpressionError
from survey.questionnaire.model import Instrument
from survey.questionnaire.translations import ConditionText
from survey.results.domains import BANDS
from survey.results.method_sheets import SHEETS, MethodSheet
from survey.results.row_selection import open_known_results
from survey.results.wave_results import WaveInfo, WaveResults
from survey.waves.instruments import load_instrument


@dataclass(frozen=True)
class CodebookEntry:
    """One column of the exported rows (interviews), described in every language of the platform."""

    described: Mapping[str, Variable]
    """Language -> the variable with its labels in that language."""
    condition: Mapping[str, str]
    """Language -> who was asked, in words; empty where everybody was."""
    base: int | None
    """Published n of the nation behind the figure of this question; None where there is none."""
    indicator: str | None

    @property
    def column(self) -> str:
        return next(iter(self.described.values())).column

    @property
    def name(self) -> str:
        """Name of the column in SPSS and Stata files."""
        return next(iter(self.described.values())).name


@dataclass(frozen=True)
class Headline:
    """Parts of the composite that a script needs: shares, names and scale of rated columns."""

    shares: Mapping[str, float]
    """Rated column -> its share of the composite; empty for a wave without a tree."""
    names: Mapping[str, str]
    """Rated column -> its name in SPSS and Stata files."""
    minimum: float
    maximum: float
    lonely_psu: str
    """What the errors of the wave do with a stratum of one sampling point."""
    is_mean_of_people: bool
    """Each person's own composite first, then the mean; otherwise the mean of each item first."""


@dataclass(frozen=True)
class Codebook:
    wave: WaveInfo
    language: str
    """Language of headings; questions and labels stand in every language."""
    title: str
    """Begins with the mark of a demonstration for a demo wave."""
    facts: tuple[tuple[str, str], ...]
    """What was measured and how weights and errors were made, in the reader's language."""
    entries: tuple[CodebookEntry, ...]
    headline: Headline

    @property
    def t(self) -> Translator:
        return translator(self.language)

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the codes of all languages, the reader's first."""
        return (self.language, *(each for each in LANGUAGES if each != self.language))


def build_codebook(work: Work, *, wave_key: str, language: str) -> Codebook:
    """Return the codebook of a wave, with what the principal may read of its results.

    Raises:
        AccessDeniedError: the reader may not read the results of the wave.
        SnapshotNotFoundError: the wave was never frozen.
    """
    work.require(Action.READ_RESULTS)
    results = open_known_results(work.settings, work.session, wave_key)
    instrument = load_instrument(session=work.session, sha256=results.manifest.instrument_sha256)
    return describe_results(results, instrument, principal=work.principal, language=language)


def describe_results(
    results: WaveResults, instrument: Instrument, *, principal: Principal, language: str
) -> Codebook:
    """Return the codebook of opened results, with no more than the principal may see."""
    cells = results.cells(principal, group=EVERYONE, area_level="city")
    cities = sorted(set(cells["area"].astype(str)))
    bands = tuple(BANDS.get(results.wave.series, {}))
    present: dict[str, tuple[str, ...]] = dict.fromkeys(DESIGN_COLUMNS, ())
    present |= {name: () for name in answer_columns(instrument) if bands or name != "age_band"}
    present["city_code"] = tuple(cities)
    if bands:
        present["age_band"] = bands
    described = {
        each: {variable.column: variable for variable in variables}
        for each in LANGUAGES
        for variables in [describe_variables(present, instrument, each)]
    }
    bases = _list_published_bases(results, principal)
    conditions = {
        each: _describe_conditions(instrument, translator(each), each) for each in LANGUAGES
    }
    entries = tuple(
        CodebookEntry(
            {each: described[each][column] for each in LANGUAGES},
            {each: conditions[each].get(column.partition("/")[0], "") for each in LANGUAGES},
            bases.get(column),
            getattr(instrument.by_name.get(column), "indicator", None),
        )
        for column in present
    )
    t = translator(language)
    kind, mark = t("Codebook"), t("Demo data")
    title = f"{kind}: {results.wave.label(language)} ({results.wave.key})"
    return Codebook(
        wave=results.wave,
        language=language,
        title=f"{mark} {title}" if results.wave.is_demo else title,
        facts=_list_facts(results, instrument, language),
        entries=entries,
        headline=_build_headline(
            results, instrument, {entry.column: entry.name for entry in entries}
        ),
    )


def _list_published_bases(results: WaveResults, principal: Principal) -> dict[str, int]:
    """Return `column -> published national n`, for columns that are the only one of a figure."""
    cells = results.cells(principal, group=EVERYONE, area_level="nation", area=NATION)
    published = {
        str(row["indicator"]): int(row["n"])
        for row in cells.to_dict("records")
        if row["shown"] and row["n"] == row["n"]
    }
    items = results.method.items
    alone = {code: item for item, code in items.items() if list(items.values()).count(code) == 1}
    columns = alone | {measure.key: measure.item for measure in results.method.measures}
    return {column: published[key] for key, column in columns.items() if key in published}


def _describe_conditions(instrument: Instrument, t: Translator, language: str) -> dict[str, str]:
    """Return `question -> condition under which it is asked, in words`, if there is one."""
    writer = ConditionText(instrument, t, language)
    texts: dict[str, str] = {}
    for section in instrument.sections:
        for item in section.items:
            conditions = [each for each in (section.relevant, item.relevant) if each]
            if conditions:
                texts[item.name] = t("; ").join(
                    _describe_condition(writer, each) for each in conditions
                )
    return texts


def _describe_condition(writer: ConditionText, condition: str) -> str:
    try:
        return writer.write(condition)
    except ExpressionError:
        return condition


def _list_facts(
    results: WaveResults, instrument: Instrument, language: str
) -> tuple[tuple[str, str], ...]:
    t = translator(language)
    method = build_method_view(
        wave=results.wave,
        manifest=results.manifest,
        method=results.method,
        tree=results.tree,
        language=language,
    )
    return (
        (t("Questionnaire title"), label_text(instrument.title, language, instrument.name)),
        *method.snapshot,
        *method.fieldwork,
        *method.weights,
        *method.errors,
        (
            t("Rows and their protection"),
            t(
                "Rows go to analysts for a purpose that is recorded. In the ordinary file rare "
                "combinations are merged, so a headline computed from it lies as near to the "
                "published one as the file says; from an exact file it is the same."
            ),
        ),
        (
            t("Replicate weights"),
            t("In exact files as .parquet, .sav and .dta: {how}", how=describe_replicates(t)),
        ),
        (
            t("Missing values"),
            t(
                "Codes below 0 are no scores: −1 does not know, −2 not experienced, −3 refused, "
                "−4 not asked, −5 no answer recorded. An empty cell of a chosen answer means not "
                "asked, not answered or left out to protect somebody."
            ),
        ),
        *((t(sheet.name), _describe_sheet(sheet, t)) for sheet in SHEETS.values()),
    )


def _describe_sheet(sheet: MethodSheet, t: Translator) -> str:
    """Return what a method sheet is about, its lines and its columns."""
    described = [f"{code}: {t(name)}" for code, name in sheet.lines.items()]
    described += [f"{name}: {t(column.meaning)}" for name, column in sheet.columns.items()]
    return t("{list}.", list=t("; ").join([t(sheet.summary), *described]))


def _build_headline(
    results: WaveResults, instrument: Instrument, names: Mapping[str, str]
) -> Headline:
    """Return how the composite is computed from items in `names` (item -> name in programs)."""
    items = {name: code for name, code in results.method.items.items() if name in names}
    scored = [item for name in items if (item := instrument.by_name.get(name)) is not None]
    if results.tree is None or not scored:
        return Headline({}, {}, 0, 0, results.method.lonely_psu, False)
    tree = Tree.of(results.tree.indicators, items)
    shares = tree.omega[tree.variables.index(COMPOSITE)]
    return Headline(
        dict(zip(tree.item_columns, (float(share) for share in shares), strict=True)),
        {name: names[name] for name in tree.item_columns},
        # Those of a composite share one scale.
        float(scored[0].minimum or 0),
        float(scored[0].maximum or 0),
        results.method.lonely_psu,
        results.method.composite == "per_respondent",
    )


_MAX_CELL_CHARS = 32_767
_STYLE = """
body { font: 15px/1.6 "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; color: #1c1b1a; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 0.25rem; }
table { border-collapse: collapse; margin: 0.5rem 0; } td, th { border-bottom: 1px solid #ddd;
  padding: 0.2rem 1rem 0.2rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
.quiet { color: #5f5c58; } code { font-size: 0.9em; }
@media print { h2 { break-after: avoid; } table { break-inside: avoid; } }
"""


def workbook_bytes(codebook: Codebook) -> bytes:
    """Return the codebook as XLSX: the sheets about, variables and values."""
    t, buffer = codebook.t, io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    made_at = codebook.wave.frozen_at.replace(tzinfo=None)
    book.set_properties({"title": codebook.title, "created": made_at})
    wrap = {"text_wrap": True, "valign": "top", "quote_prefix": True}
    head, text = book.add_format({"bold": True, **wrap}), book.add_format(wrap)
    variable_heads, value_heads = _list_heads(codebook)
    sheets = (
        (t("About"), (t("What"), t("How it was done")), (34, 90), codebook.facts),
        (
            t("Variables"),
            variable_heads,
            (28, 28, *(52 for _ in codebook.languages), 12, 36, 12, 14),
            _iter_variable_rows(codebook),
        ),
        (t("Value labels"), value_heads, (28, 28, 16, 10, 34, 34, 12), _iter_value_rows(codebook)),
    )
    for name, heads, widths, rows in sheets:
        sheet = book.add_worksheet(name)
        sheet.write_string(0, 0, codebook.title, head)
        for place, (heading, width) in enumerate(zip(heads, widths, strict=True)):
            sheet.set_column(place, place, width)
            sheet.write_string(2, place, heading, head)
        for line, row in enumerate(rows, 3):
            for place, value in enumerate(row):
                # A number as a number and a text as a text, whatever it looks like.
                if isinstance(value, int):
                    sheet.write_number(line, place, value, text)
                elif value:
                    sheet.write_string(line, place, value[:_MAX_CELL_CHARS], text)
        sheet.freeze_panes(3, 1)
    book.close()
    return buffer.getvalue()


def _list_heads(codebook: Codebook) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the column heads of the codebook's worksheet of variables, and of that of values."""
    t = codebook.t
    names, label = (t("Column"), t("SPSS and Stata")), t("Label")
    labels = [f"{label} ({language})" for language in codebook.languages]
    return (
        (*names, *labels, t("Kind"), t("Who was asked"), t("Indicator"), t("Published n, nation")),
        (*names, t("Coded value"), t("Number"), *labels, t("Missing")),
    )


def _iter_variable_rows(codebook: Codebook) -> Iterator[tuple[str | int | None, ...]]:
    for entry in codebook.entries:
        labels = [entry.described[language].label for language in codebook.languages]
        yield (
            entry.column, entry.name, *labels, _name_scale(codebook, entry),
            entry.condition[codebook.language], entry.indicator, entry.base,
        )  # fmt: skip


def _name_scale(codebook: Codebook, entry: CodebookEntry) -> str:
    t = codebook.t
    names = {"nominal": t("category"), "ordinal": t("ordered"), "scale": t("number")}
    return names[entry.described[codebook.language].scale]


def _iter_value_rows(codebook: Codebook) -> Iterator[tuple[str | int | None, ...]]:
    for entry in codebook.entries:
        for place, value in enumerate(entry.described[codebook.language].values):
            labels = [
                entry.described[language].values[place].label for language in codebook.languages
            ]
            missing = codebook.t("missing") if value.is_missing else ""
            yield (entry.column, entry.name, value.value, value.code, *labels, missing)


def html_bytes(codebook: Codebook) -> bytes:
    """Return the codebook as one HTML page without script, font or image."""
    parts = [
        f'<!doctype html><html lang="{codebook.language}"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(codebook.title)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(codebook.title)}</h1><table>",
        *(f"<tr><th>{escape(name)}<td>{escape(fact)}" for name, fact in codebook.facts),
        "</table>",
        *(part for entry in codebook.entries for part in _iter_html_of_entry(codebook, entry)),
        "</html>\n",
    ]
    return "\n".join(parts).encode()


def _iter_html_of_entry(codebook: Codebook, entry: CodebookEntry) -> Iterator[str]:
    t = codebook.t
    yield f'<h2 id="{escape(entry.name)}"><code>{escape(entry.column)}</code></h2>'
    for language in codebook.languages:
        label = escape(entry.described[language].label)
        quiet = ' class="quiet"' if language != codebook.language else ""
        yield f'<div lang="{language}"{quiet}>{label}</div>'
    facts = [
        (t("Who was asked"), entry.condition[codebook.language]),
        (t("Indicator"), entry.indicator or ""),
        (t("Published n, nation"), "" if entry.base is None else f"{entry.base:,}"),
        (t("SPSS and Stata"), entry.name if entry.name != entry.column else ""),
    ]
    for name, fact in facts:
        if fact:
            yield f'<div class="quiet">{escape(name)}: {escape(fact)}</div>'
    rows = [value for value in entry.described[codebook.language].values if value.label]
    if rows:
        value_head, number_head, mark = (
            escape(text) for text in (t("Coded value"), t("Number"), t("missing"))
        )
        yield f"<table><tr><th>{value_head}<th>{number_head}<th>"
        for value in rows:
            missing = f" ({mark})" if value.is_missing else ""
            cells = (str(value.value), str(value.code), value.label)
            yield "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells) + missing
        yield "</table>"
