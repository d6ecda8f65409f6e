"""Reading a stored plan back as the request that made it."""

from collections.abc import Sequence

import pandas as pd

from survey.sample.plan import PlanRequest
from survey.sample.planner import Aim, Rule
from survey.store.tables import CityTarget, WavePlan


def stored_request(plan: WavePlan, targets: Sequence[CityTarget]) -> PlanRequest:
    """Sizes are those that were saved, so that no later change of the frame moves them."""
    aim = Aim(
        margin=plan.margin, level=plan.level, deff=plan.deff, rule=Rule(plan.rule),
        total=plan.total, price=plan.price, budget=plan.budget,
    )  # fmt: skip
    shares = {
        row.city_code: row.guardian_share for row in targets if row.guardian_share is not None
    }
    return PlanRequest(
        aim=aim,
        elderly=plan.elderly_factor,
        guardian=plan.guardian_factor,
        crossed=plan.crossed,
        reserve=plan.reserve,
        size=pd.Series({row.city_code: row.target for row in targets}, dtype="int64"),
        guardian_share=pd.Series(shares, dtype="float64") if shares else None,
    )
