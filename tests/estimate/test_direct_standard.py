"""Direct standardisation by hand, and where a city lacks people of a cell."""

import numpy as np
import pandas as pd

from survey.estimate import Design
from survey.estimate.case_mix import CaseMixRows
from survey.estimate.direct_standard import (
    MIN_PEOPLE,
    CellMeans,
    DirectPoints,
    share_cells,
    standardise,
)

DESIGN = Design("w", strata="stratum", psu="point")
CITIES, POINTS, ROWS, CELLS = 2, 4, 30, 3


def wave() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    size = CITIES * POINTS * ROWS
    frame = pd.DataFrame({"point": np.repeat(np.arange(CITIES * POINTS), ROWS)})
    frame["city"], frame["stratum"] = frame["point"] // POINTS, frame["point"] // 2
    frame["w"] = rng.lognormal(0, 0.3, size)
    frame["cell"] = rng.choice(CELLS + 1, size, p=[0.4, 0.3, 0.2, 0.1]) - 1
    for item in ("a", "b"):
        frame[item] = 60 + 10 * frame["cell"] + rng.normal(0, 5, size)
        frame.loc[rng.random(size) < 0.1, item] = np.nan
    return frame


def found(frame: pd.DataFrame, omega: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    parts = [
        (
            CaseMixRows(
                own[["a", "b"]].to_numpy(), np.zeros((len(own), 0)), own["w"].to_numpy(),
                own[["stratum", "point"]].reset_index(drop=True),
            ),
            own["cell"].to_numpy(),
        )
        for _, own in frame.groupby("city")
    ]  # fmt: skip
    means = [CellMeans.of(rows, cell, CELLS) for rows, cell in parts]
    share = share_cells(means)
    cities = [
        DirectPoints.of(rows, cell, own, share)
        for (rows, cell), own in zip(parts, means, strict=True)
    ]
    return standardise(cities, omega, DESIGN)


def by_hand(frame: pd.DataFrame, item: str, shares: pd.Series) -> pd.Series:
    """Return the score of each city: the nation's `shares` times the city's means by cell."""
    own = frame[(frame["cell"] >= 0) & frame[item].notna()]
    total = (own[item] * own["w"]).groupby([own["city"], own["cell"]]).sum()
    means = (total / own["w"].groupby([own["city"], own["cell"]]).sum()).unstack()
    return (means * shares).sum(axis=1)


def shares_of(frame: pd.DataFrame, item: str) -> pd.Series:
    own = frame[(frame["cell"] >= 0) & frame[item].notna()]
    mass = own["w"].groupby(own["cell"]).sum()
    return mass / mass.sum()


def test_scores_are_those_by_hand_and_a_mean_of_items_is_the_mean_of_their_scores() -> None:
    frame = wave()
    scores, _ = found(frame, np.array([[1.0, 0.0], [0.0, 1.0], [0.25, 0.75]]))
    a, b = (by_hand(frame, item, shares_of(frame, item)) for item in ("a", "b"))
    np.testing.assert_allclose(scores, np.column_stack([a, b, 0.25 * a + 0.75 * b]), rtol=1e-12)


def test_errors_are_those_of_numerical_derivatives() -> None:
    """A point's linearised value is what its weight moves, the nation's shares being given."""
    frame, step = wave(), 1e-5
    _, errors = found(frame, np.array([[1.0, 0.0]]))
    shares, z = shares_of(frame, "a"), []
    for point in range(CITIES * POINTS):
        ends = [
            by_hand(
                frame.assign(w=frame["w"] * np.where(frame["point"] == point, 1 + sign * step, 1)),
                "a", shares,
            )
            for sign in (1, -1)
        ]  # fmt: skip
        z.append((ends[0] - ends[1]) / (2 * step))
    by_stratum = np.array(z).reshape(-1, 2, CITIES)
    variance = 2 * ((by_stratum - by_stratum.mean(axis=1, keepdims=True)) ** 2).sum(axis=(0, 1))
    np.testing.assert_allclose(errors[:, 0], np.sqrt(variance), rtol=1e-6)


def test_a_city_that_lacks_people_of_a_cell_has_no_score() -> None:
    frame = wave()
    rare = frame[(frame["city"] == 1) & (frame["cell"] == 2)].index[MIN_PEOPLE - 1 :]
    scores, errors = found(frame.drop(rare), np.eye(2))
    assert np.isnan(scores[1]).all()
    assert np.isnan(errors[1]).all()
    assert np.isfinite(scores[0]).all()
    assert np.isfinite(errors[0]).all()


def test_a_wave_that_asked_no_schooling_has_no_scores() -> None:
    scores, errors = found(wave().assign(cell=-1), np.eye(2))
    assert np.isnan(scores).all()
    assert np.isnan(errors).all()
