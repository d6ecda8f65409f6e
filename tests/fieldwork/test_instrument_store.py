"""Instruments and trees in the store never change and are found again by content."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import select

from survey.questionnaire.indicator_tree import Indicator, IndicatorTree, Provenance
from survey.questionnaire.model import Instrument
from survey.store.engine import read_scope, session_scope
from survey.store.tables import IndicatorTreeVersion, InstrumentVersion, new_id
from survey.waves.instruments import (
    InstrumentNotFoundError,
    instrument_id_by_name,
    load_instrument,
    load_tree,
    save_instrument,
    save_tree,
    tree_id_by_name,
)
from tests.error_codes import raises_code


def _tree(weight: float = 1.0) -> IndicatorTree:
    indicator = Indicator(
        code="1",
        parent=None,
        level=1,
        name={"zh": "供给", "en": "Supply"},
        weight=weight,
        name_status=Provenance.SOURCED,
        weight_status=Provenance.ASSUMED,
    )
    return IndicatorTree(name="t-2026", indicators=(indicator,))


def test_an_instrument_comes_back_as_it_was_saved(
    store_url: str, small_instrument: Instrument
) -> None:
    with session_scope(store_url) as session:
        saved = save_instrument(session=session, instrument=small_instrument)
    with read_scope(store_url) as session:
        by_id = load_instrument(session=session, instrument_id=saved)
        by_content = load_instrument(session=session, sha256=small_instrument.sha256)
    assert by_id == small_instrument
    assert by_id.sha256 == small_instrument.sha256
    assert by_content is by_id


def test_saving_the_same_instrument_again_changes_nothing(
    store_url: str, small_instrument: Instrument
) -> None:
    with session_scope(store_url) as session:
        first = save_instrument(session=session, instrument=small_instrument)
    with session_scope(store_url) as session:
        assert save_instrument(session=session, instrument=small_instrument) == first
        assert len(session.exec(select(InstrumentVersion)).all()) == 1


def test_a_version_never_gets_other_content(store_url: str, small_instrument: Instrument) -> None:
    changed = Instrument.model_validate({**small_instrument.model_dump(), "title": {"en": "x"}})
    with session_scope(store_url) as session:
        save_instrument(session=session, instrument=small_instrument)
    with raises_code("version_changed", match="version 1"), session_scope(store_url) as session:
        save_instrument(session=session, instrument=changed)


def test_a_name_means_its_newest_version(store_url: str, small_instrument: Instrument) -> None:
    second = Instrument.model_validate({**small_instrument.model_dump(), "version": "2"})
    with session_scope(store_url) as session:
        first_id = save_instrument(session=session, instrument=small_instrument)
        second_id = save_instrument(session=session, instrument=second)
        assert instrument_id_by_name(session=session, name="small") == second_id
        assert instrument_id_by_name(session=session, name="small", version="1") == first_id


def test_sixteen_processes_saving_at_once_agree_on_one_version(
    store_url: str, small_instrument: Instrument
) -> None:
    def save(_turn: int) -> Any:
        with session_scope(store_url) as session:
            return save_instrument(session=session, instrument=small_instrument)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(save, range(32)))) == 1


def test_what_is_not_there_is_said_to_be_unknown(store_url: str) -> None:
    with read_scope(store_url) as session:
        with pytest.raises(InstrumentNotFoundError):
            load_instrument(session=session, instrument_id=new_id())
        with pytest.raises(InstrumentNotFoundError):
            load_instrument(session=session, sha256="0" * 64)
        with pytest.raises(InstrumentNotFoundError, match="nothing"):
            instrument_id_by_name(session=session, name="nothing")
        with pytest.raises(InstrumentNotFoundError):
            load_tree(session=session, tree_id=new_id())
        with pytest.raises(InstrumentNotFoundError, match="nothing"):
            tree_id_by_name(session=session, name="nothing")


def test_a_tree_is_stored_once_and_never_changed(store_url: str) -> None:
    with session_scope(store_url) as session:
        saved = save_tree(session=session, tree=_tree())
        assert save_tree(session=session, tree=_tree()) == saved
        assert load_tree(session=session, tree_id=saved) == _tree()
        assert tree_id_by_name(session=session, name="t-2026") == saved
        assert len(session.exec(select(IndicatorTreeVersion)).all()) == 1
    with raises_code("version_changed", match="t-2026"), session_scope(store_url) as session:
        save_tree(session=session, tree=_tree(weight=0.5))
