"""Spread of the answers in an area: median and middle half of each question, beside its mean."""

from survey.access.roles import NATION
from survey.figures.charts import ChartKind
from survey.figures.views.chart_panels import ChartPanel, label_intervals, score_title, subtitle
from survey.figures.views.chart_rows import counts, ranges, ranges_of, remarks, score_rows
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.results.method_sheets import OBSTACLE, OBSTACLE_SENTENCES, SPREAD

_MEDIAN = {"median": "estimate", "median_low": "ci_low", "median_high": "ci_high"}


def build_spread_panel(context: ViewContext, *, area: str = NATION) -> ChartPanel | str:
    """Build the chart of medians, and their table with quartiles; or say why there is none."""
    t = context.t
    sheet = context.results.sheet(context.principal, SPREAD, area=[NATION, area])
    # A wave without the sheet says so in a row of the nation.
    if reasons := sheet.loc[sheet["item"].astype(str) == "", OBSTACLE].astype(str).tolist():
        return t(OBSTACLE_SENTENCES[reasons[0]])
    sheet = sheet[sheet["area"].astype(str) == area]
    if not len(sheet):
        return t("Nothing is shown here: too few interviews, or to protect personal data.")
    cells = context.results.cells(context.principal, area=area, group=EVERYONE)
    cells = cells[["indicator", "estimate", "status"]].rename(columns={"estimate": "mean"})
    sheet = sheet.astype({"indicator": str}).merge(cells.astype({"indicator": str}), how="left")
    rows = TableSlice(sheet.rename(columns=_MEDIAN))
    labels = [context.names.numbered(code) for code in rows.texts("indicator")]
    title = t("Median and middle half of the answers, {area}", area=context.names.area(area))
    value = t("Median")
    return ChartPanel(
        key="spread",
        kind=ChartKind.INTERVALS,
        title=title,
        subtitle=subtitle(context, score_title(t), rows.max_value("n")),
        alt=t(
            "{title}. {count} indicators. The same data follow as a table.",
            title=title,
            count=len(labels),
        ),
        text=label_intervals(t, value, t("Indicator")),
        chart_rows=score_rows(rows, labels, t, key="indicator"),
        table_columns={
            t("Indicator"): labels,
            t("Mean"): rows.numbers("mean"),
            value: rows.numbers("estimate"),
            t("95%\u00a0interval"): ranges(rows, t),
            t("Middle half of the answers"): ranges_of(
                rows.numbers("lower_quartile"), rows.numbers("upper_quartile"), t
            ),
            "n": counts(rows.numbers("n")),
            t("Remark"): remarks(rows, rows.numbers("estimate"), t),
        },
        note=t(
            "Half of the people gave the median or less. The middle half, in the table, leaves out "
            "the lowest and the highest quarter of the answers."
        ),
    )
