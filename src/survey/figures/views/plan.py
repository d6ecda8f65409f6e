"""View of a sample plan: what it will be able to tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.marks import REFERENCE
from survey.figures.figure_table import Columns
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.display_names import DisplayNames
from survey.frame.city_frame import FrameCity
from survey.frame.quotas import plan_margins
from survey.frame.sample_size import drop_uninformative
from survey.frame.sampling_plan import SamplingPlan
from survey.locale import Translator
from survey.locale.figures import format_quantity, format_score, format_share


@dataclass(frozen=True, eq=False)
class GroupPrecision:
    """Precision that a plan reaches for a special group over all its cities."""

    name: str
    expected: float
    best: float
    """Not a number where no city has enough interviews to estimate."""
    worst: float
    too_few: int
    """Cities with too few interviews to estimate."""


@dataclass(frozen=True, eq=False)
class PlanView:
    """Answer, remarks, chart and the two tables of a plan."""

    total: int
    sentence: str
    remarks: tuple[str, ...]
    groups: tuple[GroupPrecision, ...]
    precision_chart: ChartPanel
    cells: pd.DataFrame
    """Targets summed over the cities: quota, category, target."""


def build_plan_view(
    planned: SamplingPlan, cities: Sequence[FrameCity], series: str, language: str
) -> PlanView:
    """Build the view of a sampling plan; `cities` is the whole frame, the plan may have fewer."""
    names = DisplayNames(language, None)
    return PlanView(
        total=planned.sample.total,
        sentence=_describe_precision_and_cost(planned, cities, series, names.t),
        remarks=_list_remarks(planned, names.t),
        groups=_list_group_precisions(planned, names),
        precision_chart=_build_precision_chart(planned, names),
        cells=_build_quota_table(planned, names),
    )


def nation_half_width(planned: SamplingPlan, cities: Sequence[FrameCity], series: str) -> float:
    """Return the interval half-width of all cities' mean, weighted by the people of `series`.

    The samples are independent, so variances add.
    """
    half = planned.sample.cities["half_width"]
    people = plan_margins(cities, series, {}).city_totals().reindex(half.index)
    share = people / people.sum()
    return float(np.sqrt((share**2 * half**2).sum()))


def _describe_precision_and_cost(
    planned: SamplingPlan, cities: Sequence[FrameCity], series: str, t: Translator
) -> str:
    half = drop_uninformative(planned.sample.cities["half_width"])
    if half.isna().any():
        sentence = t(
            "{cities} cities, {count} of them with too few interviews to estimate.",
            cities=len(half),
            count=int(half.isna().sum()),
        )
    else:
        sentence = t(
            "{cities} cities, each within ±{best} to ±{worst} points for a share of one half, all "
            "together within ±{nation}.",
            cities=len(half),
            best=format_score(half.min()),
            worst=format_score(half.max()),
            nation=format_score(nation_half_width(planned, cities, series), 2),
        )
    if planned.request.aim.price:
        cost = format_quantity(planned.sample.cost)
        sentence = f"{sentence} " + t("The interviews cost {cost} yuan.", cost=cost)
    return sentence


def _list_remarks(planned: SamplingPlan, t: Translator) -> tuple[str, ...]:
    aim = planned.request.aim
    missed = planned.sample.missed
    remarks = [
        t(
            "Fewest interviews of a city for ±{margin} points: {floor}.",
            margin=f"{aim.margin:g}", floor=f"{aim.floor:,}",
        )
    ]  # fmt: skip
    if planned.request.reserve:
        remarks.append(
            t(
                "The target stays {total} interviews. Quotas hold a reserve of {percent}% beyond "
                "it for what review takes away.",
                total=f"{planned.sample.total:,}",
                percent=f"{planned.request.reserve * 100:g}",
            )
        )
    if missed:
        remarks.append(
            t(
                "{count} cities stay above ±{margin} points: too few interviews, or asking some "
                "groups more often costs the city as a whole.",
                count=missed,
                margin=f"{aim.margin:g}",
            )
        )
    if planned.guardian_share is not None:
        remarks.append(
            t("The share of guardians is an assumption by age, not a count of the census.")
        )
    return tuple(remarks)


def _list_group_precisions(
    planned: SamplingPlan, names: DisplayNames
) -> tuple[GroupPrecision, ...]:
    return tuple(
        GroupPrecision(
            names.group(str(group)),
            float(rows["expected"].sum()),
            float(rows["half_width"].min()),
            float(rows["half_width"].max()),
            int(rows["half_width"].isna().sum()),
        )
        for group, rows in planned.sample.groups.groupby("group", sort=False)
    )


def _build_precision_chart(planned: SamplingPlan, names: DisplayNames) -> ChartPanel:
    t, sample = names.t, planned.sample
    order = sample.cities.sort_values("half_width", ascending=False, kind="stable")
    order["half_width"] = drop_uninformative(order["half_width"])
    city_label = t("The city")
    parts = [order.assign(series=city_label, n=order["size"].astype(float))]
    parts += [
        rows.set_index("city_code")
        .reindex(order.index)
        .assign(series=names.group(str(group)), n=lambda frame: frame["expected"])
        for group, rows in sample.groups.groupby("group", sort=False)
    ]
    drawn = pd.concat([part[["series", "half_width", "n"]] for part in parts])
    value = t("Half-width in points, for a share of one half")
    series = tuple(str(part["series"].iloc[0]) for part in parts)
    widest = order["half_width"].dropna().head(1)
    left_out = int(drawn["half_width"].isna().sum())
    note = t("Groups: expected interviews; without a quota of their own they may be fewer.")
    if left_out:
        note = t(
            "{note} –: too few interviews to estimate; the chart leaves out {count} such points.",
            note=note,
            count=f"{left_out:,}",
        )
    return ChartPanel(
        key="half-widths",
        kind=ChartKind.HALF_WIDTHS,
        title=t("How precise each city will be"),
        subtitle=t(
            "{level} confidence, design effect {deff}; the dashed line is the margin asked for",
            level=format_share(planned.request.aim.level, 0),
            deff=f"{planned.request.aim.deff:g}",
        ),
        alt=t(
            "How precise each city will be. {count} rows; the widest: {city} ±{half} points. The "
            "same data follow as a table.",
            count=len(order),
            city="".join(names.area(str(code)) for code in widest.index),
            half="".join(format_score(half) for half in widest) or "–",
        ),
        text=ChartLabels(value=value, name=t("City"), interval="±", n="n", series=series),
        chart_rows=_build_plan_rows(drawn, names, planned.request.aim.margin),
        table_columns=_build_city_columns(order, planned, names),
        note=note,
    )


def _build_plan_rows(drawn: pd.DataFrame, names: DisplayNames, margin: float) -> Columns:
    known = drawn.dropna(subset="half_width")
    widths = known["half_width"].tolist()
    return {
        "label": [*(names.area(str(code)) for code in known.index), ""],
        "series": [*known["series"].tolist(), ""],
        "estimate": [*widths, margin],
        "range": [*("±" + format_score(half) for half in widths), ""],
        "n": [*known["n"].round().tolist(), None],
        "role": [*["item"] * len(known), REFERENCE],
    }


def _build_city_columns(order: pd.DataFrame, planned: SamplingPlan, names: DisplayNames) -> Columns:
    t = names.t
    listing: dict[str, list[object]] = {
        t("City"): [names.area(str(code)) for code in order.index],
        t("Interviews"): [int(size) for size in order["size"]],
        t("Half-width (points)"): [float(half) for half in order["half_width"]],
    }
    for group, rows in planned.sample.groups.groupby("group", sort=False):
        ordered = rows.set_index("city_code").reindex(order.index)
        name = names.group(str(group))
        listing[t("{group}: expected", group=name)] = ordered["expected"].tolist()
        listing[t("{group}: half-width", group=name)] = ordered["half_width"].tolist()
    return listing


def _build_quota_table(planned: SamplingPlan, names: DisplayNames) -> pd.DataFrame:
    """Return a table of the quotas summed over all cities; the workbook has them by city."""
    t, cells, margins = names.t, planned.quotas.cells, planned.quotas.margins
    crossed = cells.groupby(["age_band", "gender"], sort=False)["target"].sum().reset_index()
    rows = [
        (
            t("Age × gender"),
            f"{names.group(f'age_band={age}')} · {names.group(f'gender={gender}')}",
            int(target),
        )
        for age, gender, target in crossed.to_numpy()
    ]
    summed = margins.groupby(["dimension", "category"], sort=False)["target"].sum().reset_index()
    rows += [
        (_name_dimension(dimension, t), _name_category(dimension, category, names), int(target))
        for dimension, category, target in summed.to_numpy()
    ]
    return pd.DataFrame(rows, columns=[t("Quota of"), t("Category"), t("Target")])


def _name_dimension(dimension: str, t: Translator) -> str:
    known = {
        "stratum": t("Urban or rural point"),
        "guardian": t("Guardian"),
        "age_band": t("Age"),
        "gender": t("Gender"),
        "school_stage": t("School stage"),
        "village_role": t("Role in the village"),
    }
    return known.get(dimension, dimension)


def _name_category(dimension: str, category: str, names: DisplayNames) -> str:
    if dimension == "stratum":
        return names.t("Rural") if category == "rural" else names.t("Urban")
    return names.group(f"{dimension}={category}")
