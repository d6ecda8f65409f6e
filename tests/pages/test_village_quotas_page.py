"""Quotas of consumers and traders on the planner's page of a study of villages."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from seed.demo.shipped_data import shipped_instrument, shipped_tree
from survey.access.principal import OPERATOR
from survey.access.roles import NATION, Role
from survey.kit.navigation import PageKey
from survey.store.engine import session_scope
from survey.waves.instruments import save_instrument, save_tree
from survey.waves.planning.wave_editing import add_wave
from survey.waves.waves import WaveDraft
from tests.work_of import work_of

KEY = "village-2027"


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The pages do not know which database it is; one is enough here."""
    return sqlite_url


@pytest.fixture
def villages(field: Any) -> Any:
    with session_scope(field.url) as session:
        save_tree(session=session, tree=shipped_tree("village-2026"))
        known = save_instrument(session=session, instrument=shipped_instrument("village-2026"))
        draft = WaveDraft(KEY, "rural", 2027, "村", "Villages", known)
        add_wave(work_of(session, OPERATOR, field.now), draft=draft)
    return field


def cells_of(app: AppTest) -> set[object]:
    """What stands in any table of the page."""
    return {
        cell
        for table in [*app.dataframe, *app.table]
        for row in table.value.to_numpy()
        for cell in row
    }


def test_a_planner_sees_and_saves_the_quotas_of_both_roles(
    villages: Any, visit_as: Any, employ: Any
) -> None:
    planner = employ(Role.ADMINISTRATOR, NATION)
    app = visit_as(PageKey.PLAN, planner, wave=KEY, part="sample", plan="computed")
    app.number_input(key=f"aim/{KEY}/en/total").set_value(1_200).run()
    assert cells_of(app) >= {
        "Role in the village", "Consumers in villages", "Traders in villages",
    }  # fmt: skip
    app.button(key="plan-save-sample").click().run()
    assert "The plan is saved" in app.success[0].value
    app = visit_as(PageKey.PLAN, planner, wave=KEY, part="sample", lang="zh")
    assert cells_of(app) >= {"村里的身份", "村里的消费者", "村里的经营者"}
