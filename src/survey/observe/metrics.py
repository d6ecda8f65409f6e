"""Numbers for Prometheus, on a private port; nothing in them names a person or an address."""

import logging
from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from survey.settings import Settings

_LOG = logging.getLogger(__name__)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "survey_requests", "Requests at the public door", ("route", "status"), registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "survey_request_seconds", "From the head of a request to the end of its answer", ("route",),
    buckets=_SECONDS, registry=REGISTRY,
)  # fmt: skip
INTERVIEWS = Counter(
    "survey_interviews", "Interviews at the door by what came of them", ("outcome",),
    registry=REGISTRY,
)  # fmt: skip
BATCH = Histogram(
    "survey_batch_units", "Units of work that share a transaction", buckets=(1, 2, 4, 8, 16),
    registry=REGISTRY,
)  # fmt: skip
PAGE_SECONDS = Histogram(
    "survey_page_seconds", "Runs of a page", ("page",), buckets=_SECONDS, registry=REGISTRY
)
FAILURES = Counter(
    "survey_failures", "What nobody had foreseen: each has a line in the log", ("where",),
    registry=REGISTRY,
)  # fmt: skip
AUDIT_ENTRIES = Gauge(
    "survey_audit_sequence", "Number of the newest audit entry when last looked at",
    registry=REGISTRY,
)  # fmt: skip
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)


class _Pools(Collector):
    """Connections to the database, asked for when Prometheus asks."""

    def __init__(self, states: Callable[[], Iterable[tuple[str, int]]]) -> None:
        self._states = states

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "survey_db_connections", "Connections to the store", labels=("state",)
        )
        for state, count in self._states():
            family.add_metric((state,), count)
        yield family


def watch_pools(states: Callable[[], Iterable[tuple[str, int]]]) -> None:
    """Report connections by state, as `states` counts them."""
    REGISTRY.register(_Pools(states))


def serve_metrics(settings: Settings) -> None:
    """Answer Prometheus on `metrics_port` of `metrics_host`, where a port is set.

    A port that is taken leaves the platform without metrics, not without visitors.
    """
    if not settings.metrics_port:
        return
    try:
        start_http_server(settings.metrics_port, settings.metrics_host, registry=REGISTRY)
    except OSError:
        _LOG.exception("there are no metrics: port %s", settings.metrics_port)
