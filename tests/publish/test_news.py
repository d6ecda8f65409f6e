"""News: what happened since a moment, of what the reader may read, the newest first."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlmodel import select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.release.news import NewsItem, NewsKind, list_news
from survey.results import WaveInfo
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    ComparativeTest,
    ComparativeTestState,
    Problem,
    ProblemBasis,
    ProblemState,
    Shown,
    WaveRelease,
)
from survey.waves.waves import wave_fields
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field


def official(role: Role = Role.CITY_OFFICIAL, area: str = "110000") -> Principal:
    return Principal(uuid4(), "Li", role, area)


@pytest.fixture
def wave(field: "Field") -> WaveInfo:
    """The wave of the field, frozen two hours ago and released an hour ago, with two problems."""
    hour = timedelta(hours=1)
    release = WaveRelease(wave_id=field.wave.id, shown=Shown.SCORES, released_at=field.now - hour)
    problems = [
        Problem(
            wave_id=field.wave.id,
            city_code=city,
            basis=ProblemBasis.CHOSEN,
            indicator="composite",
            respondent_group="all",
            wording="Prices",
            unit="Unit",
            deadline=field.now.date(),
            state=ProblemState.DONE,
            changed_at=field.now - hour / 2,
        )
        for city in ("110000", "310000")
    ]
    test = ComparativeTest(
        key="cookers",
        area=NATION,
        title_zh="Cookers",
        title_en="Cookers",
        purpose="",
        funder="",
        rules_sha256="x",
        one_person="alone",
        state=ComparativeTestState.RELEASED,
        released_at=field.now - hour / 4,
    )
    with session_scope(field.url) as session:
        session.add_all([release, *problems, test])
    return WaveInfo(
        **wave_fields(field.wave),
        n=100,
        cities=2,
        final=True,
        frozen_at=field.now - 2 * hour,
        snapshot_sha256="",
        tree_name=None,
    )


def news(field: "Field", wave: WaveInfo, person: Principal, hours: float) -> list[NewsItem]:
    with read_scope(field.url) as session:
        return list_news(
            work_of(session, person, field.now),
            waves=[wave],
            since=field.now - timedelta(hours=hours),
            language="en",
        )


def test_each_reader_reads_what_happened_since_and_in_the_own_area(
    field: "Field", wave: WaveInfo
) -> None:
    title = wave.label("en")
    assert [item.text for item in news(field, wave, official(), 3)] == [
        "A comparative test was released: Cookers",
        "Problems changed, now put right, waits for acceptance: 1",
        f"The results were released: {title}",
    ]
    unreleased = replace(wave, frozen_at=field.now)
    assert news(field, unreleased, official(), 0.1)[0].text == f"There are new results: {title}"
    nation = news(field, wave, official(Role.NATIONAL_OFFICIAL, NATION), 0.6)
    assert [(item.kind, item.text[-1]) for item in nation] == [
        (NewsKind.COMPARATIVE_TEST, "s"),
        (NewsKind.PROBLEMS, "2"),
    ]
    assert news(field, wave, official(), 0) == []
    analyst = news(field, wave, official(Role.ANALYST, NATION), 3)
    assert NewsKind.PROBLEMS not in {item.kind for item in analyst}


def test_a_release_that_was_taken_back_is_news_too(field: "Field", wave: WaveInfo) -> None:
    with session_scope(field.url) as session:
        release = session.exec(select(WaveRelease)).one()
        release.revoked_at = field.now - timedelta(minutes=1)
        session.add(release)
    (newest,) = news(field, wave, official(), 0.1)
    assert newest.text == f"The release of the results was taken back: {wave.label('en')}"


def test_a_demonstration_hears_of_its_own_waves_alone(field: "Field", wave: WaveInfo) -> None:
    visitor = Principal(uuid4(), "Li", Role.CITY_OFFICIAL, "110000", is_demo=True)
    assert news(field, wave, visitor, 3) == []


def test_news_is_for_readers_of_results(field: "Field", wave: WaveInfo) -> None:
    with pytest.raises(AccessDeniedError):
        news(field, wave, official(Role.SURVEYOR), 3)
