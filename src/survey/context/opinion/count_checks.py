"""Checks of delivered opinion counts: days, codes, numbers, repeated keys, and parts of wholes.

Most items name no area, so areas do not add up to the nation: they are parts of it, as topics are
parts of everything. A part is never larger than its whole, and there is no part without one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.context.areas import leaf_areas, total_area_of
from survey.context.code_lists import CodeLists
from survey.context.count_check import (
    NOT_GIVEN,
    CountCheck,
    ProblemList,
    add_repeated,
    parse_count,
    read_codes,
    read_numbers,
)
from survey.context.delivered_columns import bind_columns
from survey.context.opinion.columns import (
    ALL_TOPICS,
    AREA,
    CHANNEL,
    CODE_LISTS,
    COLUMNS,
    DAY,
    ITEMS,
    KEY,
    MAX_TOPIC_CHARS,
    SENTIMENT,
    TOPIC,
)
from survey.locale import Message, msg
from survey.tabular.text_table import TextTable

PERIOD = "period"
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_LEAVES = frozenset(leaf_areas())
_COUNT_ALLOWED = msg("allowed is a whole number from 0 on; write 0 where there was none")


@dataclass(frozen=True, eq=False)
class CheckedOpinion:
    """Opinion counts that passed every check, one row a key."""

    frame: pd.DataFrame
    """Columns of `KEY` as text, the month as `period`, and `items`."""

    @property
    def periods(self) -> tuple[str, ...]:
        return tuple(sorted(self.frame[PERIOD].unique()))

    @property
    def area_sums(self) -> dict[tuple[str, str], int]:
        """Items of everything found, by area and day."""
        whole = self.frame[self.frame[TOPIC] == ALL_TOPICS]
        sums = whole.groupby([AREA, DAY])[ITEMS].sum()
        return {(str(area), str(day)): int(n) for area, day, n in sums.reset_index().values}


def check_opinion(
    table: TextTable, lists: CodeLists, version: str, sha256: str
) -> CountCheck[CheckedOpinion]:
    """Check a table of opinion counts against the code lists of a version.

    Raises:
        ImportNotPossibleError: A required column is missing, or two columns mean the same.
    """
    places, ignored = bind_columns(table.header, COLUMNS)
    problems = ProblemList()
    frame = pd.DataFrame(index=pd.RangeIndex(len(table.rows)))
    for key in KEY:
        parse, allowed = _choose_parser(key, lists, version)
        frame[key] = read_codes(table, places.get(key), parse, allowed, problems)
    for key, missing in ((AREA, NATION), (TOPIC, ALL_TOPICS)):
        if key not in places:
            frame[key] = missing
    frame[ITEMS] = read_numbers(table, places[ITEMS], parse_count, _COUNT_ALLOWED, problems)
    frame = frame.astype(dict.fromkeys(KEY, "object"))
    if not problems.count:
        head = COLUMNS[DAY].names[0]
        add_repeated(frame, KEY, table.rows, head, _build_repetition_message, problems)
    if not problems.count:
        _check_days(frame, table.rows, lists, version, problems)
        _check_parts(frame, table.rows, problems)
    counts = None
    if not problems.count:
        kept = frame.assign(**{PERIOD: frame[DAY].str[:7]}).sort_values(list(KEY))
        counts = CheckedOpinion(kept.reset_index(drop=True))
    return CountCheck(
        counts, problems.first(), problems.count, len(table.rows), ignored, version, sha256
    )


def _build_repetition_message(first_row: int) -> Message:
    return msg(
        "the same day, area, codes and topic stand in row {row} already; add the two up or delete "
        "one",
        row=first_row,
    )


def _choose_parser(
    key: str, lists: CodeLists, version: str
) -> tuple[Callable[[str], str | None], Message]:
    """Return what turns the text of a cell into a code, and what is allowed, in words."""
    if key == DAY:
        return _parse_day, msg("allowed is a day such as 2024-11-11")
    if key == AREA:
        return _parse_area, msg(
            "allowed are the codes of the cities of the survey, 32xxxx for the other areas of a "
            "province, and 000000 or nothing for the whole nation"
        )
    if key == TOPIC:
        return _parse_topic, msg(
            "a topic takes at most {most} characters; leave it empty for everything found",
            most=MAX_TOPIC_CHARS,
        )
    listed = lists.listed(CODE_LISTS[key], version)
    codes = {each.code: each.code for each in listed} | {each.name_zh: each.code for each in listed}
    if key == CHANNEL:
        codes[""] = codes[NOT_GIVEN] = NOT_GIVEN
    allowed = msg(
        "allowed in version {version} are: {names}",
        version=version,
        names=", ".join(each.name_zh for each in listed),
    )
    return lambda text: codes.get(text, codes.get(text.lower())), allowed


def _parse_day(text: str) -> str | None:
    # Excel adds a time to what was typed as a day.
    written = text.removesuffix(" 00:00:00").replace("/", "-")
    parts = written.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    if len(parts[0]) != 4 or not _FIRST_YEAR <= int(parts[0]) <= _LAST_YEAR:
        return None
    try:
        return date(*map(int, (part[:4] for part in parts))).isoformat()
    except ValueError:
        return None


def _parse_area(text: str) -> str | None:
    if not text or total_area_of(text) == NATION:
        return NATION
    return text if text in _LEAVES else None


def _parse_topic(text: str) -> str | None:
    return text if len(text) <= MAX_TOPIC_CHARS and text.isprintable() else None


def _check_days(
    frame: pd.DataFrame,
    rows: NDArray[np.int64],
    lists: CodeLists,
    version: str,
    problems: ProblemList,
) -> None:
    """Require every sentiment of every day for the nation: a share needs all its parts."""
    is_whole = (frame[AREA] == NATION) & (frame[TOPIC] == ALL_TOPICS)
    listed = lists.listed(CODE_LISTS[SENTIMENT], version)
    delivered = set(zip(frame.loc[is_whole, DAY], frame.loc[is_whole, SENTIMENT], strict=True))
    names = {
        day: [each.name_zh for each in listed if (day, each.code) not in delivered]
        for day in frame[DAY].unique()
    }
    is_first = ~frame.duplicated([DAY]).to_numpy()
    is_bad = is_first & frame[DAY].map(lambda day: bool(names[day])).to_numpy(bool)
    days = frame[DAY].to_numpy()
    problems.add(
        rows,
        COLUMNS[SENTIMENT].names[0],
        lambda at: str(days[at]),
        lambda at: msg(
            "for this day the counts of the whole nation are missing for: {names}; write 0 where "
            "there was none",
            names=", ".join(names[days[at]]),
        ),
        is_bad,
    )


def _check_parts(frame: pd.DataFrame, rows: NDArray[np.int64], problems: ProblemList) -> None:
    """Require that areas and topics are no more than what they are parts of."""
    is_area = frame[AREA] != NATION
    is_topic = frame[TOPIC] != ALL_TOPICS
    whole = (DAY, SENTIMENT)
    too_many = msg("the areas of this day add up to more than the whole nation")
    _check_part_sums(frame, rows, is_area & ~is_topic, ~is_area & ~is_topic, whole, whole, too_many,
             problems)  # fmt: skip
    too_many = msg("a topic has more than everything found on this day in this area")
    part = (*whole, AREA, TOPIC)
    _check_part_sums(frame, rows, is_topic, ~is_topic, part, (*whole, AREA), too_many, problems)


def _check_part_sums(
    frame: pd.DataFrame,
    rows: NDArray[np.int64],
    parts: "pd.Series[bool]",
    wholes: "pd.Series[bool]",
    part_keys: Sequence[str],
    whole_keys: Sequence[str],
    too_many: Message,
    problems: ProblemList,
) -> None:
    """Add a problem at the first row of every part that is larger than its whole."""
    if not parts.any():
        return
    summed = frame[parts].groupby(list(part_keys), sort=False)[ITEMS].sum().reset_index()
    known = frame[wholes].groupby(list(whole_keys), sort=False)[ITEMS].sum().rename("whole")
    joined = summed.merge(known.reset_index(), how="left", on=list(whole_keys))
    wrong = joined[joined[ITEMS] > joined["whole"].fillna(0)]
    if wrong.empty:
        return
    bad_keys = set(map(tuple, wrong[list(part_keys)].to_numpy().tolist()))
    keys = list(map(tuple, frame[list(part_keys)].to_numpy().tolist()))
    is_part = parts.to_numpy(bool)
    marked = np.zeros(len(frame), bool)
    for place, key in enumerate(keys):
        if is_part[place] and key in bad_keys:
            marked[place] = True
            bad_keys.discard(key)
    items = frame[ITEMS].to_numpy()
    problems.add(
        rows, COLUMNS[ITEMS].names[0], lambda at: str(items[at]), lambda _: too_many, marked
    )
