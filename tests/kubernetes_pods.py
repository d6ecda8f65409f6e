"""Pods of a cluster whose containers are processes of this machine."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from tests.spark_processes import processes_of_session

Json = dict[str, Any]
POD_ADDRESS = "127.0.0.1"
_START = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Image:
    """What an image of containers holds: variables, and folders that lie elsewhere here."""

    environment: Mapping[str, str]
    folders: Mapping[str, Path]


class PodProcesses:
    """The node that runs the pods of one container each.

    Args:
        folder: for volumes and logs, `<pod>.log`.
        images: by name.
        report: takes the name of a pod and its new status.
    """

    def __init__(
        self, folder: Path, images: Mapping[str, Image], report: Callable[[str, Json], None]
    ) -> None:
        self._folder, self._images, self._report = folder, images, report
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._reasons: dict[str, str] = {}

    def start(self, pod: Json, files: Mapping[str, Mapping[str, str]]) -> None:
        """Run a pod in the background; `files` are those of config maps, by the map's name."""
        Thread(target=self._run, args=[pod, files], daemon=True).start()

    def kill(self, name: str, reason: str = "Error") -> None:
        """Kill all processes of a pod, which fails for this reason."""
        if name in self._processes:
            self._reasons[name] = reason
            for number in processes_of_session(self._processes[name].pid):
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)

    def stop(self) -> None:
        """Kill all pods."""
        for name in list(self._processes):
            self.kill(name)

    def _run(self, pod: Json, files: Mapping[str, Mapping[str, str]]) -> None:
        name = pod["metadata"]["name"]
        (container,) = pod["spec"]["containers"]
        image = self._images.get(container["image"])
        if image is None:
            self._say(pod, "Pending", {"waiting": {"reason": "ErrImagePull"}})
            return
        mounts = self._mount(pod, files)
        with (self._folder / f"{name}.log").open("wb") as log:
            process = self._processes[name] = subprocess.Popen(
                _build_command(container, image),
                env={**image.environment, **_build_environment(pod, mounts)},
                cwd=mounts[container["workingDir"]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A session of its own, by which all that it starts is found.
                start_new_session=True,
            )
        self._say(pod, "Running", {"running": {"startedAt": _START}})
        code = process.wait()
        reason = self._reasons.pop(name, "Error") if code else "Completed"
        state = {"exitCode": 128 - code if code < 0 else code, "reason": reason}
        self._say(pod, "Failed" if code else "Succeeded", {"terminated": state})

    def _say(self, pod: Json, phase: str, state: Json) -> None:
        (container,) = pod["spec"]["containers"]
        status = {"name": container["name"], "image": container["image"], "state": state}
        said = {"phase": phase, "podIP": POD_ADDRESS, "containerStatuses": [status]}
        self._report(pod["metadata"]["name"], said)

    def _mount(self, pod: Json, files: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """Return where here the folders lie that a container sees by another path."""
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        mounts = {}
        for mount in pod["spec"]["containers"][0]["volumeMounts"]:
            folder = self._folder / pod["metadata"]["name"] / mount["name"]
            folder.mkdir(parents=True)
            mounts[mount["mountPath"]] = str(folder)
            source = volumes[mount["name"]].get("configMap")
            for name, text in (files[source["name"]] if source else {}).items():
                (folder / name).write_text(text)
        return mounts


def _build_command(container: Json, image: Image) -> list[str]:
    command: list[str] = [*container["command"], *container["args"]]
    for folder, here in image.folders.items():
        command[0] = command[0].replace(folder, str(here))
    return command


def _build_environment(pod: Json, mounts: Mapping[str, str]) -> dict[str, str]:
    fields = {"status.podIP": POD_ADDRESS, "metadata.name": pod["metadata"]["name"]}
    environment = {}
    for variable in pod["spec"]["containers"][0]["env"]:
        field = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        value = fields[field] if field else variable.get("value", "")
        environment[variable["name"]] = mounts.get(value, value)
    return environment
