"""A store with one closed wave of a short questionnaire, for waves of few interviews."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import Session, select

from survey.access.principal import OPERATOR
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.frame.city_frame import shipped_cities, upsert_cities
from survey.questionnaire.indicator_tree import Indicator, IndicatorTree, Provenance
from survey.questionnaire.model import (
    Choice,
    Instrument,
    Item,
    ItemKind,
    Language,
    Section,
    SpecialAnswer,
)
from survey.settings import Settings
from survey.store import schema
from survey.store.engine import session_scope
from survey.store.tables import Mode, Status, Wave, WaveState
from survey.waves.instruments import save_instrument, save_tree
from tests.work_of import work_of

KEY = "small-2026"
_SPECIALS = (SpecialAnswer.DONT_KNOW, SpecialAnswer.NOT_EXPERIENCED, SpecialAnswer.REFUSED)
_WHEN = datetime(2026, 5, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class SmallWave:
    settings: Settings
    key: str = KEY

    def read(self, session: Session) -> Wave:
        return session.exec(select(Wave).where(Wave.key == self.key)).one()


def small_wave(
    folder: Path,
    *,
    instrument: Instrument | None = None,
    tree: IndicatorTree | None = None,
    url: str = "",
    series: str = "main",
) -> SmallWave:
    """A new store with a closed wave of the short questionnaire, or of `instrument`."""
    settings = Settings(database_url=url, data_dir=folder, _env_file=None)
    schema.upgrade(settings.store_url)
    with session_scope(settings.store_url) as session:
        upsert_cities(shipped_cities(), session=session)
        used = instrument or small_instrument()
        tree = small_tree() if instrument is None else tree
        session.add(
            Wave(
                key=KEY,
                series=series,
                year=2026,
                title_zh="小",
                title_en="Small",
                instrument_id=save_instrument(session=session, instrument=used),
                tree_id=save_tree(session=session, tree=tree) if tree else None,
                state=WaveState.CLOSED,
            )
        )
    return SmallWave(settings)


def add_wave(first: SmallWave, key: str, year: int) -> SmallWave:
    """A later wave of the same questionnaire."""
    with session_scope(first.settings.store_url) as session:
        known = first.read(session)
        session.add(
            Wave(
                key=key,
                series=known.series,
                year=year,
                title_zh=key,
                title_en=key,
                instrument_id=known.instrument_id,
                tree_id=known.tree_id,
                state=WaveState.CLOSED,
            )
        )
    return SmallWave(first.settings, key)


def rating(name: str, indicator: str | None = None, maximum: int = 10) -> Item:
    return Item(
        name=name,
        kind=ItemKind.RATING,
        label={"en": name},
        minimum=1,
        maximum=maximum,
        indicator=indicator,
        specials=_SPECIALS,
    )


def select_one(name: str, *choices: str) -> Item:
    listed = tuple(Choice(name=choice, label={"en": choice}) for choice in choices)
    return Item(name=name, kind=ItemKind.SELECT_ONE, label={"en": name}, choices=listed)


def questionnaire(
    *items: Item, tree: str | None = None, name: str = "small", few_groups: bool = False
) -> Instrument:
    """One section in English of who the person is, and `items`; few groups are faster."""
    who: tuple[Item, ...] = (
        select_one("gender", "male", "female"),
        Item(name="age", kind=ItemKind.INTEGER, label={"en": "age"}, minimum=16, maximum=99),
        select_one("residence", "urban", "rural"),
        select_one("guardian", "yes", "no"),
    )
    return Instrument(
        name=name,
        version="1",
        title={"en": name},
        default_language="en",
        tree=tree,
        languages=(Language(code="en", name="English"),),
        sections=(Section(name="only", items=(*(who[:2] if few_groups else who), *items)),),
    )


def small_instrument(*, few_groups: bool = False) -> Instrument:
    return questionnaire(
        rating("price", "1.1.1"),
        rating("service", "2.1.1"),
        rating("overall"),
        tree="small",
        few_groups=few_groups,
    )


def indicator(code: str, weight: float) -> Indicator:
    parent, _, _ = code.rpartition(".")
    return Indicator(
        code=code,
        parent=parent or None,
        level=code.count(".") + 1,
        name={"en": code},
        weight=weight,
        name_status=Provenance.ASSUMED,
        weight_status=Provenance.ASSUMED,
    )


def small_tree() -> IndicatorTree:
    weights = {"1": 0.4, "2": 0.6, "1.1": 1.0, "2.1": 1.0, "1.1.1": 1.0, "2.1.1": 1.0}
    return IndicatorTree(
        name="small", indicators=tuple(indicator(code, weight) for code, weight in weights.items())
    )


def person(number: int, city: str, *, psu: str | None = "p0", **answers: Any) -> tuple[Any, ...]:
    """A row for `survey.snapshots.response_frame.frame_of`; an answer of None was never given."""
    given = {
        "gender": ("male", "female")[number % 2],
        "age": 18 + number * 7 % 70,
        "residence": ("urban", "rural")[number % 3 == 0],
        "guardian": ("yes", "no")[number % 4 > 0],
        "price": 5 + number % 5,
        "service": 4 + number * 3 % 7,
        "overall": 6 + number % 4,
    } | answers
    kept = {name: answer for name, answer in given.items() if answer is not None}
    began = _WHEN + timedelta(minutes=number)
    return (
        UUID(int=number + 1),
        city,
        psu,
        "only" if psu else None,
        "s1",
        "capi",
        "en",
        began,
        began + timedelta(minutes=9),
        540.0,
        kept,
    )


def store_people(
    wave: SmallWave, cities: Mapping[str, int], status: Status = Status.APPROVED, **answers: Any
) -> None:
    """Interviews in the store, so many of each city, as `person` answers; without a point."""
    numbers = count()
    rows = [
        FinishedResponse(
            client_uuid=uuid4(),
            city_code=city,
            mode=Mode.IMPORT,
            status=status,
            submitted_at=_WHEN,
            answers=person(next(numbers), city, **answers)[-1],
        )
        for city, size in cities.items()
        for _ in range(size)
    ]
    with session_scope(wave.settings.store_url) as session:
        write_responses(work_of(session, OPERATOR, _WHEN), wave=wave.read(session), rows=rows)
