"""A wave with interviews to ask about again, on both databases."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.questionnaire.xlsform.reader import load_bundle
from survey.review.back_check.draws import DrawPlan, create_draw, preview_draw
from survey.settings import PROJECT_ROOT
from survey.store.engine import session_scope
from survey.store.tables import Account, Mode, ResponseRisk, Status
from survey.waves.instruments import save_instrument
from tests.work_of import work_of


@pytest.fixture
def checked(field: Any) -> Any:
    """The small wave; the short questionnaire is in the store."""
    shipped = load_bundle(PROJECT_ROOT / "seed" / "instruments", "back-check").instrument
    with session_scope(field.url) as session:
        save_instrument(session=session, instrument=shipped)
    return field


@pytest.fixture
def person(field: Any) -> Callable[[Role, str], Principal]:
    def employ(role: Role, area: str) -> Principal:
        row = Account(login=f"{role}-{uuid4()}", name=f"{role} {area}", role=role, area=area)
        with session_scope(field.url) as session:
            session.add(row)
        return Principal(row.id, row.name, role, area)

    return employ


@pytest.fixture
def supervisor(person: Callable[[Role, str], Principal]) -> Principal:
    return person(Role.SUPERVISOR, "110000")


@pytest.fixture
def association(person: Callable[[Role, str], Principal]) -> Principal:
    return person(Role.ADMINISTRATOR, NATION)


@pytest.fixture
def store(checked: Any) -> Callable[..., list[UUID]]:
    """`store(4, risk=80, city="310000")`: interviews of that city's surveyor."""

    def write(
        count: int, *, city: str = "110000", risk: int | None = None, **other: Any
    ) -> list[UUID]:
        here = city == "110000"
        given: dict[str, Any] = {
            "city_code": city, "mode": Mode.ASSISTED, "status": Status.SUBMITTED,
            "submitted_at": checked.now, "started_at": checked.now, "duration_seconds": 360.0,
            "answers": {**checked.complete, "age": 36},
            "point_id": (checked.point if here else checked.foreign_point).id,
            "surveyor_id": (checked.surveyor if here else checked.colleague).account_id,
        }  # fmt: skip
        rows = [FinishedResponse(client_uuid=uuid4(), **{**given, **other}) for _ in range(count)]
        with session_scope(checked.url) as session:
            write_responses(work_of(session, OPERATOR, checked.now), wave=checked.wave, rows=rows)
            if risk is not None:
                session.add_all(
                    ResponseRisk(
                        response_id=row.id,
                        score=risk,
                        detected_at=checked.now,
                        detector_version="1",
                    )
                    for row in rows
                )
        return [row.id for row in rows]

    return write


@pytest.fixture
def draw_all(checked: Any) -> Callable[..., UUID]:
    """`draw_all(supervisor, random_share=1)`: preview and draw in one."""

    def draw(principal: Principal, **changes: Any) -> UUID:
        given: dict[str, Any] = {
            "wave_id": checked.wave.id, "city_code": None, "random_share": 1.0, "risk_share": 0.0,
            "seed": "7", "as_of": checked.now,
        }  # fmt: skip
        with session_scope(checked.url) as session:
            seen = preview_draw(work_of(session, principal), plan=DrawPlan(**{**given, **changes}))
            return create_draw(work_of(session, principal, checked.now), seen=seen)

    return draw
