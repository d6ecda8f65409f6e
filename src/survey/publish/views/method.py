"""How the figures of a snapshot came about, from its manifest and its method record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pandas as pd

from survey.instrument.tree import IndicatorTree, Provenance
from survey.locale import Message, Translator, msg, translator
from survey.publish.results.method import Method
from survey.publish.results.store import WaveInfo
from survey.publish.results.weighting import WeightingReport
from survey.publish.views.names import VARIABLES, Names
from survey.snapshot.manifest import Manifest

_CHINA = ZoneInfo("Asia/Shanghai")
Facts = tuple[tuple[str, str], ...]
"""Name of a choice and what was chosen, in the reader's language."""

_COMPOSITES: Mapping[str, Message] = MappingProxyType(
    {
        "item_means": msg("composite of item means: first the mean of each item, then the tree"),
        "per_respondent": msg("per respondent: first each person's own composite, then the mean"),
    }
)
_LONELY: Mapping[str, Message] = MappingProxyType(
    {
        "fail": msg("refuse to compute"),
        "certainty": msg("contributes no variance"),
        "adjust": msg("centred at the mean of all sampling points"),
        "average": msg("takes the average variance of the other strata"),
    }
)
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
    snapshot: Facts
    weights: Facts
    errors: Facts
    disclosure: Facts
    tree: pd.DataFrame | None
    measures: pd.DataFrame


def method_of(
    *,
    wave: WaveInfo,
    manifest: Manifest,
    method: Method,
    tree: IndicatorTree | None,
    language: str,
) -> MethodView:
    """Every recorded choice of one snapshot."""
    t = translator(language)
    names = Names(language, tree, method.measures)
    return MethodView(
        snapshot=_snapshot(wave, manifest, method, language, t),
        weights=_weights(method.weighting, t),
        errors=_errors(method, t),
        disclosure=_disclosure(method, t),
        tree=_tree(tree, names, t) if tree else None,
        measures=_measures(method, names, t),
    )


def _snapshot(
    wave: WaveInfo, manifest: Manifest, method: Method, language: str, t: Translator
) -> Facts:
    composite = _COMPOSITES.get(method.composite)
    return (
        (t("Wave"), wave.title.get(language, wave.key)),
        (t("Valid interviews"), f"{manifest.rows:,d}"),
        (t("Cities"), f"{manifest.cities}"),
        (t("Frozen"), _when(manifest.frozen_at)),
        (t("State"), t("final") if manifest.final else t("provisional")),
        (t("Snapshot (SHA-256)"), wave.snapshot_sha256),
        (t("Questionnaire"), f"{manifest.instrument} {manifest.instrument_version}"),
        (t("Indicator tree"), manifest.tree or t("none: this study has no composite")),
        (t("Composite"), t(composite) if composite else method.composite),
        (t("Software"), manifest.software),
    )


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(_CHINA):%Y-%m-%d %H:%M}"


def _weights(report: WeightingReport, t: Translator) -> Facts:
    crossed = " × ".join(
        t(VARIABLES[name]) if name in VARIABLES else name for name in report.margin
    )
    source = f"{report.source} ({report.year})" if report.year else report.source
    return (
        (t("Raked to"), crossed or t("city totals only")),
        (t("Source of the population"), source),
        (t("Sweeps until every margin fits"), f"{report.sweeps}"),
        (t("Largest misfit"), f"{report.largest_misfit:.1e}"),
        (t("Design effect of the weights (Kish)"), f"{report.kish_deff:.2f}"),
        (t("Effective number of interviews"), f"{report.effective_n:,.0f}"),
        (
            t("Smallest and largest weight over the mean"),
            f"{report.smallest:.2f} – {report.largest:.2f}",
        ),
        (t("Interviews without age or gender"), f"{report.unknown:,d}"),
        (t("Merged margin cells"), f"{len(report.merges)}"),
    )


def _errors(method: Method, t: Translator) -> Facts:
    lonely = _LONELY.get(method.lonely_psu)
    assumed = (
        t("not used: sampling points were recorded")
        if method.assumed_deff is None
        else f"{method.assumed_deff:g}"
    )
    return (
        (t("Confidence level"), f"{method.level:.0%}"),
        (t("Stratum with one sampling point"), t(lonely) if lonely else method.lonely_psu),
        (t("Assumed design effect"), assumed),
        (
            t("Marked for orientation only"),
            t(
                "fewer than {n} interviews or fewer than {df} degrees of freedom",
                n=method.unreliable_below_n,
                df=method.unreliable_below_df,
            ),
        ),
    )


def _disclosure(method: Method, t: Translator) -> Facts:
    return ((t("Not shown below"), t("{n} interviews", n=method.minimum_n)),)


def _tree(tree: IndicatorTree, names: Names, t: Translator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            t("Code"): [one.code for one in tree.indicators],
            t("Level"): [str(one.level) for one in tree.indicators],
            t("Indicator"): [names.indicator(one.code) for one in tree.indicators],
            t("Share of the parent"): [f"{one.weight:.1%}" for one in tree.indicators],
            t("Origin of the name"): [t(PROVENANCES[one.name_status]) for one in tree.indicators],
            t("Origin of the weight"): [
                t(PROVENANCES[one.weight_status]) for one in tree.indicators
            ],
        }
    )


def _measures(method: Method, names: Names, t: Translator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            t("Measure"): [names.indicator(one.key) for one in method.measures],
            t("Question"): [one.item for one in method.measures],
            t("Counts as yes"): [
                ", ".join(one.choices) or t("mean of the ratings (0–100)")
                for one in method.measures
            ],
        }
    )
