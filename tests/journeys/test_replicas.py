"""nginx as it ships, two replicas and PostgreSQL, all real: one replica dies amid the work."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, expect
from sqlmodel import select

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.access.sessions import COOKIE
from survey.collection.invitations import issue_invitation
from survey.locale import translator
from survey.operations.backup import create_backup, restore
from survey.questionnaire.model import Instrument
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Account, Response, ResponseRevision, SamplingPoint, now
from tests.nginx_process import Nginx
from tests.server_process import CITY, Respondent, open_wave_at_point
from tests.submission_clients import TIMEOUT_SECONDS, SubmissionClients, free_port, wait_for
from tests.work_of import work_of

pytestmark = pytest.mark.postgres
WAVE = "small-2026"
OVERVIEW, CITY_PAGE = "全国总览", "城市画像"
RECEIVED = translator("zh")("Received. Thank you!")
MAX_WAIT_MS = 1000 * TIMEOUT_SECONDS


class Replica:
    """`survey serve` on the shared store and folder."""

    def __init__(self, settings: Settings) -> None:
        self.port = free_port()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {
            **os.environ,
            "SURVEY_DATABASE_URL": self._settings.store_url,
            "SURVEY_DATA_DIR": str(self._settings.data_dir),
            "SURVEY_PORT": str(self.port),
            "SURVEY_DEMO": "1",
            "SURVEY_TRUSTED_PROXIES": "1",
            "SURVEY_PUBLIC_RATE_PER_MINUTE": "0",
            "SURVEY_LOOK_AT_NEW": "0",
        }
        survey = str(Path(sys.executable).with_name("survey"))
        with (self._settings.data_dir / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [survey, "serve"], env=environment, stdout=log, stderr=log,
                cwd=self._settings.data_dir,
            )  # fmt: skip

    def is_up(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def tell(self, what: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(what)

    def ended(self) -> int:
        assert self._process is not None
        return self._process.wait(TIMEOUT_SECONDS)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.tell(signal.SIGKILL)
            self.ended()


@dataclass(frozen=True)
class Platform:
    settings: Settings
    nginx: Nginx
    replicas: dict[int, Replica]
    surveyor: Principal
    point: SamplingPoint
    instrument: Instrument

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.nginx.port}"

    def token(self) -> str:
        with session_scope(self.settings.store_url) as session:
            return issue_invitation(
                work_of(session, self.surveyor, now()), wave_key=WAVE, point_id=self.point.id
            ).token

    def interview(self) -> dict[str, Any]:
        """What a phone sends for a complete interview."""
        return {
            "client_uuid": str(uuid4()),
            "token": self.token(),
            "instrument_sha256": self.instrument.sha256,
            "language": "zh",
            "answers": {**ANSWERS, "gender": "female", "topics": ["food"], "comment": ""},
            "timings": {},
            "started_at": (now() - timedelta(minutes=6)).isoformat(),
            "finished_at": now().isoformat(),
        }

    def stored(self) -> dict[str, dict[str, Any]]:
        """Answers of this wave by the interview's own number; one that is there twice fails."""
        with read_scope(self.settings.store_url) as session:
            rows = session.exec(
                select(Response.client_uuid, ResponseRevision.answers)
                .join(ResponseRevision)
                .where(Response.wave_id == self.point.wave_id)
            ).all()
        stored_answers = {str(name): dict(answers) for name, answers in rows}
        assert len(stored_answers) == len(rows)
        return stored_answers


ANSWERS: dict[str, Any] = {
    "consent": "yes", "lived_6m": "yes", "quality": 8, "service": 7, "complained": "no",
    "birth_year": 1990,
}  # fmt: skip


def _fill(
    settings: Settings, source: Path, folder: Path, instrument: Instrument
) -> tuple[Principal, SamplingPoint]:
    """The small demo with its frozen wave, brought over from SQLite; beside it an open wave."""
    demo = Settings(database_url="", data_dir=source, _env_file=None)
    create_backup(demo, target=folder / "demo.backup", secret=None, actor=OPERATOR, now=now())
    restore(settings, source=folder / "demo.backup", secret=None, actor=OPERATOR, now=now())
    with session_scope(settings.store_url) as session:
        account = Account(login="li", name="Li", role=Role.SURVEYOR, area=CITY)
        session.add(account)
        session.flush()
        point = open_wave_at_point(session, WAVE, instrument, account.id)
        return Principal(account.id, account.name, Role.SURVEYOR, CITY), point


@pytest.fixture
def platform(
    postgres_url: str, frozen_small_demo: Path, tmp_path: Path, small_instrument: Instrument
) -> Iterator[Platform]:
    data, proxy = tmp_path / "data", tmp_path / "nginx"
    proxy.mkdir()
    settings = Settings(database_url=postgres_url, data_dir=data, demo=True, _env_file=None)
    replicas = [Replica(settings) for _ in range(2)]
    nginx = Nginx(proxy, [replica.port for replica in replicas])
    surveyor, point = _fill(settings, frozen_small_demo, tmp_path, small_instrument)
    try:
        for replica in replicas:
            replica.start()
        nginx.start()
        for replica in replicas:
            wait_for(replica.is_up, "a replica starts")
        yield Platform(
            settings,
            nginx,
            {each.port: each for each in replicas},
            surveyor,
            point,
            small_instrument,
        )
    finally:
        nginx.stop()
        for replica in replicas:
            replica.stop()
        dispose_engines()


def _sign_in(page: Any, url: str, role: Role) -> None:
    page.goto(f"{url}/auth/demo")
    page.locator(f'button[value="{role}"]').click()
    page.wait_for_url(f"{url}/")


def test_a_replica_dies_amid_interviews_and_dashboards(
    platform: Platform, browser: Browser
) -> None:
    """Nobody is signed out, no receipt is lost, a draft goes on, an open page finds its way."""
    official = browser.new_context(locale="zh-CN")
    phone = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    for context in (official, phone):
        context.set_default_timeout(MAX_WAIT_MS)
    page = official.new_page()
    lines: list[Any] = []
    page.on("websocket", lambda line: lines.append(line))
    _sign_in(page, platform.url, Role.NATIONAL_OFFICIAL)
    page.goto(f"{platform.url}/overview")
    expect(page.get_by_role("heading", name=OVERVIEW)).to_be_visible(timeout=MAX_WAIT_MS)
    before = {cookie["name"]: cookie["value"] for cookie in official.cookies()}
    assert {COOKIE, "survey_replica"} <= before.keys()

    respondent = Respondent(phone.new_page())
    respondent.open(f"{platform.url}/q/{platform.token()}")
    respondent.answer_until("quality", ANSWERS)
    respondent.answer("quality", 9)
    assert "survey_replica" not in {cookie["name"] for cookie in phone.cookies()}

    phones = SubmissionClients(
        platform.nginx.port, [platform.interview() for _ in range(120)], at_once=4
    )
    phones.start()
    wait_for(lambda: len(phones.receipts) >= 20, "receipts")
    serving = platform.nginx.served_by("/_stcore/host-config")[-1]
    opened = len(lines)
    platform.replicas[serving].tell(signal.SIGKILL)
    platform.replicas[serving].ended()

    respondent.page.reload()
    respondent.item("quality").locator('input[value="9"]:checked').wait_for(state="attached")
    respondent.finish({**ANSWERS, "quality": 9})
    heading = respondent.page.locator(".sf-heading")
    expect(heading).to_have_text(RECEIVED, timeout=MAX_WAIT_MS)
    phones.wait()
    assert phones.refusals == []
    assert len(phones.receipts) == 120
    stored = platform.stored()
    assert phones.receipts.keys() <= stored.keys()
    (own,) = stored.keys() - phones.receipts.keys()
    assert stored[own]["quality"] == 9

    _until(page, lambda: len(lines) > opened, "the open page connects again by itself")
    page.get_by_role("link", name=CITY_PAGE).click()
    expect(page.get_by_role("heading", name=CITY_PAGE).first).to_be_visible(timeout=MAX_WAIT_MS)
    after = {cookie["name"]: cookie["value"] for cookie in official.cookies()}
    assert after[COOKIE] == before[COOKIE]
    assert "Traceback" not in (platform.settings.data_dir / "server.log").read_text()
    for context in (official, phone):
        context.close()

    _drains(platform, next(each for port, each in platform.replicas.items() if port != serving))


def _until(page: Any, condition: Callable[[], bool], what: str) -> None:
    """As `wait_for`, while the browser goes on telling what it does."""

    def looked() -> bool:
        page.wait_for_timeout(50)
        return condition()

    wait_for(looked, what)


def _drains(platform: Platform, replica: Replica) -> None:
    """Told to end (SIGTERM), a replica gives the receipt of an interview that is on its way."""
    interview = platform.interview()
    body = json.dumps(interview).encode()
    line = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=TIMEOUT_SECONDS)
    line.putrequest("POST", "/api/responses")
    line.putheader("Content-Type", "application/json")
    line.putheader("Content-Length", str(len(body)))
    line.endheaders(body[:100])
    assert replica.is_up()
    replica.tell(signal.SIGTERM)
    wait_for(lambda: not replica.is_up(), "the door closes to new requests")
    line.send(body[100:])
    answer = line.getresponse()
    assert answer.status == 200
    receipt = json.loads(answer.read())
    assert UUID(receipt["response_id"])
    assert replica.ended() in {0, -signal.SIGTERM}
    assert interview["client_uuid"] in platform.stored()
