"""History of a figure: what each release said, and which value is the one that stands."""

from datetime import timedelta

import pytest

from survey.release.figure_history import FigureHistory, list_figure_history
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import PublicationState
from tests.publish.publications.register_steps import (
    KEY,
    MINUTE,
    WAVE,
    change_results,
    person,
    publish,
)
from tests.publish.publications.test_earlier_releases import (
    DAY,
    HIDDEN,
    LIFTED,
    SECOND,
    THIRD,
    release_again,
    take_back,
)
from tests.work_of import work_of

CORRECTED, RETRACTED, PUBLISHED = (
    PublicationState.CORRECTED, PublicationState.RETRACTED, PublicationState.PUBLISHED,
)  # fmt: skip
LATER = MINUTE + timedelta(days=9)


def history(store: Settings, figure: str, who: str = "city") -> FigureHistory:
    with read_scope(store.store_url) as session:
        return list_figure_history(
            work_of(session, person(store, who), LATER, settings=store), figure=figure
        )


def said(store: Settings, figure: str) -> list[tuple[str, PublicationState, str, bool]]:
    return [
        (each.release, each.state, each.values.get("estimate", ""), each.is_current)
        for each in history(store, figure).versions
    ]


@pytest.fixture
def corrected(ready: Settings) -> Settings:
    """A wave whose first release was corrected: one city a point higher, another one hidden."""
    publish(ready)
    change_results(ready, lifted="320500", hidden="110000")
    release_again(ready, MINUTE, corrects=KEY)
    return ready


def test_a_value_that_was_corrected_away_never_looks_current(corrected: Settings) -> None:
    ((_, _, old, _), (_, _, new, _)) = said(corrected, LIFTED)
    assert float(new) == round(float(old) + 1, 1)
    assert said(corrected, LIFTED) == [
        (KEY, CORRECTED, old, False), (SECOND, PUBLISHED, new, True),
    ]  # fmt: skip
    assert history(corrected, LIFTED).standing_release == SECOND
    take_back(corrected, SECOND, MINUTE + DAY)
    assert said(corrected, LIFTED) == [
        (KEY, CORRECTED, old, False), (SECOND, RETRACTED, "", False),
    ]  # fmt: skip
    assert history(corrected, LIFTED).versions[1].reason == "A city was missing"
    assert history(corrected, LIFTED).standing_release == ""
    assert release_again(corrected, MINUTE + DAY) == THIRD
    assert said(corrected, LIFTED) == [
        (KEY, CORRECTED, old, False), (SECOND, RETRACTED, "", False),
        (THIRD, PUBLISHED, new, True),
    ]  # fmt: skip


def test_a_figure_that_no_correction_changed_is_current_as_it_was_first_printed(
    corrected: Settings,
) -> None:
    figure = f"{WAVE}-320100-composite-all-score"
    ((release, state, value, is_current),) = said(corrected, figure)
    assert (release, state, bool(value), is_current) == (KEY, CORRECTED, True, True)
    take_back(corrected, SECOND, MINUTE + DAY)
    assert said(corrected, figure) == [(KEY, CORRECTED, value, False)]


def test_what_a_release_hides_is_repeated_nowhere(corrected: Settings) -> None:
    expected = [(KEY, CORRECTED, "", False), (SECOND, PUBLISHED, "", True)]
    assert said(corrected, HIDDEN) == expected
    assert [each.is_hidden for each in history(corrected, HIDDEN).versions] == [False, True]
    take_back(corrected, SECOND, MINUTE + DAY)
    assert {value for _, _, value, _ in said(corrected, HIDDEN)} == {""}
    assert not any(each.is_current for each in history(corrected, HIDDEN, "lin").versions)


def test_a_release_that_was_taken_back_is_named_without_its_values(ready: Settings) -> None:
    publish(ready)
    take_back(ready, KEY, MINUTE)
    assert said(ready, LIFTED) == [(KEY, RETRACTED, "", False)]
    assert history(ready, f"{WAVE}-999999-composite-all-score") == FigureHistory()
