"""A real cluster of Apache Spark sums a wave as one process does, whatever happens to it."""

import socket
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks.freeze.city_files import write_cities
from benchmarks.freeze.measure import sha256_of, tables_of
from survey.compute import EngineError, SparkEngine, open_engine
from survey.estimate import EstimateError
from survey.operations.installation import try_engine
from survey.settings import Settings
from tests.spark_parts import folder_of_executor, read_file, refuse, sleep_when_early, slow_parts
from tests.spark_processes import KillingMap, SparkProcesses, bare_interpreter, require_spark

pytestmark = pytest.mark.slow

START_SECONDS = 60.0
CITIES_SUMMED = 12


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SparkProcesses]:
    """A master and two workers; drivers of this process read the same configuration."""
    require_spark()
    processes = SparkProcesses(tmp_path)
    monkeypatch.setenv("SPARK_CONF_DIR", str(processes.configuration))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    try:
        processes.start(workers=2)
        yield processes
    finally:
        processes.stop()


def test_a_cluster(
    cluster: SparkProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One story, because a cluster takes longer to start than all that is done with it."""
    (trial,) = try_engine(Settings(_env_file=None, engine=cluster.master))
    assert trial.passed, trial.detail
    with SparkEngine(cluster.master, start_seconds=START_SECONDS) as engine:
        _check_order(engine)
        _check_errors(engine, tmp_path, monkeypatch)
        _check_bytes(engine, cluster, tmp_path)
        _check_interpreters(engine, cluster.master)
        _check_loss_of_all_workers(engine, cluster)


def _check_order(engine: SparkEngine) -> None:
    read = []

    def numbers() -> Iterator[int]:
        for number in range(20):
            read.append(number)
            yield number

    results = engine.map(sleep_when_early, numbers())
    assert next(results) == 0
    assert len(read) < 10, "parts are taken as they are needed"
    assert list(results) == list(range(1, 20))
    assert list(engine.map(sleep_when_early, [])) == []
    results = engine.map(sleep_when_early, numbers())
    next(results)
    results.close()  # type: ignore[attr-defined]


def _check_errors(engine: SparkEngine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EstimateError) as refused:
        list(engine.map(refuse, [0]))
    assert refused.value.params == {"column": "x"}
    with pytest.raises(EngineError, match=r"does not find a part.*city-1\.parquet"):
        list(engine.map(read_file, [str(folder / "city-1.parquet")]))

    (folder / "only_here.py").write_text("def double(number):\n    return 2 * number\n")
    monkeypatch.syspath_prepend(str(folder))
    only_here = import_module("only_here")

    with pytest.raises(EngineError, match="has no package only_here"):
        list(engine.map(only_here.double, [1]))


def _check_bytes(engine: SparkEngine, cluster: SparkProcesses, folder: Path) -> None:
    """The same wave here, there, and there again while a worker is killed."""
    paths = write_cities(folder, 6_000)[:CITIES_SUMMED]
    with open_engine("local") as here:
        expected = sha256_of(tables_of(slow_parts(paths), here))
    parts = slow_parts([path.as_uri() for path in paths])
    assert len(set(engine.map(folder_of_executor, range(12)))) == 2, "both workers work"
    assert sha256_of(tables_of(parts, engine)) == expected
    killing = KillingMap(engine, 2, lambda: cluster.kill_worker(0))
    assert sha256_of(tables_of(parts, killing)) == expected
    assert killing.results > 2
    assert len(set(engine.map(folder_of_executor, range(12)))) == 1, "one worker is gone"


def _check_interpreters(engine: SparkEngine, master: str) -> None:
    with SparkEngine(master) as second, pytest.raises(EngineError, match="uses Spark already"):
        list(second.map(abs, [1]))
    own = engine.python
    for python, words in {
        bare_interpreter(): "has no package survey",
        "/nowhere/python": "has no interpreter /nowhere/python",
    }.items():
        engine.python = python
        with pytest.raises(EngineError, match=words):
            list(engine.map(abs, [1]))
    engine.python = own


def _check_loss_of_all_workers(engine: SparkEngine, cluster: SparkProcesses) -> None:
    results = engine.map(sleep_when_early, range(20))
    next(results)
    cluster.kill_worker(1)
    engine.start_seconds = 2.0
    with pytest.raises(EngineError, match="are gone, and none came back within 2 seconds"):
        list(results)
    with pytest.raises(EngineError, match="answers, but no worker did within 2 seconds"):
        engine.wait_for_worker()


def test_a_master_that_is_away_is_named_at_once() -> None:
    require_spark()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"spark://127.0.0.1:{held.getsockname()[1]}"
    with open_engine(address) as engine, pytest.raises(EngineError, match=address):
        list(engine.map(abs, [1]))


def test_a_port_that_is_no_master_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    require_spark()
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"spark://127.0.0.1:{silent.getsockname()[1]}"
        with (
            open_engine(address, start_seconds=3) as engine,
            pytest.raises(EngineError, match=f"{address} does not answer"),
        ):
            list(engine.map(abs, [1]))


@pytest.mark.parametrize(
    ("engine", "master"),
    {
        "spark://127.0.0.1:{port}": "spark://127.0.0.1:{port}",
        "yarn": "yarn",
        "k8s://https://127.0.0.1:{port}": "k8s://https://127.0.0.1:{port}",
        "spark+local[2]": "local[2]",
    }.items(),
)
def test_spark_is_given_the_master_that_was_named(
    monkeypatch: pytest.MonkeyPatch, engine: str, master: str
) -> None:
    require_spark()
    given = []

    def refuse_to_launch(conf: Any, options: object) -> None:
        given.append(conf.get("spark.master"))
        raise PySparkRuntimeError(errorClass="JAVA_GATEWAY_EXITED", messageParameters={})

    from pyspark.errors import PySparkRuntimeError

    monkeypatch.setattr("pyspark.java_gateway.launch_gateway", refuse_to_launch)
    with socket.create_server(("127.0.0.1", 0)) as port:
        place = {"port": port.getsockname()[1]}
        with (
            open_engine(engine.format(**place)) as opened,
            pytest.raises(EngineError, match="Java did not start Spark"),
        ):
            list(opened.map(abs, [1]))
    assert given == [master.format(**place)]


def test_yarn_without_its_configuration_is_said_with_the_reason_of_spark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_spark()
    for name in ("HADOOP_CONF_DIR", "YARN_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    with open_engine("yarn") as engine, pytest.raises(EngineError) as refused:
        list(engine.map(abs, [1]))
    assert "reason: When running with master 'yarn' either HADOOP_CONF_DIR" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_machine_without_java_or_spark_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_spark()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with open_engine("spark+local") as engine, pytest.raises(EngineError, match="openjdk-17-jre"):
        list(engine.map(abs, [1]))
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with open_engine("yarn") as engine, pytest.raises(EngineError, match="pip install"):
        list(engine.map(abs, [1]))
