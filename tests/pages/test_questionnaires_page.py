"""The page of the questionnaires: none, one, several versions, uploads, and who may do what."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.kit.navigation import PageKey
from survey.questionnaire.indicator_tree import read_tree
from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.xlsform.reader import load_bundle, read_xlsform_content
from survey.questionnaire.xlsform.writer import xlsform_bytes
from survey.settings import PROJECT_ROOT, Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, InstrumentVersion
from survey.waves.instruments import (
    add_instrument,
    find_instrument,
    load_pictures,
    load_tree,
    save_tree,
    tree_id_by_name,
)
from tests.instrument.test_form_archive import packed
from tests.instrument.test_form_pictures import CHOICES, FILES, SURVEY, picture
from tests.instrument.workbooks import form
from tests.work_of import work_of

Read = Callable[[AppTest], str]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SMALL = "small/1"


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The page does not know which database it is; one is enough here."""
    return sqlite_url


@pytest.fixture
def admin(employ: Any) -> Principal:
    return employ(Role.ADMINISTRATOR, NATION)


@pytest.fixture
def analyst(employ: Any) -> Principal:
    return employ(Role.ANALYST, NATION)


REWORDED = {"en": "Quality of goods", "zh": "品质"}


def _changed(
    instrument: Instrument, *, twice: bool = False, label: dict[str, str] = REWORDED
) -> Instrument:
    """A second version: a question less and one worded anew; with `twice` an answer too many."""

    def change(item: Item) -> Item:
        if item.name == "quality":
            return item.model_copy(update={"label": label})
        if item.name == "channel" and twice:
            return item.model_copy(update={"choices": item.choices[:1] + item.choices})
        return item

    sections = tuple(
        section.model_copy(
            update={"items": tuple(change(item) for item in section.items if item.name != "topics")}
        )
        for section in instrument.sections
    )
    return instrument.model_copy(update={"version": "2", "sections": sections})


def _upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader(key="questionnaires/file").set_value([(name, content, XLSX)])
    return app.run()


def _versions(url: str) -> int:
    with read_scope(url) as session:
        return len(session.exec(select(InstrumentVersion)).all())


def _part(app: AppTest, part: str) -> AppTest:
    app.query_params["part"] = part
    return app.run()


def test_an_empty_store_says_what_to_do(
    empty_store: Settings, use_store: Any, open_page: Any, read: Read
) -> None:
    use_store(empty_store)
    with session_scope(empty_store.store_url) as session:
        session.add(
            Account(login="demo-analyst", name="A", role=Role.ANALYST, area=NATION, is_demo=True)
        )
    app = open_page(PageKey.QUESTIONNAIRES, Role.ANALYST, lang="en")
    assert "There is no questionnaire yet" in read(app)


def test_the_list_names_versions_with_their_waves(
    field: Any, visit_as: Any, admin: Principal
) -> None:
    app = visit_as(PageKey.QUESTIONNAIRES, admin)
    row = app.dataframe[0].value.iloc[0]
    assert (row["Title"], row["Version"], row["Used in"]) == ("Small", "1", "Wave 2026 (open)")
    assert row["By"] == "–"


def test_who_brought_a_version_is_said_to_those_who_plan(
    field: Any, visit_as: Any, admin: Principal, analyst: Principal
) -> None:
    with session_scope(field.url) as session:
        add_instrument(work_of(session, admin, field.now), instrument=_changed(field.instrument))
    by_reader = {
        reader.role: list(visit_as(PageKey.QUESTIONNAIRES, reader).dataframe[0].value["By"])
        for reader in (admin, analyst)
    }
    assert by_reader == {Role.ADMINISTRATOR: ["Sun", "–"], Role.ANALYST: ["–", "–"]}


def test_an_analyst_reads_and_uploads_nothing(
    field: Any, visit_as: Any, analyst: Principal, read: Read
) -> None:
    app = visit_as(PageKey.QUESTIONNAIRES, analyst, form="new")
    assert not app.file_uploader
    assert "Upload a questionnaire …" not in app.selectbox[0].options
    # A wave that is not released is none of the analyst's business.
    assert list(app.dataframe[0].value["Used in"]) == ["–"]
    app = visit_as(PageKey.QUESTIONNAIRES, analyst, form=SMALL)
    assert "Quality" in read(app) or "quality" in read(app)


def test_every_tab_of_a_single_version_opens(
    field: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    said = {
        "items": "“yes” is chosen in question 5",
        "indicators": "This questionnaire has no indicators",
        "differences": "There is no other version to compare with",
        "translations": "No text is missing.",
        "paper": "A printable questionnaire on A4",
        "checks": "Nothing is wrong",
    }
    for part, words in said.items():
        app = visit_as(PageKey.QUESTIONNAIRES, admin, form=SMALL, part=part)
        assert words in read(app), part
        assert "went wrong" not in read(app), part


def test_missing_translations_are_marked(
    field: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    form = _changed(field.instrument)
    silent = form.model_copy(update={"title": {"zh": "小问卷"}, "thanks": {"zh": "谢谢"}})
    with session_scope(field.url) as session:
        add_instrument(work_of(session, OPERATOR, field.now), instrument=silent)
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="small/2", part="translations")
    assert "Missing texts: en: 2" in app.warning[0].value
    app.toggle(key="questionnaires/missing").set_value(True).run()
    assert list(app.dataframe[0].value["en (en)"]) == ["(missing)", "(missing)"]


def test_an_upload_with_errors_names_sheet_row_and_column_and_stores_nothing(
    field: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    broken = _changed(field.instrument, twice=True)
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="new")
    _upload(app, "form.xlsx", xlsform_bytes(broken))
    assert "This questionnaire cannot be stored yet" in read(app)
    errors = app.table[0].value
    assert "choices" in set(errors["Sheet"])
    assert set(errors["Row"]) != {"–"}
    assert all(errors["What is wrong"])
    assert not [button for button in app.button if button.key == "questionnaires/store"]
    assert _versions(field.url) == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("form.xlsx", b"no workbook at all", "damaged or not an Excel workbook"),
        ("form.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, ""),
        ("form.xlsx", b"", "is empty"),
        ("form.md", b"\xff\xfe\x00 nonsense", ""),
    ],
)
def test_broken_files_are_refused_in_words(
    field: Any, visit_as: Any, admin: Principal, read: Read, name: str, content: bytes, words: str
) -> None:
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="new")
    _upload(app, name, content)
    assert "Something went wrong" not in read(app)
    assert "Nothing was stored." in read(app)
    assert words in read(app) + " ".join(app.table[0].value["What is wrong"])
    assert _versions(field.url) == 1


def test_a_new_version_shows_its_difference_and_is_stored_once_confirmed(
    field: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="new")
    _upload(app, "form.xlsx", xlsform_bytes(_changed(field.instrument)))
    assert "Difference to version 1" in read(app)
    changes = dict(
        zip(app.table[-1].value["Short name"], app.table[-1].value["Change"], strict=True)
    )
    assert changes == {"quality": "worded anew", "topics": "removed"}
    assert _versions(field.url) == 1
    app.button(key="questionnaires/store").click().run()
    assert [each.value for each in app.success] == ["small, version 2, is stored."]
    with read_scope(field.url) as session:
        stored = find_instrument(session=session, name="small")
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "instrument.added")
        ).one()
    assert stored.version == "2"
    assert (entry.actor_id, entry.detail["version"]) == (admin.account_id, "2")
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="small/2", part="differences")
    assert "worded anew 1" in read(app)


def test_a_form_with_pictures_is_tried_stored_and_taken_away_with_them(
    field: Any, visit_as: Any, admin: Principal, fetch: Any, tmp_path: Path
) -> None:
    workbook = form(tmp_path, SURVEY, CHOICES).read_bytes()
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="new")
    _upload(app, "form.zip", packed({"form.xlsx": workbook, **FILES, "old.png": picture()}))
    warnings = app.table[0].value
    assert "old.png" in " ".join(warnings["What is wrong"])
    app.toggle(key="questionnaires/try-upload").set_value(True).run()
    app.button(key="questionnaires/store").click().run()
    assert "version 1, is stored." in app.success[0].value
    with read_scope(field.url) as session:
        stored = find_instrument(session=session, name="a_form")
        pictures = load_pictures(session=session, instrument=stored)
    assert len(pictures) == len(FILES)
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="a_form/1")
    content = fetch(app, "questionnaires/xlsform/a_form/1")
    assert read_xlsform_content("a.zip", content).instrument.sha256 == stored.sha256


def test_who_may_upload_finds_the_button_the_example_and_the_names(
    field: Any, visit_as: Any, admin: Principal, analyst: Principal, fetch: Any
) -> None:
    app = visit_as(PageKey.QUESTIONNAIRES, analyst)
    assert not [each for each in app.button if each.key == "questionnaires/new"]
    app = visit_as(PageKey.QUESTIONNAIRES, admin)
    app.button(key="questionnaires/new").click().run()
    assert app.file_uploader(key="questionnaires/file")
    names = app.dataframe[0].value
    assert {"overall", "gender", "consent", "dk"} <= set(names["Name"])
    content = fetch(app, "questionnaires/example")
    assert read_xlsform_content("a.xlsx", content).instrument.name == "example"


def test_a_form_without_a_tree_gets_equal_weights_in_one_click(
    field: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    def bare(item: Item) -> Item:
        return item.model_copy(update={"indicator": None})

    form = field.instrument
    sections = tuple(
        section.model_copy(update={"items": tuple(bare(item) for item in section.items)})
        for section in form.sections
    )
    form = form.model_copy(update={"version": "3", "tree": None, "sections": sections})
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="new")
    _upload(app, "form.xlsx", xlsform_bytes(form))
    assert "No score is computed" in read(app)
    app.radio(key="questionnaires/weights").set_value("equal").run()
    assert "No score is computed" not in read(app)
    app.button(key="questionnaires/store").click().run()
    assert [each.value for each in app.success] == ["small, version 3, is stored."]
    with read_scope(field.url) as session:
        stored = find_instrument(session=session, name="small", version="3")
        tree = load_tree(
            session=session, tree_id=tree_id_by_name(session=session, name="small-3-equal")
        )
        added = session.exec(select(AuditEntry.action).order_by(AuditEntry.id)).all()[-2:]
    assert stored.tree == "small-3-equal"
    rated = [item for item in stored.items() if item.indicator]
    assert {item.indicator for item in rated} == {node.code for node in tree.level(3)}
    assert {node.weight for node in tree.level(3)} == {1 / len(rated)}
    assert set(added) == {"tree.added", "instrument.added"}


def test_texts_of_a_workbook_are_shown_and_never_obeyed(
    field: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    trick = "<img src=x onerror=alert(1)> [go](http://example.org) **$x$** :red[y]"
    hostile = _changed(field.instrument, label={"en": trick, "zh": trick})
    hostile = hostile.model_copy(update={"title": {"en": trick, "zh": trick}})
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="new")
    _upload(app, "form.xlsx", xlsform_bytes(hostile))
    cell = next(text for text in app.table[-1].value.iloc[0] if "example" in text)
    assert "\\[go\\](http\\://" in cell
    assert "\\$x\\$" in cell
    app.button(key="questionnaires/store").click().run()
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="small/2")
    assert "<img" not in read(app)
    assert app.header[0].value.startswith("\\[go\\]")


def test_other_content_under_a_known_version_is_not_offered(
    field: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="new")
    same = _changed(field.instrument).model_copy(update={"version": "1"})
    _upload(app, "form.xlsx", xlsform_bytes(same))
    assert "exists with other content" in read(app)
    assert not [button for button in app.button if button.key == "questionnaires/store"]
    _upload(app, "form.xlsx", xlsform_bytes(field.instrument))
    assert "is stored already" in " ".join(each.value for each in app.info)


def test_a_demotion_while_the_page_is_open_refuses_to_store(
    field: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="new")
    _upload(app, "form.xlsx", xlsform_bytes(_changed(field.instrument)))
    with session_scope(field.url) as session:
        account = session.get(Account, admin.account_id)
        assert account is not None
        account.role = Role.ANALYST
    app.button(key="questionnaires/store").click().run()
    assert "Your role does not include this." in read(app)
    assert _versions(field.url) == 1


def test_the_administrator_of_a_demonstration_checks_and_stores_nothing(
    frozen_waves: Settings, use_store: Any, open_page: Any, read: Read
) -> None:
    use_store(frozen_waves)
    before = _versions(frozen_waves.store_url)
    shipped = load_bundle(PROJECT_ROOT / "seed" / "instruments", "minors-2024").instrument
    new = shipped.model_copy(update={"name": "demo-trial"})
    app = open_page(PageKey.QUESTIONNAIRES, Role.ADMINISTRATOR, lang="en", form="new")
    _upload(app, "form.xlsx", xlsform_bytes(new))
    app.button(key="questionnaires/store").click().run()
    assert "This is a demonstration" in read(app)
    assert _versions(frozen_waves.store_url) == before


@pytest.fixture
def scored(field: Any) -> Any:
    """The main questionnaire with its tree, beside the small one."""
    form = load_bundle(PROJECT_ROOT / "seed" / "instruments", "main-2023").instrument
    with session_scope(field.url) as session:
        tree = PROJECT_ROOT / "seed" / "trees" / "cca-2023.csv"
        save_tree(session=session, tree=read_tree(tree))
        add_instrument(work_of(session, OPERATOR, field.now), instrument=form)
    return replace(field, instrument=form)


def test_a_changed_tree_is_checked_and_stored_under_another_name(
    scored: Any, visit_as: Any, admin: Principal, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits: dict[tuple[int, str], Any] = {}

    def edit(frame: pd.DataFrame, **options: Any) -> pd.DataFrame:
        """Return what a browser sends of changed cells; the test runner has no editor."""
        changed = frame.copy()
        for (row, column), value in edits.items():
            assert options["disabled"] is False
            changed.loc[row, column] = value
        return changed

    monkeypatch.setattr(st, "data_editor", edit)
    app = visit_as(PageKey.QUESTIONNAIRES, admin, form="main-2023/2023.1", part="indicators")
    assert "The weights under each of the 21 parents add up to 1." in read(app)
    app.toggle(key="questionnaires/edit-tree/cca-2023").set_value(True).run()
    assert app.button(key="questionnaires/store-tree").disabled
    edits[0, "weight"] = 0.4
    app.run()
    assert "under first level: 1.0440" in " ".join(each.value for each in app.error)
    assert not [button for button in app.button if button.key == "questionnaires/store-tree"]
    edits[10, "weight"], edits[0, "weight_status"] = 0.402, "official"
    edits[47, "code"] = "3.5"  # a new row, of which nothing else is filled in
    app.run()
    assert set(app.table[-1].value["Row"]) == {"48"}
    assert "Mend these rows of the table." in read(app)
    del edits[47, "code"]
    app.run()
    app.button(key="questionnaires/store-tree").click().run()
    assert "cca-2023-2 is stored: 47 indicators" in app.success[0].value
    with read_scope(scored.url) as session:
        tree = load_tree(
            session=session, tree_id=tree_id_by_name(session=session, name="cca-2023-2")
        )
        before = load_tree(
            session=session, tree_id=tree_id_by_name(session=session, name="cca-2023")
        )
        audited = session.exec(select(AuditEntry).where(AuditEntry.action == "tree.added")).one()
    assert (tree.by_code["1"].weight, tree.by_code["1"].weight_status) == (0.4, "official")
    assert before.by_code["1"].weight == 0.356
    assert audited.actor_id == admin.account_id


def test_an_analyst_sees_the_tree_and_cannot_change_it(
    scored: Any, visit_as: Any, analyst: Principal
) -> None:
    app = visit_as(PageKey.QUESTIONNAIRES, analyst, form="main-2023/2023.1", part="indicators")
    assert not [box for box in app.toggle if "edit-tree" in str(box.key)]
    assert not [button for button in app.button if button.key == "questionnaires/store-tree"]
