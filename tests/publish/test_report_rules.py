"""Rules of the sentences: complete in both languages, and an association's own file is checked."""

import csv
from pathlib import Path

import pytest

from survey.figures.views.ranking import format_rank_set
from survey.locale.figures import format_signed
from survey.reports.pictures import set_text, write_interval
from survey.reports.rule_check import SHIPPED_RULES, fields_of, find_rule_problems, read_rules
from tests.error_codes import raises_code


def test_the_shipped_rules_hold_what_they_ask_of_others() -> None:
    texts = read_rules().texts
    assert find_rule_problems(texts, texts) == []


def test_both_languages_name_the_same_fields() -> None:
    for key, text in read_rules().texts.items():
        assert fields_of(text["zh"]) >= fields_of(text["en"]), key


def test_no_rule_stands_twice() -> None:
    with SHIPPED_RULES.open(encoding="utf-8", newline="") as file:
        keys = [(row["topic"], row["case"]) for row in csv.DictReader(file)]
    assert len(keys) == len(set(keys))


def own_rules(folder: Path, *rows: tuple[str, str, str, str]) -> Path:
    path = folder / "rules.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("topic", "case", "zh", "en"), *rows])
    return path


def test_an_own_file_replaces_the_texts_it_names(tmp_path: Path) -> None:
    own = own_rules(tmp_path, ("section", "problems", "整改清单", "Things to mend"))
    rules = read_rules(own)
    assert rules.write("zh", "section", "problems") == "整改清单"
    assert rules.write("zh", "section", "method") == read_rules().write("zh", "section", "method")


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (("change", "none", "略有上升。", "No change."), "上升"),
        (("change", "none", "没有变化（{low} 至 {high}）。", "It rose a little."), "rose"),
        (("change", "sideways", "平。", "Flat."), "change.sideways"),
        (("headline", "interval", "得分 {points}。", "{score}"), "points"),
        (("headline", "interval", "{score", "{score}"), "headline.interval"),
        (("reading", "1", "", "Scores."), "reading.1"),
        # A format would cut the figure, or take all memory, or stop every report.
        (("headline", "sample", "{n:.1} 份。", "{n} interviews."), "{n:.1}"),
        (("headline", "sample", "{n!r} 份。", "{n} interviews."), "{n!r}"),
        (("headline", "sample", "{n:>999999999} 份。", "{n} interviews."), "{n:>999999999}"),
        (("headline", "sample", "{} 份。", "{n} interviews."), "{}"),
        (("headline", "sample", "约 999 份。", "{n} interviews."), "999"),
        (("change", "none", "{low} 至 {high}，略有增长。", "{low} {high}"), "增长"),
        (("change", "none", "{low} {high}", "Higher: {low} {high}"), "higher"),
        (("change", "rise", "下降 {size}（{low} 至 {high}）。", "{low} {high}"), "下降"),
        (("change", "fall", "{low} {high}", "It rose: {low} {high}"), "rose"),
        (("verdict", "higher", "▼", "▲ higher"), "▼"),
        (("nation", "lower", "{low} {high}", "above by {low} {high}"), "above"),
        (("strengths", "none_above", "多项领先全国。", "No indicator."), "领先"),
        (
            ("place", "tied", "独居第 {place} 位，{tied}{low}{high}", "tie {tied}{low}{high}"),
            "并列",
        ),
        (("place", "set", "居第 {place} 位。", "{place} {low} {high}"), "low"),
        (("place", "set", "第 {low} 至 {high} 位，其间分不出。", "{low} {high} {count}"), "count"),
        (("headline", "interval", "{area} 得 {score} 分。", "{score} {low} {high}"), "low"),
        (("problems", "unclear", "缩小", "cannot be told"), "缩小"),
        (("mark", "demo", "正式结果", "Demonstration data"), "演示数据"),
        (("mark", "unreleased", "尚未发布", "Final"), "not released"),
    ],
)
def test_an_own_file_that_cannot_be_used_says_why(
    tmp_path: Path, row: tuple[str, str, str, str], part: str
) -> None:
    with raises_code("rules_damaged") as refused:
        read_rules(own_rules(tmp_path, row))
    assert part in str(refused.value)


def test_words_that_only_begin_like_one_of_a_difference_are_no_claim(tmp_path: Path) -> None:
    own = own_rules(tmp_path, ("groups", "none", "{low}{high}", "No enterprise again {low}{high}"))
    assert "enterprise" in read_rules(own).write("en", "groups", "none", low="1", high="2")


def test_an_own_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "rules.csv"
    other.write_bytes(b"\xff\xfe\x00a;b")
    with raises_code("rules_damaged"):
        read_rules(other)


def test_numbers_and_spaces_are_set_in_one_way() -> None:
    text = set_text("得分80.0分，比2023年-0.4 分", "zh")
    assert text == "得分 80.0\u00a0分，比 2023\u00a0年 \u22120.4\u00a0分"
    assert format_signed(-0.4) == "\u22120.4"
    assert write_interval(None, 1.0, "zh") == "–"
    assert format_rank_set(3.0, 3.0) == "3"
    assert format_rank_set(3.0, 9.0) == "3–9"
