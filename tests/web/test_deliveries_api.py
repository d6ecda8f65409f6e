"""Deliveries by programs: keys with their scope, the same id again, row errors, limits, audit."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import func
from sqlmodel import select
from starlette.testclient import TestClient

from survey.access.api_keys import create_api_key
from survey.access.principal import OPERATOR
from survey.access.roles import NATION, Role
from survey.counts.bringing_in.proposal import propose_mapping
from survey.counts.bringing_in.saved_mappings import keep_count_mapping
from survey.counts.closed_months import close_month
from survey.counts.count_declaration import CountKind
from survey.counts.count_kinds import COUNT_KINDS
from survey.settings import PROJECT_ROOT, Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    ApiKey,
    AuditEntry,
    ComplaintCount,
    Delivery,
    DeliveryKind,
    DeliveryRevision,
    KeyScope,
    PublishedTable,
    now,
)
from survey.tabular.reading import read_text_table, table_of_records
from survey.tabular.text_table import FileUnreadableError
from survey.web import deliveries_api
from survey.web.http import JSON
from survey.web.results_openapi import BASE, DELIVERIES
from survey.web.routes import build_app
from tests.account_factory import employ_person
from tests.context.complaints.count_files import ROW, count_file
from tests.coroutine_runner import run_in_thread
from tests.error_codes import raises_code
from tests.work_of import work_of

COMPLAINTS = f"{DELIVERIES}/complaints"
LAYOUTS = PROJECT_ROOT / "seed" / "context" / "examples"
HEAD = {"id": "2024-05-a", "source": "全国消协智慧315平台", "data_as_of": "2024-06-03"}
RECORD = {
    "period": "2024-05", "area": "420500", "nature": "质量", "goods_class": "食品类",
    "accepted": 40, "solved": 30, "recovered": 1234.5,
}  # fmt: skip


class Platform:
    """Application over one store, with an account of the nation and one of a city."""

    def __init__(self, url: str, folder: Path, **limits: int) -> None:
        self.settings = Settings(
            database_url=url,
            data_dir=folder,
            **{"public_rate_per_minute": 0, "api_rate_per_minute": 0, **limits},
        )
        with session_scope(url) as session:
            for login, role, area in (
                ("office", Role.NATIONAL_OFFICIAL, "CN"),
                ("city", Role.CITY_OFFICIAL, "420500"),
            ):
                session.add(Account(login=login, name=login, role=role, area=area))
        self.client = TestClient(build_app(self.settings), headers={"Accept-Language": "en"})

    def make_key(self, login: str = "office", scope: KeyScope = KeyScope.DELIVERIES) -> str:
        with session_scope(self.settings.store_url) as session:
            return create_api_key(
                work_of(session, OPERATOR, now()), login=login, name="a test", days=9, scope=scope
            )

    def push(self, key: str | None, rows: list[Any] | None = None, **head: Any) -> Any:
        body = {**HEAD, **head, "rows": [RECORD] if rows is None else rows}
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return self.client.post(COMPLAINTS, json=body, headers=headers)

    def push_csv(self, key: str, content: bytes, address: str = COMPLAINTS, **head: str) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv; charset=utf-8"}
        return self.client.post(address, params={**HEAD, **head}, content=content, headers=headers)

    def count(self, model: Any) -> int:
        with read_scope(self.settings.store_url) as session:
            return int(session.exec(select(func.count()).select_from(model)).one())


@pytest.fixture
def platform(sqlite_url: str, tmp_path: Path) -> Iterator[Platform]:
    made = Platform(sqlite_url, tmp_path)
    with made.client:
        yield made


@pytest.fixture
def either_platform(store_url: str, tmp_path: Path) -> Iterator[Platform]:
    made = Platform(store_url, tmp_path)
    with made.client:
        yield made


def test_a_delivery_is_stored_once_and_answered_alike(either_platform: Platform) -> None:
    platform, key = either_platform, either_platform.make_key()
    first, again = platform.push(key), platform.push(key)
    assert (first.status_code, again.status_code) == (200, 200), first.text
    assert first.json() == again.json()
    assert first.json()["revisions"] == {"2024-05": 1}
    repeated = [answer.headers[deliveries_api.REPEATED_HEADER] for answer in (first, again)]
    assert repeated == ["false", "true"]
    corrected = platform.push(key, [{**RECORD, "accepted": 41}], id="2024-05-b")
    assert corrected.json()["revisions"] == {"2024-05": 2}
    assert (platform.count(Delivery), platform.count(ComplaintCount)) == (2, 2)
    with read_scope(platform.settings.store_url) as session:
        query = select(AuditEntry).where(AuditEntry.action == AuditEvent.EVIDENCE_DELIVERED)
        entries = session.exec(query).all()
        key_id = session.exec(select(ApiKey.id)).one()
    assert [entry.detail["id"] for entry in entries] == ["2024-05-a", "2024-05-b"]
    assert all(entry.detail["key"] == str(key_id) for entry in entries)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [{**RECORD, "accepted": 41}]},
        {"source": "another"},
        {"known_faults": "one county is missing"},
        {"data_as_of": "2024-06-04"},
    ],
)
def test_an_id_is_never_used_for_another_content(platform: Platform, change: Any) -> None:
    key = platform.make_key()
    platform.push(key)
    answer = platform.push(key, **change)
    assert (answer.status_code, answer.json()["code"]) == (409, "delivery_conflict")
    assert "2024-05-a" in answer.json()["message"]
    assert platform.count(Delivery) == 1


def test_40_and_40_0_are_one_count(platform: Platform) -> None:
    key = platform.make_key()
    first = platform.push(key)
    pointed = platform.push(key, [{**RECORD, "accepted": 40.0, "solved": 30.0}])
    assert (pointed.status_code, pointed.json()) == (200, first.json())
    assert pointed.headers[deliveries_api.REPEATED_HEADER] == "true"
    assert platform.count(Delivery) == 1


def test_a_delivery_that_an_earlier_version_stored_is_known_again(platform: Platform) -> None:
    """Earlier versions hashed the rows as they were sent."""
    key, rows = platform.make_key(), [{**RECORD, "accepted": 40.0}]
    first = platform.push(key, rows)
    with session_scope(platform.settings.store_url) as session:
        stored = session.exec(select(Delivery)).one()
        stored.sha256 = sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)).hexdigest()
    again = platform.push(key, rows)
    assert (again.status_code, again.json()) == (200, first.json())
    assert platform.push(key, [{**RECORD, "accepted": 41.0}]).status_code == 409


def test_what_would_be_lost_is_answered_and_confirmed(either_platform: Platform) -> None:
    platform, key = either_platform, either_platform.make_key()
    platform.push(key, [RECORD, {**RECORD, "area": "420100"}])
    refused = platform.push(key, id="part")
    body = refused.json()
    assert (refused.status_code, body["code"], body["loss_count"]) == (409, "delivery_loses", 1)
    assert body["losses"] == [{"area": "420100", "period": "2024-05", "lost": ["2024-05"]}]
    assert platform.count(Delivery) == 1
    stored = platform.push(key, id="part", confirm_losses=body["confirm_losses"])
    assert stored.json()["revisions"] == {"2024-05": 2}
    assert platform.push(key, id="part").json() == stored.json()
    content = count_file(ROW.replace("420500", "110000"))
    refused = platform.push_csv(key, content, id="file")
    assert refused.json()["losses"][0]["area"] == "420500"
    word = refused.json()["confirm_losses"]
    assert platform.push_csv(key, content, id="file", confirm_losses=word).status_code == 200


def test_a_month_to_come_is_no_delivery(platform: Platform) -> None:
    answer = platform.push(platform.make_key(), [{**RECORD, "period": "2099-03"}])
    assert (answer.status_code, answer.json()["code"]) == (422, "delivery_refused")
    assert "2099-03" in answer.json()["message"]
    assert platform.count(Delivery) == 0


def test_senders_at_the_same_moment_store_one_delivery(either_platform: Platform) -> None:
    platform = either_platform
    keys = [platform.make_key() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(platform.push, keys))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.text for answer in answers}) == 1
    assert (platform.count(Delivery), platform.count(DeliveryRevision)) == (1, 1)


def test_a_file_and_a_message_store_the_same(platform: Platform) -> None:
    key = platform.make_key()
    totals = "2024-05,000000,合计,合计,40,30,20,15,5,1234.50"
    answer = platform.push_csv(key, count_file(ROW, totals))
    assert answer.status_code == 200, answer.text
    lacking = platform.push(key, id="as-a-message")
    assert lacking.status_code == 409
    assert lacking.json()["losses"] == []
    assert lacking.json()["lost_lists"] == [
        {"period": "2024-05", "column": name, "codes": [], "areas": 1}
        for name in ("mediated", "mediation_succeeded", "settled_first")
    ]
    confirmed = lacking.json()["confirm_losses"]
    assert platform.push(key, id="as-a-message", confirm_losses=confirmed).status_code == 200
    with read_scope(platform.settings.store_url) as session:
        rows = session.exec(select(ComplaintCount)).all()
    assert {(row.area, row.nature, row.accepted, row.recovered_fen) for row in rows} == {
        ("420500", "quality", 40, 123450)
    }
    assert len(rows) == 2


def test_every_wrong_row_is_named_and_nothing_is_stored(platform: Platform) -> None:
    key = platform.make_key()
    wrong = [
        {**RECORD, "period": "May"},
        {**RECORD, "area": "420501"},
        {**RECORD, "solved": 4.5},
        {name: text for name, text in RECORD.items() if name != "accepted"},
    ]
    answer = platform.push(key, [RECORD, *wrong])
    assert answer.status_code == 422
    body = answer.json()
    assert (body["code"], body["rows"], body["problem_count"]) == ("counts_rejected", 5, 4)
    assert [(each["row"], each["column"]) for each in body["problems"]] == [
        (2, "period"), (3, "area"), (4, "solved"), (5, "accepted"),
    ]  # fmt: skip
    assert body["problems"][0]["value"] == "May"
    chinese = platform.client.post(
        COMPLAINTS,
        json={**HEAD, "rows": [RECORD, *wrong]},
        headers={"Authorization": f"Bearer {key}", "Accept-Language": "zh"},
    )
    assert "可用" in chinese.json()["problems"][0]["message"]
    in_file = platform.push_csv(key, count_file(ROW, ROW.replace(",40,30,", ",40,41,")))
    assert in_file.json()["problems"][0]["row"] == 3
    assert platform.count(Delivery) == 0


def test_a_province_pushes_its_own_part_alone(platform: Platform) -> None:
    key = platform.make_key()
    beijing = {**RECORD, "area": "110000"}
    assert platform.push(key, [RECORD, beijing]).status_code == 200
    more = {**RECORD, "accepted": RECORD["accepted"] + 1}
    outside = platform.push(key, [more, beijing], id="hubei", area="42")
    assert (outside.status_code, outside.json()["code"]) == (422, "delivery_refused")
    assert platform.push(key, [more], id="hubei", area="42").status_code == 200
    assert platform.push(key, [more], id="all").json()["code"] == "delivery_loses"
    province = employ_person(platform.settings.store_url, "hubei", Role.PROVINCE_OFFICIAL, "42")
    with session_scope(platform.settings.store_url) as session:
        row = session.exec(select(ApiKey).where(ApiKey.scope == KeyScope.DELIVERIES)).one()
        row.account_id = province.account_id
        session.add(row)
    assert platform.push(key, [beijing], id="other").status_code == 422
    assert platform.push(key, [beijing], id="other", area="11").status_code == 403
    assert platform.push(key, [RECORD], id="own").status_code == 200
    assert platform.count(Delivery) == 3


def test_keys_open_what_they_were_made_for_and_nothing_else(platform: Platform) -> None:
    reading = platform.make_key(scope=KeyScope.RESULTS)
    pushing = platform.make_key()
    refused = platform.push(reading)
    assert (refused.status_code, refused.json()["code"]) == (403, "key_scope")
    for address in (f"{BASE}/waves", f"{BASE}/waves/main-2024/estimates"):
        answer = platform.client.get(address, headers={"Authorization": f"Bearer {pushing}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "key_scope")
    for key in (None, "", "hcs_wrong", "x" * 5_000):
        assert platform.push(key).status_code == 401
    assert platform.count(Delivery) == 0
    analyst = employ_person(platform.settings.store_url, "analyst", Role.ANALYST, NATION)
    with session_scope(platform.settings.store_url) as session:
        with raises_code("api_key_refused"):
            create_api_key(
                work_of(session, OPERATOR, now()),
                login="analyst",
                name="a test",
                days=9,
                scope=KeyScope.DELIVERIES,
            )
        # An account may be given another role after its key was made.
        row = session.exec(select(ApiKey).where(ApiKey.scope == KeyScope.DELIVERIES)).one()
        row.account_id = analyst.account_id
        session.add(row)
    assert platform.push(pushing).status_code == 403
    assert platform.count(Delivery) == 0


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (json.dumps({**HEAD, "rows": [{"accepted": True}]}).encode(), "application/json", 400),
        (json.dumps({**HEAD, "rows": [{"accepted": [1]}]}).encode(), "application/json", 400),
        (json.dumps({**HEAD, "rows": [], "x": 1}).encode(), "application/json", 400),
        (json.dumps({**HEAD, "rows": []}).encode(), "application/json", 422),
        (json.dumps({**HEAD, "rows": [{"period": "2024-05"}]}).encode(), "application/json", 422),
        (json.dumps({**HEAD, "id": " ", "rows": [RECORD]}).encode(), "application/json", 422),
        (
            json.dumps({**HEAD, "known_faults": "\0", "rows": [RECORD]}).encode(),
            "application/json",
            422,
        ),
        (
            json.dumps({**HEAD, "data_as_of": "2999-01-01", "rows": [RECORD]}).encode(),
            "application/json",
            422,
        ),
        (
            json.dumps({**HEAD, "code_version": "1999", "rows": [RECORD]}).encode(),
            "application/json",
            422,
        ),
        (b"", "text/csv", 400),
        (count_file(ROW), "application/vnd.ms-excel", 415),
        (count_file(ROW), "", 415),
    ],
)
def test_what_is_no_delivery_is_refused_in_words(
    platform: Platform, content: bytes, media_type: str, status: int
) -> None:
    answer = platform.client.post(
        COMPLAINTS,
        content=content,
        headers={"Authorization": f"Bearer {platform.make_key()}", "Content-Type": media_type},
    )
    assert answer.status_code == status, answer.text
    assert answer.json()["message"]
    assert platform.count(Delivery) == 0


def test_a_large_body_is_cut_off_and_only_after_the_key_is_known(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(deliveries_api.MAX_BODY_BYTES, "text/csv", 1_000)
    many = count_file(*[ROW] * 100)
    answer = platform.push_csv(platform.make_key(), many)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert platform.push_csv("hcs_wrong", many).status_code == 401


def test_columns_that_no_kind_knows_are_not_built(platform: Platform) -> None:
    wide = {**RECORD, **{f"k{number}": 1 for number in range(1_900)}}
    before = pa.total_allocated_bytes()
    table = table_of_records([wide, *[{}] * 5_000])
    assert pa.total_allocated_bytes() - before < 1_000_000
    assert table.columns[table.header.index("accepted")].to_pylist() == ["40", *[""] * 5_000]
    answer = platform.push(platform.make_key(), [{f"k{number}": 1 for number in range(1_900)}])
    assert (answer.status_code, answer.json()["code"]) == (422, "import_impossible")
    assert "受理件数" in answer.json()["message"]


@pytest.mark.parametrize("kind", COUNT_KINDS.values(), ids=lambda each: each.kind.value)
def test_a_message_holds_no_more_values_than_rows_that_are_known(kind: CountKind) -> None:
    body = orjson.dumps({**HEAD, "rows": [{}] * (deliveries_api.MAX_MESSAGE_CELLS + 1)})
    assert len(body) < deliveries_api.MAX_BODY_BYTES[JSON]
    with pytest.raises(deliveries_api.MalformedDeliveryError, match="2,000,000"):
        deliveries_api.read_message(kind, body)
    shortest = {key: column.example for key, column in kind.columns.items() if column.required}
    values = deliveries_api.MAX_BODY_BYTES[JSON] // len(orjson.dumps(shortest)) * len(shortest)
    assert values < deliveries_api.MAX_MESSAGE_CELLS


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({**HEAD, "rows": [RECORD, *[1] * 5_000]}, "rows.1"),
        ({**HEAD, "rows": [RECORD, {f"k{number}": [] for number in range(5_000)}]}, "2000 fields"),
        ({**HEAD, "rows": [RECORD], **{f"k{number}": [] for number in range(5_000)}}, "k"),
    ],
)
def test_reading_stops_at_the_first_thing_that_is_wrong(document: Any, place: str) -> None:
    kind = COUNT_KINDS[DeliveryKind.COMPLAINTS]
    with pytest.raises(deliveries_api.MalformedDeliveryError, match=place) as refused:
        deliveries_api.read_message(kind, orjson.dumps(document))
    cause = refused.value.__cause__
    assert cause is None or (isinstance(cause, ValidationError) and cause.error_count() < 10)


def test_nothing_is_stored_of_a_sender_who_is_gone(platform: Platform) -> None:
    body = orjson.dumps({**HEAD, "rows": [RECORD]})
    arriving = iter([{"type": "http.request", "body": body}, {"type": "http.disconnect"}])
    answers: list[Any] = []
    headers = {"authorization": f"Bearer {platform.make_key()}", "content-type": JSON}

    async def receive() -> Any:
        return next(arriving)

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {
        "type": "http", "method": "POST", "path": COMPLAINTS, "query_string": b"",
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
    }  # fmt: skip
    run_in_thread(build_app(platform.settings)(scope, receive, send))
    assert answers[0]["status"] == 400
    assert platform.count(Delivery) == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"period,area\n" * 3_000_002, "3000000 rows"),
        (b",".join(b"k%d" % number for number in range(1_999)) + b"\n" * 30_000, "cells"),
        (b"a," * 3_000_000, "1,000,000 characters"),
        (b"a," * 2_001 + b"\n1", "2000 columns"),
        (b"a\rb,c\n1,2", "cannot be read as a table"),
    ],
)
def test_a_table_with_too_many_cells_is_refused_before_they_are_built(
    content: bytes, said: str
) -> None:
    with pytest.raises(FileUnreadableError, match=said):
        read_text_table(content)


def test_a_file_with_the_line_ends_of_an_old_mac_is_read() -> None:
    table = read_text_table(b"period,area\r2024-05,420500\r")
    assert (table.header, table.columns[1].to_pylist()) == (("period", "area"), ["420500"])


def test_a_key_that_pushes_too_often_waits(sqlite_url: str, tmp_path: Path) -> None:
    platform = Platform(sqlite_url, tmp_path, api_rate_per_minute=2)
    with platform.client:
        key = platform.make_key()
        answers = [platform.push(key) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert platform.push(platform.make_key()).status_code == 200


def test_the_schema_fits_what_is_taken_in(platform: Platform) -> None:
    schema = platform.client.get(f"{COMPLAINTS}/schema.json").json()
    row = schema["properties"]["rows"]["items"]
    assert set(row["required"]) <= set(RECORD)
    assert set(RECORD) <= set(row["properties"])
    assert set(HEAD) == set(schema["required"]) - {"rows"}
    example = {name: each["examples"][0] for name, each in row["properties"].items()}
    answer = platform.push(platform.make_key(), [example])
    assert answer.status_code == 200, answer.text
    document = platform.client.get(f"{BASE}/openapi.json").json()
    operation = document["paths"][COMPLAINTS]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == schema
    assert set(answer.json()) == set(
        operation["responses"]["200"]["content"]["application/json"]["schema"]["required"]
    )
    assert "complaints" in platform.client.get(BASE).text


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner,
                                                                max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.sampled_from([*HEAD, "rows", "known_faults"]), JSON_VALUES), JSON_VALUES)
def test_no_message_breaks_the_endpoint(platform: Platform, body: Any, cell: Any) -> None:
    if not hasattr(platform, "fuzz_key"):
        platform.fuzz_key = platform.make_key()  # type: ignore[attr-defined]
    key = platform.fuzz_key  # type: ignore[attr-defined]
    for document in (body, {**HEAD, "rows": [{**RECORD, "area": cell}]}):
        answer = platform.client.post(
            COMPLAINTS,
            content=json.dumps(document).encode("utf-8", "surrogatepass"),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        assert answer.status_code in {400, 422}, answer.text


def test_a_file_of_another_layout_is_read_by_a_kept_mapping(platform: Platform) -> None:
    key, content = platform.make_key(), LAYOUTS.joinpath("complaint_cases_12315.csv").read_bytes()
    unknown = platform.push_csv(key, content, mapping="cases")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "delivery_malformed")
    mapping = propose_mapping(COUNT_KINDS[DeliveryKind.COMPLAINTS], content, of_cases=True).mapping
    with session_scope(platform.settings.store_url) as session:
        keep_count_mapping(
            work_of(session, OPERATOR, now()),
            kind=COUNT_KINDS[DeliveryKind.COMPLAINTS],
            name="cases",
            mapping=mapping,
        )
    head = {"mapping": "cases", "data_as_of": "2025-06-03"}
    answer = platform.push_csv(key, content, **head)
    assert (answer.status_code, answer.json()["rows"]) == (200, 5)
    assert platform.count(ComplaintCount) == 5
    wrong = content.decode("utf-8-sig").replace("320505", "虚构人丙 13900000003").encode()
    refused = platform.push_csv(key, wrong, id="wrong", **head)
    assert refused.status_code == 422
    (problem,) = refused.json()["problems"]
    assert (problem["row"], problem["column"], problem["value"]) == (4, "行政区划代码", "")
    assert "虚构人" not in refused.text


def test_a_published_quarter_comes_as_a_file(platform: Platform) -> None:
    content = (PROJECT_ROOT / "seed/context/examples/published_quarter.csv").read_bytes()
    key = platform.make_key()
    first, again = (platform.push_csv(key, content, id="2024-q1") for _ in range(2))
    assert first.status_code == 200, first.text
    assert (first.json(), again.json()["revisions"]) == (again.json(), {"2024-Q1": 1})
    assert again.headers[deliveries_api.REPEATED_HEADER] == "true"
    assert platform.count(PublishedTable) == 2
    refused = platform.push_csv(key, content.replace(b"31.75", b"41.75"), id="2024-q1-b")
    assert (refused.status_code, refused.json()["problems"][0]["row"]) == (422, 4)
    city = platform.push_csv(platform.make_key("city"), content, id="42-2024-q1")
    assert city.status_code == 403, city.text
    assert platform.count(PublishedTable) == 2


def test_a_closed_month_takes_a_correction_with_its_reason(platform: Platform) -> None:
    key = platform.make_key()
    assert platform.push(key).status_code == 200
    with session_scope(platform.settings.store_url) as session:
        close_month(work_of(session, OPERATOR, now()), period="2024-05")
    later = {"id": "later", "rows": [{**RECORD, "accepted": 41}]}
    refused = platform.push(key, **later)
    assert (refused.status_code, refused.json()["code"]) == (409, "month_closed")
    assert platform.push(key, **later, correction="one district was late").status_code == 200
    with session_scope(platform.settings.store_url) as session:
        corrections = session.exec(select(Delivery.correction)).all()
    assert sorted(filter(None, corrections)) == ["one district was late"]
