"""The files of `deploy/` say what they promise: users, replicas, probes, secrets by reference."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from survey.cli.serve import DRAIN_SECONDS
from survey.settings import PROJECT_ROOT, Settings

DEPLOY = PROJECT_ROOT / "deploy"
SECRETS = ("SURVEY_DATABASE_URL", "SURVEY_PHONE_KEY", "SURVEY_AUDIT_KEY")
Document = dict[str, Any]


def manifests() -> list[Document]:
    return [
        document
        for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]


def of_kind(kind: str) -> list[Document]:
    return [document for document in manifests() if document["kind"] == kind]


def pods() -> Iterator[Document]:
    for document in manifests():
        if document["kind"] in {"Deployment", "Job"}:
            yield document["spec"]["template"]["spec"]
        if document["kind"] == "CronJob":
            yield document["spec"]["jobTemplate"]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def compose() -> Document:
    document: Document = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return document


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_every_file_names_only_plain_images_and_no_index() -> None:
    for path in [p for p in DEPLOY.rglob("*") if p.is_file()]:
        text = path.read_text(encoding="utf-8")
        assert "index-url" not in text
        for image in re.findall(r"^(?:FROM|\s*image:) +(\S+)", text, re.MULTILINE):
            assert re.fullmatch(r"[a-z-]+(:[a-z0-9.-]+)?", image), image


def test_the_image_runs_without_root_and_tells_its_health() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.startswith("FROM ")]) == 2
    assert "USER 10001:10001" in lines
    assert any("--require-hashes" in line for line in lines)
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    copied = {part for line in lines if line.startswith("COPY") for part in line.split()[1:-1]}
    for name in copied - {"--from=build", "/opt/survey"}:
        assert (PROJECT_ROOT / name).exists(), name
        ignored = (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8")
        assert f"!{name}\n" in ignored, name


def test_compose_serves_two_replicas_behind_nginx(compose: Document) -> None:
    services = compose["services"]
    for name in ("app1", "app2"):
        replica = services[name]
        assert replica["read_only"]
        assert replica["cap_drop"] == ["ALL"]
        assert "ports" not in replica
        assert "data:/var/lib/survey" in replica["volumes"]
        assert seconds(replica["stop_grace_period"]) > DRAIN_SECONDS
        assert replica["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert [name for name, each in services.items() if "ports" in each] == ["nginx"]
    assert compose["networks"]["inside"]["internal"]
    mounted = [volume.split(":")[0] for volume in services["nginx"]["volumes"]]
    assert all((DEPLOY / path).is_file() for path in mounted)
    upstreams = (DEPLOY / "nginx" / "00-survey.conf").read_text(encoding="utf-8")
    assert set(re.findall(r"server (\w+):8501", upstreams)) == {"app1", "app2"}


def test_settings_in_the_example_are_ones_that_are_known() -> None:
    text = (DEPLOY / "survey.env.example").read_text(encoding="utf-8")
    names = re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)
    elsewhere = {
        "POSTGRES_PASSWORD", "STREAMLIT_SERVER_COOKIE_SECRET", "SURVEY_PHONE_KEY",
        "SURVEY_AUDIT_KEY", "SURVEY_METRICS_PORT", "SURVEY_BACKUP_PASSPHRASE",
    }  # fmt: skip
    own = {f"SURVEY_{name.upper()}" for name in Settings.model_fields}
    assert set(names) - elsewhere <= own
    assert set(names) > elsewhere
    assert Settings(_env_file=DEPLOY / "survey.env.example").trusted_proxies == 1


def test_the_cluster_keeps_two_replicas_up() -> None:
    (deployment,), (budget,), (service,) = (
        of_kind(kind) for kind in ("Deployment", "PodDisruptionBudget", "Service")
    )
    assert deployment["spec"]["replicas"] >= 2
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert budget["spec"]["minAvailable"] >= 1
    template = deployment["spec"]["template"]
    labels = template["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert budget["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == labels
    (container,) = template["spec"]["containers"]
    paths = {
        probe: container[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": "/health",
        "livenessProbe": "/health",
        "readinessProbe": "/ready",
    }
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert template["spec"]["terminationGracePeriodSeconds"] > DRAIN_SECONDS + pause
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"]


def test_readers_stay_with_a_replica_and_reach_no_figures() -> None:
    (ingress,) = of_kind("Ingress")
    words = {
        name.rpartition("/")[2]: text for name, text in ingress["metadata"]["annotations"].items()
    }
    assert words["affinity"] == "cookie"
    assert words["session-cookie-name"] == "survey_replica"
    largest = tomllib.loads((PROJECT_ROOT / ".streamlit" / "config.toml").read_text())["server"]
    assert int(words["proxy-body-size"].removesuffix("m")) > largest["maxUploadSize"]
    nginx = (DEPLOY / "nginx" / "survey.locations").read_text(encoding="utf-8")
    assert max(map(int, re.findall(r"body_size (\d+)m", nginx))) > largest["maxUploadSize"]
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"]["port"] == {"name": "http"}
    assert ingress["spec"]["tls"]


def test_pods_run_without_root_and_take_secrets_by_reference() -> None:
    pod_specs = list(pods())
    assert len(pod_specs) == 3
    for pod in pod_specs:
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"]
            assert not own["allowPrivilegeEscalation"]
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert {"secretRef": {"name": "survey"}} in container["envFrom"]
            assert "env" not in container
            volumes = {volume["name"] for volume in pod["volumes"]}
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    (config,), (secret,) = of_kind("ConfigMap"), of_kind("Secret")
    assert not set(SECRETS) & config["data"].keys()
    assert set(SECRETS) <= secret["stringData"].keys()
    assert all(text == "CHANGE-ME" or "CHANGE-ME" in text for text in secret["stringData"].values())
    (data, _) = of_kind("PersistentVolumeClaim")
    assert data["spec"]["accessModes"] == ["ReadWriteMany"]


def test_commands_of_jobs_exist() -> None:
    from survey.cli.commands import COMMANDS

    for pod in pods():
        for container in pod["containers"]:
            program, name = container.get("command", ["survey", "serve"])[:2]
            assert program == "survey"
            assert name in COMMANDS


def test_a_freeze_by_spark_has_its_own_account_and_the_same_image_everywhere() -> None:
    found = {
        (document["kind"], document["metadata"]["name"]): document
        for path in sorted((DEPLOY / "kubernetes" / "spark").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    }
    engine = found["ConfigMap", "survey-engine"]["data"]
    files = found["ConfigMap", "survey-spark"]["data"]
    freeze = found["Job", "survey-freeze"]["spec"]["template"]["spec"]
    executor = yaml.safe_load(files["executor.yaml"])["spec"]
    settings = dict(
        line.split() for line in files["spark-defaults.conf"].splitlines() if line[:1] != "#"
    )
    Settings(_env_file=None, engine=engine["SURVEY_ENGINE"])
    (binding,) = (found[key] for key in found if key[0] == "RoleBinding")
    assert [subject["name"] for subject in binding["subjects"]] == [freeze["serviceAccountName"]]
    assert ("Role", binding["roleRef"]["name"]) in found
    assert not executor["automountServiceAccountToken"]
    assert freeze["containers"][0]["image"] == settings["spark.kubernetes.container.image"]
    assert freeze["containers"][0]["command"][:2] == ["survey", "freeze"]
    assert {"configMapRef": {"name": "survey-engine"}} in freeze["containers"][0]["envFrom"]
    assert "envFrom" not in executor["containers"][0], "no secret of the store"
    for pod in (freeze, executor):
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    mounts = {
        mount["name"]: mount["mountPath"] for mount in freeze["containers"][0]["volumeMounts"]
    }
    assert mounts["spark"] == engine["SPARK_CONF_DIR"]
    template = Path(settings["spark.kubernetes.executor.podTemplateFile"])
    assert (str(template.parent), template.name in files) == (mounts["spark"], True)
    program = executor["containers"][0]["command"][0].removeprefix("/opt/survey/")
    assert (PROJECT_ROOT / program).stat().st_mode & 0o111
    assert f"COPY {Path(program).parent} " in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def _units() -> list[Path]:
    return sorted((DEPLOY / "systemd").iterdir())


@pytest.mark.parametrize("name", ["survey@.service", "survey-backup.service"])
def test_services_are_held_tight(name: str) -> None:
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "systemd" / name)
    service = unit["Service"]
    for setting in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices"):
        assert service[setting] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["User"] == "survey"
    assert service["CapabilityBoundingSet"] == ""
    if "TimeoutStopSec" in service:
        assert int(service["TimeoutStopSec"]) > DRAIN_SECONDS


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    command = tmp_path / "survey"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    for unit in _units():
        text = unit.read_text(encoding="utf-8")
        text = text.replace("/opt/survey/.venv/bin/survey", str(command))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    paths = [str(tmp_path / unit.name) for unit in _units()]
    checked = subprocess.run(
        [program, "verify", "--man=no", *paths], capture_output=True, text=True, check=False
    )
    problems = [
        line for line in checked.stderr.splitlines() if str(tmp_path) in line or "survey" in line
    ]
    assert (checked.returncode, problems) == (0, []), checked.stderr
