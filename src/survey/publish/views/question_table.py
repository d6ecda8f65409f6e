"""View of a wave without a composite: every question with its own figure, none as the score."""

import numpy as np

from survey.access.principal import Principal
from survey.access.roles import NATION
from survey.locale import msg
from survey.publish.charts.interval_charts import UNCLEAR
from survey.publish.charts.marks import HIDDEN
from survey.publish.views.chart_panels import ChartHeading, subtitle
from survey.publish.views.chart_rows import counts, ranges, score_table
from survey.publish.views.interval_table import (
    IntervalTable,
    build_interval_table,
    draw_interval_bars,
)
from survey.publish.views.measures import unit_of
from survey.publish.views.table_slice import TableSlice
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults

NO_COMPOSITE = msg("No composite score is computed for this wave. Its questions stand below.")


def list_questions(*, results: WaveResults, principal: Principal, language: str) -> dict[str, str]:
    """Return the names of all figures of the wave by their keys, in the order of the form."""
    reading = ViewContext(results, principal, language)
    cells = reading.cells(area_level="city", indicator=None)
    return {code: reading.names.indicator(code) for code in _list_codes(reading, cells)}


def build_question_table(
    *, results: WaveResults, principal: Principal, language: str, area: str = NATION
) -> IntervalTable:
    """Build the table of all questions in the nation or a city, each in its own unit."""
    reading = ViewContext(results, principal, language)
    t = reading.t
    level = "nation" if area == NATION else "city"
    cells = reading.cells(area_level=level, area=area, indicator=None)
    cells = cells.in_order("indicator", _list_codes(reading, cells))
    codes, estimate = cells.texts("indicator"), cells.numbers("estimate")
    roles = np.where(~cells.shown | np.isnan(estimate), HIDDEN, UNCLEAR).tolist()
    names, units = [reading.names.indicator(c) for c in codes], [unit_of(reading, c) for c in codes]
    # Numbers lie on no common scale: a bar beside a per cent would compare what is not alike.
    numbers = {each.key for each in results.method.measures if each.is_number}
    drawn = [HIDDEN if code in numbers else role for code, role in zip(codes, roles, strict=True)]
    on_scale = np.array([code not in numbers for code in codes], dtype=bool)
    low, middle, high = (
        np.where(on_scale, values, np.nan)
        for values in (cells.numbers("ci_low"), estimate, cells.numbers("ci_high"))
    )
    bars = draw_interval_bars(low, middle, high, drawn, origin=None)
    figure, unit = t("Published figure"), t("Unit")
    heading = ChartHeading(
        f"questions-{level}",
        t("Every question, {area}", area=reading.names.area(area)),
        t("Question"),
    )
    return build_interval_table(
        heading,
        subtitle(reading, t("each question in its own unit"), cells.max_value("n")),
        codes,
        {
            heading.rows: names,
            figure: estimate,
            unit: units,
            t("95%\u00a0interval"): ranges(cells, t),
            "n": counts(cells.numbers("n")),
        },
        (t("Figure with interval"), bars),
        score_table(cells, names, t, name=heading.rows, value=figure, **{unit: units}),
        visible=[role != HIDDEN for role in roles],
        is_signed=False,
    )


def _list_codes(reading: ViewContext, cells: TableSlice) -> list[str]:
    """Return the measures in the order of the form, then ratings that are no measure."""
    known = [measure.key for measure in reading.results.method.measures]
    asked = dict.fromkeys(cells.texts("indicator"))
    return [*(code for code in known if code in asked), *sorted(asked.keys() - set(known))]
