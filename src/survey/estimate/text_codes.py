"""Codes of short texts proposed by a small model that learns from texts that people have coded.

Multinomial logistic regression with a ridge on the runs of one to three characters in a text, which
need no words to be told apart and so no dictionary of Chinese. Runs are hashed into a fixed number
of columns (Weinberger et al. 2009) and weigh the less the more texts have them. Everything is
learned in place from the texts given: no network, nothing stored, the same figures every time.
"""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from scipy import optimize, sparse, special

from survey.estimate.arrays import Codes, Floats, limit_to_one_thread
from survey.estimate.audited_share import NOT_AUDITED

COLUMNS = 1 << 14
MAX_RUN = 3
"""Characters in the longest run."""
FOLDS = 5
_RIDGE = 0.0003
_MAX_STEPS = 150


def propose_codes(texts: Sequence[str], coded: Codes, codes: int) -> Floats:
    """Return for every text the probability of each of `codes` codes, (n, codes).

    Args:
        coded: place of each text's code, `NOT_AUDITED` where nobody has coded it. The order of
            texts says nothing of their codes.

    A coded text's probabilities come from a model that learned from the other folds of coded texts,
    the others' are the mean over these models (Zrnic and Candes 2024). Zeros where fewer than two
    different codes were given in all but one of the folds.
    """
    known = np.flatnonzero(coded != NOT_AUDITED)
    fold = np.full(len(texts), -1)
    fold[known] = np.arange(len(known)) % FOLDS
    predicted = np.zeros((len(texts), codes))
    if not len(known):
        return predicted
    runs = _weigh_runs(texts)
    for number in range(FOLDS):
        learned_from = known[fold[known] != number]
        if len(np.unique(coded[learned_from])) < 2:
            return np.zeros_like(predicted)
        # Its products are small: with a thread on every core this takes a dozen times as long.
        with limit_to_one_thread():
            weights = _fit(runs[learned_from], coded[learned_from], codes)
        said = _predict(runs, weights)
        predicted += said * np.where(fold == -1, 1 / FOLDS, fold == number)[:, None]
    return predicted


def _weigh_runs(texts: Sequence[str]) -> sparse.csr_array:
    """Return a row per text: its runs' weights, of length 1, and a 1 in the last column."""
    places = [
        {
            crc32(text[start : start + size].encode()) % COLUMNS
            for size in range(1, MAX_RUN + 1)
            for start in range(len(text) - size + 1)
        }
        for text in texts
    ]
    ends = np.cumsum([0, *(len(own) + 1 for own in places)])
    columns = np.array([place for own in places for place in (*sorted(own), COLUMNS)])
    texts_with = np.bincount(columns, minlength=COLUMNS + 1)
    rarity = (np.log((1 + len(texts)) / (1 + texts_with)) + 1)[columns]
    is_run = columns < COLUMNS
    squares = np.add.reduceat(np.where(is_run, rarity**2, 0.0), ends[:-1])
    length = np.repeat(np.sqrt(np.maximum(squares, 1.0)), np.diff(ends))
    values = np.where(is_run, rarity / length, 1.0)
    return sparse.csr_array((values, columns, ends), shape=(len(texts), COLUMNS + 1))


def _fit(runs: sparse.csr_array, coded: Codes, codes: int) -> Floats:
    """Return weights (columns, codes) with the least loss; the last row is free of the ridge."""
    used = np.unique(runs.indices)
    seen = runs[:, used]
    target = (coded[:, None] == np.arange(codes)).astype(float)
    ridge = np.full((len(used), 1), _RIDGE)
    ridge[-1] = 1e-6

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(len(used), codes)
        logs = special.log_softmax(seen @ weights, axis=1)
        slope = seen.T @ (np.exp(logs) - target) / len(coded) + ridge * weights
        penalty = (ridge * weights**2).sum() / 2
        return float(-(target * logs).sum() / len(coded) + penalty), slope.ravel()

    found = optimize.minimize(
        loss, np.zeros(len(used) * codes), jac=True, method="L-BFGS-B",
        options={"maxiter": _MAX_STEPS},
    )  # fmt: skip
    weights = np.zeros((runs.shape[1], codes))
    weights[used] = found.x.reshape(len(used), codes)
    return weights


def _predict(runs: sparse.csr_array, weights: Floats) -> Floats:
    return np.asarray(special.softmax(runs @ weights, axis=1))
