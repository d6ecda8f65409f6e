"""Every picture of the product, as pure functions of words and style; data come apart."""

from survey.publish.charts.spec import ChartKind, chart_spec, prebuild_specs
from survey.publish.charts.style import ELDER, ORDINARY, ChartLabels, ChartStyle

__all__ = [
    "ELDER",
    "ORDINARY",
    "ChartKind",
    "ChartLabels",
    "ChartStyle",
    "chart_spec",
    "prebuild_specs",
]
