"""A store with two released waves, and the officials of Suzhou, its province and the nation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.figures.views.view_context import ViewContext
from survey.frame.city_frame import shipped_cities, upsert_cities
from survey.rectification.problem_changes import (
    ProblemDraft,
    ProblemText,
    add_problems,
    edit_problem,
    give_evidence,
    move_problem,
)
from survey.rectification.problem_records import ProblemFigure, ProblemRecord, list_problems
from survey.rectification.proposals import build_proposals
from survey.results import WaveResults
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, ProblemBasis, ProblemState, Wave, WaveState
from survey.waves.instruments import save_instrument
from tests.work_of import work_of

SUZHOU, NANJING, BEIJING = "320500", "320100", "110000"
START = datetime(2026, 1, 5, 2, tzinfo=UTC)
PAST, NOW = "main-2023", "main-2024"
ROLES = {
    "city": (Role.CITY_OFFICIAL, SUZHOU),
    "province": (Role.PROVINCE_OFFICIAL, "32"),
    "nation": (Role.NATIONAL_OFFICIAL, NATION),
}


@dataclass
class ProblemDesk:
    """Officials at work on problem lists, each step a minute after the one before."""

    url: str
    results: dict[str, WaveResults]
    people: dict[str, Principal] = field(default_factory=dict)
    clock: datetime = START

    def at(self) -> datetime:
        self.clock += timedelta(minutes=1)
        return self.clock

    def person(self, who: str | Principal) -> Principal:
        return self.people[who] if isinstance(who, str) else who

    def employ(self, role: Role, area: str) -> Principal:
        row = Account(login=uuid4().hex, name=f"{role.value} {area}", role=role, area=area)
        with session_scope(self.url) as session:
            session.add(row)
        return Principal(row.id, row.name, role, area)

    def change(self, who: str | Principal, service: Callable[..., Any], **arguments: Any) -> Any:
        with session_scope(self.url) as session:
            return service(work_of(session, self.person(who), self.at()), **arguments)

    def add(
        self,
        who: str | Principal = "city",
        drafts: Sequence[ProblemDraft] | None = None,
        *,
        city: str = SUZHOU,
        wave: str = PAST,
    ) -> int:
        added: int = self.change(
            who,
            add_problems,
            results=self.results[wave],
            city_code=city,
            drafts=self.drafts(city, wave) if drafts is None else drafts,
        )
        return added

    def drafts(self, city: str = SUZHOU, wave: str = PAST) -> list[ProblemDraft]:
        return [
            ProblemDraft(each.basis, each.figure, each.wording)
            for each in build_proposals(ViewContext(self.results[wave], OPERATOR, "zh"), city=city)
        ]

    def read(self, who: str | Principal = "city", city: str | None = None) -> list[ProblemRecord]:
        with read_scope(self.url) as session:
            return list(list_problems(work_of(session, self.person(who)), city_code=city))

    def add_one(
        self, city: str = SUZHOU, wave: str = PAST, indicator: str = "1.1"
    ) -> ProblemRecord:
        """Add one problem chosen by the operator of a city, and return it."""
        official = self.employ(Role.CITY_OFFICIAL, city)
        draft = ProblemDraft(ProblemBasis.CHOSEN, ProblemFigure(indicator), "停车收费不透明")
        self.add(official, [draft], city=city, wave=wave)
        return next(each for each in self.read(official) if each.indicator == indicator)

    def get(self, problem_id: UUID) -> ProblemRecord:
        return next(each for each in self.read("nation") if each.id == problem_id)

    def edit(self, problem_id: UUID, who: str | Principal = "city", **text: Any) -> None:
        version = text.pop("version", None) or self.get(problem_id).version
        words = {
            "wording": "停车收费不透明",
            "measure": "公示收费标准",
            "unit": "市场监管局",
            "deadline": date(2026, 9, 30),
            **text,
        }
        self.change(
            who,
            edit_problem,
            problem_id=problem_id,
            expected_version=version,
            text=ProblemText(**words),
        )

    def prove(
        self, problem_id: UUID, who: str | Principal = "city", link: str = "", **more: Any
    ) -> None:
        self.change(
            who,
            give_evidence,
            problem_id=problem_id,
            expected_version=more.get("version") or self.get(problem_id).version,
            statement=more.get("statement", "已在 120 个停车场公示"),
            link=link,
            cites=more.get("cites", ""),
        )

    def move(
        self,
        problem_id: UUID,
        to: ProblemState,
        who: str | Principal = "city",
        note: str = "",
        version: int | None = None,
    ) -> None:
        self.change(
            who,
            move_problem,
            problem_id=problem_id,
            expected_version=version or self.get(problem_id).version,
            to=to,
            note=note,
        )

    def finish(self, problem_id: UUID) -> None:
        """Bring a proposed problem to where it waits for acceptance."""
        self.edit(problem_id)
        self.move(problem_id, ProblemState.IN_PROGRESS)
        self.prove(problem_id)
        self.move(problem_id, ProblemState.DONE)


def add_waves(session: Session, instrument: Any, **states: WaveState) -> None:
    instrument_id = save_instrument(session=session, instrument=instrument)
    for key in (PAST, NOW):
        session.add(
            Wave(
                key=key,
                series="main",
                year=int(key[-4:]),
                title_zh=key,
                title_en=key,
                instrument_id=instrument_id,
                state=states.get(key.replace("-", "_"), WaveState.RELEASED),
                is_demo=True,
            )
        )


def build_desk(url: str, frozen: dict[str, WaveResults], instrument: Any) -> ProblemDesk:
    with session_scope(url) as session:
        upsert_cities(shipped_cities(), session=session)
        add_waves(session, instrument)
    desk = ProblemDesk(url, frozen)
    desk.people = {name: desk.employ(*role) for name, role in ROLES.items()}
    return desk


@pytest.fixture
def desk(store_url: str, frozen: dict[str, WaveResults], small_instrument: Any) -> ProblemDesk:
    """Both databases."""
    return build_desk(store_url, frozen, small_instrument)


@pytest.fixture
def sqlite_desk(
    sqlite_url: str, frozen: dict[str, WaveResults], small_instrument: Any
) -> ProblemDesk:
    """SQLite alone, for what does not depend on the database."""
    return build_desk(sqlite_url, frozen, small_instrument)
