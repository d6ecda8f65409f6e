"""Numbers of tables and figures, counted through a report."""

from survey.locale import translator
from survey.publish.reports.contents import Report, ReportChart, ReportTable


def number_captions(report: Report) -> dict[int, str]:
    """Return the caption of each table and chart by its identity, numbered in order."""
    t, captions = translator(report.language), {}
    tables = charts = 0
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, ReportTable):
                tables += 1
                captions[id(block)] = t("Table {number}  {title}", number=tables, title=block.title)
            elif isinstance(block, ReportChart):
                charts += 1
                captions[id(block)] = t(
                    "Figure {number}  {title}", number=charts, title=block.panel.title
                )
    return captions
