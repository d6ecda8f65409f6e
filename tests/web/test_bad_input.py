"""Hundreds of hostile requests at the public form: refused in words, and nothing written."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlmodel import Session, col, func, select
from starlette.testclient import TestClient

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.collection.invitations import issue_invitation
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import (
    Account,
    Assignment,
    AuditEntry,
    Invitation,
    LoginSession,
    PointKind,
    QuotaCell,
    Response,
    ResponseRevision,
    SamplingPoint,
    now,
)
from survey.waves.instruments import save_instrument
from survey.waves.waves import NewWave, create_wave, open_wave
from survey.web.routes import build_app
from tests.web.hostile_requests import API, TOKEN, HostileRequest, cases
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field

SHA = "5" * 64
"""Stands for the hash of the questionnaire until it is known."""
DOCUMENT = {
    "client_uuid": "6b9b1bf0-3c66-4c55-9d4f-3b3d1f0f8a11",
    "token": TOKEN,
    "instrument_sha256": SHA,
    "language": "zh",
    "started_at": "2026-05-20T10:00:00+08:00",
    "finished_at": "2026-05-20T10:06:00+08:00",
    "answers": {
        "consent": "yes", "lived_6m": "yes", "quality": 8, "service": "na", "complained": "no",
        "topics": ["food", "toys"], "gender": "female", "birth_year": 1990, "comment": "还行",
    },
    "timings": {"quality": 3.4},
}  # fmt: skip
CASES = cases(DOCUMENT)


class SubmissionHarness:
    """The public form over one store for all cases of this file."""

    def __init__(self, field: Field, client: TestClient) -> None:
        self.field, self.client = field, client
        self.token = self.invite()

    def invite(self) -> str:
        with session_scope(self.field.url) as session:
            return issue_invitation(
                work_of(session, self.field.surveyor, now()),
                wave_key=self.field.wave.key,
                point_id=self.field.point.id,
            ).token

    def document(self, **changes: Any) -> dict[str, Any]:
        document = copy.deepcopy(DOCUMENT)
        sha256 = self.field.instrument.sha256
        return {**document, "token": self.token, "instrument_sha256": sha256, **changes}

    def written(self) -> tuple[Any, ...]:
        with read_scope(self.field.url) as session:
            return (
                *(_count(session, model) for model in (Response, ResponseRevision, LoginSession)),
                _count(session, AuditEntry),
                session.exec(select(func.sum(col(QuotaCell.collected)))).one(),
                session.exec(select(func.count(col(Invitation.used_at)))).one(),
            )

    def send(self, case: HostileRequest) -> Any:
        body = case.body.replace(TOKEN.encode(), self.token.encode())
        body = body.replace(SHA.encode(), self.field.instrument.sha256.encode())
        headers = [
            (key.encode(), value.replace(TOKEN, self.token).encode("latin-1"))
            for key, value in {"Accept-Language": "zh-CN,zh;q=0.9", **case.headers}.items()
        ]
        path = case.path.replace(TOKEN, self.token)
        return self.client.request(
            case.method, path, content=body, headers=headers, follow_redirects=False
        )


def _count(session: Session, model: Any) -> int:
    return int(session.exec(select(func.count()).select_from(model)).one())


@pytest.fixture(scope="module")
def harness(
    _sqlite_template: Path,
    make_field: Callable[[str], Field],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SubmissionHarness]:
    path = tmp_path_factory.mktemp("hostile") / "survey.db"
    shutil.copyfile(_sqlite_template, path)
    url = f"sqlite:///{path}"
    field = make_field(url)
    with session_scope(url) as session:
        session.add(
            Account(login="demo-analyst", name="A", role=Role.ANALYST, area="CN", is_demo=True)
        )
    settings = Settings(
        database_url=url, data_dir=path.parent, demo=True, public_rate_per_minute=0, language="zh"
    )
    with TestClient(build_app(settings)) as client:
        yield SubmissionHarness(field, client)
    dispose_engines()


def _is_chinese(text: str) -> bool:
    return any("一" <= character <= "龥" for character in text)


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 300
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_refused_and_nothing_is_written(
    harness: SubmissionHarness, case: HostileRequest
) -> None:
    before = harness.written()
    answer = harness.send(case)
    assert answer.status_code in case.statuses, answer.text[:300]
    assert harness.written() == before
    assert "Traceback" not in answer.text
    if case.method == "HEAD":
        return
    if case.path == API:
        payload = answer.json()
        assert payload["code"]
        assert _is_chinese(payload["message"])
    else:
        assert _is_chinese(answer.text)
        assert "<script>alert" not in answer.text


def test_a_link_of_another_wave_opens_only_its_own_questionnaire(
    harness: SubmissionHarness,
) -> None:
    other = harness.field.instrument.model_copy(update={"name": "other"})
    with session_scope(harness.field.url) as session:
        plan = NewWave(
            key="other",
            series="other",
            year=2026,
            title_zh="o",
            title_en="o",
            instrument_id=save_instrument(session=session, instrument=other),
        )
        create_wave(work_of(session, OPERATOR, now()), plan=plan)
        wave = open_wave(work_of(session, OPERATOR, now()), key="other")
        point = SamplingPoint(
            wave_id=wave.id,
            city_code="110000",
            code="o",
            name="o",
            kind=PointKind.MALL,
            stratum="urban",
            target=1,
        )
        session.add(point)
        session.flush()
        session.add(Assignment(account_id=harness.field.surveyor.account_id, point_id=point.id))
        session.flush()
        token = issue_invitation(
            work_of(session, harness.field.surveyor, now()), wave_key="other", point_id=point.id
        ).token
    before = harness.written()
    answer = harness.client.post(API, json=harness.document(token=token, client_uuid=str(uuid4())))
    assert (answer.status_code, answer.json()["code"]) == (409, "instrument_changed")
    assert harness.written() == before


def test_after_all_of_them_the_link_is_still_good(harness: SubmissionHarness) -> None:
    assert harness.client.get(f"/q/{harness.token}").status_code == 200
    document = harness.document(client_uuid=str(uuid4()))
    assert harness.client.post(API, json=document).status_code == 200
    assert harness.client.get("/ready").status_code == 200


OTHER_CONTENT: list[dict[str, Any]] = [
    {"answers": {}},
    {"answers": {"quality": 1}},
    {"answers": {**DOCUMENT["answers"], "quality": 1}},
    {"answers": {**DOCUMENT["answers"], "gender": "male"}},
    {"answers": {**DOCUMENT["answers"], "comment": "<script>"}},
    {"answers": {"consent": "no"}},
    {"token": "another-link-that-is-1"},
    {"instrument_sha256": "0" * 64},
    {"started_at": "2020-01-01T00:00:00+00:00"},
    {"finished_at": None},
    {"timings": {}},
    {"language": "en"},
]


@pytest.mark.parametrize("changes", OTHER_CONTENT)
def test_a_replayed_uuid_keeps_what_was_there_first(
    harness: SubmissionHarness, changes: dict[str, Any]
) -> None:
    document = harness.document(client_uuid=str(uuid4()), token=harness.invite())
    receipt = harness.client.post(API, json=document).json()
    kept = _stored(harness, receipt["response_id"])
    before = harness.written()
    again = harness.client.post(API, json={**document, **changes}).json()
    assert again == {**receipt, "duplicate": True}
    assert _stored(harness, receipt["response_id"]) == kept
    after = harness.written()
    # Other answers under a known name are noted, and nothing else.
    assert after[:3] + after[4:] == before[:3] + before[4:]
    assert after[3] - before[3] == ("answers" in changes)


def _stored(harness: SubmissionHarness, response_id: str) -> dict[str, Any]:
    with read_scope(harness.field.url) as session:
        rows = session.exec(select(ResponseRevision)).all()
        return next(dict(row.answers) for row in rows if str(row.response_id) == response_id)


@pytest.mark.parametrize(
    ("started", "finished"),
    [
        ("9999-12-31T23:59:59-14:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2126-01-01T00:00:00Z", "2126-01-01T00:10:00Z"),
        ("1970-01-01T00:00:00Z", "2126-01-01T00:10:00Z"),
        ("2026-05-20T10:00:00+08:00", "2026-05-20T09:00:00+08:00"),
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_a_wrong_clock_is_pulled_into_what_can_be(
    harness: SubmissionHarness, started: str, finished: str | None
) -> None:
    sent = {"started_at": started, "finished_at": finished}
    document = harness.document(client_uuid=str(uuid4()), token=harness.invite(), **sent)
    answer = harness.client.post(API, json=document)
    assert answer.status_code == 200
    with read_scope(harness.field.url) as session:
        own = next(
            row
            for row in session.exec(select(Response)).all()
            if str(row.client_uuid) == document["client_uuid"]
        )
        assert own.started_at is not None
        assert now() - timedelta(days=31) < own.started_at <= now()
        assert own.duration_seconds is None or 0 <= own.duration_seconds <= 30 * 86400


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '=HYPERLINK("http://evil.example")',
        "+1+1",
        "-1",
        "@SUM(A1)",
        "' OR 1=1 --",
        "{{7*7}} ${7*7} %s %n",
        "\u202e\u2066",
        "a\x00b\x1b[31m",
        "💩" * 100,
        "\r\nSet-Cookie: a=b",
        "</textarea><img src=x onerror=alert(1)>",
    ],
)
def test_open_text_stays_text(harness: SubmissionHarness, text: str) -> None:
    answers = {**harness.document()["answers"], "comment": text}
    document = harness.document(client_uuid=str(uuid4()), token=harness.invite(), answers=answers)
    receipt = harness.client.post(API, json=document)
    assert receipt.status_code == 200
    kept = _stored(harness, receipt.json()["response_id"])["comment"]
    assert "\x00" not in kept
    assert "\x1b" not in kept
    harmless = text.replace("\r\n", "\n").translate({0: None, 0x1B: None}).strip()
    assert kept == harmless


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: a=b",
        "/" + "a" * 600,
        "%2f%2fevil.example",
    ],
)
def test_nobody_is_led_away_after_signing_in(harness: SubmissionHarness, target: str) -> None:
    answer = harness.client.post(
        "/auth/demo", data={"role": "analyst", "next": target}, follow_redirects=False
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert "a=b" not in answer.headers["set-cookie"]
    harness.client.cookies.clear()
