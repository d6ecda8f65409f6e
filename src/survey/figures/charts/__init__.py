"""Charts as pure functions of labels and style; data are passed separately."""

from survey.figures.charts.marks import ELDER, ORDINARY, ChartLabels, ChartStyle
from survey.figures.charts.spec import COUNT_KINDS, ChartKind, chart_spec, prebuild_specs

__all__ = [
    "COUNT_KINDS",
    "ELDER",
    "ORDINARY",
    "ChartKind",
    "ChartLabels",
    "ChartStyle",
    "chart_spec",
    "prebuild_specs",
]
