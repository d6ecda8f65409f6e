"""Code lists are versioned, and counts are carried to the newest version."""

from pathlib import Path

import pytest

from survey.frame.code_lists import CROSSWALK_CSV, CodeListName, read_code_lists, shipped_code_lists
from tests.error_codes import raises_code

HEAD = "list,version,code,parent,name_zh,name_en,status\n"
WALK = "list,from_version,from_code,to_version,to_code,note\n"


def test_the_shipped_lists_hold_the_ten_natures() -> None:
    lists = shipped_code_lists()
    assert len(lists.codes_of(CodeListName.NATURE)) == 10
    assert lists.codes_of(CodeListName.GOODS_CLASS)[0].name_zh == "家用电子电器类"
    # A list without that version is used as it stood then.
    assert lists.codes_of(CodeListName.CHANNEL, "2016") == lists.codes_of(CodeListName.CHANNEL)
    with raises_code("codes_unknown"):
        lists.require_version("1999")


def test_a_code_follows_the_crosswalk_over_several_versions(tmp_path: Path) -> None:
    codes, walk = tmp_path / "codes.csv", tmp_path / "walk.csv"
    codes.write_text(
        HEAD
        + "nature,2010,a,,甲,A,assumed\nnature,2010,s,,丙,S,assumed\n"
        + "nature,2016,b,,乙,B,assumed\nnature,2021,c,,丁,C,assumed\n"
    )
    walk.write_text(WALK + "nature,2010,a,2016,b,\nnature,2016,b,2021,c,\n")
    lists = read_code_lists(codes, walk)
    # What was split since has no code today, and is not carried to a wrong one.
    assert lists.to_newest(CodeListName.NATURE, "2010") == {"a": "c"}
    walk.write_text(WALK + "nature,2016,b,2010,a,\n")
    with pytest.raises(ValueError, match="crosswalk"):
        read_code_lists(codes, walk)


def test_every_shipped_code_of_an_older_version_is_carried() -> None:
    lists = shipped_code_lists()
    assert CROSSWALK_CSV.exists()
    for name, version in lists.codes:
        old = {each.code for each in lists.codes_of(name, version)}
        assert set(lists.to_newest(name, version)) == old
