"""Quality of the questions: one sentence a finding, and the tables they rest on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.estimate.tree import COMPOSITE
from survey.figures.views.view_context import MODE_NAMES, ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import Message, label_text, msg
from survey.locale.figures import (
    format_count,
    format_percent,
    format_quantity,
    format_share,
    format_signed,
)
from survey.results.measurement import DIFFERS, HOLDS, TOO_FEW
from survey.results.method_sheets import MEASUREMENT, OBSTACLE, OBSTACLE_SENTENCES

_CONSISTENCY: tuple[tuple[float, Message], ...] = (
    (0.9, msg("very well")),
    (0.8, msg("well")),
    (0.7, msg("well enough")),
    (-np.inf, msg("too weakly for one figure")),
)
"""Least α -> how questions go together (Nunnally and Bernstein 1994)."""
_FITS: tuple[tuple[float, float, Message], ...] = (
    (0.95, 0.06, msg("The answers fit the tree of indicators well")),
    (0.90, 0.08, msg("The answers fit the tree of indicators")),
    (
        -np.inf,
        np.inf,
        msg(
            "The answers fit the tree of indicators poorly, which says what counts, not how people "
            "answer"
        ),
    ),
)
"""Least CFI and largest RMSEA -> finding (Hu and Bentler 1999; Browne and Cudeck 1993)."""
_VARIABLES: Mapping[str, Message] = {
    "mode": msg("mode"),
    "age_band": msg("age"),
    "residence": msg("town and countryside"),
    "region3": msg("region"),
}


@dataclass(frozen=True, eq=False)
class MeasurementView:
    """Findings in sentences, with tables of indicators and of questions; None: none."""

    sentences: tuple[str, ...]
    indicators: pd.DataFrame | None = None
    questions: pd.DataFrame | None = None


def build_measurement(context: ViewContext) -> MeasurementView:
    """Build what the sheet of a wave says about the quality of its questions."""
    rows = context.results.sheet(context.principal, MEASUREMENT)
    whole = rows[rows["line"] == ""]
    if len(whole):
        return MeasurementView((_explain(context, str(whole[OBSTACLE].iloc[0])),))
    shown = rows[rows["shown"].astype(bool) & (rows["group"] == EVERYONE)]
    kept = shown[shown[OBSTACLE] == ""]
    lines = {str(line): part for line, part in kept.groupby("line", observed=True)}
    empty = kept.iloc[:0]
    scale, item, cities = (lines.get(name, empty) for name in ("scale", "item", "city_means"))
    sentences = (
        _describe_consistency(context, scale),
        _describe_cities(context, cities),
        _describe_fit(context, lines.get("model", empty)),
        *_describe_understanding(context, lines.get("invariance", empty)),
        _describe_bias(context, lines.get("bias", empty)),
        _describe_missing(context, item),
    )
    return MeasurementView(
        tuple(sentence for sentence in sentences if sentence) or (_explain(context, TOO_FEW),),
        _build_indicator_table(context, scale, cities) if len(scale) else None,
        _build_question_table(context, item) if len(item) else None,
    )


def _explain(context: ViewContext, obstacle: str) -> str:
    return context.t(OBSTACLE_SENTENCES[obstacle])


def _describe_consistency(context: ViewContext, scale: pd.DataFrame) -> str:
    t = context.t
    whole = scale[scale["indicator"] == COMPOSITE]
    firsts = scale[scale["indicator"].isin(context.level_codes(1))]
    if not len(whole) or not len(firsts):
        return ""
    alpha = float(whole["alpha"].iloc[0])
    word = next(text for least, text in _CONSISTENCY if alpha >= least)
    weakest = firsts.sort_values("alpha", kind="stable").iloc[0]
    return t(
        "All questions go together {how} (α {alpha}); those of {indicator} least, with {least}.",
        how=t(word),
        alpha=format_quantity(alpha, 2),
        indicator=context.names.indicator(str(weakest["indicator"])),
        least=format_quantity(float(weakest["alpha"]), 2),
    )


def _describe_cities(context: ViewContext, cities: pd.DataFrame) -> str:
    t = context.t
    own = cities[cities["indicator"] == COMPOSITE]
    if not len(own):
        return ""
    share = float(own["reliability"].iloc[0])
    if np.isnan(needed := float(own["needed_n"].iloc[0])):
        return t("What the cities differ by is no more than chance would make.")
    return t(
        "Of what the cities' scores differ by, {share} is real and the rest chance; for 90% a city "
        "would need about {needed} interviews.",
        share=format_share(share, 0),
        needed=format_count(needed),
    )


def _describe_fit(context: ViewContext, model: pd.DataFrame) -> str:
    if not len(model):
        return ""
    cfi, rmsea = float(model["cfi"].iloc[0]), float(model["rmsea"].iloc[0])
    if np.isnan(cfi):
        return ""
    words = next(text for least, most, text in _FITS if cfi >= least and rmsea <= most)
    return context.t(
        "{finding} (CFI {cfi}, RMSEA {rmsea}).",
        finding=context.t(words),
        cfi=format_quantity(cfi, 3),
        rmsea=format_quantity(rmsea, 3),
    )


def _describe_understanding(context: ViewContext, invariance: pd.DataFrame) -> Iterator[str]:
    """Yield over which variables the whole model holds, and over which it does not."""
    t = context.t
    last = invariance[invariance["item"].astype(str).str.endswith(":scalar")]
    named: dict[bool, list[str]] = {True: [], False: []}
    for item, verdict in zip(last["item"].astype(str), last["verdict"].astype(str), strict=True):
        named[verdict == HOLDS].append(t(_VARIABLES[item.partition(":")[0]]))
    if named[True]:
        yield t(
            "The questions mean the same to groups by {variables}; their scores may be compared.",
            variables=t(", ").join(named[True]),
        )
    if named[False]:
        yield t(
            "Groups by {variables} understand some questions in different ways; read differences "
            "between their scores with care.",
            variables=t(", ").join(named[False]),
        )


def _describe_bias(context: ViewContext, bias: pd.DataFrame) -> str:
    t = context.t
    if not len(bias):
        return ""
    found = bias[bias["verdict"] == DIFFERS]
    if not len(found):
        return t("No question is answered differently by groups that are equally satisfied.")
    found = found.assign(pair=found["item"].astype(str).str.partition("=")[0])
    texts = []
    for pair, own in found.groupby("pair", sort=False):
        most = own.iloc[int(own["points"].abs().to_numpy().argmax())]
        texts.append(
            t(
                "{question}, {group} {points}",
                question=_name_question(context, str(pair).partition(":")[0]),
                group=_name_group(context, str(most["item"]).partition(":")[2]),
                points=format_signed(float(most["points"])),
            )
        )
    return t(
        "The same satisfaction, answered differently (points beside others as satisfied): {list}.",
        list=t("; ").join(texts),
    )


def _describe_missing(context: ViewContext, item: pd.DataFrame) -> str:
    if not len(item):
        return ""
    most = item.sort_values("missing", kind="stable").iloc[-1]
    return context.t(
        "Most often left without a score: {question}, by {share} of those asked.",
        question=_name_question(context, str(most["item"])),
        share=format_percent(float(most["missing"]), 1),
    )


def _name_question(context: ViewContext, name: str) -> str:
    """Return the indicator that a question measures, or its label where several measure one."""
    question = context.results.questions[name]
    code = str(question.indicator)
    others = [each for each in context.results.questions.values() if each.indicator == code]
    if len(others) == 1:
        return context.names.indicator(code)
    return label_text(question.label, context.language, name)


def _name_group(context: ViewContext, group: str) -> str:
    variable, _, value = group.partition("=")
    if variable == "mode":
        modes = {str(mode): text for mode, text in MODE_NAMES.items()}
        return context.t(modes[value]) if value in modes else value
    return context.names.area(value) if variable == "region3" else context.names.group(group)


def _build_indicator_table(
    context: ViewContext, scale: pd.DataFrame, cities: pd.DataFrame
) -> pd.DataFrame:
    t = context.t
    places = cities.astype({"indicator": str}).set_index("indicator")
    codes = scale["indicator"].astype(str).tolist()
    return pd.DataFrame(
        {
            t("Indicator"): [context.names.numbered(code) for code in codes],
            t("Questions"): scale["items"].astype(int).tolist(),
            "α": _write(scale, "alpha"),
            t("95%\u00a0interval"): [
                f"{low}–{high}" if low and high else ""
                for low, high in zip(
                    _write(scale, "alpha_low"), _write(scale, "alpha_high"), strict=True
                )
            ],
            "ω": _write(scale, "omega"),
            t("Halves"): _write(scale, "split_half"),
            t("Real differences between cities"): _write(places.reindex(codes), "reliability"),
        }
    )


def _build_question_table(context: ViewContext, item: pd.DataFrame) -> pd.DataFrame:
    t = context.t
    names = [_name_question(context, name) for name in item["item"].astype(str)]
    return pd.DataFrame(
        {
            t("Question"): names,
            t("No score, %"): _write(item, "missing", 1),
            t("Do not know, %"): _write(item, "unknown", 1),
            t("Lowest score, %"): _write(item, "floor", 1),
            t("Highest score, %"): _write(item, "ceiling", 1),
            t("With the others"): _write(item, "item_rest"),
            t("α without it"): _write(item, "alpha_dropped"),
            t("Loading"): _write(item, "loading"),
        }
    )


def _write(rows: pd.DataFrame, column: str, decimals: int = 2) -> list[str]:
    values = rows[column].to_numpy(dtype=float, na_value=np.nan)
    return ["" if np.isnan(value) else format_quantity(value, decimals) for value in values]
