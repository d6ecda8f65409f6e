"""The public site as the server shows it: to everybody, only what stands, only while it is on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from survey.access.principal import OPERATOR
from survey.locale import translator
from survey.release.public_releases import list_public_releases, open_release
from survey.release.publishing_steps import retract_publication
from survey.release.reader_answers import describe_reader_answers
from survey.release.register import PublicationNotAllowedError
from survey.settings import Settings
from survey.site.public_site import install_site, plan_current_site
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, Publication, ReaderAnswerCount
from survey.web import site_endpoints
from survey.web.routes import build_app
from tests.publish.publications.register_steps import KEY, REASON, WAVE
from tests.site.conftest import MINUTE, PublishedStore
from tests.work_of import work_of

FIGURE = f"{WAVE}-320500-composite-all-score"
API = "/data/api/v1/figures"


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_endpoints, "KEPT_SECONDS", 0.0)
    monkeypatch.setattr(site_endpoints, "PATIENCE_SECONDS", 300.0)


def visit(settings: Settings) -> TestClient:
    return TestClient(build_app(settings), headers={"Accept-Language": "en"})


@pytest.fixture(scope="module")
def settings(published: PublishedStore) -> Settings:
    with read_scope(published.settings.store_url) as session:
        plan = plan_current_site(session, published.settings)
    install_site(published.settings, plan)
    return published.settings


@pytest.fixture
def visitor(settings: Settings) -> Iterator[TestClient]:
    with visit(settings) as client:
        yield client


def test_anybody_reads_it_without_a_cookie(visitor: TestClient) -> None:
    answer = visitor.get(f"/data/{WAVE}/")
    assert answer.status_code == 200
    assert FIGURE in answer.text
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "'unsafe" not in answer.headers["content-security-policy"]
    again = visitor.get(f"/data/{WAVE}/", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_charts_can_be_framed_and_read_from_other_pages(visitor: TestClient) -> None:
    chart = visitor.get(f"/data/{WAVE}/charts/cities/")
    assert "frame-ancestors *" in chart.headers["content-security-policy"]
    assert "x-frame-options" not in chart.headers
    drawing = visitor.get(f"/data/{WAVE}/charts/cities.svg")
    assert drawing.headers["content-type"] == "image/svg+xml; charset=utf-8"
    assert drawing.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in drawing.headers


def test_an_address_without_its_slash_leads_to_the_page_and_names_no_host(
    visitor: TestClient,
) -> None:
    answer = visitor.get(f"/data/en/{WAVE}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, f"{WAVE}/")


@pytest.mark.parametrize(
    "path",
    ["../survey.db", "%2e%2e/survey.db", "..%2fsurvey.db", "files/../../../survey.db",
     "/etc/passwd", "%00", "%ff", "%ed%a0%80", "%0d%0a", "files", "index.html/", f"{WAVE}/999999/",
     "files/%2e%2e/%2e%2e/release-demo.key"],
)  # fmt: skip
def test_nothing_beside_the_files_of_the_site_is_served(visitor: TestClient, path: str) -> None:
    assert visitor.get(f"/data/{path}", follow_redirects=False).status_code == 404


def test_the_api_returns_released_figures_as_printed(
    visitor: TestClient, published: PublishedStore
) -> None:
    printed = published.read().find("320500")
    assert printed is not None
    answer = visitor.get(f"{API}/{FIGURE}")
    figure = answer.json()
    assert (figure["estimate"], figure["n"]) == (float(printed.estimate), int(printed.n))
    assert figure["names"]["area"] == {"zh": "苏州", "en": "Suzhou"}
    assert (figure["mark"], figure["release"]) == ("演示数据", KEY)
    assert answer.headers["access-control-allow-origin"] == "*"
    listed = visitor.get(f"{API}?wave={WAVE}&area=320500&indicator=composite&group=all").json()
    assert FIGURE in {each["id"] for each in listed["figures"]}
    assert visitor.get("/data/api/v1/releases").json()[0]["id"] == KEY


@pytest.mark.parametrize(
    "query",
    ["/main-2024-320500-none-all-score", f"/{WAVE}-..-x", "?wave=main-2023&area=CN", "",
     f"?wave={WAVE}&area=../../../x", "/x", "/%00", "/%ff"],
)  # fmt: skip
def test_what_no_release_shows_is_not_found(visitor: TestClient, query: str) -> None:
    answer = visitor.get(f"{API}{query}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_while_the_door_is_shut_nothing_is_there(settings: Settings) -> None:
    shut = settings.model_copy(update={"public_door": False})
    with visit(shut) as client:
        for path in ("", f"{WAVE}/", "api/v1/releases", f"api/v1/figures/{FIGURE}"):
            assert client.get(f"/data/{path}").status_code == 404
    assert not Settings(data_dir=settings.data_dir).serves_site


@pytest.mark.slow
def test_what_is_taken_back_is_gone_at_once_and_only_that_is_said(
    own_store: PublishedStore,
) -> None:
    settings = own_store.settings
    with visit(settings) as client:
        assert client.get(f"/data/{WAVE}/320500/").status_code == 200
        with session_scope(settings.store_url) as session:
            work = work_of(session, OPERATOR, MINUTE, settings=settings)
            retract_publication(work, key=KEY, reason=REASON)
        notice = client.get(f"/data/en/{WAVE}/")
        assert f"Taken back: {KEY}" in notice.text
        assert FIGURE not in notice.text
        for path in (f"{WAVE}/320500/", f"files/{KEY}.zip", f"api/v1/figures/{FIGURE}"):
            assert client.get(f"/data/{path}").status_code == 404
    assert REASON not in "".join(
        path.read_text("utf-8") for path in settings.site_dir.rglob("*.html")
    )


def test_a_site_that_cannot_be_built_shows_nothing(own_store: PublishedStore) -> None:
    archive = own_store.archive
    archive.write_bytes(archive.read_bytes()[:-1])
    with visit(own_store.settings) as client:
        answer = client.get("/data/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert list(own_store.settings.site_dir.glob("*")) == []


@pytest.mark.slow
def test_an_earlier_release_is_opened_by_a_signed_decision(own_store: PublishedStore) -> None:
    settings = own_store.settings
    with session_scope(settings.store_url) as session:
        publication = session.exec(select(Publication)).one()
        publication.is_public = False
        session.add(publication)
    with visit(settings) as client:
        assert client.get(f"/data/{WAVE}/").status_code == 404
        with session_scope(settings.store_url) as session:
            work = work_of(session, OPERATOR, MINUTE, settings=settings)
            assert list_public_releases(work) == []
            assert open_release(work, key=KEY)
        with session_scope(settings.store_url) as session:
            work = work_of(session, OPERATOR, MINUTE, settings=settings)
            with pytest.raises(PublicationNotAllowedError, match="already"):
                open_release(work, key=KEY)
            query = select(AuditEntry).where(AuditEntry.action == "release.opened")
            assert session.exec(query).one().subject_id == KEY
    with visit(settings) as client:
        assert client.get(f"/data/{WAVE}/").status_code == 200


@pytest.mark.slow
def test_folders_that_are_not_shown_any_more_are_removed(own_store: PublishedStore) -> None:
    settings = own_store.settings
    for number in range(3):
        (settings.site_dir / f"old{number}").mkdir(parents=True)
    with read_scope(settings.store_url) as session:
        plan = plan_current_site(session, settings)
    folder = install_site(settings, plan)
    assert (folder / "index.html").is_file()
    assert folder == install_site(settings, plan)
    assert len(list(Path(settings.site_dir).iterdir())) == 2


def read_counts(store: PublishedStore) -> dict[tuple[str, bool], int]:
    with read_scope(store.settings.store_url) as session:
        rows = session.exec(select(ReaderAnswerCount)).all()
        return {(row.page, row.is_useful): row.presses for row in rows}


@pytest.mark.slow
def test_readers_say_whether_a_page_was_useful_and_are_counted_without_a_trace(
    own_store: PublishedStore,
) -> None:
    settings = own_store.settings.model_copy(update={"public_url": "http://testserver"})
    with TestClient(build_app(settings)) as visitor:
        page = f"{WAVE}/320500/"
        text = visitor.get(f"/data/{page}").text
        assert '<form class="useful" method="post" action="http://testserver/data/useful">' in text
        assert f'name="page" value="{page}"' in text
        for said in ("yes", "yes", "no"):
            answer = visitor.post(
                "/data/useful", data={"page": page, "useful": said}, follow_redirects=False
            )
            assert answer.status_code == 303
            assert answer.headers["location"] == f"/data/{page}#thanks"
            assert "set-cookie" not in answer.headers
        for page_name, said in ((page, "maybe"), ("../etc/", "yes"), ("no-such-page/", "yes")):
            refused = visitor.post("/data/useful", data={"page": page_name, "useful": said})
            assert refused.status_code == 404, page_name
    assert read_counts(own_store) == {(page, True): 2, (page, False): 1}
    with read_scope(settings.store_url) as session:
        work = work_of(session, OPERATOR, MINUTE, settings=settings)
        said = describe_reader_answers(work, wave=WAVE, t=translator("en"))
        assert said.startswith("Public pages: readers pressed 2 times that a page was useful, 1 ")
        assert describe_reader_answers(work, wave="main-2023", t=translator("en")) == ""
