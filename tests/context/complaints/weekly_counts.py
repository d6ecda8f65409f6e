"""Weekly complaint counts of two cities, with and without an outbreak."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from survey.access.principal import OPERATOR
from survey.counts.complaint_alarms import ComplaintKey
from survey.counts.count_declaration import CheckedCounts
from survey.counts.count_kinds import COMPLAINT_WEEKS
from survey.counts.deliveries import DeliveryHead, store_delivery
from survey.counts.week_series import monday_of, week_of
from survey.store.transactions import run_in_transaction
from tests.work_of import work_of

NOW = datetime(2025, 3, 3, tzinfo=UTC)
AREAS = ("110000", "320500")
NATURES, CLASSES = ("quality", "contract", "price"), ("food", "internet", "tourism")
NEWEST = "2025W09"
WEEKS = [week_of(monday_of(NEWEST) - timedelta(weeks=back)) for back in range(139, -1, -1)]
KEY = ComplaintKey("320500", "contract", "internet")


def build_counts(weeks: list[str] = WEEKS, *, mean: float = 12.0) -> pd.DataFrame:
    """Return counts of every week, area, nature and class, without anything unusual."""
    keys = pd.MultiIndex.from_product(
        [weeks, AREAS, NATURES, CLASSES], names=[*COMPLAINT_WEEKS.keys]
    ).to_frame(index=False)
    drawn = np.random.default_rng(1).poisson(mean, len(keys))
    return keys.assign(accepted=drawn)


def plant(frame: pd.DataFrame, weeks: list[str], key: ComplaintKey = KEY) -> pd.DataFrame:
    """Return counts with 60 complaints in each of these weeks of one series."""
    planted = frame.copy()
    is_key = (frame[["area", "nature", "goods_class"]] == list(key)).all(axis=1)
    planted.loc[is_key & frame["week"].isin(weeks), "accepted"] = 60
    return planted


def store(
    url: str, frame: pd.DataFrame, name: str = "weeks", area: str = "", *, is_demo: bool = False
) -> None:
    keys = [*COMPLAINT_WEEKS.keys]
    coded = frame.astype(dict.fromkeys(keys, "category"))
    counts = CheckedCounts(COMPLAINT_WEEKS, coded, ("accepted",))
    head = DeliveryHead(name, "a system", date(2025, 3, 2), code_version="2021",
                        area=area, is_demo=is_demo)  # fmt: skip
    run_in_transaction(
        url,
        lambda session: store_delivery(
            work_of(session, OPERATOR, NOW), counts=counts, head=head, sha256="0" * 64
        ),
    )
