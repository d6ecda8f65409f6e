"""What the shipped nginx configuration lets through, to whom, and what it tells the replicas."""

from __future__ import annotations

import datetime
import http.client
import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from survey.settings import Settings
from tests.nginx_process import CONFIGURATION, Nginx
from tests.submission_clients import free_port


class _Echo(http.server.BaseHTTPRequestHandler):
    """Says what it was asked, as a replica hears it."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        heard = {
            "port": self.server.server_address[1],
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": len(self.rfile.read(length)),
            "filling": "x" * 2000,
        }
        body = json.dumps(heard).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        # A stopped replica leaves no line open, as a killed process does not.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


@dataclass
class Proxied:
    nginx: Nginx
    replicas: dict[int, _Server]

    def ask(
        self, path: str, method: str = "GET", body: bytes = b"", **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.nginx.port, timeout=30)
        try:
            connection.request(method, path, body or None, named)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def heard(self, path: str, **rest: str) -> dict[str, str]:
        headers: dict[str, str] = json.loads(self.ask(path, **rest)[1])["headers"]
        return headers

    def stop(self, port: int) -> None:
        server = self.replicas.pop(port)
        server.shutdown()
        server.server_close()


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Proxied]:
    servers = [_Server(("127.0.0.1", 0), _Echo) for _ in range(2)]
    replicas = {server.server_address[1]: server for server in servers}
    nginx = Nginx(tmp_path, [*replicas])
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    nginx.start()
    made = Proxied(nginx, replicas)
    yield made
    nginx.stop()
    for port in [*made.replicas]:
        made.stop(port)


def _self_signed(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "survey.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "tls").mkdir()
    (folder / "tls" / "survey.crt").write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
    )
    (folder / "tls" / "survey.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.mark.parametrize("server", ["10-plain.conf", "10-tls.conf"])
def test_nginx_understands_the_configuration(tmp_path: Path, server: str) -> None:
    _self_signed(tmp_path)
    checked = Nginx(tmp_path, [8501, 8502], server).check()
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr


def test_a_reader_stays_with_one_replica_until_it_is_gone(proxied: Proxied) -> None:
    answer, body = proxied.ask("/")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax")
    own = json.loads(body)["port"]
    kept = cookie.partition(";")[0]
    for _ in range(10):
        answer, body = proxied.ask("/", cookie=kept)
        assert json.loads(body)["port"] == own
        assert answer.headers["Set-Cookie"] is None
    seen = {json.loads(proxied.ask("/")[1])["port"] for _ in range(60)}
    assert seen == {*proxied.replicas}
    proxied.stop(own)
    answer, body = proxied.ask("/", cookie=kept)
    assert (answer.status, json.loads(body)["port"]) == (200, next(iter(proxied.replicas)))


def test_respondents_get_no_cookie_and_any_replica(proxied: Proxied) -> None:
    answers = [proxied.ask("/q/abc") for _ in range(10)]
    assert {json.loads(body)["port"] for _, body in answers} == {*proxied.replicas}
    assert all(answer.headers["Set-Cookie"] is None for answer, _ in answers)
    assert "/q/abc" not in (proxied.nginx.folder / "access.log").read_text()


def test_an_interview_goes_to_the_other_replica_when_one_is_gone(proxied: Proxied) -> None:
    proxied.stop(next(iter(proxied.replicas)))
    for _ in range(10):
        answer, body = proxied.ask("/api/responses", "POST", b"{}")
        assert (answer.status, json.loads(body)["body"]) == (200, 2)


def test_replicas_are_told_the_real_address_and_not_a_claimed_one(proxied: Proxied) -> None:
    heard = proxied.heard("/q/abc", x_forwarded_for="8.8.8.8", x_forwarded_proto="https")
    assert heard["x-forwarded-for"] == "127.0.0.1"
    assert heard["x-forwarded-proto"] == "http"
    assert heard["host"] == f"127.0.0.1:{proxied.nginx.port}"
    assert len(heard["x-request-id"]) == 32


def test_a_page_may_keep_its_line_open(proxied: Proxied) -> None:
    heard = proxied.heard("/_stcore/stream", connection="Upgrade", upgrade="websocket")
    assert (heard["connection"], heard["upgrade"]) == ("upgrade", "websocket")
    assert "upgrade" not in proxied.heard("/")


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/_stcore/metrics", "/overview/_stcore/metrics", "/_stcore/script-health-check"],
)
def test_figures_about_the_processes_are_not_public(proxied: Proxied, path: str) -> None:
    assert proxied.ask(path)[0].status == 404


@pytest.mark.parametrize(
    ("method", "path", "size", "status"),
    [
        ("POST", "/api/responses", 256_000, 200),
        ("POST", "/api/responses", 400_000, 413),
        ("PUT", "/_stcore/upload_file/a/b", 50 << 20, 200),
        ("PUT", "/_stcore/upload_file/a/b", 60 << 20, 413),
        ("POST", "/auth/demo", 2 << 20, 413),
    ],
)
def test_bodies_have_the_sizes_that_they_need(
    proxied: Proxied, method: str, path: str, size: int, status: int
) -> None:
    try:
        answer, body = proxied.ask(path, method, bytes(size))
    except (BrokenPipeError, ConnectionResetError):
        # nginx answers and closes before it has read a body that is too long.
        assert status == 413
        return
    assert answer.status == status
    if status == 200:
        assert json.loads(body)["body"] == size


def test_what_is_text_travels_small(proxied: Proxied) -> None:
    answer, body = proxied.ask("/", accept_encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(body) < 1500


@pytest.mark.parametrize(
    ("path", "method", "office", "too_many"),
    [
        ("/q/abc", "GET", 400, 700),
        ("/api/responses", "POST", 400, 700),
        ("/auth/login", "POST", 80, 200),
        ("/_stcore/stream", "GET", 240, 500),
        ("/_stcore/upload_file/a/b", "PUT", 40, 120),
    ],
)
def test_one_address_may_ask_as_much_as_an_office_and_not_as_a_flood(
    tmp_path: Path, path: str, method: str, office: int, too_many: int
) -> None:
    """Against an upstream that is not there, so that nothing but the limits takes time."""
    nginx = Nginx(tmp_path, [free_port(), free_port()])
    nginx.start()
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=30)
    statuses = []
    try:
        for _ in range(too_many):
            connection.request(method, path, b"x" if method != "GET" else None)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
    finally:
        connection.close()
        nginx.stop()
    assert 429 not in statuses[:office]
    assert 429 in statuses[office:]
    assert set(statuses) <= {429, 502}


def test_one_address_may_keep_so_many_pages_open() -> None:
    """What the platform allows one address in one process fits through."""
    text = (CONFIGURATION / "survey.locations").read_text(encoding="utf-8")
    (most,) = (int(each) for each in re.findall(r"limit_conn survey_lines (\d+)", text))
    assert most >= Settings.model_fields["sockets_per_address"].default
    assert most >= 200
