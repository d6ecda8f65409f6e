"""The sample client pushes to a running platform: stored, again, corrected, refused row by row."""

import pytest

from examples.push_complaints import DeliveryRefusedError, push_file
from survey.access.api_keys import create_api_key
from survey.access.principal import OPERATOR
from survey.access.roles import Role, demo_login
from survey.store.engine import session_scope
from survey.store.tables import KeyScope, now
from tests.context.complaints.count_files import ROW, count_file
from tests.server_process import LivePlatform
from tests.work_of import work_of

HEAD = {"source": "全国消协智慧315平台", "data_as_of": "2024-06-03"}


def test_the_sample_client_delivers_to_a_running_server(live_server: LivePlatform) -> None:
    with session_scope(live_server.settings.store_url) as session:
        key = create_api_key(
            work_of(session, OPERATOR, now()),
            login=demo_login(Role.NATIONAL_OFFICIAL),
            name="sample client",
            days=1,
            scope=KeyScope.DELIVERIES,
        )
    first = push_file(live_server.url, key, count_file(ROW), id="a", **HEAD)
    assert (first["rows"], first["revisions"], first["demo"]) == (1, {"2024-05": 1}, True)
    assert push_file(live_server.url, key, count_file(ROW), id="a", **HEAD) == first
    wrong = count_file(ROW.replace(",40,30,", ",40,44,"))
    with pytest.raises(DeliveryRefusedError) as refused:
        push_file(live_server.url, key, wrong, id="b", **HEAD)
    assert refused.value.status == 422
    problems = refused.value.answer["problems"]
    assert isinstance(problems, list)
    assert [(each["row"], each["column"]) for each in problems] == [(2, "解决件数")]
    corrected = count_file(ROW.replace(",40,30,", ",44,30,"))
    with pytest.raises(DeliveryRefusedError) as conflict:
        push_file(live_server.url, key, corrected, id="a", **HEAD)
    assert conflict.value.status == 409
    second = push_file(live_server.url, key, corrected, id="b", **HEAD)
    assert second["revisions"] == {"2024-05": 2}
