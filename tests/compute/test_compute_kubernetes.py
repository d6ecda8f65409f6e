"""Spark's own scheduler for Kubernetes runs a wave, against an API server of the tests.

Pods are processes here, not containers: images, nodes and a network of pods are not tested.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from benchmarks.freeze.city_files import write_cities
from benchmarks.freeze.measure import sha256_of, tables_of
from survey.compute import EngineError, SparkEngine, open_engine
from survey.compute.spark_connection import complete_settings, set_worker_kernel
from survey.operations.installation import try_engine
from survey.settings import PROJECT_ROOT, Settings
from tests.kubernetes_api import KubernetesApi
from tests.kubernetes_pods import Image, Json
from tests.spark_parts import sleep_when_early, slow_parts
from tests.spark_processes import JAVA_OPTIONS, KillingMap, bare_interpreter, require_spark
from tests.submission_clients import wait_for

pytestmark = pytest.mark.slow

START_SECONDS = 120.0
NAMESPACE, DRIVER, TOKEN, IMAGE = (
    "field",
    "survey-freeze-x7",
    "t0ken",
    "hundred-cities-survey-spark:0.1.0",
)
OWN_SETTINGS = f"""
spark.executor.instances 2
spark.kubernetes.authenticate.oauthToken {TOKEN}
spark.driver.extraJavaOptions {JAVA_OPTIONS}
spark.executor.extraJavaOptions {JAVA_OPTIONS}
spark.executorEnv.AWS_REGION cn-north-1
"""
"""What differs from the shipped settings; a real pod finds its token in a file."""


def read_manifest(kind: str, name: str) -> Json:
    """Return the object of this kind and name that is shipped for a freeze by Spark."""
    for path in sorted((PROJECT_ROOT / "deploy" / "kubernetes" / "spark").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if (document["kind"], document["metadata"]["name"]) == (kind, name):
                found: Json = document
                return found
    raise LookupError(name)


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubernetesApi]:
    """A cluster; this process is in a pod of it, with the shipped settings of Spark."""
    require_spark()
    configuration = tmp_path / "conf"
    configuration.mkdir()
    shipped = read_manifest("ConfigMap", "survey-spark")["data"]
    mounted = read_manifest("ConfigMap", "survey-engine")["data"]["SPARK_CONF_DIR"]
    for name, text in shipped.items():
        own = OWN_SETTINGS if name == "spark-defaults.conf" else ""
        (configuration / name).write_text(text.replace(mounted, str(configuration)) + own)
    namespace = tmp_path / "namespace"
    namespace.write_text(NAMESPACE)
    monkeypatch.setattr("survey.compute.spark_connection._NAMESPACE_FILE", namespace)
    monkeypatch.setenv("SPARK_CONF_DIR", str(configuration))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("HOSTNAME", DRIVER)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    programs = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    image = Image(
        {"PATH": programs, "PYTHONPATH": str(PROJECT_ROOT)}, {"/opt/survey": PROJECT_ROOT}
    )
    cluster = KubernetesApi(
        tmp_path, NAMESPACE, TOKEN, read_manifest("Role", "survey-spark")["rules"], {IMAGE: image}
    )
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    cluster.create("pods", {"metadata": {"name": DRIVER}, "spec": {}, "status": ready})
    cluster.create("configmaps", {"metadata": {"name": "survey"}, "data": {}})
    yield cluster
    cluster.stop()


def executors(api: KubernetesApi) -> list[Json]:
    return api.select("pods", {"labelSelector": ["spark-role=executor"]})


def test_kubernetes_runs_executors(api: KubernetesApi, tmp_path: Path) -> None:
    """One story, because a driver and its executors take longer to start than all else."""
    with SparkEngine(f"k8s://{api.url}", start_seconds=START_SECONDS) as engine:
        assert list(engine.map(sleep_when_early, range(4))) == list(range(4))
        _check_pods(api)
        _check_bytes(engine, api, tmp_path)
        _check_missing_package(engine)
        _check_end_of_java(engine)


def _check_pods(api: KubernetesApi) -> None:
    """What is asked of the cluster comes from the shipped files and from what we add."""
    pod = executors(api)[0]
    (container,) = pod["spec"]["containers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert container["image"] == IMAGE
    assert pod["metadata"]["namespace"] == NAMESPACE
    (owner,) = pod["metadata"]["ownerReferences"]
    assert owner["uid"] == api.find("pods", DRIVER)["metadata"]["uid"]
    assert re.fullmatch(r"spark://\w+@127\.0\.0\.1:\d+", str(variables["SPARK_DRIVER_URL"]))
    assert variables["AWS_REGION"] == "cn-north-1"
    assert variables.get("OPENBLAS_CORETYPE") == os.environ.get("OPENBLAS_CORETYPE")
    assert variables["_SPARK_AUTH_SECRET"]
    assert container["resources"]["limits"]["memory"] == "2048Mi"
    template = yaml.safe_load(read_manifest("ConfigMap", "survey-spark")["data"]["executor.yaml"])
    (described,) = template["spec"]["containers"]
    assert template["metadata"]["labels"].items() <= pod["metadata"]["labels"].items()
    for name in ("command", "workingDir", "securityContext"):
        assert container[name] == described[name]
    for name in ("securityContext", "automountServiceAccountToken"):
        assert pod["spec"][name] == template["spec"][name]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts["/var/lib/survey"]["readOnly"]


def _check_bytes(engine: SparkEngine, api: KubernetesApi, folder: Path) -> None:
    """The same wave here, there, and there again while an executor is killed."""
    paths = write_cities(folder, 6_000)[:12]
    with open_engine("local") as here:
        expected = sha256_of(tables_of(slow_parts(paths), here))
    parts = slow_parts([path.as_uri() for path in paths])
    assert sha256_of(tables_of(parts, engine)) == expected
    first = {pod["metadata"]["name"] for pod in executors(api)}
    assert len(first) == 2
    killing = KillingMap(engine, 2, lambda: api.kill(min(first), "OOMKilled"))
    assert sha256_of(tables_of(parts, killing)) == expected
    assert killing.results > 2
    wait_for(
        lambda: len({pod["metadata"]["name"] for pod in executors(api)} - first) == 1,
        "Spark asks for another pod",
    )


def _check_missing_package(engine: SparkEngine) -> None:
    own, engine.python = engine.python, bare_interpreter()
    with pytest.raises(EngineError, match="has no package survey"):
        list(engine.map(abs, [1]))
    engine.python = own


def _check_end_of_java(engine: SparkEngine) -> None:
    results = engine.map(sleep_when_early, range(20))
    next(results)
    assert engine._connection is not None
    engine._connection._gateway.proc.kill()
    with pytest.raises(EngineError, match="Java process on this machine has ended"):
        list(results)


def test_doctor_tries_kubernetes_and_leaves_nothing(api: KubernetesApi, tmp_path: Path) -> None:
    with (tmp_path / "conf" / "spark-defaults.conf").open("a") as settings_file:
        settings_file.write("spark.executor.instances 1\n")
    settings = Settings(
        _env_file=None, engine=f"k8s://{api.url}", engine_start_seconds=START_SECONDS
    )
    (trial,) = try_engine(settings)
    assert trial.passed, trial.detail
    assert executors(api) == []
    assert [found["metadata"]["name"] for found in api.select("configmaps", {})] == ["survey"]
    allowed = {
        (verb, resource)
        for rule in api.rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert allowed - set(api.requests) <= {("delete", "pods")}, "no right that is not used"


def test_kubernetes_without_an_image_says_where_to_name_it(
    api: KubernetesApi, tmp_path: Path
) -> None:
    (tmp_path / "conf" / "spark-defaults.conf").write_text(OWN_SETTINGS)
    with open_engine(f"k8s://{api.url}") as engine, pytest.raises(EngineError) as refused:
        list(engine.map(abs, [1]))
    assert "spark.kubernetes.container.image" in str(refused.value)
    assert not api.requests


def test_kubernetes_that_refuses_is_said_with_its_reason(api: KubernetesApi) -> None:
    api.rules = []
    with open_engine(f"k8s://{api.url}") as engine, pytest.raises(EngineError) as refused:
        list(engine.map(abs, [1]))
    assert f"could not be started on k8s://{api.url}" in str(refused.value)
    assert f"cannot get pods in the namespace {NAMESPACE}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_executors_that_are_killed_for_their_memory_are_said_in_words() -> None:
    """As Spark 4.3 wrote it when every executor of a part had been killed."""
    error = SparkEngine("k8s://https://one")._explain_failure(
        "An error occurred while calling z:org.apache.spark.api.python.PythonRDD.runJob.\n"
        ": org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 9.0 "
        "failed 4 times, most recent failure: Lost task 0.3 in stage 9.0 (TID 12) (10.0.0.7 "
        "executor 4): ExecutorLostFailure (executor 4 exited caused by one of the running tasks) "
        "Reason: \nThe executor with id 4 exited with exit code 137(SIGKILL, possible container "
        "OOM).\n\n\n\t exit code: 137\n\t termination reason: OOMKilled\n      \n"
        "Driver stacktrace:\n\tat org.apache.spark.scheduler.DAGScheduler\n"
    )
    assert "for lack of memory" in str(error)
    assert str(error).endswith(
        "possible container OOM). exit code: 137 termination reason: OOMKilled"
    )


@pytest.mark.parametrize(
    ("setting", "own_address", "host"),
    [
        ("", "10.0.0.7", "10.0.0.7"),
        ("", "fd00::7", "[fd00::7]"),
        ("survey.field.svc", "10.0.0.7", "survey.field.svc"),
    ],
)
def test_the_driver_is_named_by_its_address_unless_somebody_named_it(
    setting: str, own_address: str, host: str
) -> None:
    require_spark()
    from pyspark import SparkConf

    conf = SparkConf(loadDefaults=False).set("spark.kubernetes.container.image", IMAGE)
    if setting:
        conf.set("spark.driver.host", setting)
    complete_settings(conf, own_address)
    assert conf.get("spark.driver.host") == host


def test_workers_take_the_kernel_of_this_process_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_spark()
    from pyspark import SparkConf

    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "16")
    conf = SparkConf(loadDefaults=False).set("spark.executorEnv.OPENBLAS_L2_SIZE", "1024")
    set_worker_kernel(conf)
    assert conf.get("spark.executorEnv.OPENBLAS_CORETYPE") == "Haswell"
    assert conf.get("spark.executorEnv.OPENBLAS_L2_SIZE") == "1024"
    assert not conf.contains("spark.executorEnv.OPENBLAS_NUM_THREADS")
