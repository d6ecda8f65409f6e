"""RFC 3161 time stamps, against an authority that OpenSSL plays on this machine."""

import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from survey.release.archives import check_published_path
from survey.release.signing_keys import (
    TimeStampError,
    check_time_stamp,
    read_authorities,
    request_time_stamp,
)
from survey.release.verify import parse_keys
from survey.settings import Settings
from tests.publish.publications.signed_folders import (
    new_signing_key,
    published_list,
    signed_files,
    write_folder,
)

CONFIG = """
[req]
distinguished_name = name
x509_extensions = authority
prompt = no
[name]
CN = Test authority
[authority]
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
[stamping]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = critical, timeStamping
keyUsage = critical, digitalSignature
[tsa]
default_tsa = server
[server]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """A certificate authority with a time stamp server, all files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "root.pem"
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self.run("req", "-x509", *new_key, "-keyout", "root.key", "-out", "root.pem",
                 "-days", "2", "-config", "tsa.cnf")  # fmt: skip
        self.run("req", *new_key, "-keyout", "tsa.key", "-out", "tsa.csr",
                 "-subj", "/CN=Time stamps", "-config", "tsa.cnf")  # fmt: skip
        self.run("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key",
                 "-CAcreateserial", "-out", "tsa.pem", "-days", "2", "-extfile", "tsa.cnf",
                 "-extensions", "stamping")  # fmt: skip

    def run(self, *arguments: str) -> None:
        subprocess.run(
            ["openssl", *arguments], cwd=self.folder, check=True, capture_output=True
        )  # fmt: skip

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self.run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "answer")
        return (self.folder / "answer").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("OPENSSL IS NOT INSTALLED: time stamps are not tested against an authority")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def answers() -> dict[str, bytes]:
    """What the server answers instead of a stamp, under `body`."""
    return {}


@pytest.fixture
def stamped(
    authority: Authority, answers: dict[str, bytes], tmp_path: Path
) -> Iterator[Settings]:  # fmt: skip
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            body = answers.get("body") or authority.answer(query)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Keep the output of the tests clean."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Settings(
        data_dir=tmp_path,
        time_stamp_url=f"http://127.0.0.1:{server.server_port}/",
        time_stamp_certificates=authority.root,
    )
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_stamp_of_the_authority_holds_for_its_message_alone(
    stamped: Settings, authority: Authority, tmp_path: Path
) -> None:
    stamp = request_time_stamp(stamped, b"signature")
    assert stamp is not None
    authorities = read_authorities(authority.root)
    at = check_time_stamp(stamp, b"signature", authorities)
    assert at.tzinfo is not None
    with pytest.raises(TimeStampError):
        check_time_stamp(stamp, b"another", authorities)
    with pytest.raises(TimeStampError):
        check_time_stamp(stamp[:-1] + bytes([stamp[-1] ^ 1]), b"signature", authorities)
    other = Authority(_folder(tmp_path))
    with pytest.raises(TimeStampError):
        check_time_stamp(stamp, b"signature", read_authorities(other.root))


def test_a_replayed_stamp_and_a_wrong_answer_are_refused(
    stamped: Settings, answers: dict[str, bytes]
) -> None:
    old = request_time_stamp(stamped, b"signature")
    assert old is not None
    answers["body"] = old
    with pytest.raises(TimeStampError):
        request_time_stamp(stamped, b"signature")
    for body in (b"<html>", bytes(200_000)):
        answers["body"] = body
        with pytest.raises(TimeStampError, match="does not hold"):
            request_time_stamp(stamped, b"signature")


def test_nothing_is_asked_where_no_server_is_set_and_a_missing_one_is_said(tmp_path: Path) -> None:
    assert request_time_stamp(Settings(data_dir=tmp_path), b"signature") is None
    alone = Settings(data_dir=tmp_path, time_stamp_url="http://127.0.0.1:9/")
    with pytest.raises(TimeStampError, match="certificates"):
        request_time_stamp(alone, b"signature")


def test_a_stamped_release_is_checked_with_its_stamp(
    stamped: Settings, authority: Authority, tmp_path: Path
) -> None:
    key = new_signing_key()
    files = signed_files(key)
    stamp = request_time_stamp(stamped, files["release.sig"])
    assert stamp is not None
    folder = write_folder(tmp_path / "release", {**files, "release.tsr": stamp})
    keys, authorities = parse_keys(published_list(key)), read_authorities(authority.root)
    result, at = check_published_path(folder / "figures.csv", keys, authorities)
    assert (result.findings, at is not None) == ([], True)
    (folder / "release.tsr").write_bytes(b"no stamp")
    result, at = check_published_path(folder, keys, authorities)
    assert [tuple(finding) for finding in result.findings] == [("release.tsr", "time_stamp", "")]
    (folder / "release.tsr").unlink()
    assert check_published_path(folder, keys, authorities) == (result._replace(findings=[]), None)
    (folder / "release.tsr").write_bytes(stamp + bytes(200_000))
    for path in (folder, folder / "figures.csv"):
        result, at = check_published_path(path, keys, authorities)
        assert [finding[:2] for finding in result.findings] == [("release.tsr", "unreadable")]
        assert at is None


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    return folder
