"""The results API: keys, release, area, gate, paging, ETag, limits, and its description."""

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from survey.access.accounts import set_active
from survey.access.api_keys import create_api_key, find_key_holder, list_api_keys, revoke_api_key
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.results import WaveResults, open_results
from survey.results.release import release_wave, revoke_release
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Account, ApiKey, AuditEntry, KeyScope, Shown, Wave, WaveState, now
from survey.web import results_api
from survey.web.results_openapi import BASE, DELIVERIES
from survey.web.routes import build_app
from tests.error_codes import raises_code
from tests.synthetic_results import PLANS, synthetic_store
from tests.work_of import ONE_PERSON, work_of

WAVE, EARLIER = "main-2024", "main-2023"
ESTIMATES = f"{BASE}/waves/{WAVE}/estimates"
OWN, OTHER = "320500", "110000"
LOGINS = {"nation": "CN", "city": OWN}


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("api"),
        database_url="",
        public_rate_per_minute=0,
        api_rate_per_minute=0,
    )
    plans = [replace(plan, cities=60) for plan in PLANS if plan.key in {WAVE, EARLIER}]
    synthetic_store(settings, plans=plans, measures_a_topic=1)
    with session_scope(settings.store_url) as session:
        for login, area in LOGINS.items():
            role = Role.ANALYST if area == "CN" else Role.CITY_OFFICIAL
            session.add(Account(login=login, name=login, role=role, area=area))
        session.add(Account(login="typist", name="T", role=Role.TYPIST, area="CN"))
    return settings


@pytest.fixture
def settings(_made: Settings) -> Iterator[Settings]:
    """No wave released, no key, every account open, whatever the test before did."""
    with session_scope(_made.store_url) as session:
        for wave in session.exec(select(Wave)).all():
            if wave.state is WaveState.RELEASED:
                revoke_release(
                    work_of(session, OPERATOR, now()), wave_key=wave.key, reason="for the next test"
                )
        for key in session.exec(select(ApiKey)).all():
            session.delete(key)
    yield _made
    dispose_engines()


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(build_app(settings), headers={"Accept-Language": "en"}) as client:
        yield client


def release(settings: Settings, key: str = WAVE, shown: Shown = Shown.SCORES) -> None:
    with session_scope(settings.store_url) as session:
        release_wave(
            work_of(session, OPERATOR, now(), settings=ONE_PERSON), wave_key=key, shown=shown
        )


def test_a_damaged_snapshot_is_told_in_neutral_words(
    client: TestClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    release(settings)
    key = make_key(settings)
    with read_scope(settings.store_url) as session:
        folder = open_results(settings, session, WAVE)._folder
    whole = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    try:
        for path in whole:
            path.write_bytes(b"not what was sealed")
        answer = ask(client, ESTIMATES, key)
        assert (answer.status_code, answer.json()["code"]) == (503, "results_unavailable")
        assert str(settings.data_dir) not in answer.text
        assert f"{WAVE}/{folder.name}" in caplog.text
        # The others answer.
        release(settings, EARLIER)
        rows = ask(client, f"{BASE}/waves", key).json()["rows"]
        assert [row["key"] for row in rows] == [EARLIER]
        assert ask(client, ESTIMATES.replace(WAVE, EARLIER), key).status_code == 200
        changes = f"{BASE}/waves/{EARLIER}/changes?before="
        assert ask(client, f"{changes}none", key).status_code == 400
        assert ask(client, changes + WAVE, key).status_code == 503
    finally:
        for path, content in whole.items():
            path.write_bytes(content)


def make_key(settings: Settings, login: str = "nation", days: int = 30) -> str:
    with session_scope(settings.store_url) as session:
        return create_api_key(
            work_of(session, OPERATOR, now()), login=login, name="a test", days=days
        )


def ask(client: TestClient, address: str, key: str | None, **headers: str) -> Any:
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return client.get(address, headers=headers)


def test_nothing_without_a_key_that_works(client: TestClient, settings: Settings) -> None:
    release(settings)
    for key in (None, "", "hcs_wrong", "x" * 5_000, "hcs_\x7f"):
        answer = ask(client, ESTIMATES, key)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "rows" not in answer.json()
    good = make_key(settings)
    assert ask(client, ESTIMATES, good).status_code == 200
    assert client.get(ESTIMATES, cookies={"survey_session": good}).status_code == 401
    assert client.get(f"{ESTIMATES}?key={good}").status_code == 401


def test_a_key_ends_with_its_days_its_account_and_its_withdrawal(
    client: TestClient, settings: Settings
) -> None:
    release(settings)
    key = make_key(settings, "city", days=1)
    with session_scope(settings.store_url) as session:
        tomorrow = now() + timedelta(days=1, seconds=1)
        for moment, works in ((now(), True), (tomorrow, False)):
            holder = find_key_holder(session=session, key=key, scope=KeyScope.RESULTS, now=moment)
            assert (holder is not None) == works
    for is_open, status in ((False, 401), (True, 200)):
        with session_scope(settings.store_url) as session:
            set_active(work_of(session, OPERATOR, now()), login="city", active=is_open)
        assert ask(client, ESTIMATES, key).status_code == status
    with session_scope(settings.store_url) as session:
        (summary,) = list_api_keys(work_of(session, OPERATOR))
        revoke_api_key(work_of(session, OPERATOR, now()), key_id=summary.id)
        with raises_code("api_key_refused"):
            revoke_api_key(work_of(session, OPERATOR, now()), key_id=summary.id)
    assert ask(client, ESTIMATES, key).status_code == 401


def test_keys_are_made_by_administrators_for_readers_and_audited(settings: Settings) -> None:
    official = Principal(UUID(int=7), "n", Role.NATIONAL_OFFICIAL, "CN")
    with session_scope(settings.store_url) as session:
        with pytest.raises(AccessDeniedError):
            create_api_key(work_of(session, official, now()), login="city", name="x y", days=1)
        for login, name, days in (
            ("typist", "a name", 1), ("city", " ", 1), ("city", "a name", 0),
            ("city", "n" * 101, 1),
            ("city", "a name", 401), ("nobody", "a name", 1),
        ):  # fmt: skip
            with pytest.raises(Exception, match=r".") as caught:
                create_api_key(work_of(session, OPERATOR, now()), login=login, name=name, days=days)
            assert getattr(caught.value, "message", None), "an error in words"
    key = make_key(settings)
    with read_scope(settings.store_url) as session:
        (stored,) = session.exec(select(ApiKey)).all()
        assert key not in str(stored)
        query = select(AuditEntry).where(AuditEntry.action == AuditEvent.ACCOUNT_API_KEY_MADE)
        entry = session.exec(query.order_by(col(AuditEntry.at).desc())).first()
        assert entry is not None
        assert entry.detail["name"] == "a test"
        assert key not in str(entry.detail)


def test_what_is_not_released_does_not_exist(client: TestClient, settings: Settings) -> None:
    key = make_key(settings)
    paths = ("", "/estimates", "/ranks", "/gaps?contrast=nation", f"/changes?before={EARLIER}")
    unreleased = [ask(client, f"{BASE}/waves/{WAVE}{path}", key) for path in paths]
    unknown = [ask(client, f"{BASE}/waves/no-such{path}", key) for path in paths]
    for one, other in zip(unreleased, unknown, strict=True):
        assert one.status_code == other.status_code == 404
        assert one.text.replace(WAVE, "W") == other.text.replace("no-such", "W")
    assert ask(client, f"{BASE}/waves", key).json() == {"total": 0, "rows": []}
    release(settings)
    assert [row["key"] for row in ask(client, f"{BASE}/waves", key).json()["rows"]] == [WAVE]
    # A change and the released figure would give the earlier one, which is not released.
    changes = f"{BASE}/waves/{WAVE}/changes?before={EARLIER}"
    unknown_earlier = ask(client, changes.replace(EARLIER, "no-such"), key)
    unreleased_earlier = ask(client, changes, key)
    assert unknown_earlier.status_code == unreleased_earlier.status_code == 400
    assert unknown_earlier.text.replace("no-such", "W") == unreleased_earlier.text.replace(
        EARLIER, "W"
    )
    release(settings, EARLIER)
    assert EARLIER in ask(client, changes.replace(EARLIER, "no-such"), key).text
    assert ask(client, changes, key).json()["total"] > 0


def test_rows_are_those_of_the_gate_and_of_the_area(client: TestClient, settings: Settings) -> None:
    release(settings, shown=Shown.NOTHING)
    nation, city = make_key(settings), make_key(settings, "city")
    query = "?area_level=city&group=all&indicator=composite&limit=1000"
    every = ask(client, ESTIMATES + query, nation).json()
    own = ask(client, ESTIMATES + query, city).json()
    assert [row["area"] for row in own["rows"]] == [OWN]
    assert every["total"] > 50
    with read_scope(settings.store_url) as session:
        results = open_results(settings, session, WAVE)
    cells = results.cells(
        OPERATOR, area_level="city", group="all", indicator="composite"
    ).set_index("area")
    for row in every["rows"]:
        cell = cells.loc[row["area"]]
        assert row["shown"] == bool(cell["shown"])
        if not row["shown"]:
            assert {row[name] for name in ("estimate", "ci_low", "ci_high", "n", "df")} == {None}
        else:
            assert row["estimate"] == cell["estimate"] == round(row["estimate"], 1)
            assert row["n"] == cell["n"]
    foreign = ask(client, f"{ESTIMATES}?area_level=city&area={OTHER}", city)
    assert foreign.status_code == 400, "to this key there is no other city"
    assert OTHER not in foreign.json()["message"].partition(":")[2].partition(".")[2]


def test_hidden_rows_carry_no_figure_in_any_table(client: TestClient, settings: Settings) -> None:
    release(settings)
    release(settings, EARLIER)
    key = make_key(settings)
    with read_scope(settings.store_url) as session:
        cells = open_results(settings, session, WAVE).cells(OPERATOR)
    example = cells[~cells["shown"]].iloc[0]
    keys = {key: str(example[key]) for key in ("area_level", "area", "group")}
    hidden = set()
    for table in ("estimates", "gaps", "changes"):
        extra = {"gaps": {"contrast": "rest"}, "changes": {"before": EARLIER}}.get(table, {})
        query = urlencode({**keys, "limit": "1000", **extra})
        body = ask(client, f"{BASE}/waves/{WAVE}/{table}?{query}", key).json()
        for row in body.get("rows", ()):
            figures = {name for name, value in row.items() if type(value) in (int, float)}
            if not row["shown"]:
                hidden.add(table)
                assert figures == set(), (table, row)
    assert "estimates" in hidden


def test_pages_of_rows_are_the_whole_table_once(client: TestClient, settings: Settings) -> None:
    release(settings)
    key = make_key(settings)
    address: str | None = f"{ESTIMATES}?area_level=city&group=all&limit=37&language=en"
    seen: list[tuple[str, str]] = []
    total = None
    while address:
        body = ask(client, address, key).json()
        total = body["total"]
        assert len(body["rows"]) <= 37
        seen += [(row["area"], row["indicator"]) for row in body["rows"]]
        address = body["next"]
    assert len(seen) == len(set(seen)) == total


def test_pages_of_two_editions_are_not_put_together(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correction of the same interviews between two pages: same wave, same snapshot."""
    release(settings)
    release(settings, EARLIER)
    key = make_key(settings)
    changes = f"{BASE}/waves/{WAVE}/changes?before={EARLIER}&limit=20"
    firsts = [ask(client, address, key).json() for address in (f"{ESTIMATES}?limit=20", changes)]
    for first in firsts:
        assert ask(client, first["next"], key).json()["edition"] == first["edition"]

    corrected = EARLIER

    def open_corrected(*asked: Any) -> WaveResults:
        results = copy(open_results(*asked))
        if results.wave.key == corrected:
            results.wave = replace(results.wave, seal_sha256="e" * 64)
        return results

    monkeypatch.setattr(results_api, "open_results", open_corrected)
    assert ask(client, firsts[0]["next"], key).status_code == 200
    answer = ask(client, firsts[1]["next"], key)
    assert (answer.status_code, answer.json()["code"]) == (409, "results_changed")

    corrected = WAVE
    assert ask(client, firsts[0]["next"], key).status_code == 409
    assert ask(client, f"{ESTIMATES}?limit=20", key).json()["edition"] != firsts[0]["edition"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=-1", "offset=-1", "offset=1e3", "limit=٣",
     "offset=99999999999999999999", f"offset={'0' * 5_000}", "colour=red",
     "area_level=moon", "indicator=9.9.9", "group=%00", "contrast=rest"],
)  # fmt: skip
def test_a_wrong_parameter_is_a_sentence(
    client: TestClient, settings: Settings, query: str
) -> None:
    release(settings)
    answer = ask(client, f"{ESTIMATES}?{query}", make_key(settings))
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message"}
    in_chinese = ask(
        client, f"{ESTIMATES}?{query}", make_key(settings), **{"Accept-Language": "zh-CN"}
    )
    assert in_chinese.json()["message"] != answer.json()["message"]


def test_an_etag_saves_the_second_answer_and_changes_with_the_release(
    client: TestClient, settings: Settings
) -> None:
    release(settings)
    key = make_key(settings)
    first = ask(client, ESTIMATES, key)
    etag = first.headers["ETag"]
    again = ask(client, ESTIMATES, key, **{"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert ask(client, ESTIMATES, key, **{"If-None-Match": f'"x", W/{etag}'}).status_code == 304
    assert ask(client, ESTIMATES, key, **{"If-None-Match": '"x"'}).status_code == 200
    # Nobody learns from a tag what the key does not open.
    assert ask(client, ESTIMATES, "hcs_wrong", **{"If-None-Match": etag}).status_code == 401
    with session_scope(settings.store_url) as session:
        revoke_release(work_of(session, OPERATOR, now()), wave_key=WAVE, reason="a mistake")
    assert ask(client, ESTIMATES, key, **{"If-None-Match": etag}).status_code == 404


def test_a_key_that_asks_too_often_waits_and_others_do_not(settings: Settings) -> None:
    release(settings)
    limited = settings.model_copy(update={"api_rate_per_minute": 3})
    one, other = make_key(settings), make_key(settings)
    with TestClient(build_app(limited)) as client:
        statuses = [ask(client, f"{BASE}/waves", one).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        refused = ask(client, f"{BASE}/waves", one)
        assert int(refused.headers["Retry-After"]) >= 1
        assert ask(client, f"{BASE}/waves", other).status_code == 200


def test_guesses_are_counted_by_address(settings: Settings) -> None:
    limited = settings.model_copy(update={"public_rate_per_minute": 3})
    with TestClient(build_app(limited)) as client:
        statuses = [ask(client, f"{BASE}/waves", f"hcs_{guess}").status_code for guess in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


def test_a_demo_account_reads_demo_waves_only(client: TestClient, settings: Settings) -> None:
    release(settings)
    with session_scope(settings.store_url) as session:
        demo = Account(login="demo-a", name="D", role=Role.ANALYST, area="CN", is_demo=True)
        session.add(demo)
    key = make_key(settings, "demo-a")
    with read_scope(settings.store_url) as session:
        is_demo = session.exec(select(Wave.is_demo).where(Wave.key == WAVE)).one()
    answer = ask(client, f"{BASE}/waves/{WAVE}", key)
    assert answer.status_code == (200 if is_demo else 403)
    body = ask(client, f"{BASE}/waves/{WAVE}", make_key(settings)).json()
    assert body["mark"] == ("演示数据" if is_demo else None)


def test_the_description_fits_what_is_served(client: TestClient, settings: Settings) -> None:
    release(settings)
    release(settings, EARLIER)
    key = make_key(settings)
    document = client.get(f"{BASE}/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    required = {"contrast": "nation", "before": EARLIER}
    for path, methods in document["paths"].items():
        if path.startswith(DELIVERIES):
            assert set(methods) == {"post"}
            continue
        assert set(methods) == {"get"}
        if "{release}" in path:  # with an edition: tests/publish/publications
            assert ask(client, path, key).status_code == 404
            continue
        address = path.replace("{wave}", WAVE)
        named = [each for each in methods["get"]["parameters"] if each["in"] == "query"]
        asked = "&".join(
            f"{each['name']}={required[each['name']]}" for each in named if each["required"]
        )
        answer = ask(client, f"{address}?{asked}", key)
        assert answer.status_code == 200, (path, answer.text)
        schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        if "$ref" in schema:
            described = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            assert set(described["required"]) <= set(answer.json())
        if asked:
            assert ask(client, address, key).status_code == 400, "what is required is required"
    ids = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(ids) == len(set(ids))


def test_the_page_for_people_needs_no_key_and_no_script(client: TestClient) -> None:
    page = client.get(BASE, headers={"Accept-Language": "zh"})
    assert page.status_code == 200
    assert "程序接口" in page.text
    assert "<script" not in page.text
    assert f"GET {BASE}/waves/{{wave}}/estimates" in page.text


def test_nothing_can_be_changed(client: TestClient, settings: Settings) -> None:
    key = make_key(settings)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.request(method, ESTIMATES, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 405
