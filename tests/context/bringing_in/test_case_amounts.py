"""Amounts of single complaints are counted by band; none of them is stored or said."""

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.collection.importing.rejections import ImportNotPossibleError
from survey.counts.bringing_in.case_amounts import BOUNDS, band_of, find_median_band
from survey.counts.bringing_in.count_files import CountFile, read_count_file
from survey.counts.bringing_in.proposal import propose_mapping
from survey.counts.count_kinds import COMPLAINTS
from survey.settings import PROJECT_ROOT

EXAMPLE = PROJECT_ROOT / "seed" / "context" / "examples" / "complaint_cases_12315.csv"


def read(content: bytes) -> CountFile:
    return read_count_file(COMPLAINTS, content, of_cases=True)


def bands(content: bytes, amount: str, lens: str = "total") -> dict[tuple[str, str, int], int]:
    counts = read(content).check.counts
    assert counts is not None
    assert counts.amounts is not None
    rows = counts.amounts
    rows = rows[(rows["amount"] == amount) & (rows["lens"] == lens)]
    return {
        (area, code, BOUNDS[band]): n
        for area, code, band, n in rows[["area", "code", "band", "cases"]].values
    }


def test_amounts_of_accepted_cases_are_counted_by_band() -> None:
    content = EXAMPLE.read_bytes()
    # 300, 80.5, 2万 and 1200; the one that was not accepted claims nothing.
    assert bands(content, "claimed", "nature") == {
        ("110000", "quality", 300): 1, ("110000", "quality", 70): 1,
        ("320500", "contract", 20_000): 1, ("320900", "quality", 1_000): 1,
    }  # fmt: skip
    # 120.50 and 2000 were recovered.
    assert bands(content, "recovered") == {
        ("110000", "total", 100): 1, ("320500", "total", 2_000): 1,
    }  # fmt: skip
    in_wan = content.decode("utf-8-sig").replace("涉案金额（元）", "涉案金额（万元）").encode()
    assert ("110000", "total", 3_000_000) in bands(in_wan, "claimed")


def test_an_amount_that_cannot_be_read_is_refused_and_not_repeated() -> None:
    wrong = EXAMPLE.read_text("utf-8-sig").replace("80.5", "虚构人丙").encode()
    with pytest.raises(ImportNotPossibleError) as refused:
        read(wrong)
    assert "3" in str(refused.value)
    assert "虚构人丙" not in str(refused.value)


def test_a_column_of_small_numbers_is_not_taken_for_ages() -> None:
    rows = ["2025-04,宜昌,质量,食品,3,1,25", "2025-04,宜昌,价格,食品,3,1,60"]
    for head, taken in (("评分", False), ("年龄", True)):
        table = "\n".join([f"期间,地区,性质,类别,受理,解决,{head}", *rows])
        proposal = propose_mapping(COMPLAINTS, table.encode())
        assert ("age_group" in proposal.mapping.columns) is taken


def test_counts_have_no_amounts() -> None:
    table = "期间,地区,性质,类别,受理,解决,涉案金额\n2025-04,宜昌,质量,食品,3,1,500\n"
    counts = read_count_file(COMPLAINTS, table.encode()).check.counts
    assert counts is not None
    assert counts.amounts is None


@given(st.lists(st.integers(1, 30_000_000), min_size=1, max_size=60))
def test_the_median_lies_in_its_band(yuan: list[int]) -> None:
    found = [band_of(Decimal(each)) for each in yuan]
    band = find_median_band({each: found.count(each) for each in found})
    median = int(np.percentile(yuan, 50, method="inverted_cdf"))
    assert BOUNDS[band] <= median
    assert band + 1 == len(BOUNDS) or median < BOUNDS[band + 1]


@given(st.lists(st.integers(1, 30), min_size=10, max_size=40), st.data())
def test_no_median_tells_the_band_of_one_case(found: list[int], data: st.DataObject) -> None:
    """A case that lies off the median may lie anywhere on its side of it."""
    at = data.draw(st.integers(0, len(found) - 1))
    median = find_median_band({each: found.count(each) for each in found})
    moved = [*found]
    if found[at] != median:
        moved[at] = 0 if found[at] < median else 31
    assert find_median_band({each: moved.count(each) for each in moved}) == median
    assert (
        sum(each < median for each in found)
        < len(found) / 2
        <= sum(each <= median for each in found)
    )


def test_the_bands_grow_without_a_gap() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))
    assert BOUNDS[:4] == (0, 10, 15, 20)
    assert max(b / a for a, b in pairwise(BOUNDS[1:])) <= 5 / 3
