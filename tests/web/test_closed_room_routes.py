"""A list of single complaints is pushed and attacked through every address of the server.

Each route is asked as everybody who can sign in and with each kind of key, plainly and for a word
of a case. The pages and their search are attacked in `tests/pages/test_closed_room_page.py`,
store, logs, exports and backups in `tests/cli/test_closed_room.py`.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.routing import Route

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.access.secret_hashes import digest, new_token
from survey.access.sessions import COOKIE
from survey.counts.bringing_in.saved_mappings import keep_count_mapping
from survey.counts.count_kinds import COMPLAINTS
from survey.store.engine import session_scope
from survey.store.tables import Account, ComplaintCount, KeyScope, LoginSession, now
from survey.web.results_openapi import BASE, DELIVERIES
from survey.web.routes import build_routes
from tests.context.complaints.case_room import Room
from tests.web.test_deliveries_api import Platform
from tests.work_of import work_of

ADDRESS = f"{DELIVERIES}/complaints"
ASKED = ("q", "search", "filter", "area", "topic", "period", "id", "subject", "next")
"""Names of parameters with which a word could be looked for."""
HEAD = {"mapping": "cases", "data_as_of": "2025-06-03"}


@pytest.fixture
def platform(sqlite_url: str, tmp_path: Path) -> Iterator[Platform]:
    made = Platform(sqlite_url, tmp_path)
    with made.client:
        yield made


@pytest.fixture
def room(platform: Platform, tmp_path: Path) -> Room:
    """The list as it was pushed: once whole, and once with each mapped cell wrong."""
    lists = tmp_path / "lists"
    lists.mkdir()
    room = Room(lists)
    with session_scope(platform.settings.store_url) as session:
        work = work_of(session, OPERATOR, now())
        keep_count_mapping(work, kind=COMPLAINTS, name="cases", mapping=room.mapping)
    key = platform.make_key()
    content = room.write("cases.csv").read_bytes()
    answers = [platform.push_csv(key, content, id="cases", **HEAD)]
    assert answers[0].status_code == 200, answers[0].text
    for number, wrong in enumerate(dict.fromkeys(room.mapping.columns.values())):
        content = room.write(f"{number}.csv", wrong=wrong).read_bytes()
        answers.append(platform.push_csv(key, content, id=f"wrong-{number}", **HEAD))
        assert answers[-1].status_code == 422, wrong
    assert room.find_told({str(each.url): each.content for each in answers}) == []
    assert platform.count(ComplaintCount) == 5
    return room


def sign_in(platform: Platform, role: Role) -> dict[str, str]:
    secret = new_token(bits=256)
    account = Account(login=str(uuid4()), name="Reader", role=role, area="CN")
    with session_scope(platform.settings.store_url) as session:
        session.add(account)
        session.flush()
        session.add(
            LoginSession(
                secret_sha256=digest(secret),
                account_id=account.id,
                expires_at=now() + timedelta(hours=1),
            )
        )
    return {"Cookie": f"{COOKIE}={secret}", "Origin": "http://testserver"}


@pytest.mark.slow
def test_no_address_tells_a_word_of_a_case(platform: Platform, room: Room) -> None:
    asked = room.planted[0]
    readers = {
        "nobody": {},
        **{role.value: sign_in(platform, role) for role in Role},
        **{f"key {scope.value}": {"Authorization": f"Bearer {platform.make_key(scope=scope)}"}
           for scope in KeyScope},
    }  # fmt: skip
    answered = 0
    for route in build_routes(platform.settings):
        assert isinstance(route, Route)
        if "GET" not in (route.methods or ()):
            continue
        for value in ("complaints", asked):
            path = re.sub(r"{\w+(:\w+)?}", value, route.path)
            for who, headers in readers.items():
                for query in ({}, dict.fromkeys(ASKED, asked)):
                    answer = platform.client.get(
                        path, params=query, headers=headers, follow_redirects=False
                    )
                    assert answer.status_code < 500, (path, who)
                    # What was asked for may be said back; nothing else of the list is known.
                    told = {word for _, word in room.find_told({path: answer.content})}
                    assert told <= {asked}, (path, who)
                    if not query and value != asked:
                        assert not told, (path, who)
                    answered += answer.status_code == 200
    assert answered > len(readers), "addresses that answer were asked"


def test_deliveries_say_what_they_hold_and_nothing_of_a_case(
    platform: Platform, room: Room
) -> None:
    """What a key may read of the delivery itself, and what the same list answers again."""
    key = platform.make_key()
    again = platform.push_csv(key, (room.folder / "cases.csv").read_bytes(), id="cases", **HEAD)
    assert again.status_code == 200
    headers = {"Authorization": f"Bearer {key}"}
    pages = [
        platform.client.get(each, headers=headers) for each in (BASE, f"{ADDRESS}/schema.json")
    ]
    assert room.find_told({str(each.url): each.content for each in (again, *pages)}) == []
