"""Days and times on a screen have the form of its readers."""

from datetime import UTC, date, datetime

import pytest

from survey.locale import translator
from survey.store.china_time import format_china_minute, format_day


@pytest.mark.parametrize(("language", "text"), [("zh", "2027年1月6日"), ("en", "2027-01-06")])
def test_a_day_is_written_as_its_readers_write_it(language: str, text: str) -> None:
    assert format_day(translator(language), date(2027, 1, 6)) == text


@pytest.mark.parametrize(
    ("language", "text"), [("zh", "2027年1月1日 01:05"), ("en", "2027-01-01 01:05")]
)
def test_a_moment_is_told_in_chinas_time(language: str, text: str) -> None:
    moment = datetime(2026, 12, 31, 17, 5, tzinfo=UTC)
    assert format_china_minute(translator(language), moment) == text
