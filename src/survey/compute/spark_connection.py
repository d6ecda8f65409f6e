"""The driver's side of Spark, also on Kubernetes: its Java process and its context."""

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from survey.compute.part_files import EngineError
from survey.locale import msg

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where Kubernetes writes, in a pod with a service account, which namespace it is in."""
_KERNEL_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""By which a kernel of the linear algebra is chosen, and with it the last bit of a product."""
_IMAGE_SETTINGS = ("spark.kubernetes.container.image", "spark.kubernetes.executor.container.image")


def complete_settings(conf: Any, own_address: str) -> None:
    """Set driver address and namespace in `conf` for Spark on Kubernetes where not set.

    Args:
        conf: settings, with those of the administrator.
        own_address: of this machine, on its way to the API server.

    Raises:
        EngineError: no image is named; Spark would wait for workers that it cannot ask for.
    """
    if not any(conf.contains(name) for name in _IMAGE_SETTINGS):
        raise EngineError(
            msg(
                "Kubernetes has to be told the image of Spark's workers: set {setting} in "
                "spark-defaults.conf of the folder SPARK_CONF_DIR (docs/scale.md).",
                setting=_IMAGE_SETTINGS[0],
            )
        )
    # The name of a pod, which Spark takes, is known to no other pod.
    host = f"[{own_address}]" if ":" in own_address else own_address
    conf.setIfMissing("spark.driver.host", host)
    if _NAMESPACE_FILE.is_file():
        conf.setIfMissing("spark.kubernetes.namespace", _NAMESPACE_FILE.read_text().strip())


def set_worker_kernel(conf: Any) -> None:
    """Give workers the kernel that this process was told to take, unless `conf` names another.

    A worker in a container has an environment of its own and would choose by its processor. How
    many threads it takes is Spark's affair.
    """
    for name in _KERNEL_VARIABLES:
        if name in os.environ:
            conf.setIfMissing(f"spark.executorEnv.{name}", os.environ[name])


ANSWER_SECONDS = 5.0
"""How long a master's port may take to accept a connection."""
_STOP_SECONDS = 20.0
_EXIT_SECONDS = 2.0
"""How long Java may take to end after its connections have."""
_LOG_CHARS = 4000
_REASON = re.compile(r'^(?:Caused by: |: |Exception in thread "main" )[\w.$]+: (.+)$', re.MULTILINE)
"""What an error of Java says on its first line and on those of its causes."""
_ERROR_LINE = re.compile(r"^\S+ \S+ ERROR (.+)$", re.MULTILINE)
_log = logging.getLogger(__name__)
_one_context = threading.Lock()
"""A process can hold one context of Spark at a time."""


class SparkConnection:
    """Context of Spark with a Java process of its own, which ends with the connection."""

    def __init__(self, master: str, start_seconds: float) -> None:
        """Start Java and connect to the master, waiting at most `start_seconds`.

        Raises:
            EngineError: Spark or Java is not installed, or the master does not answer in time.
        """
        # What pyspark misses of pandas 3 concerns its frames, which are not used here.
        warnings.filterwarnings("ignore", "PySpark does not yet", FutureWarning)
        require_spark()
        self._own_address = require_master(master)
        if not _one_context.acquire(blocking=False):
            raise EngineError(msg("This process uses Spark already; wait until that has ended."))
        self._path = list(sys.path)
        self._gateway: Any = None
        self.context: Any = None
        self._java_log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as Java runs
        try:
            self._gateway = self._launch_java(master)
            self.context = self._open_context(master, start_seconds)
            self.context.setLogLevel("ERROR")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the context and its Java process, and let this process open another."""
        from pyspark import SparkContext

        if self.context is not None:
            stopping = threading.Thread(target=self._stop_context, daemon=True)
            stopping.start()
            stopping.join(_STOP_SECONDS)
        if self._gateway is not None:
            self._kill_java()
        # Both are kept by class for contexts to come, whose Java process would be this dead one.
        SparkContext._gateway = SparkContext._jvm = None
        SparkContext._active_spark_context = None
        sys.path[:] = self._path
        self._java_log.close()
        _one_context.release()

    def _stop_context(self) -> None:
        from py4j.protocol import Py4JError

        with suppress(Py4JError, OSError):
            self.context.stop()

    def require_java(self) -> None:
        """Raise an error if the Java process has ended.

        Raises:
            EngineError: it has; Spark ends it, for example, when too many workers failed.
        """
        with suppress(subprocess.TimeoutExpired):
            self._gateway.proc.wait(_EXIT_SECONDS)
            self.log_java()
            raise EngineError(
                msg(
                    "Spark's Java process on this machine has ended; the log says more. Its last "
                    "error: {reason}",
                    reason=_find_last_error(self._read_java_log()) or "-",
                )
            )

    def log_java(self) -> None:
        """Write the end of the Java process's error output to the log."""
        _log.warning("Spark's Java process wrote: %s", self._read_java_log()[-_LOG_CHARS:])

    def _read_java_log(self) -> str:
        self._java_log.seek(0)
        return self._java_log.read().decode(errors="replace")

    def _launch_java(self, master: str) -> Any:
        from pyspark import SparkConf
        from pyspark.errors import PySparkRuntimeError
        from pyspark.java_gateway import launch_gateway

        given = SparkConf(loadDefaults=False).setMaster(master).setAppName("hundred-cities-survey")
        try:
            return launch_gateway(given, {"stderr": self._java_log, "stdout": subprocess.DEVNULL})
        except PySparkRuntimeError:
            self.log_java()
            raise EngineError(
                msg(
                    "Java did not start Spark, which needs Java 17 or newer; the log says more. "
                    "Spark's reason: {reason}",
                    reason=find_innermost_reason(self._read_java_log()) or "-",
                )
            ) from None

    def _open_context(self, master: str, start_seconds: float) -> Any:
        """Return a new Spark context, opened in a thread; raise after `start_seconds`."""
        from pyspark import SparkConf, SparkContext

        opened: list[Any] = []
        failed: list[str] = []
        # What an administrator has written into spark-defaults.conf goes before.
        conf = SparkConf(_jvm=self._gateway.jvm)
        conf.setIfMissing("spark.ui.enabled", "false")
        conf.setIfMissing("spark.ui.showConsoleProgress", "false")
        if master.startswith("k8s:"):
            complete_settings(conf, self._own_address)
        set_worker_kernel(conf)

        def open_context() -> None:
            try:
                opened.append(SparkContext(conf=conf, gateway=self._gateway))
            except Exception as error:
                # The thread that waits says it.
                failed.append(str(error))

        thread = threading.Thread(target=open_context, daemon=True)
        thread.start()
        thread.join(start_seconds)
        if opened:
            return opened[0]
        reason = find_innermost_reason(failed[0]) if failed else ""
        self._kill_java()
        thread.join(_STOP_SECONDS)
        self.log_java()
        # Spark gives up a master of its own that is silent, and says only that it has stopped.
        if reason and not master.startswith("spark:"):
            raise EngineError(
                msg(
                    "Spark could not be started on {master}; the log says more. Spark's reason: "
                    "{reason}",
                    master=master,
                    reason=reason,
                )
            )
        raise _build_no_answer_error(master)

    def _kill_java(self) -> None:
        process = self._gateway.proc
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with suppress(Exception):
            self._gateway.shutdown()


def find_innermost_reason(trace: str) -> str:
    """Return the message of the innermost cause in a Java stack trace, or an empty text."""
    return next(reversed(_REASON.findall(trace)), "").strip()


def _find_last_error(log: str) -> str:
    """Return the last error message in a log of Spark, or an empty text."""
    return next(reversed(_ERROR_LINE.findall(log)), "").strip()


def require_spark() -> None:
    """Raise an error unless the package pyspark and a Java runtime are on this machine.

    Raises:
        EngineError: one of them is missing.
    """
    try:
        import pyspark  # noqa: F401
    except ModuleNotFoundError:
        raise EngineError(
            msg(
                "The package of Apache Spark is not installed here; run: "
                'pip install "hundred-cities-survey[spark]"'
            )
        ) from None
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    if shutil.which(java) is None:
        raise EngineError(
            msg("Spark needs Java 17 or newer, and there is none here (Debian: openjdk-17-jre).")
        )


def require_master(master: str) -> str:
    """Raise an error unless a port named by the master's URL accepts a connection.

    Returns:
        The address of this machine that the master sees; empty where the name has no port.

    Raises:
        EngineError: none does.
    """
    scheme, _, rest = master.partition("://")
    if scheme == "spark":
        places = [urlsplit(f"//{place}") for place in rest.split(",")]
    elif scheme == "k8s":
        places = [urlsplit(rest if "://" in rest else f"https://{rest}")]
    else:
        return ""
    for place in places:
        port = place.port or (80 if place.scheme == "http" else 443)
        with (
            suppress(OSError),
            socket.create_connection((place.hostname, port), ANSWER_SECONDS) as connection,
        ):
            return str(connection.getsockname()[0])
    raise _build_no_answer_error(master)


def _build_no_answer_error(master: str) -> EngineError:
    return EngineError(
        msg(
            "Spark's master {master} does not answer. Is it running, and does SURVEY_ENGINE name "
            "it rightly?",
            master=master,
        )
    )
