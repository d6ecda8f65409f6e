"""View of how the figures of a snapshot were made, from manifest and method record."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from survey.disclosure import MINIMUM_N
from survey.figures.views.bands import read_bands
from survey.figures.views.display_names import VARIABLE_NAMES, DisplayNames
from survey.figures.views.view_context import Facts, list_fieldwork_facts
from survey.locale import Message, Translator, label_text, msg
from survey.locale.figures import format_score, format_share, format_two_digits
from survey.questionnaire.indicator_tree import IndicatorTree, Provenance
from survey.questionnaire.model import Item
from survey.results.measures import Measure
from survey.results.method import IntervalAuditMethod, MethodRecord
from survey.results.wave_results import WaveInfo
from survey.results.wave_rules import declared_items
from survey.results.weighting import WeightingReport
from survey.snapshots.snapshot_files import SnapshotManifest
from survey.store.china_time import format_china_minute

_COMPOSITES: Mapping[str, Message] = {
    "item_means": msg("composite of item means: first the mean of each item, then the tree"),
    "per_respondent": msg("per respondent: first each person's own composite, then the mean"),
}
_LONELY: Mapping[str, Message] = {
    "fail": msg("refuse to compute"),
    "certainty": msg("contributes no variance"),
    "adjust": msg("centred at the mean of all sampling points"),
    "average": msg("takes the average variance of the other strata"),
}
_DF_RULES: Mapping[str, Message] = {
    "design": msg("sampling points with members less strata with members"),
    "weighted": msg("those of each stratum, weighed by how much of the group lives there"),
}
PROVENANCES: Mapping[Provenance, Message] = MappingProxyType(
    {
        Provenance.SOURCED: msg("sourced"),
        Provenance.IMPLIED: msg("implied by published scores"),
        Provenance.ASSUMED: msg("assumed equal"),
        Provenance.UNCONFIRMED: msg("unconfirmed"),
        Provenance.OFFICIAL: msg("official"),
    }
)


@dataclass(frozen=True, eq=False)
class MethodView:
    interviews: int
    cities: int
    snapshot: Facts
    given_weights: bool
    """The interviews came with their weights."""
    weights: Facts
    errors: Facts
    fieldwork: Facts
    disclosure: Facts
    ranks: Facts
    change: Facts
    small_areas: Facts
    drivers: Facts
    bands: pd.DataFrame
    tree: pd.DataFrame | None
    measures: pd.DataFrame


def build_method_view(
    *,
    wave: WaveInfo,
    manifest: SnapshotManifest,
    method: MethodRecord,
    tree: IndicatorTree | None,
    language: str,
    questions: Mapping[str, Item] = MappingProxyType({}),
) -> MethodView:
    """Build the view of a snapshot's recorded choices; `questions` give the measures their words.

    Args:
        questions: Give the measures the words of their questions; files keep the codes, by which
            programs find them.
    """
    names = DisplayNames(language, tree, method.measures, method.grouping, wave.cities)
    t, is_given = names.t, method.weighting.way == "given"
    return MethodView(
        interviews=manifest.rows,
        cities=manifest.cities,
        snapshot=(
            *_list_snapshot_facts(wave, manifest, method, language, t),
            *_list_fact(
                t("Cities left out of this wave"),
                t(", ").join(names.area(code) for code in manifest.left_out),
            ),
            *_list_fact(
                t("Questions that make further groups"),
                "; ".join(
                    f"{names.variable(item)} ({item})" for item in declared_items(method.grouping)
                ),
            ),
        ),
        given_weights=is_given,
        weights=_list_given_weight_facts(method.weighting, manifest, t)
        if is_given
        else _list_raked_weight_facts(method.weighting, names, t),
        errors=_list_error_facts(method, t),
        fieldwork=list_fieldwork_facts(method.fieldwork, t),
        disclosure=_list_disclosure_facts(method, t),
        ranks=_list_rank_facts(method, t),
        change=_list_change_facts(method, t),
        small_areas=_list_small_area_facts(method, t),
        drivers=_list_driver_facts(method, names, t),
        bands=_build_band_table(language, t),
        tree=_build_tree_table(tree, names, t) if tree else None,
        measures=_build_measure_table(method, names, t, questions),
    )


def _list_snapshot_facts(
    wave: WaveInfo, manifest: SnapshotManifest, method: MethodRecord, language: str, t: Translator
) -> Facts:
    return (
        (t("Wave"), wave.label(language)),
        (t("Valid interviews"), f"{manifest.rows:,d}"),
        (t("Cities"), f"{manifest.cities}"),
        (t("Frozen"), format_china_minute(t, manifest.frozen_at)),
        (t("State"), t("final") if manifest.final else t("provisional")),
        (t("Snapshot (SHA-256)"), wave.snapshot_sha256),
        # The same interviews give other figures once a rule or a weight is corrected.
        (t("Figures (SHA-256)"), wave.seal_sha256 or t("not recorded")),
        (t("Questionnaire"), f"{manifest.instrument} {manifest.instrument_version}"),
        (t("Indicator tree"), manifest.tree or t("none: this study has no composite")),
        *_list_spread_facts(manifest, t),
        *_list_composite_facts(manifest, method, t),
        (t("Software"), manifest.software),
    )


def _list_fact(name: str, text: str) -> Facts:
    """Return the fact (name, text) as the only one of a tuple; an empty tuple without text."""
    return ((name, text),) if text else ()


def _list_composite_facts(manifest: SnapshotManifest, method: MethodRecord, t: Translator) -> Facts:
    """Return a fact that says how the composite is formed; none for a wave without one."""
    if manifest.tree is None:
        return ()
    composite = _COMPOSITES.get(method.composite)
    return ((t("Composite"), t(composite) if composite else method.composite),)


def _list_spread_facts(manifest: SnapshotManifest, t: Translator) -> Facts:
    """Return a fact naming the indicators that no question measures; empty if there are none."""
    if not manifest.without_question:
        return ()
    words = t(
        "{codes}: left out; the others under the same parent take their weight in proportion, as "
        "the questionnaire declares",
        codes=", ".join(manifest.without_question),
    )
    return ((t("Indicators without a question"), words),)


def _list_given_weight_facts(
    report: WeightingReport, manifest: SnapshotManifest, t: Translator
) -> Facts:
    """Return source and inequality of weights given with the interviews, but no single weight."""
    files = tuple(
        (
            t("Given by"),
            t(
                "column {column} of the imported file with the SHA-256 {sha256}",
                column=file.column,
                sha256=file.sha256,
            ),
        )
        for file in manifest.weight_files
    )
    # A method record from before it was at least 1 may lack a few last digits of that.
    variation = max(report.kish_deff - 1, 0.0) ** 0.5
    facts = (
        (t("Weights"), t("given: used as they came with the interviews, neither raked nor scaled")),
        *files,
        (t("Coefficient of variation of the weights"), format_score(variation)),
        (t("Design effect of the weights (Kish)"), format_score(report.kish_deff)),
        (t("Effective number of interviews"), format_two_digits(report.effective_n)),
    )
    if report.shown_smallest is None or report.shown_largest is None:
        return facts
    spread = t(
        "{low} to {high} times the mean weight (at least {n} interviews lie at or beyond each end)",
        low=format_score(report.shown_smallest),
        high=format_score(report.shown_largest),
        n=MINIMUM_N,
    )
    return (*facts, (t("Smallest and largest weight"), spread))


def _list_raked_weight_facts(report: WeightingReport, names: DisplayNames, t: Translator) -> Facts:
    crossed = " × ".join(
        t(VARIABLE_NAMES[name]) if name in VARIABLE_NAMES else name for name in report.margin
    )
    origin = t(report.source) if report.source else ""
    source = f"{origin} ({report.year})" if report.year else origin
    return (
        (t("Raked to"), crossed or t("city totals only")),
        (t("Source of the population"), source),
        (t("Sweeps until every margin fits"), f"{report.sweeps}"),
        (t("Largest misfit"), f"{report.largest_misfit:.1e}"),
        # A single weight is a census figure over one count: the extreme ones stay in the snapshot,
        # and what follows from all of them is given coarsely.
        (t("Design effect of the weights (Kish)"), format_score(report.kish_deff)),
        (t("Effective number of interviews"), format_two_digits(report.effective_n)),
        (t("Interviews without age or gender"), _format_coarse_count(report.unknown, t)),
        (t("Merged margin cells"), _format_coarse_count(len(report.merges), t)),
        *_list_fact(
            t("Asked more often, and weighted back"),
            ", ".join(names.group(group) for group in report.oversampled),
        ),
    )


def _format_coarse_count(count: int, t: Translator) -> str:
    """Format a count of people or cells; a small one only as fewer than the minimum."""
    return t("fewer than {n}", n=MINIMUM_N) if 0 < count < MINIMUM_N else f"{count:,d}"


def _list_error_facts(method: MethodRecord, t: Translator) -> Facts:
    lonely = _LONELY.get(method.lonely_psu)
    assumed = (
        t("not used: sampling points were recorded")
        if method.assumed_deff is None
        else f"{method.assumed_deff:g}"
    )
    return (
        (t("Confidence level"), format_share(method.level, 0)),
        (t("Stratum with one sampling point"), t(lonely) if lonely else method.lonely_psu),
        (t("Assumed design effect"), assumed),
        *_list_missing_point_facts(method, t),
        (t("Degrees of freedom"), t(_DF_RULES[method.df_rule])),
        (
            t("Clear differences"),
            t(
                "in a list of areas (one reference, group and indicator) at most {q} of those "
                "called clear are expected to be false (Benjamini–Hochberg over the areas shown); "
                "an interval stands for itself, so that it may exclude zero without the "
                "difference being called clear",
                q=format_share(method.false_discovery_rate, 0),
            ),
        ),
        (
            t("Marked for orientation only"),
            t(
                "fewer than {n} interviews or fewer than {df} degrees of freedom",
                n=method.unreliable_below_n,
                df=method.unreliable_below_df,
            ),
        ),
    )


def _list_missing_point_facts(method: MethodRecord, t: Translator) -> Facts:
    if not method.without_point:
        return ()
    few = method.without_point < method.minimum_n
    words = t(
        "{count}: a stratum of their own in each city, every interview a point",
        count=f"<{method.minimum_n}" if few else f"{method.without_point:,d}",
    )
    return ((t("Interviews without a sampling point"), words),)


def _list_disclosure_facts(method: MethodRecord, t: Translator) -> Facts:
    """Return the least number of interviews, and how many cells are hidden over all rules.

    The number by rule would say how many people the cells have.
    """
    facts: Facts = ((t("Not shown below"), t("{n} interviews", n=method.minimum_n)),)
    if method.hidden:
        facts += ((t("Cells not shown"), f"{sum(method.hidden.values()):,d}"),)
    if method.interval_audit is not None and method.interval_audit.hidden:
        facts += (
            (t("Check of what is hidden"), _describe_interval_audit(method.interval_audit, t)),
        )
    return facts


def _describe_interval_audit(audit: IntervalAuditMethod, t: Translator) -> str:
    """Return how the hidden counts were checked, with rounded numbers only.

    Beside the cells not shown, an exact number of those with respondents would tell how many have
    none.
    """
    if audit.audited == audit.hidden:
        return t(
            "every hidden count, by linear programming over all published counts: its smallest "
            "and its largest possible value differ by at least {width}",
            width=audit.width,
        )
    if not audit.audited:
        return t(
            "every hidden count, from one total after the other: its smallest and its largest "
            "possible value differ by at least {width}",
            width=audit.width,
        )
    return t(
        "every hidden count, from one total after the other, and about {audited} of about {hidden} "
        "by linear programming over all published counts: the smallest and the largest possible "
        "value differ by at least {width}. About {left} were not reached.",
        audited=format_two_digits(audit.audited),
        left=format_two_digits(audit.hidden - audit.audited),
        hidden=format_two_digits(audit.hidden),
        width=audit.width,
    )


def _list_rank_facts(method: MethodRecord, t: Translator) -> Facts:
    ranking = method.ranking
    if ranking is None:
        return ()
    return (
        (t("Cities in the order"), t("from {n} interviews", n=ranking.ranked_from_n)),
        (
            t("Sets of places"),
            t(
                "all cities together, step by step, {level} confidence",
                level=format_share(method.level, 0),
            ),
        ),
        (t("Draws and seed"), f"{ranking.draws:,d} · {ranking.seed}"),
        (
            t("Weights moved by"),
            t(
                "±{spread} under every parent, {draws} draws, seed {seed}",
                spread=format_share(ranking.weight_spread, 0),
                draws=f"{ranking.weight_draws:,d}",
                seed=ranking.weight_seed,
            ),
        ),
    )


def _list_change_facts(method: MethodRecord, t: Translator) -> Facts:
    if method.change is None:
        return ()
    return (
        (t("Cities compared"), t("those of both waves")),
        (
            t("Arrows"),
            t(
                "of all arrows shown, at most {q} are expected to be false (Benjamini–Hochberg)",
                q=format_share(method.change.false_discovery_rate, 0),
            ),
        ),
    )


def _list_small_area_facts(method: MethodRecord, t: Translator) -> Facts:
    grading = method.small_areas
    if grading is None:
        return ()
    return (
        (
            t("Grade A"),
            t(
                "from {n} interviews and within {points} points",
                n=grading.a_from_n,
                points=f"{grading.a_half_width:g}",
            ),
        ),
        (t("Grade B"), t("from {n} interviews", n=grading.b_from_n)),
        (t("Grade C, for orientation only"), t("from {n} interviews", n=method.minimum_n)),
        (t("Fewest cities for a model"), f"{grading.fewest_cities}"),
    )


def _list_driver_facts(method: MethodRecord, names: DisplayNames, t: Translator) -> Facts:
    chosen = method.drivers
    if chosen is None:
        return ()
    return (
        (t("Explained"), names.indicator(chosen.question)),
        (t("Fewest interviews"), f"{chosen.minimum_n}"),
        (t("Resamples and seed"), f"{chosen.replicates:,d} · {chosen.seed}"),
    )


def _build_band_table(language: str, t: Translator) -> pd.DataFrame:
    bands = read_bands()
    return pd.DataFrame(
        {
            t("Band"): [label_text(band.name, language) for band in bands],
            t("From"): ["–" if band.lower is None else f"{band.lower:g}" for band in bands],
            t("Origin"): [t(PROVENANCES[Provenance(band.status)]) for band in bands],
        }
    )


def _build_tree_table(tree: IndicatorTree, names: DisplayNames, t: Translator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            t("Code"): [indicator.code for indicator in tree.indicators],
            t("Level"): [str(indicator.level) for indicator in tree.indicators],
            t("Indicator"): [names.indicator(indicator.code) for indicator in tree.indicators],
            t("Share of the parent"): [
                format_share(indicator.weight) for indicator in tree.indicators
            ],
            t("Origin of the name"): [
                t(PROVENANCES[indicator.name_status]) for indicator in tree.indicators
            ],
            t("Origin of the weight"): [
                t(PROVENANCES[indicator.weight_status]) for indicator in tree.indicators
            ],
        }
    )


def _build_measure_table(
    method: MethodRecord, names: DisplayNames, t: Translator, questions: Mapping[str, Item]
) -> pd.DataFrame:
    def choices(measure: Measure) -> list[str]:
        item = questions.get(measure.item)
        labels = {choice.name: choice.label for choice in item.choices} if item else {}
        return [label_text(labels.get(name, {}), names.language, name) for name in measure.choices]

    def question(measure: Measure) -> str:
        item = questions.get(measure.item)
        return label_text(item.label if item else {}, names.language, measure.item)

    return pd.DataFrame(
        {
            t("Measure"): [names.indicator(measure.key) for measure in method.measures],
            t("Question"): [question(measure) for measure in method.measures],
            t("Counts as yes"): [
                t(", ").join(choices(measure)) or t("mean of the ratings (0–100)")
                for measure in method.measures
            ],
        }
    )
