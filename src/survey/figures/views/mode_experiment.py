"""Mode experiment on screen: what reading the questions aloud changes, by chance offers."""

from dataclasses import dataclass

import numpy as np

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.figures.charts.marks import HIDDEN_ROLE
from survey.figures.views.chart_panels import ChartHeading, subtitle
from survey.figures.views.chart_rows import (
    Rows,
    classify_differences,
    counts,
    ranges,
    ranges_of,
    verdict_texts,
)
from survey.figures.views.estimate_text import format_interval
from survey.figures.views.interval_table import (
    IntervalTable,
    build_interval_table,
    draw_interval_bars,
    signed_verdicts,
)
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.locale.figures import format_count, format_share, format_signed
from survey.results.analysis import HIGHER, LOWER
from survey.results.method_sheets import MODE_EXPERIMENT, OBSTACLE, OBSTACLE_SENTENCES

_OFFERED = {"offered": "difference", "offered_low": "ci_low", "offered_high": "ci_high"}


@dataclass(frozen=True)
class ModeExperimentView:
    """Mode experiment in sentences, and its effect on each indicator; or why there is none."""

    sentences: tuple[str, ...]
    table: IntervalTable | None = None


def build_mode_experiment_view(context: ViewContext) -> ModeExperimentView:
    """Build what was offered by chance, how many did otherwise, and what reading aloud changes."""
    t = context.t
    sheet = context.results.sheet(context.principal, MODE_EXPERIMENT, area=NATION)
    rows = TableSlice(sheet.rename(columns=_OFFERED).assign(status="ok"))
    offers, effects = (rows.where("line", line) for line in ("offer", "mode_effect"))
    if not len(offers) or not offers.shown.all():
        code = rows.texts(OBSTACLE)[0] if len(rows) else ""
        hidden = t("Nothing is shown here: too few interviews, or to protect personal data.")
        return ModeExperimentView((t(OBSTACLE_SENTENCES[code]) if code else hidden,))
    sentences = _describe_offers(context, offers)
    composite = effects.where("indicator", COMPOSITE)
    if len(composite) and composite.shown[0] and not composite.texts(OBSTACLE)[0]:
        sentences += _describe_effect(context, composite)
    codes = context.level_codes(1, 2, 3)
    own = effects.in_order("indicator", [COMPOSITE, *codes])
    return ModeExperimentView(tuple(sentences), _build_table(context, own) if len(own) else None)


def _describe_offers(context: ViewContext, offers: TableSlice) -> list[str]:
    t = context.t
    points = dict(zip(offers.texts("item"), offers.numbers("offer_points"), strict=True))
    sentence = t(
        "By chance, {points} of {of} sampling points offered the own phone; at the others the "
        "questions were read aloud.",
        points=format_count(points["mode=self"]),
        of=format_count(sum(points.values())),
    )
    if offers.texts(OBSTACLE)[0]:
        return [sentence]
    phone, aloud = (
        format_share(offers.where("item", f"mode={mode}").numbers("switched")[0] / 100, 0)
        for mode in ("self", "assisted")
    )
    switched = t(
        "It was an offer: {phone} at the former and {aloud} at the latter answered in the other "
        "way, and count where they were offered.",
        phone=phone,
        aloud=aloud,
    )
    return [sentence, switched]


def _describe_effect(context: ViewContext, composite: TableSlice) -> list[str]:
    t = context.t

    def words(name: str, low: str, high: str) -> dict[str, str]:
        value, *ends = (float(composite.numbers(each)[0]) for each in (name, low, high))
        interval = format_interval(ends[0], ends[1], t)
        return {"effect": format_signed(value), "interval": interval}

    sentences = [
        t(
            "Where they were to be read aloud, answers are {effect} points apart from those where "
            "the own phone was offered ({interval}).",
            **words("difference", "ci_low", "ci_high"),
        ),
        t("A difference of this size is more than chance.")
        if composite.texts("verdict")[0] in {HIGHER, LOWER}
        else t("Chance alone could have made this difference."),
    ]
    if not np.isnan(composite.numbers("used")[0]):
        sentences.append(
            t(
                "By what was used, with the offer as instrument: {effect} points ({interval}).",
                **words("used", "used_low", "used_high"),
            )
        )
    return sentences


def _build_table(context: ViewContext, rows: TableSlice) -> IntervalTable:
    """Build the table of both effects on every indicator, in the order of the tree."""
    t, roles = context.t, classify_differences(rows)
    labels = [context.names.numbered(code) for code in rows.texts("indicator")]
    lows, values, highs = (rows.numbers(name) for name in ("ci_low", "difference", "ci_high"))
    used, low, high = (rows.numbers(name) for name in ("used", "used_low", "used_high"))
    n = counts(rows.numbers("n_phone") + rows.numbers("n_aloud"))
    columns: Rows = {
        t("Indicator"): labels,
        t("Read aloud less own phone"): values,
        t("95%\u00a0interval"): ranges(rows, t),
        t("Verdict"): signed_verdicts(roles, verdict_texts(t), t, gaps=rows),
        t("By what was used"): used,
        t("Its interval"): ranges_of(low, high, t),
        "n": n,
    }
    downloaded: Rows = {
        t("Indicator"): labels,
        t("Read aloud less own phone"): values,
        t("Lower end"): lows,
        t("Upper end"): highs,
        t("By what was used"): used,
        t("Its lower end"): low,
        t("Its upper end"): high,
        "n": n,
    }
    heading = ChartHeading(
        "mode-experiment",
        t("What reading aloud changes"),
        t("Indicator"),
        t("No score is changed by this, and nobody is left out who did otherwise than offered."),
    )
    return build_interval_table(
        heading,
        subtitle(context, t("Difference in points"), max(filter(None, n), default=None)),
        rows.texts("indicator"),
        columns,
        (t("Difference with interval"), draw_interval_bars(lows, values, highs, roles)),
        downloaded,
        visible=[role != HIDDEN_ROLE for role in roles],
    )
