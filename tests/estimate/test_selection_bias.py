"""SMUB against its authors' example, by hand, and against planted selection."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey.estimate.selection_bias import ProxyMoments, measure_selection_bias

R_CASES = pd.read_csv(Path(__file__).parent / "data" / "r_selection.csv")
PUBLISHED = {"WRK12MOS": (55, 70, 88), "FEMNUMBABES": (-33, -47, -66)}
"""Little, West, Boonstra and Hu (2020), table 1, thousandths."""


@pytest.mark.parametrize("answer", PUBLISHED)
def test_equals_the_published_example_and_the_authors_program(answer):
    case = R_CASES[R_CASES["case"] == answer]
    parts = {row: part.set_index("column")["value"] for row, part in case.groupby("row")}
    mean, population = parts["mean"].to_numpy(), parts["population"].to_numpy()
    lower = np.zeros((len(mean), len(mean)))
    for i in range(len(mean)):
        lower[i, : i + 1] = parts[f"covariance{i}"]
    covariance = lower + np.tril(lower, -1).T
    found = measure_selection_bias(mean[None], covariance, population[None])
    assert found.standardised[0] == pytest.approx(parts["smub"].to_numpy(), abs=1e-8)
    assert tuple(np.round(1000 * found.standardised[0])) == PUBLISHED[answer]
    assert not found.is_weak
    assert found.points[0] == pytest.approx(found.standardised[0] * covariance[0, 0] ** 0.5)


def test_by_hand_with_one_variable():
    # Answers 0, 1, 3, 4 with z = 0, 0, 1, 1: slope 3, sd of x 1.5, of y sqrt(2.5), r 3 / sqrt(10).
    # The sample has half of z = 1, the population a quarter: the proxy is 0.75 too high, 0.5 sd.
    values = np.array([[0.0, 0], [1, 0], [3, 1], [4, 1]])
    sums = ProxyMoments.collect(values, np.ones(4), np.zeros(4, dtype=np.intp), 1)
    found = measure_selection_bias(sums.mean, sums.pooled_covariance(), np.array([[0.25]]))
    assert found.correlation == pytest.approx(3 / 10**0.5)
    assert found.deviation == pytest.approx(0.5)
    assert found.standardised[0] == pytest.approx([1.5 / 10**0.5, 0.5, 10**0.5 / 6])
    # With phi = 0 it is what weighting by z would take away.
    assert found.points[0, 0] == pytest.approx(2.0 - (0.75 * 0.5 + 0.25 * 3.5))


def test_parts_add_up_and_rows_without_an_answer_are_left_out():
    generator = np.random.default_rng(4)
    values = generator.normal(size=(60, 3))
    weight, domain = generator.uniform(1, 2, 60), generator.integers(-1, 3, 60)
    whole = ProxyMoments.collect(values, weight, domain, 3)
    gaps = np.vstack([values, [[np.nan, 1.0, 1.0]]])
    again = ProxyMoments.collect(gaps, np.append(weight, 5), np.append(domain, 1), 3)
    np.testing.assert_array_equal(whole.square, again.square)
    halves = [ProxyMoments.collect(values[half], weight[half], domain[half], 3)
              for half in (slice(0, 25), slice(25, 60))]  # fmt: skip
    assert whole.total == pytest.approx(halves[0].total + halves[1].total)
    inside = domain >= 0
    within = pd.DataFrame(values[inside]).assign(d=domain[inside], w=weight[inside])
    means = within.groupby("d")[[0, 1, 2]].apply(
        lambda rows: np.average(rows, axis=0, weights=within.loc[rows.index, "w"])
    )
    off = within[[0, 1, 2]].to_numpy() - np.stack(means.loc[within["d"]].to_numpy())
    expected = (off * within[["w"]].to_numpy()).T @ off / within["w"].sum()
    assert whole.pooled_covariance() == pytest.approx(expected)


def test_a_variable_that_does_not_vary_says_nothing():
    covariance = np.array([[4.0, 0.0], [0.0, 0.0]])
    found = measure_selection_bias(np.array([[50.0, 1.0]]), covariance, np.array([[0.9]]))
    assert np.isnan(found.points).all()
    assert np.isnan(found.correlation)
    assert found.is_weak


@pytest.mark.parametrize("phi", [0.25, 0.5, 0.75])
def test_planted_selection_lies_within_the_interval_of_nine_cities_in_ten(phi):
    """People are asked the more often, the higher their own answer: selection not at random."""
    generator = np.random.default_rng(20)
    cities, people, asked = 60, 20_000, 1_000
    schooling = np.array([0.0, 0.4, 1.0, 1.5])
    moments, truth, population = [], [], []
    for _ in range(cities):
        level = generator.choice(4, people, p=generator.dirichlet([6, 8, 7, 5]))
        urban = generator.random(people) < 0.5 + 0.1 * level
        x = schooling[level] + 0.4 * urban
        y = 60 + generator.normal(0, 4) + 10 * x + generator.normal(0, 9, people)
        z = np.column_stack([level == 1, level == 2, level == 3, urban]).astype(float)
        proxy = (x - x.mean()) / x.std()
        lean = (1 - phi) * proxy + phi * (y - y.mean()) / y.std()
        chance = np.exp(0.5 * lean)
        sample = generator.choice(people, asked, replace=False, p=chance / chance.sum())
        values = np.column_stack([y, z])[sample]
        moments.append(ProxyMoments.collect(values, np.ones(asked), np.zeros(asked, int), 1))
        truth.append(y[sample].mean() - y.mean())
        population.append(z.mean(axis=0))
    sums = ProxyMoments(*(np.concatenate([getattr(part, name) for part in moments])
                          for name in ("weight", "total", "square")))  # fmt: skip
    found = measure_selection_bias(sums.mean, sums.pooled_covariance(), np.array(population))
    low, high = found.points[:, 0], found.points[:, 2]
    within = (low <= truth) & (truth <= high)
    assert within.mean() >= 0.9
    # The interval is about the bias, not so wide as to hold anything.
    assert np.median(high - low) < 2 * np.median(truth)
