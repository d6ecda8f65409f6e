"""Shares of codes among texts that a model coded all of, and people a drawn part.

A share is what the model says of all texts, plus what people found in the drawn ones that the model
did not say: prediction-powered inference (Angelopoulos, Bates, Fannjiang, Jordan and Zrnic 2023),
here with weights, strata and sampling points. With f the model's probability, y what people found
(0 or 1), pi the part that was drawn and d the weighted mean of r = y - lambda f over the drawn, the
share is the weighted mean of

    u = lambda f + d + (drawn / pi) (r - d)

whose linearised error holds both chances at once: who was asked, and what was drawn. Lambda is the
slope of y on f over all codes, so a model that says nothing is not listened to (Angelopoulos, Duchi
and Zrnic 2023). For a drawn text f must come from a model that did not learn from it (Zrnic and
Candes 2024): then a poor model costs width and never truth.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats
from survey.estimate.design import Design, Sample
from survey.estimate.domains import Domains, describe, long_table
from survey.estimate.errors import EstimateError
from survey.estimate.estimate import names_of
from survey.estimate.inference import effective_n, infer_linear
from survey.estimate.intervals import bound_interval

MIN_AUDITED = 30
"""Texts coded by people, below which a domain has no share: too few to know the model's errors."""
NOT_AUDITED = -1


def estimate_audited_shares(
    frame: pd.DataFrame,
    codes: Sequence[str],
    predicted: Floats,
    coded: Codes,
    design: Design,
    *,
    by: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Estimate the weighted share of each code by domain from predictions and an audited sample.

    Args:
        frame: a row per text, with the columns of `design` and `by`.
        codes: names of the K codes.
        predicted: the model's probability of each code for every text, (n, K); of an audited text
            from a model that has not seen its code. Without a model zeros.
        coded: place in `codes` that people settled on, (n,); `NOT_AUDITED` for texts that were not
            drawn. The drawn ones are a simple random sample of all texts.
        by: columns whose combinations are the domains; rows without a value are in none.

    Returns:
        One row per (by…, variable): the code; estimate, se, ci_low, ci_high between 0 and 1; n
        (texts) and audited. No estimate where fewer than `MIN_AUDITED` were coded by people.

    Raises:
        EstimateError: arrays of another shape than texts and codes, or as `estimate`.
    """
    for name, array, shape in (
        ("predicted", predicted, (len(frame), len(codes))),
        ("coded", coded, (len(frame),)),
    ):
        if array.shape != shape:
            raise EstimateError("shape", name=name, found=array.shape, expected=shape)
    sample, domains = Sample.read(frame, design), Domains.read(frame, names_of(by))
    found = (coded[:, None] == np.arange(len(codes))).astype(float)
    drawn = coded != NOT_AUDITED
    corrected = np.full(found.shape, np.nan)
    for domain in range(domains.count):
        rows = np.flatnonzero(domains.code == domain)
        if drawn[rows].sum() >= MIN_AUDITED:
            corrected[rows] = _correct(
                predicted[rows], found[rows], drawn[rows], sample.weight[rows]
            )
    inference = infer_linear(sample, domains, corrected, np.eye(len(codes)), level=0.95)
    share = np.clip(inference.estimate, 0.0, 1.0)
    texts = np.bincount(domains.code[domains.code >= 0], minlength=domains.count)[:, None]
    inside = drawn & (domains.code >= 0)
    audited = np.bincount(domains.code[inside], minlength=domains.count)[:, None]
    everybody = effective_n(sample, domains, corrected)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = everybody * audited / texts
        # As if the model erred about one more text than it did: the error that is estimated from a
        # few slips, or from none, would promise that there are no others.
        se = np.sqrt(inference.se**2 + (1 - audited / texts) / (audited * known))
        # Without an error, where all were read and agreed, it is that of the texts read.
        size = np.clip(np.nan_to_num(share * (1 - share) / se**2), known, everybody)
    low, high = bound_interval(
        share, se, np.minimum(inference.df, audited - 1), size, lowest=0.0, highest=1.0, logit=True
    )
    columns = {"estimate": share, "se": se, "ci_low": low, "ci_high": high}
    counts = {"n": texts, "audited": audited}
    columns |= {name: np.broadcast_to(each, share.shape) for name, each in counts.items()}
    return describe(long_table(domains, codes, columns), sample)


def _correct(predicted: Floats, found: Floats, drawn: Flags, weight: Floats) -> Floats:
    """Return u of the module for every text (n, K), whose weighted mean is the share of a code."""
    part = weight[drawn, None] / weight[drawn].sum()
    f, y = predicted[drawn], found[drawn]
    off = f - (part * f).sum(axis=0)
    spread = float((part * off**2).sum())
    # One for all codes, so that their shares add up to 1 as the probabilities do.
    slope = float((part * off * y).sum()) / spread if spread > 0 else 0.0
    said = predicted * min(max(slope, 0.0), 1.0)
    error = found - said
    mean = (part * error[drawn]).sum(axis=0)
    return np.asarray(said + mean + drawn[:, None] / drawn.mean() * (error - mean))
