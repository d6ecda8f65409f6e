"""Spread of the answers in an area: median and middle half of each question, beside its mean."""

from survey.access.roles import NATION
from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.views.chart_panels import ChartPanel, score_title, subtitle
from survey.figures.views.chart_rows import counts, ranges_of, remarks, score_rows
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.results.method_sheets import OBSTACLE, OBSTACLE_SENTENCES, SPREAD

_QUARTILES = {"median": "estimate", "lower_quartile": "ci_low", "upper_quartile": "ci_high"}


def build_spread_panel(context: ViewContext, *, area: str = NATION) -> ChartPanel | str:
    """Build the chart of medians with the middle half of the answers, or say why there is none."""
    t = context.t
    sheet = context.results.sheet(context.principal, SPREAD, area=area)
    if not len(sheet):
        sheet = context.results.sheet(context.principal, SPREAD, area=NATION)
    cells = context.results.cells(context.principal, area=area, group=EVERYONE)
    cells = cells[["indicator", "estimate", "status"]].rename(columns={"estimate": "mean"})
    sheet = sheet.astype({"indicator": str}).merge(cells.astype({"indicator": str}), how="left")
    rows = TableSlice(sheet.rename(columns=_QUARTILES))
    if not any(rows.texts("item")):
        return t(OBSTACLE_SENTENCES[rows.texts(OBSTACLE)[0]])
    labels = [context.names.numbered(code) for code in rows.texts("indicator")]
    title = t("Median and middle half of the answers, {area}", area=context.names.area(area))
    value, middle = t("Median"), t("Middle half of the answers")
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
        text=ChartLabels(value=value, name=t("Indicator"), interval=middle, n="n", series=()),
        chart_rows=score_rows(rows, labels, t, key="indicator"),
        table_columns={
            t("Indicator"): labels,
            t("Mean"): rows.numbers("mean"),
            value: rows.numbers("estimate"),
            t("95%\u00a0interval"): ranges_of(
                rows.numbers("median_low"), rows.numbers("median_high"), t
            ),
            middle: ranges_of(rows.numbers("ci_low"), rows.numbers("ci_high"), t),
            "n": counts(rows.numbers("n")),
            t("Remark"): remarks(rows, rows.numbers("estimate"), t),
        },
        note=t(
            "The line is no error: half of the people gave a score within it, a quarter one at or "
            "below its lower end and a quarter one at or above its upper end."
        ),
    )
