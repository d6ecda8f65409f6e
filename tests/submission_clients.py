"""Phones that keep an interview until it has a receipt, and what may happen to it on its way.

A phone behaves as `outbox.js` does: no answer, 408, 429 and everything from 500 mean later again;
a receipt lets the interview go; anything else is a refusal, which these tests never expect.
"""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlmodel import col, func, select

from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, Invitation, QuotaCell, Response, ResponseRevision

TIMEOUT_SECONDS = 120.0
TRY_AGAIN_SECONDS = 0.05
SERVE_SCRIPT = """
import sys
import uvicorn
from survey.settings import current_settings
from survey.web import http, request_middleware
from survey.web import api
from survey.web.routes import build_app
from survey.web.request_middleware import LimitedHttpProtocol
settings = current_settings()
if len(sys.argv) > 1:
    http.BODY_SECONDS = api.BODY_SECONDS = request_middleware.HEAD_SECONDS = float(sys.argv[1])
uvicorn.run(
    build_app(settings), port=settings.port, http=LimitedHttpProtocol, log_level="warning",
    access_log=False, proxy_headers=False, server_header=False,
)
"""
"""The public form without Streamlit: starts in a second."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen: {what}")
        time.sleep(0.01)


class ServerProcess:
    """A server process on one port, which can be killed and started again."""

    def __init__(
        self, store_url: str, folder: Path, *, whole: bool = False, patience: float | None = None
    ) -> None:
        """`whole`: pages and all, as people start it; else the public form alone, which waits
        `patience` seconds for a request to be complete."""
        self.port = free_port()
        self.log = folder / "server.log"
        survey = str(Path(sys.executable).with_name("survey"))
        self._command = [survey, "serve"] if whole else [sys.executable, "-c", SERVE_SCRIPT]
        if patience is not None:
            self._command.append(str(patience))
        self._environment = {
            **os.environ,
            "SURVEY_DATABASE_URL": store_url,
            "SURVEY_DATA_DIR": str(folder),
            "SURVEY_PORT": str(self.port),
            "SURVEY_PUBLIC_RATE_PER_MINUTE": "0",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def is_up(self) -> bool:
        try:
            return self.ask("GET", "/ready")[0] == 200
        except OSError:
            return False

    def ask(self, method: str, path: str, **rest: Any) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, **rest)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@dataclass
class SubmissionClients:
    """`at_once` phones send `interviews` to a port and note what they are told."""

    port: int
    interviews: Sequence[dict[str, Any]]
    at_once: int = 8
    patience: float = TIMEOUT_SECONDS
    receipts: dict[str, str] = field(default_factory=dict)
    statuses: Counter[int | str] = field(default_factory=Counter)
    messages: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)

    def start(self) -> None:
        self._waiting = deque(self.interviews)
        self._threads = [threading.Thread(target=self._work) for _ in range(self.at_once)]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(self.patience)
        assert not any(thread.is_alive() for thread in self._threads), self.statuses

    @property
    def unsent(self) -> int:
        return len(self.interviews) - len(self.receipts)

    def _work(self) -> None:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            try:
                interview = self._waiting.popleft()
            except IndexError:
                return
            while not self._send(interview) and time.monotonic() < deadline:
                time.sleep(TRY_AGAIN_SECONDS)

    def _send(self, interview: dict[str, Any]) -> bool:
        """Whether the phone may let go of the interview."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {"Content-Type": "application/json", "Accept-Language": "zh-CN"}
            connection.request("POST", "/api/responses", json.dumps(interview), headers)
            answer = connection.getresponse()
            status, body = answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.statuses["no answer"] += 1
            return False
        finally:
            connection.close()
        self.statuses[status] += 1
        if status == 200:
            self.receipts[interview["client_uuid"]] = body["response_id"]
            return True
        self.messages.add(f"{body.get('code')}: {body.get('message')}")
        if status >= 500 or status in {408, 429}:
            return False
        self.refusals.append(f"{status} {body}")
        return True


class UnreliableProxy:
    """A line to the server that breaks: before, amid and after a request, and amid its answer."""

    def __init__(self, port: int, *, seed: int, share: float = 0.5) -> None:
        self._target, self._share = port, share
        self._draw = random.Random(seed)
        self.cuts: Counter[str] = Counter()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                phone, _ = self._listener.accept()
            except OSError:
                return
            kinds = ["before", "amid", "after", "answer"]
            cut = self._draw.choice(kinds) if self._draw.random() < self._share else ""
            threading.Thread(target=self._carry, args=(phone, cut), daemon=True).start()

    def _carry(self, phone: socket.socket, cut: str) -> None:
        self.cuts[cut] += 1
        with phone:
            if cut == "before":
                return
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                request = _is_complete_message(phone)
                server.sendall(request[: len(request) // 2] if cut == "amid" else request)
                if cut == "amid":
                    return
                answer = _is_complete_message(server)
                if cut != "after":
                    phone.sendall(answer[:-20] if cut == "answer" else answer)


def _is_complete_message(line: socket.socket) -> bytes:
    """One HTTP message with its length in the head."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = line.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        more = line.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


def disagreements(store_url: str, receipts: dict[str, str]) -> list[str]:
    """What receipts and store do not agree on: each is one interview with all that belongs to it,
    and there is no interview without a receipt."""
    with read_scope(store_url) as session:
        stored = {
            str(name): str(own)
            for name, own in session.exec(select(Response.client_uuid, Response.id)).all()
        }
        counts = {
            "interviews": select(func.count(col(Response.id))),
            "revisions": select(func.count(col(ResponseRevision.id))),
            "used links": select(func.count(col(Invitation.id))).where(
                col(Invitation.used_at).is_not(None)
            ),
            "audit entries": select(func.count(col(AuditEntry.id))).where(
                AuditEntry.action == "response.submitted"
            ),
            "counted in quota cells": select(func.sum(col(QuotaCell.collected))),
        }
        differences = [
            f"{len(receipts)} receipts, {number} {name}"
            for name, query in counts.items()
            if (number := int(session.exec(query).one() or 0)) != len(receipts)
        ]
    return differences if stored == receipts else [*differences, "receipts name other interviews"]
