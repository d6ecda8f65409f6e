"""Every page: opens for those who may, in both languages, and refuses everybody else in place."""

from collections.abc import Callable
from typing import Never

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.roles import ROLES, Role
from survey.figures.charts import prebuild_specs, spec
from survey.kit.navigation import PAGES, PAGES_BY_KEY, PageInfo, PageKey
from survey.locale import translator
from survey.settings import Settings
from survey.store.china_time import china_date, format_day
from survey.store.engine import session_scope
from survey.store.tables import Account, now

GUARDED = [page for page in PAGES if page.action is not None]
RESULTS = (
    PageKey.OVERVIEW, PageKey.CITY, PageKey.SPECIAL_GROUPS, PageKey.TRENDS, PageKey.METHOD
)  # fmt: skip


def allowed(page: PageInfo) -> Role:
    return next(role for role in Role if page.action in ROLES[role].actions)


def others(page: PageInfo) -> list[Role]:
    return [role for role in Role if page.action not in ROLES[role].actions]


@pytest.fixture(autouse=True)
def _store(frozen_waves: Settings, use_store: Callable[[Settings], None]) -> None:
    use_store(frozen_waves)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.key)
def test_opens_in_its_language(
    page: PageInfo, language: str, open_page: Callable[..., AppTest], read: Callable[..., str]
) -> None:
    app = open_page(page.key, allowed(page) if page.action else None, lang=language)
    t = translator(language)
    if page.action is not None:
        assert [title.value for title in app.title] == [t(page.title)]
    assert t("Something went wrong on our side") not in read(app)
    assert t("Demo data") in read(app)


@pytest.mark.parametrize(
    ("key", "role", "named"),
    [
        (PageKey.PLAN, Role.ADMINISTRATOR, "2024"),
        (PageKey.REVIEW, Role.SUPERVISOR, ""),
        (PageKey.PROGRESS, Role.SUPERVISOR, ""),
        (PageKey.USERS, Role.ADMINISTRATOR, ""),
        (PageKey.AUDIT, Role.ADMINISTRATOR, ""),
    ],
)
def test_each_printed_page_of_an_office_says_what_it_is(
    open_page: Callable[..., AppTest], key: PageKey, role: Role, named: str
) -> None:
    app = open_page(key, role, lang="zh")
    bodies = [element.proto.body for element in app.get("html")]
    (*_, last) = [body for body in bodies if "@bottom-left" in body]
    assert translator("zh")(PAGES_BY_KEY[key].title) in last
    assert named in last
    assert format_day(translator("zh"), china_date(now())) in last
    assert "counter(pages)" in last


def test_no_reader_waits_for_a_picture_to_be_laid_out(
    open_page: Callable[..., AppTest], read: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is laid out ahead is all that the result pages draw, for either size of text."""
    prebuild_specs()

    def built(*_: object) -> Never:
        raise AssertionError("a picture was laid out while a reader waited")

    monkeypatch.setattr(spec, "BUILDERS", dict.fromkeys(spec.ChartKind, built))
    asked = [(key, {"large": large}) for key in (*RESULTS, PageKey.URBAN_RURAL) for large in "01"]
    asked += [(PageKey.SPECIAL_GROUPS, {"study": study}) for study in ("elderly", "minors")]
    for key, query in asked:
        app = open_page(key, Role.NATIONAL_OFFICIAL, lang="en", **query)
        assert "went wrong" not in read(app), (key, query)


@pytest.mark.parametrize("page", GUARDED, ids=lambda page: page.key)
def test_refuses_a_stranger(
    page: PageInfo, open_page: Callable[..., AppTest], read: Callable[..., str]
) -> None:
    app = open_page(page.key, None, lang="en")
    assert "Please sign in first" in read(app)
    assert not app.title
    assert not app.get("vega_lite_chart")
    assert not app.get("table")


@pytest.mark.parametrize("page", GUARDED, ids=lambda page: page.key)
def test_refuses_every_wrong_role(
    page: PageInfo, open_page: Callable[..., AppTest], read: Callable[..., str]
) -> None:
    for role in others(page):
        app = open_page(page.key, role, lang="en")
        assert "This page is not part of your role" in read(app), role
        assert not app.title
        assert not app.get("vega_lite_chart")


@pytest.mark.parametrize("key", RESULTS)
def test_an_empty_store_says_what_to_do_next(
    key: PageKey,
    open_page: Callable[..., AppTest],
    read: Callable[..., str],
    use_store: Callable[[Settings], None],
    empty_store: Settings,
) -> None:
    use_store(empty_store)
    _account(empty_store, Role.ANALYST)
    app = open_page(key, Role.ANALYST, lang="en")
    assert read(app).count("There are no results yet") == 1
    assert "on the page Waves and sampling" in read(app)


def _account(settings: Settings, role: Role) -> None:
    with session_scope(settings.store_url) as session:
        session.add(
            Account(login=f"demo-{role}", name="Analyst", role=role, area="CN", is_demo=True)
        )
