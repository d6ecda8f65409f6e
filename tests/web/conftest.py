"""The public form over a real store, without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from survey.access.roles import Role
from survey.collection.invitations import issue_invitation
from survey.settings import Settings
from survey.store.engine import session_scope
from survey.store.tables import Account, QuotaCell, now
from survey.web.routes import build_app
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """What differs between databases is tested in the rooms below."""
    return sqlite_url


@pytest.fixture
def web_settings(store_url: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=store_url,
        data_dir=tmp_path,
        demo=True,
        public_rate_per_minute=0,
        language="zh",
    )


@pytest.fixture
def client(field: Field, web_settings: Settings) -> Iterator[TestClient]:
    app = build_app(web_settings)
    with TestClient(app, headers={"Accept-Language": "en"}) as visitor:
        yield visitor


@pytest.fixture
def demo_accounts(field: Field) -> None:
    with session_scope(field.url) as session:
        for role in (Role.SURVEYOR, Role.CITY_OFFICIAL, Role.NATIONAL_OFFICIAL, Role.ANALYST):
            session.add(
                Account(
                    login=f"demo-{role}", name=role.title(), role=role, area="110000", is_demo=True
                )
            )


@pytest.fixture
def roomy(field: Field) -> Field:
    """The small wave with quota cells that do not fill up."""
    with session_scope(field.url) as session:
        for cell in session.exec(select(QuotaCell)):
            cell.target = 10_000
    return field


@pytest.fixture
def invite(field: Field) -> Callable[..., str]:
    """Hand out a link: `invite()` a fresh one, `invite(ago=...)` one of earlier."""

    def hand_out(ago: timedelta = timedelta(0)) -> str:
        with session_scope(field.url) as session:
            issued = issue_invitation(
                work_of(session, field.surveyor, now() - ago),
                wave_key=field.wave.key,
                point_id=field.point.id,
            )
        return issued.token

    return hand_out


@pytest.fixture
def interview(field: Field) -> Callable[..., dict[str, Any]]:
    """What the browser would send for a complete interview, with changes."""

    def made(**changes: Any) -> dict[str, Any]:
        started: datetime = now() - timedelta(minutes=6)
        document = {
            "client_uuid": str(uuid4()),
            "instrument_sha256": field.instrument.sha256,
            "language": "en",
            "answers": dict(field.complete),
            "timings": {"quality": 3.4},
            "started_at": started.isoformat(),
            "finished_at": now().isoformat(),
        }
        return {**document, **changes}

    return made
