"""The case list of a closed room is brought in on the page, and looked for on every page of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlmodel import func, select
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.store.engine import read_scope
from survey.store.tables import ComplaintCount
from tests.context.complaints.case_room import Room
from tests.pages.test_count_mapping_page import hand_in, press

Visit = Callable[..., AppTest]
Read = Callable[[AppTest], str]
PAGES = (PageKey.AUDIT, PageKey.OUTSIDE_DATA, PageKey.COMPLAINTS, PageKey.HOME)


def test_no_page_and_no_search_tells_a_word_of_a_case(
    field: Any, visit_as: Visit, employ: Callable[[Role, str], Principal], read: Read,
    tmp_path: Path,
) -> None:  # fmt: skip
    lists = tmp_path / "lists"
    lists.mkdir()
    room = Room(lists)
    official = employ(Role.NATIONAL_OFFICIAL, "CN")
    app = visit_as(PageKey.OUTSIDE_DATA, official, lang="zh", kind="complaints", rows="cases")
    hand_in(app, "wrong.csv", room.write("wrong.csv", wrong=room.mapping.heads[0]).read_bytes())
    seen = {"refused": read(app)}
    app = visit_as(PageKey.OUTSIDE_DATA, official, lang="zh", kind="complaints", rows="cases")
    hand_in(app, "cases.csv", room.write("cases.csv").read_bytes())
    seen["read"] = read(app)
    app.text_input(key="outside/source").set_value("a system")
    seen["stored"] = read(press(app, "写入这次报送"))
    with read_scope(field.url) as session:
        assert session.exec(select(func.sum(ComplaintCount.accepted))).one() == 4
    others = employ(Role.ADMINISTRATOR, "CN"), employ(Role.CITY_OFFICIAL, "110000")
    for reader in (official, *others):
        for page in PAGES:
            app = visit_as(page, reader)
            seen[f"{reader.role} {page}"] = read(app)
            for place in range(len(app.text_input)):
                # The field itself holds the word that was looked for, so it is not compared.
                app.text_input[place].set_value(room.planted[0]).run()
                found = read(app).replace(room.planted[0], "")
                seen[f"{reader.role} {page} search {place}"] = found
    assert room.find_told({place: text.encode() for place, text in seen.items()}) == []
    assert any("search" in place for place in seen)
