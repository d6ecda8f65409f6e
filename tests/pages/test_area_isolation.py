"""Every tab of every page, every role, an area that is not the canary's: nothing of that city.

Pages and roles are those that exist; a new one is looked at by itself. All readers share one
process, and the national office, which sees everything, has opened every page before them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pytest
import streamlit as st
from google.protobuf.message import Message
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, WHOLE_WAVE
from survey.access.roles import ROLES, Role
from survey.access.secret_hashes import digest, new_token
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.kit import download_button, url_state
from survey.kit import viewer as ui_session
from survey.kit.navigation import PAGES, PageInfo
from survey.questionnaire.model import Instrument
from survey.results.release import revoke_release
from survey.settings import Settings, current_settings
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import (
    Account,
    Assignment,
    LoginSession,
    Mode,
    PointKind,
    QuotaCell,
    SamplingPoint,
    Status,
    Wave,
    WaveState,
    now,
)
from survey.waves.instruments import save_instrument
from survey.waves.waves import NewWave, create_wave, open_wave
from tests.pages.conftest import enter_page
from tests.synthetic_results import PLANS, synthetic_store
from tests.work_of import work_of

pytestmark = pytest.mark.slow

CITY, NAMES = "440100", ("广州市", "Guangzhou", "Kanarienvogel")
SCORE, SCORES = -777.77, re.compile(r"(?<![\d.])777\.[78]")
OWN, OWN_PROVINCE = "320500", "32"
FIGURES = ("cells.parquet", "gaps.parquet", "small_areas.parquet", "ranks.parquet")
ASKED = {"city": CITY, "place": CITY, "area": CITY, "region3": "东部", "focus": CITY, "lang": "en"}
GUARDED = [page for page in PAGES if page.action is not None]
PARTS = ("part", "study", "view")
"""Names under which an address opens a tab of a page."""
CASES = [
    (page, role, OWN_PROVINCE if role is Role.PROVINCE_OFFICIAL else OWN)
    for page in GUARDED
    for role in Role
    if page.action in ROLES[role].actions
]


@pytest.fixture(scope="module")
def store(make_once: Callable[..., Path], small_instrument: Instrument) -> Settings:
    """Frozen waves that nobody released, and an open one, each with a canary in Guangzhou."""
    made = make_once("leaks", lambda folder: _fill(_settings_of(folder), small_instrument))
    return _settings_of(made)


def _settings_of(folder: Path) -> Settings:
    return Settings(data_dir=folder, database_url="", demo=True)


def _fill(settings: Settings, small_instrument: Instrument) -> None:
    plans = [replace(plan, cities=25) for plan in PLANS[:2]]
    synthetic_store(settings, plans=plans, measures_a_topic=1)
    for path in Path(settings.snapshot_dir).rglob("*.parquet"):
        if path.name in FIGURES or path.name.startswith("changes-"):
            _plant(path)
    with session_scope(settings.store_url) as session:
        for key in session.exec(select(Wave.key).where(Wave.state == WaveState.RELEASED)).all():
            revoke_release(work_of(session, OPERATOR, now()), wave_key=key, reason="a test")
        _collect(session, small_instrument)


def _plant(path: Path) -> None:
    table = pd.read_parquet(path)
    here = table["area"].astype(str) == CITY
    for name in ("estimate", "reference", "difference", "before", "after", "direct", "model"):
        if name in table:
            table.loc[here, name] = SCORE
    table.to_parquet(path)


def _collect(session: Any, instrument: Any) -> None:
    plan = NewWave(
        key="main-2026",
        series="main",
        year=2026,
        title_zh="2026",
        title_en="2026",
        is_demo=True,
        instrument_id=save_instrument(session=session, instrument=instrument),
    )
    create_wave(work_of(session, OPERATOR, now()), plan=plan)
    wave = open_wave(work_of(session, OPERATOR, now()), key=plan.key)
    zhao = Account(
        login="kanarienvogel", name=f"{NAMES[-1]} Zhao", role=Role.SURVEYOR, area=CITY, is_demo=True
    )
    point = SamplingPoint(
        wave_id=wave.id,
        city_code=CITY,
        code="440100-u-01",
        name=f"{NAMES[-1]} Mall",
        kind=PointKind.MALL,
        stratum="urban",
        target=20,
    )
    session.add_all([zhao, point])
    session.flush()
    cell = QuotaCell(wave_id=wave.id, city_code=CITY, age_band="35-44", gender="female", target=777)
    session.add_all([Assignment(account_id=zhao.id, point_id=point.id), cell])
    interview = FinishedResponse(
        client_uuid=uuid4(),
        city_code=CITY,
        mode=Mode.ASSISTED,
        status=Status.SUBMITTED,
        submitted_at=now(),
        answers={"comment": NAMES[-1], "quality": 7},
        surveyor_id=zhao.id,
        started_at=now(),
        duration_seconds=300.0,
        point_id=point.id,
    )
    write_responses(work_of(session, OPERATOR, now()), wave=wave, rows=[interview])


@pytest.fixture(scope="module")
def screen(store: Settings) -> Iterator[Callable[..., str]]:
    """`screen(page, role, area)`: everything that reaches the browser, tab by tab, as one text."""
    patch, files = pytest.MonkeyPatch(), dict[str, bytes]()
    offered: dict[str, Sequence[str]] = {}
    patch.setenv("SURVEY_DATA_DIR", str(store.data_dir))
    patch.setenv("SURVEY_DEMO", "1")
    patch.delenv("SURVEY_DATABASE_URL", raising=False)
    current_settings.cache_clear()
    st.cache_data.clear()
    st.cache_resource.clear()
    original = download_button._draw_button

    def watched(visit: Any, label: str, file: download_button.File, **more: Any) -> None:
        if file.name not in files:  # Each tab draws the files of the whole page again.
            files[file.name] = file.make()
        original(visit, label, file, **more)

    patch.setattr(download_button, "_draw_button", watched)
    read_parameter = url_state.read_parameter

    def noted(name: str, options: Sequence[str], default: str) -> str:
        if name in PARTS:
            offered[name] = options
        return read_parameter(name, options, default)

    patch.setattr(url_state, "read_parameter", noted)

    def look(page: PageInfo, role: Role, area: str, /, **query: str) -> str:
        files.clear()
        secret = _sign_in(store, role, area)
        patch.setattr(ui_session, "session_cookie", lambda: secret)
        waiting: list[dict[str, str]] = [{}]
        opened, texts, app = [*waiting], [], None
        while waiting:
            tab = waiting.pop()
            offered.clear()
            app = _open_tab(app, page, tab, query)
            _open_tables(app)
            assert not app.exception
            texts.append(everything(app))
            # The first one is what an address shows that names none.
            further = [tab | {name: code} for name, codes in offered.items() for code in codes[1:]]
            waiting += [each for each in further if each not in opened]
            opened += [each for each in further if each not in opened]
        texts += [part.decode("utf-8", "replace") for part in files.values()]
        return "\n".join(texts)

    yield look
    patch.undo()
    current_settings.cache_clear()
    dispose_engines()


def _sign_in(store: Settings, role: Role, area: str) -> str:
    secret = new_token(bits=256)
    login = f"leaks-{role}-{area}"
    with session_scope(store.store_url) as session:
        account = session.exec(select(Account).where(Account.login == login)).one_or_none()
        if account is None:
            account = Account(login=login, name="Reader", role=role, area=area, is_demo=True)
            session.add(account)
            session.flush()
        session.add(
            LoginSession(
                secret_sha256=digest(secret),
                account_id=account.id,
                expires_at=now() + timedelta(hours=1),
            )
        )
    return secret


def _open_tab(
    app: AppTest | None, page: PageInfo, tab: dict[str, str], query: dict[str, str]
) -> AppTest:
    if app is None:
        return enter_page(page.key, **query)
    for name in PARTS:
        app.query_params.pop(name, None)
    for name, code in tab.items():
        app.query_params[name] = code
    return app.run()


def _open_tables(app: AppTest) -> None:
    closed = [
        expander.key for expander in app.expander if expander.key and expander.key.endswith("/data")
    ]
    for key in closed:
        app.session_state[key] = True
    if closed:
        app.run()


def everything(app: AppTest) -> str:
    """Words, options, chart data and tables of all elements, whatever their kind.

    Left out are the names that a city's peers are chosen from: which cities there are is public.
    """
    return "\n".join(
        text
        for node in app._tree
        if not str(getattr(node, "key", "")).startswith("peers/")
        for text in _texts(getattr(node, "proto", None))
    )


def _texts(message: Any) -> Iterator[str]:
    if isinstance(message, Message):
        for _, value in message.ListFields():
            yield from _texts(value)
    elif isinstance(message, str):
        yield message
    elif isinstance(message, bytes):
        yield _arrow(message)
    elif hasattr(message, "__iter__"):
        for value in message.values() if hasattr(message, "values") else message:
            yield from _texts(value)
    elif message is not None:
        yield str(message)


def _arrow(data: bytes) -> str:
    try:
        return str(pa.ipc.open_stream(data).read_all().to_pydict())
    except pa.ArrowInvalid:
        return data.decode("utf-8", "replace")


@pytest.fixture(scope="module")
def before_them(screen: Callable[..., str]) -> dict[str, str]:
    """What somebody who may see everything finds on each page; their results stay cached."""
    texts = {}
    for page in GUARDED:
        role = next(
            candidate
            for candidate in (Role.NATIONAL_OFFICIAL, *Role)
            if page.action in ROLES[candidate].actions
        )
        texts[page.key.value] = screen(page, role, "CN", **ASKED)
    return texts


def test_the_canary_can_be_seen_by_those_who_may(before_them: dict[str, str]) -> None:
    """Or none of the tests below could fail."""
    for key in ("overview", "city", "trends", "special_groups", "urban_rural"):
        assert any(name in before_them[key] for name in NAMES), key
    for key in ("overview", "city", "trends", "special_groups", "urban_rural"):
        assert SCORES.search(before_them[key]), key
    for key in ("progress", "review"):
        assert any(name in before_them[key] for name in NAMES), key


@pytest.mark.parametrize(
    ("page", "role", "area"), CASES, ids=[f"{p.key}-{r}-{a}" for p, r, a in CASES]
)
def test_nothing_of_another_city_reaches_the_browser(
    page: PageInfo, role: Role, area: str, screen: Callable[..., str], before_them: dict[str, str]
) -> None:
    shown = screen(page, role, area, **ASKED)
    for name in NAMES:
        assert name not in shown
    assert not SCORES.search(shown)
    if page.action in WHOLE_WAVE:
        assert "not open to you" in shown
