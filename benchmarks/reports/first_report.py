"""First report of a server process, in a process of its own.

    python -m benchmarks.reports.first_report FORMAT [--alone] [--area CN]

Measured is what happens when a button is pressed on the page of exports: the page has been drawn,
nothing of a report has been made. `--alone` draws charts in the process itself. Prints processor
seconds of the process, those of the process that draws charts, and seconds on the clock, as JSON;
the store is named by the environment, as for any command.
"""

import argparse
import json
import os
import time
from pathlib import Path

from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.figures.charts import prebuild_specs
from survey.figures.drawing import CHART_PROCESS
from survey.figures.views.city import city_choices
from survey.figures.views.view_context import ViewContext, list_area_choices
from survey.reports.contents import ReportKind
from survey.reports.report_service import (
    ReportFormat,
    ReportOrder,
    make_report_file,
    read_report_waves,
)
from survey.settings import Settings, current_settings

CITY, WAVE = "320500", "main-2024"
MAX_START_SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the first report of a process.")
    parser.add_argument("form", type=ReportFormat)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--area", default=CITY)
    chosen = parser.parse_args()
    settings = current_settings()
    draw_page(settings)
    with CHART_PROCESS.allowed():
        if not chosen.alone:
            CHART_PROCESS.start()
            latest = time.monotonic() + MAX_START_SECONDS
            while CHART_PROCESS.process_id is None:
                if time.monotonic() > latest:
                    raise SystemExit("the process that draws charts does not start")
                time.sleep(0.01)
            # Waits behind the chart that is drawn ahead.
            CHART_PROCESS.draw({"mark": "point", "data": {"values": []}})
        print(json.dumps(measure(settings, chosen.form, chosen.area)))


def draw_page(settings: Settings) -> None:
    """Do what a server does at its start and for the page with the button."""
    prebuild_specs()
    results = read_report_waves(settings, WAVE).results
    city_choices(ViewContext(results, OPERATOR, "zh"))
    list_area_choices(ViewContext(results, OPERATOR, "zh"), levels=("nation", "province"))


def measure(settings: Settings, form: ReportFormat, area: str) -> dict[str, float]:
    """Return the seconds of one report: here, in the process of charts, and on the clock."""
    kind = ReportKind.NATION if area == NATION else ReportKind.CITY
    order = ReportOrder(kind, area, form, "zh")
    wall, own, charts = time.perf_counter(), time.process_time(), seconds_of_charts()
    waves = read_report_waves(settings, WAVE)
    make_report_file(settings, waves, principal=OPERATOR, order=order)
    return {
        "own": time.process_time() - own,
        "charts": seconds_of_charts() - charts,
        "wall": time.perf_counter() - wall,
    }


def seconds_of_charts() -> float:
    """Return the processor seconds of the process that draws charts; 0 where Linux is not."""
    process = CHART_PROCESS.process_id
    try:
        fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
