"""Drawing beside a server of pages: its charts in a process of their own, and typeset PDF.

The chart library holds the interpreter while it draws, and for half a second while its engine
starts: in a server, every reader would wait for the report of one. The process is handed the
specification of a chart, whose figures a service has let through, and gives back the drawing; who
may have it was decided before. Where there is no such process, charts are drawn where they are
asked for, to the same bytes.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock, Thread, Timer
from typing import Any, Literal

import typst
import vl_convert

from survey.compute.worker import Worker, count_usable_processors
from survey.figures.typeface import FONT_FAMILY, FONT_FILE


@lru_cache(maxsize=1)
def read_fonts() -> typst.Fonts:
    """Return the fonts for Typst: those shipped with the platform, none of the machine's."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(FONT_FILE.parent)])


PdfStandard = Literal["ua-1", "a-2a"]
"""PDF/UA-1 for screen readers and PDF/A-2a for archives, as Typst names them."""


def write_typst_pdf(
    template: Path,
    data: Mapping[str, Any],
    *,
    made_at: datetime | None = None,
    standards: Sequence[PdfStandard] = (),
) -> bytes:
    """Return a Typst template filled with `data` as PDF, dated `made_at`; same input, same bytes.

    Args:
        template: Reads `sys.inputs.data` (JSON), with the name of the typeface as `font` in it.
        data: Plain values only.
        made_at: What the file names as its time; without it none.
        standards: PDF standards that the file keeps.
    """
    plain = json.dumps(dict(data, font=FONT_FAMILY), ensure_ascii=False)
    content: bytes = typst.compile(
        template.read_bytes(),
        font_paths=read_fonts(),
        sys_inputs={"data": plain},
        # Typst takes whole seconds alone; the moment of a real freeze has microseconds.
        timestamp=made_at.replace(microsecond=0) if made_at else None,
        format="pdf",
        pdf_standards=[*standards],
    )
    return content


@lru_cache(maxsize=1)
def chart_family() -> str:
    """Register the shipped typeface with the chart library once, and return its font family."""
    vl_convert.register_font_directory(str(FONT_FILE.parent))
    return f"{FONT_FAMILY}, sans-serif"


def draw_svg(spec: dict[str, Any]) -> str:
    """Return a chart as SVG, drawn in this process; the first call starts the library's engine."""
    chart_family()
    return str(vl_convert.vegalite_to_svg(spec))


_LOG = logging.getLogger(__name__)
_MAX_IDLE_SECONDS = 600.0
"""How long a process without work keeps its memory."""
_MAX_DRAWING_SECONDS = 60.0
"""A chart takes a seventh of a second; a process that does not answer by then is given up."""
_NO_NICENESS = 0
"""Somebody waits for the drawing, as for a page."""
_FIRST_CHART: Mapping[str, Any] = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "data": {"values": [{"name": "\u4e00", "value": 70.5, "low": 68.0}]},
    "layer": [
        {
            "mark": mark,
            "encoding": {
                "x": {"field": field, "type": "quantitative"},
                "y": {"field": "name", "type": "nominal"},
            },
        }
        for mark, field in (("rule", "low"), ("point", "value"))
    ],
}
"""Drawn once so that engine and typeface are there before the first chart of a reader."""


class ChartProcess:
    """Process that draws charts for all sessions of a server: at most one, one chart at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._worker: Worker | None = None
        self._is_allowed = False
        self._used_at = 0.0

    @property
    def process_id(self) -> int | None:
        """Return the id of the process that runs now, if there is one."""
        worker = self._worker
        return None if worker is None else worker.process_id

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Allow the process to be started within this context, and end it on leaving."""
        self._is_allowed = True
        try:
            yield
        finally:
            self._is_allowed = False
            worker = self._worker
            if worker is not None:
                worker.kill()  # before the lock: whoever holds it may wait for a drawing
            with self._lock:
                self._end()

    def start(self) -> None:
        """Start the process unless it runs, and return at once; does nothing where not allowed."""
        if not self._is_allowed or self._worker is not None:
            return
        Thread(target=self._keep, name="charts", daemon=True).start()

    def draw(self, spec: dict[str, Any]) -> str:
        """Return a chart as SVG, drawn by the process if there is one."""
        if self._worker is not None:
            with self._lock:
                svg = self._try_draw(spec)
            if svg is not None:
                return svg
        return draw_svg(spec)

    def _try_draw(self, spec: Mapping[str, Any]) -> str | None:
        """Return the SVG that the process draws, or None if it fails; the caller holds the lock.

        It is given up then: the chart is drawn here, and an error of the chart met again.
        """
        worker = self._worker
        if worker is None:
            return None
        patience = Timer(_MAX_DRAWING_SECONDS, worker.kill)
        patience.daemon = True
        try:
            patience.start()
            svg: str = worker.apply(draw_svg, dict(spec))
        except Exception as error:
            if self._is_allowed:
                _LOG.warning("the process that draws charts is given up: %s", error)
            self._end()
            return None
        except BaseException:
            self._end()  # its answer would come in reply to the next chart
            raise
        finally:
            patience.cancel()
            self._used_at = time.monotonic()
        return svg

    def _keep(self) -> None:
        """Start the process, wait until it is idle or given up, and end it; runs in a thread."""
        with self._lock:
            if not self._is_allowed or self._worker is not None:
                return
            try:
                worker = self._worker = Worker(niceness=_NO_NICENESS)
            except OSError:
                _LOG.exception("no process for charts could be started")
                return
        try:
            with self._lock:
                self._try_draw({**_FIRST_CHART, "config": {"font": chart_family()}})
            self._wait_until_idle(worker)
        except Exception:
            _LOG.exception("the process that draws charts is given up")
        finally:
            with self._lock:
                if self._worker is worker:
                    self._end()

    def _wait_until_idle(self, worker: Worker) -> None:
        """Wait until `worker` is replaced or ended, or is idle for `_MAX_IDLE_SECONDS`."""
        while self._worker is worker:
            idle = time.monotonic() - self._used_at
            if idle >= _MAX_IDLE_SECONDS:
                return
            time.sleep(_MAX_IDLE_SECONDS - idle)

    def _end(self) -> None:
        """End the process if there is one; the caller holds the lock."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            worker.close()


CHART_PROCESS = ChartProcess()


@contextmanager
def chart_process_for_report() -> Iterator[None]:
    """Allow a chart-drawing process in this context; start it if there is a second processor."""
    with CHART_PROCESS.allowed():
        if count_usable_processors() > 1:
            CHART_PROCESS.start()
        yield
