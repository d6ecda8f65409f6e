"""A database that does not answer is said in words, on a page and where a part of it runs alone."""

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from streamlit.testing.v1 import AppTest

from survey.store import transactions
from survey.store.transactions import StoreUnavailableError, run_in_transaction


def _page() -> None:
    from types import SimpleNamespace

    import streamlit as st
    from sqlalchemy.exc import OperationalError

    from survey.kit.page_runner import PageContext, page_fragment
    from survey.locale import translator

    @page_fragment()
    def part(visit: PageContext) -> None:
        if st.button("look"):
            raise OperationalError("SELECT 1", {}, Exception("secret-host refused"))
        st.write("as usual")

    part(PageContext(SimpleNamespace(t=translator("zh")), None))  # type: ignore[arg-type]


def test_a_part_that_runs_alone_says_it_and_comes_back() -> None:
    app = AppTest.from_function(_page).run()
    app.button[0].click().run()
    assert not app.exception
    page_text = " ".join(html.value for html in app.get("html"))
    assert "暂时连不上数据库" in page_text
    assert "secret-host" not in page_text
    assert [text.value for text in app.run().markdown] == ["as usual"]


def test_whoever_changes_something_gets_one_error_of_ours(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_url: str, **_: object) -> Any:
        raise OperationalError("BEGIN", {}, Exception("down"))

    monkeypatch.setattr(transactions, "session_scope", away)
    with pytest.raises(StoreUnavailableError):
        run_in_transaction(sqlite_url, lambda session: session)
