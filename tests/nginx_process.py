"""nginx with the configuration of `deploy/`, on ports of the test's own."""

import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

from survey.settings import PROJECT_ROOT
from tests.submission_clients import free_port, wait_for

CONFIGURATION = PROJECT_ROOT / "deploy" / "nginx"
_FRAME = """
{user}
worker_processes 1;
error_log {folder}/error.log info;
pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
    log_format survey '$upstream_addr $uri';
    access_log {folder}/access.log survey;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/00-survey.conf;
    include {folder}/{server};
}}
"""


def nginx_binary() -> str:
    """Where nginx is; a test that needs it is skipped, loudly, where there is none."""
    binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if binary is None:
        message = "NO NGINX FOUND: the tests of deploy/ behind nginx are skipped"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return binary


class Nginx:
    """The shipped configuration with other ports and folders, and nothing else changed."""

    def __init__(self, folder: Path, upstreams: Sequence[int], server: str = "10-plain.conf"):
        self.folder, self.port, self.tls_port = folder, free_port(), free_port()
        self._binary = nginx_binary()
        self._process: subprocess.Popen[bytes] | None = None
        places = dict(zip(("app1:8501", "app2:8501"), upstreams, strict=True))
        for source in CONFIGURATION.iterdir():
            text = source.read_text(encoding="utf-8").replace("/etc/nginx/", f"{folder}/")
            for name, port in places.items():
                text = text.replace(name, f"127.0.0.1:{port}")
            text = re.sub(r"listen 80;", f"listen 127.0.0.1:{self.port};", text)
            text = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{self.tls_port} ssl;", text)
            (folder / source.name).write_text(text, encoding="utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        frame = _FRAME.format(user=user, folder=folder, server=server)
        (folder / "nginx.conf").write_text(frame, encoding="utf-8")

    def _command(self, *more: str) -> list[str]:
        return [self._binary, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), *more]

    def check(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._command("-t"), capture_output=True, text=True, check=False)

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command("-g", "daemon off;"), stderr=subprocess.DEVNULL
        )
        wait_for((self.folder / "nginx.pid").exists, "nginx starts")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def served_by(self, path: str) -> list[int]:
        """Ports of the replicas that answered for a path, the newest last."""
        lines = (self.folder / "access.log").read_text(encoding="utf-8").splitlines()
        entries = [line.rpartition(" ") for line in lines]
        return [int(where.rpartition(":")[2]) for where, _, asked in entries if asked == path]
