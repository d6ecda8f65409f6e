"""Reading of a frame for a cube: answers, groups and areas as arrays over the rows."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.estimate.arrays import Codes, Flags
from survey.estimate.cube.rows import Raw
from survey.estimate.cube.spec import Labels, Membership, RatingScale
from survey.estimate.design import Sample, encode, get_column, numbers
from survey.estimate.errors import EstimateError

NOT_A_SCORE = -5


def read_raw(frame: pd.DataFrame, items: Sequence[str], scale: RatingScale, order: Codes) -> Raw:
    """Return raw answers as int8 in row order, shape (I, n); missing values are negative."""
    raw = np.empty((len(items), len(frame)), dtype=np.int8)
    for answers, item in zip(raw, items, strict=True):
        series = get_column(frame, item)
        if series.dtype == np.int8:
            np.take(series.to_numpy(), order, out=answers)
        else:
            values = numbers(frame, item)[order]
            answers[:] = np.where(np.isnan(values), NOT_A_SCORE, np.clip(values, -128, 127))
        if answers.max(initial=-1) > scale.maximum or _has_between(answers, scale.minimum):
            odd = (answers >= 0) & ((answers < scale.minimum) | (answers > scale.maximum))
            raise EstimateError(
                "raw_range",
                column=item,
                value=int(answers[odd][0]),
                minimum=scale.minimum,
                maximum=scale.maximum,
            )
    return raw


def _has_between(answers: npt.NDArray[np.int8], minimum: int) -> bool:
    """Return whether an answer lies in 0 … minimum - 1; as unsigned bytes negatives are large."""
    return bool(answers.view(np.uint8).min(initial=255) < minimum)


class _Columns:
    """Key columns of a frame as codes, each read once for all groups."""

    def __init__(self, frame: pd.DataFrame, order: Codes) -> None:
        self._frame, self._order = frame, order
        self._read: dict[str, tuple[npt.NDArray[np.integer], dict[Hashable, int]]] = {}

    def equal(self, key: str, level: Hashable) -> Flags:
        if key not in self._read:
            codes, levels = encode(get_column(self._frame, key))
            place = {value: code for code, value in enumerate(levels.tolist())}
            self._read[key] = codes[self._order], place
        codes, place = self._read[key]
        member: Flags = codes == place.get(level, -2)
        return member


def read_groups(frame: pd.DataFrame, groups: Mapping[str, Membership], order: Codes) -> Flags:
    """Return the membership of each row in each group, shape (G, n) in row order."""
    columns = _Columns(frame, order)
    member = np.empty((len(groups), len(frame)), dtype=np.bool_)
    for rows, (name, group) in zip(member, groups.items(), strict=True):
        if isinstance(group, tuple):
            rows[:] = columns.equal(*group)
        else:
            np.take(_membership(frame, name, group), order, out=rows)
    return member


def _membership(
    frame: pd.DataFrame, name: str, group: str | npt.ArrayLike | pd.Series | None
) -> Flags:
    if group is None:
        return np.ones(len(frame), dtype=np.bool_)
    values = get_column(frame, group) if isinstance(group, str) else pd.Series(np.asarray(group))
    if len(values) != len(frame):
        raise EstimateError("row_count", name=name, found=len(values), expected=len(frame))
    if not pd.api.types.is_bool_dtype(values.dtype):
        raise EstimateError("not_boolean", column=name)
    return values.fillna(False).to_numpy(np.bool_)


def read_area(frame: pd.DataFrame, level: str, labels: Labels) -> tuple[Codes, pd.Index]:
    """Return the area code of each row (-1 for none) and the sorted areas."""
    if labels is None:
        return np.zeros(len(frame), dtype=np.intp), pd.Index([level])
    values = get_column(frame, labels) if isinstance(labels, str) else pd.Series(np.asarray(labels))
    if len(values) != len(frame):
        raise EstimateError("row_count", name=level, found=len(values), expected=len(frame))
    codes, areas = encode(values, sort=True)
    return codes.astype(np.intp), areas


def area_of_psus(sample: Sample, level: str, code: Codes) -> Codes:
    """Return the area of each PSU; raise an error if an area cuts through a PSU."""
    area = np.zeros(len(sample.stratum), dtype=np.intp)
    area[sample.psu] = code
    split = np.flatnonzero(area[sample.psu] != code)
    if split.size:
        label = sample.psu_labels[int(sample.psu[split[0]])]
        raise EstimateError("area_splits_psu", psu=label, level=level)
    return area
