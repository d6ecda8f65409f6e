"""Numbers for Prometheus: those that the sample dashboard asks for are those that there are."""

import json
import logging
import re
import socket
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from survey.observe import metrics
from survey.observe.metrics import REGISTRY, export_pool_states, serve_metrics
from survey.settings import PROJECT_ROOT, Settings
from survey.store.engine import pool_states, read_scope

DASHBOARD = PROJECT_ROOT / "deploy" / "grafana" / "survey.json"
_NAME = re.compile(r"\b(?:survey|process|python)_\w+")
_ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def served_names(registry: CollectorRegistry) -> set[str]:
    return {
        family.name + ending
        for family in registry.collect()
        for ending in _ENDINGS.get(family.type, ())
    }


def test_the_dashboard_asks_only_for_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pools = CollectorRegistry()
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "REGISTRY", pools)
        export_pool_states(lambda: [("idle", 1)])
    document = json.loads(DASHBOARD.read_text("utf-8"))
    queries = [target["expr"] for panel in document["panels"] for target in panel["targets"]]
    asked = {name for query in queries for name in _NAME.findall(query)}
    assert len(queries) >= 8
    assert asked - served_names(REGISTRY) - served_names(pools) == set()
    ours = {name for name in served_names(REGISTRY) if name.startswith("survey_")}
    shown = {
        name.removesuffix(ending) for name in asked for ending in ("_total", "_bucket", "_sum")
    }
    assert {name.removesuffix("_total") for name in ours if name.endswith("_total")} <= shown


def test_connections_are_counted_by_state(postgres_url: str) -> None:
    with read_scope(postgres_url) as session:
        session.connection()
        assert dict(pool_states())["in_use"] >= 1
    assert dict(pool_states())["idle"] >= 1


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_metrics_stand_on_a_port_of_their_own_and_only_when_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    serve_metrics(Settings())
    port = _free_port()
    settings = Settings(metrics_port=port)
    assert settings.metrics_host == "127.0.0.1"
    serve_metrics(settings)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    assert "survey_batch_units_bucket" in text
    with caplog.at_level(logging.ERROR):
        serve_metrics(settings)
    assert "there are no metrics" in caplog.text


def test_no_label_is_ever_an_address_or_a_person() -> None:
    text = generate_latest(REGISTRY).decode()
    assert "/q/" not in text.replace("/q/{token}", "")
