"""Every picture of the product, as pure functions of words and style; data come apart."""

from survey.publish.charts.spec import Kind, lay_out_ahead, spec_of
from survey.publish.charts.style import ELDER, ORDINARY, Style
from survey.publish.charts.text import ChartText

__all__ = ["ELDER", "ORDINARY", "ChartText", "Kind", "Style", "lay_out_ahead", "spec_of"]
