"""What Spark has to be told about Kubernetes and does not find by itself."""

from pathlib import Path
from typing import Any

from survey.compute.errors import EngineError
from survey.locale import msg

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where Kubernetes writes, in a pod with a service account, which namespace it is in."""
_IMAGE_SETTINGS = ("spark.kubernetes.container.image", "spark.kubernetes.executor.container.image")


def complete_settings(conf: Any, own_address: str) -> None:
    """Set what the settings of Spark leave open.

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
