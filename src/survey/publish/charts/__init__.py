"""Charts as pure functions of labels and style; data are passed separately."""

from survey.publish.charts.spec import COUNT_KINDS, ChartKind, chart_spec, prebuild_specs
from survey.publish.charts.style import ELDER, ORDINARY, ChartLabels, ChartStyle

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
