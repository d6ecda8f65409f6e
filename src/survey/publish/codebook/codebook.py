"""Codebook of a frozen wave, made from its questionnaire and its published results.

It holds no counts of answers: those of a rare answer would be figures that no gate has looked at.
The one number of a variable is the published n behind its national figure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.estimate.tree import COMPOSITE, Tree
from survey.fieldwork.instruments import load_instrument
from survey.instrument.condition_text import ConditionText
from survey.instrument.expressions.syntax import ExpressionError
from survey.instrument.model import Instrument, Item
from survey.locale import LANGUAGES, Translator, label_text, translator
from survey.publish.microdata.deidentify import DESIGN_COLUMNS, answer_columns
from survey.publish.microdata.variables import Variable, describe_variables
from survey.publish.views.method import build_method_view
from survey.results.domains import BANDS
from survey.results.row_selection import open_known_results
from survey.results.wave_results import WaveInfo, WaveResults
from survey.sample.special_groups import EVERYONE


@dataclass(frozen=True)
class CodebookEntry:
    """One column of the rows, described in every language of the platform."""

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
        """Return the name in SPSS and Stata files."""
        return next(iter(self.described.values())).name


@dataclass(frozen=True)
class Headline:
    """How the headline is computed from the columns of a file."""

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
        """Return the reader's language, then the others."""
        return (self.language, *(each for each in LANGUAGES if each != self.language))


def build_codebook(work: Work, *, wave_key: str, language: str) -> Codebook:
    """Build the codebook of a wave for a reader of its results.

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
    """Return the codebook of results that are open already, as much of them as a reader may see."""
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
    """Return the published n of the nation by column, where one column is behind one figure."""
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
    """Return the condition of each question by its name; none for those asked of everybody."""
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
            t("Missing values"),
            t(
                "Codes below 0 are no scores: −1 does not know, −2 not experienced, −3 refused, "
                "−4 not asked, −5 no answer recorded. An empty cell of a chosen answer means not "
                "asked, not answered or left out to protect somebody."
            ),
        ),
    )


def _build_headline(
    results: WaveResults, instrument: Instrument, names: Mapping[str, str]
) -> Headline:
    """Return the shares of the rated columns in the composite."""
    items = {name: code for name, code in results.method.items.items() if name in names}
    scored = [item for name in items if (item := instrument.by_name.get(name)) is not None]
    if results.tree is None or not scored:
        return Headline({}, {}, 0, 0, results.method.lonely_psu, False)
    tree = Tree.of(results.tree.indicators, items)
    shares = tree.omega[tree.variables.index(COMPOSITE)]
    return Headline(
        dict(zip(tree.item_columns, (float(share) for share in shares), strict=True)),
        {name: names[name] for name in tree.item_columns},
        *_scale_of(scored),
        results.method.lonely_psu,
        results.method.composite == "per_respondent",
    )


def _scale_of(scored: list[Item]) -> tuple[float, float]:
    """Return the lowest and highest score; those of a composite share one scale."""
    return float(scored[0].minimum or 0), float(scored[0].maximum or 0)
