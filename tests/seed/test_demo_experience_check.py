"""The demonstration's experience checks: marked, stored once, with the agreement that is known."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import Session, func, select

from seed.demo.accounts import store_accounts
from seed.demo.experience_check import (
    CITIES,
    COPIES,
    DEMO_CHECK,
    DEMO_OPEN_CHECK,
    DRAWN,
    KNOWN,
    REVISITED,
    SHARES,
    store_experience_checks,
)
from survey.access.principal import Principal
from survey.access.roles import DEMO_CITY, NATION, Role, demo_login
from survey.experience_checks.reading import (
    ExperienceCheckDetail,
    get_experience_check,
    list_experience_checks,
)
from survey.figures.views.check_figures import ALL_TYPES, build_check_figures
from survey.figures.views.experience_check import build_experience_check_view
from survey.frame.city_frame import shipped_cities, upsert_cities
from survey.rectification.cited_evidence import list_citable_figures
from survey.store.engine import read_scope
from survey.store.tables import Account, VenueCheck, VenueVisit
from survey.store.transactions import run_in_transaction
from survey.waves.assignments import list_tasks
from survey.waves.instruments import save_instrument
from tests.context.experience_checks.small_check import checklist
from tests.work_of import work_of

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
VENUES = len(CITIES) * len(SHARES) * DRAWN


@pytest.fixture(scope="module")
def demo_url(tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path) -> str:
    folder = tmp_path_factory.mktemp("checks")
    (folder / "survey.db").write_bytes(_sqlite_template.read_bytes())
    url = f"sqlite:///{folder / 'survey.db'}"

    def fill(session: Session) -> None:
        upsert_cities(shipped_cities(), session=session)
        save_instrument(session=session, instrument=checklist())
        here = [city for city in shipped_cities() if city.code in CITIES]
        store_accounts(session=session, cities=here, now=NOW)
        for _ in range(2):
            store_experience_checks(
                session=session, photo_dir=folder / "photos", seed=2024, now=NOW
            )

    run_in_transaction(url, fill)
    return url


def person(url: str, role: Role, area: str = NATION) -> Principal:
    with read_scope(url) as session:
        query = select(Account.id).where(Account.login == demo_login(role))
        return Principal(session.exec(query).one(), "", role, area, is_demo=True)


def read(url: str, key: str, who: Principal) -> ExperienceCheckDetail:
    with read_scope(url) as session:
        listed = list_experience_checks(work_of(session, who))
        check = next(each for each in listed if each.key == key)
        return get_experience_check(work_of(session, who), wave_id=check.id)


def test_both_are_there_once_and_marked(demo_url: str) -> None:
    check = read(demo_url, DEMO_CHECK, person(demo_url, Role.NATIONAL_OFFICIAL))
    assert check.summary.is_demo
    assert check.summary.released_at is not None
    assert len(check.venues) == VENUES
    with read_scope(demo_url) as session:
        assert session.exec(select(func.count()).select_from(VenueCheck)).one() == 2
        visits = session.exec(select(func.count()).select_from(VenueVisit)).one()
    assert visits == 2 * VENUES + 2 * REVISITED + 1
    assert check.known_observers == KNOWN


def true_alpha() -> float:
    """The α that the demonstration is made with: yes-or-no items, types in equal numbers."""
    shares = np.array(list(SHARES.values()))
    inside = (2 * shares * (1 - shares)).mean()
    whole = shares.mean()
    return float(1 - (1 - COPIES**2) * inside / (2 * whole * (1 - whole)))


def test_agreement_is_what_it_was_made_to_be(demo_url: str) -> None:
    check = read(demo_url, DEMO_CHECK, person(demo_url, Role.ANALYST))
    figures = build_check_figures(check)
    assert figures.overall is not None
    assert figures.overall.low <= true_alpha() <= figures.overall.high
    assert true_alpha() > COPIES**2
    covered = [each.kappa for each in figures.items if each.kappa is not None]
    assert len(covered) >= 6
    assert all(each.low < 0.95 and each.high > 0.5 for each in covered)


def test_scores_are_gated_and_near_their_truth(demo_url: str) -> None:
    check = read(demo_url, DEMO_CHECK, person(demo_url, Role.ANALYST))
    figures = build_check_figures(check)
    whole = figures.scores[NATION, ALL_TYPES]
    assert whole is not None
    assert whole.n == VENUES
    market, hotel = (figures.scores[NATION, kind] for kind in ("market", "hotel"))
    assert market is not None
    assert hotel is not None
    assert market.high < hotel.low
    assert figures.scores[DEMO_CITY, "market"] is not None  # twelve venues
    assert figures.revisited is not None
    assert figures.revisited_before is not None
    assert figures.revisited.mean > figures.revisited_before.mean
    for language in ("zh", "en"):
        view = build_experience_check_view(check, figures, language)
        assert str(whole.n) in view.sentences[0]
        assert len(view.agreement[1]) == len(check.ranges)


def test_few_venues_are_kept_back(demo_url: str) -> None:
    check = read(demo_url, DEMO_OPEN_CHECK, person(demo_url, Role.NATIONAL_OFFICIAL))
    figures = build_check_figures(check)
    assert all(mean is None for mean in figures.scores.values())
    assert figures.overall is None
    assert "10" in build_experience_check_view(check, figures, "en").sentences[0]


def test_the_visitor_is_one_of_two_observers(demo_url: str) -> None:
    visitor = person(demo_url, Role.SURVEYOR, DEMO_CITY)
    with read_scope(demo_url) as session:
        tasks = list_tasks(work_of(session, visitor))
    assert len(tasks) == 3
    assert not any(task.is_done or task.collected for task in tasks)


def test_a_city_cites_what_a_released_check_shows_of_it(demo_url: str) -> None:
    with read_scope(demo_url) as session:
        account = session.exec(
            select(Account).where(Account.login == demo_login(Role.CITY_OFFICIAL))
        ).one()
        person = Principal(account.id, account.name, account.role, account.area, is_demo=True)
        figures = list_citable_figures(work_of(session, person), city_code=DEMO_CITY, language="zh")
        keys = {key for key in figures if key.startswith("experience_check/")}
        shown = {
            f"experience_check/{check.summary.id}/1/{area}/{kind}"
            for check in released_checks(session, person)
            for (area, kind), mean in build_check_figures(check).scores.items()
            if mean is not None and area in (DEMO_CITY, NATION)
        }
    assert shown
    assert {key for key in keys if "/1/" in key} == shown
    assert {each.is_demo for each in figures.values()} == {True}


def released_checks(session: Session, person: Principal) -> list[ExperienceCheckDetail]:
    return [
        get_experience_check(work_of(session, person), wave_id=each.id)
        for each in list_experience_checks(work_of(session, person))
        if each.released_at is not None
    ]
