"""Metrics for Prometheus on a private port; they name no person and no address."""

import logging
import socket
from collections.abc import Callable, Iterable
from functools import partial
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    make_wsgi_app,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from survey.settings import Settings

_LOG = logging.getLogger(__name__)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REGISTRY = CollectorRegistry()
_counter = partial(Counter, registry=REGISTRY)
_gauge = partial(Gauge, registry=REGISTRY)
_histogram = partial(Histogram, registry=REGISTRY)
REQUESTS = _counter("survey_requests", "Requests at the public door", ("route", "status"))
REQUEST_SECONDS = _histogram(
    "survey_request_seconds",
    "From the head of a request to the end of its answer",
    ("route",),
    buckets=_SECONDS,
)
INTERVIEWS = _counter(
    "survey_interviews", "Interviews at the door by what came of them", ("outcome",)
)
BATCH_WORKS = _histogram(
    "survey_batch_units", "Units of work that share a transaction", buckets=(1, 2, 4, 8, 16)
)
PAGE_SECONDS = _histogram("survey_page_seconds", "Runs of a page", ("page",), buckets=_SECONDS)
FAILURES = _counter(
    "survey_failures", "What nobody had foreseen: each has a line in the log", ("where",)
)
AUDIT_SEQUENCE = _gauge(
    "survey_audit_sequence", "Number of the newest audit entry when last looked at"
)
LATE_READS = _counter(
    "survey_late_reads", "Readings that may be late, by the database they went to", ("database",)
)
REPLICA_LAG_SECONDS = _gauge(
    "survey_replica_lag_seconds",
    "Seconds that the read replica was behind when last compared with the primary",
)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)


class _Pools(Collector):
    """Collector for Prometheus that counts database connections each time it is asked."""

    def __init__(self, states: Callable[[], Iterable[tuple[str, int]]]) -> None:
        self._states = states

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "survey_db_connections", "Connections to the store", labels=("state",)
        )
        for state, count in self._states():
            family.add_metric((state,), count)
        yield family


def export_pool_states(states: Callable[[], Iterable[tuple[str, int]]]) -> None:
    """Register a metric of database connections by state, counted by `states` on demand."""
    REGISTRY.register(_Pools(states))


class _MetricsServer(ThreadingMixIn, WSGIServer):
    """HTTP server that, unlike its parent class, does not look up the machine's name.

    Without a resolver that look-up would delay the start of the platform by 20 seconds.
    """

    daemon_threads = True

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()


class _MetricsServer6(_MetricsServer):
    address_family = socket.AF_INET6


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: Prometheus asks every few seconds."""


def serve_metrics(settings: Settings) -> None:
    """Serve metrics to Prometheus in a thread, if the settings name a port.

    If the port is in use, the platform serves without metrics.
    """
    if not settings.metrics_port:
        return
    try:
        server = make_server(
            settings.metrics_host,
            settings.metrics_port,
            make_wsgi_app(REGISTRY),
            _MetricsServer6 if ":" in settings.metrics_host else _MetricsServer,
            _SilentHandler,
        )
    except OSError:
        _LOG.exception("there are no metrics: port %s", settings.metrics_port)
        return
    Thread(target=server.serve_forever, daemon=True).start()
