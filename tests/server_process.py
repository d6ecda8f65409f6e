"""The running platform as journeys use it: a real server, its small store, and a respondent."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page
from sqlmodel import Session, col, select

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.collection.invitations import issue_invitation
from survey.frame.city_frame import shipped_cities, upsert_cities
from survey.questionnaire.model import Instrument
from survey.questionnaire.xlsform.reader import load_bundle
from survey.settings import PROJECT_ROOT, Settings
from survey.store import schema
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    Assignment,
    Invitation,
    PointKind,
    QuotaCell,
    Response,
    ResponseRevision,
    SamplingPoint,
    now,
)
from survey.waves.instruments import save_instrument
from survey.waves.waves import NewWave, create_wave, open_wave
from tests.work_of import work_of

CITY = "110000"
WAVE = "main-2026"
START_SECONDS = 240
MAX_SCREENS = 120
OPEN_QUESTIONS = """nodes => nodes.filter(node => {
  const field = node.querySelector(".sf-field");
  return field ? field.value === "" : !node.querySelector("input:checked");
}).map(node => node.getAttribute("data-item"))"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Server:
    """`survey serve` in a process of its own; can be stopped and started again."""

    def __init__(self, data_dir: Path, *, preamble: str = "", **settings: str) -> None:
        """`preamble`: Python that the process runs first; `settings`: of the environment."""
        self.data_dir = data_dir
        self._preamble, self._settings = preamble, settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        environment = {
            **os.environ,
            "SURVEY_DATA_DIR": str(self.data_dir),
            "SURVEY_DATABASE_URL": "",
            "SURVEY_DEMO": "1",
            "SURVEY_PUBLIC_RATE_PER_MINUTE": "0",
            "SURVEY_LOOK_AT_NEW": "0",
            **self._settings,
        }
        program = f"{self._preamble}\nfrom survey.cli.main import main\nmain()"
        survey = [str(Path(sys.executable).parent / "survey")]
        command = [sys.executable, "-c", program] if self._preamble else survey
        command += ["serve", "--port", str(self.port)]
        log = (self.data_dir / "server.log").open("ab")
        self._process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, cwd=self.data_dir
        )
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"{self.url}/ready"):
            stopped = self._process.poll() is not None
            if stopped or time.monotonic() > deadline:
                raise RuntimeError((self.data_dir / "server.log").read_text(errors="replace"))
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None


@dataclass(frozen=True)
class LivePlatform:
    """The running platform and the surveyor whose links are handed out."""

    server: Server
    settings: Settings
    instrument: Instrument
    surveyor: Principal
    point: SamplingPoint

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def interview(self) -> str:
        """The address of the surveyor's interview in the shipped wave, whatever other waves ask."""
        return f"{self.url}/interview?point={WAVE}/{self.point.code}"

    def invite(self) -> str:
        """The address of a fresh one-time link to the shipped questionnaire."""
        with session_scope(self.settings.store_url) as session:
            return self._issue(session, WAVE, self.point)

    def ask(self, instrument: Instrument) -> str:
        """The address of a one-time link to any other questionnaire, in a wave of its own."""
        with session_scope(self.settings.store_url) as session:
            key = f"{instrument.name}-{instrument.sha256[:8]}"
            point = open_wave_at_point(session, key, instrument, self.surveyor.account_id)
            return self._issue(session, key, point)

    def _issue(self, session: Session, wave_key: str, point: SamplingPoint) -> str:
        issued = issue_invitation(
            work_of(session, self.surveyor, now()), wave_key=wave_key, point_id=point.id
        )
        return f"{self.url}/q/{issued.token}"

    def responses(self) -> list[tuple[Response, ResponseRevision]]:
        """Every interview in the store with its current answers, the newest last."""
        with read_scope(self.settings.store_url) as session:
            query = (
                select(Response, ResponseRevision)
                .where(
                    ResponseRevision.response_id == Response.id, col(ResponseRevision.is_current)
                )
                .order_by(col(Response.submitted_at))
            )
            return list(session.exec(query).all())


def _demo_accounts() -> dict[Role, Account]:
    roles = (
        Role.SURVEYOR,
        Role.TYPIST,
        Role.SUPERVISOR,
        Role.CITY_OFFICIAL,
        Role.NATIONAL_OFFICIAL,
        Role.ANALYST,
    )
    areas = {Role.NATIONAL_OFFICIAL: "CN", Role.ANALYST: "CN"}
    return {
        role: Account(
            login=f"demo-{role}",
            name=f"Demo {role}",
            role=role,
            area=areas.get(role, CITY),
            is_demo=True,
        )
        for role in roles
    }


def open_wave_at_point(
    session: Session, key: str, instrument: Instrument, surveyor_id: UUID
) -> SamplingPoint:
    """An open wave that asks this questionnaire at one mall, where one surveyor works."""
    plan = NewWave(
        key=key,
        series=key,
        year=2026,
        title_zh=key,
        title_en=key,
        is_demo=True,
        instrument_id=save_instrument(session=session, instrument=instrument),
    )
    create_wave(work_of(session, OPERATOR, now()), plan=plan)
    wave = open_wave(work_of(session, OPERATOR, now()), key=key)
    point = SamplingPoint(
        wave_id=wave.id,
        city_code=CITY,
        code=f"{CITY}-u-01",
        name="Market Street",
        kind=PointKind.MALL,
        stratum="urban",
        target=20,
    )
    session.add(point)
    session.flush()
    session.add(Assignment(account_id=surveyor_id, point_id=point.id))
    session.flush()
    return point


def seed_store(settings: Settings) -> tuple[Instrument, Principal, SamplingPoint]:
    """An open wave with the shipped questionnaire, its quotas, and the demo roles."""
    schema.upgrade(settings.store_url)
    instrument = load_bundle(PROJECT_ROOT / "seed" / "instruments", "main-2023").instrument
    with session_scope(settings.store_url) as session:
        upsert_cities(shipped_cities(), session=session)
        accounts = _demo_accounts()
        session.add_all(accounts.values())
        session.flush()
        surveyor = accounts[Role.SURVEYOR]
        point = open_wave_at_point(session, WAVE, instrument, surveyor.id)
        session.add_all(
            QuotaCell(
                wave_id=point.wave_id, city_code=CITY, age_band=band, gender=gender, target=50
            )
            for band in ("15-24", "25-34", "35-44", "45-54", "55-70")
            for gender in ("male", "female")
        )
        principal = Principal(surveyor.id, surveyor.name, Role.SURVEYOR, CITY, is_demo=True)
    return instrument, principal, point


def expire_newest_link(live: LivePlatform) -> None:
    """Let the link that was made last have expired a month ago."""
    with session_scope(live.settings.store_url) as session:
        newest = select(Invitation).order_by(col(Invitation.issued_at).desc())
        invitation = session.exec(newest).first()
        assert invitation is not None
        invitation.expires_at = now() - timedelta(days=30)


def serious_problems(page: Page, within: str | None = None) -> list[str]:
    """What axe finds serious or critical, each with the first place; `within` is a selector."""
    context = None if within is None else {"include": within}
    violations = Axe().run(page, context=context).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in violations
        if each["impact"] in {"serious", "critical"}
    ]


class Respondent:
    """Somebody before the form: knows the questions by name, reads the screen, touches it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.locator(".sf-heading").wait_for()

    def item(self, name: str) -> Locator:
        return self.page.locator(f"[data-item={name}]")

    def choose(self, name: str, value: object) -> None:
        self.item(name).locator(f'input[value="{value}"]').check()

    def fill(self, name: str, text: str) -> None:
        self.item(name).locator(".sf-field").fill(text)

    def go_on(self) -> None:
        self.page.locator(".sf-main").click()

    def open_questions(self) -> list[str]:
        """Names of the questions on the screen that have no answer yet."""
        names: list[str] = self.page.locator("[data-item]").evaluate_all(OPEN_QUESTIONS)
        return names

    def answer(self, name: str, value: object) -> None:
        field = self.item(name).locator(".sf-field")
        if field.count():
            field.fill(str(value))
        else:
            for each in value if isinstance(value, list) else [value]:
                self.choose(name, each)

    def answer_screen(self, wanted: Mapping[str, object]) -> None:
        """Answer what is asked, as wanted, else with the first answer; leave optional texts out."""
        left_out: set[str] = set()
        while names := [name for name in self.open_questions() if name not in left_out]:
            name = names[0]
            if name in wanted:
                self.answer(name, wanted[name])
            elif self.item(name).locator("input[type=radio], input[type=checkbox]").count():
                self.item(name).locator("input").first.check()
            else:
                left_out.add(name)

    def answer_until(self, name: str, wanted: Mapping[str, object]) -> None:
        """Go on, screen by screen, until the question is on the screen."""
        for _ in range(MAX_SCREENS):
            if self.item(name).count():
                return
            self.answer_screen(wanted)
            self.go_on()
        raise AssertionError(f"{name} was never asked")

    def finish(self, wanted: Mapping[str, object]) -> None:
        """Answer everything and hand in."""
        for _ in range(MAX_SCREENS):
            if self.page.locator(".sf-closing").count():
                return
            self.answer_screen(wanted)
            self.go_on()
        raise AssertionError("the interview did not come to its end")
