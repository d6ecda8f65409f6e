"""The log of a process: every line with its request, none with anybody's data."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from survey.locale import SurveyError, msg
from survey.observe.logs import (
    REDACTED,
    configure_logs,
    current_request_id,
    event_logger,
    format_error_safely,
    request_id_scope,
    scrub,
    valid_request_id,
)
from survey.settings import Settings


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    configure_logs(Settings(log_format="json"), out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_our_lines_and_foreign_ones_have_one_form(log: io.StringIO) -> None:
    with request_id_scope("abc123def0"):
        event_logger("survey.test").info("audit.anchor", sequence=7)
        logging.getLogger("somebody.else").warning("slow: %s s", 3)
    logging.getLogger("somebody.else").info("later")
    ours, foreign, later = lines(log)
    assert (ours["event"], ours["sequence"], ours["request"]) == ("audit.anchor", 7, "abc123def0")
    assert (foreign["event"], foreign["level"]) == ("slow: 3 s", "warning")
    assert foreign["request"] == "abc123def0"
    assert "request" not in later
    assert {"time", "logger", "level"} <= later.keys()


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("GET /q/5Kd93kXk2Q?x=1 failed", "5Kd93kXk2Q"),
        ("call 13812345678 back", "13812345678"),
        ("call +86 138-1234-5678 back", "1234"),
        ("id 11010519491231002X seen", "11010519491231002X"),
        ("mail li.lei@example.org.cn", "li.lei"),
        ("from 203.0.113.77 port 5", "113.77"),
        ("from 2001:db8:abcd:12:aaaa:bbbb:cccc:dddd", "aaaa"),
        ("postgresql://survey:hunter2@db/survey", "hunter2"),
    ],
)
def test_secrets_and_people_are_taken_out(log: io.StringIO, text: str, hidden: str) -> None:
    logging.getLogger("x").error("trouble: %s", text)
    event_logger("y").error("trouble", where=text, nested={"list": [text]})
    assert hidden not in log.getvalue()
    assert "trouble" in log.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "wave main-2026 at 12:30:45",
        "v1.2.3",
        "a6f3c0de-0000-7000-8000-123456789012",
        "3 of 62000",
        "seal 13812345678ab",
        "/assets/form.js",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert scrub(text) == text


def test_values_under_telling_names_never_get_out(log: io.StringIO) -> None:
    event_logger("y").error("trouble", answers={"q1": "我不满意"}, token="abc", phone=5, kept="yes")
    (line,) = lines(log)
    assert line["answers"] == line["token"] == line["phone"] == REDACTED
    assert line["kept"] == "yes"
    assert "不满意" not in log.getvalue()


class _Answer(BaseModel):
    age: int


def _raised(make: Any) -> BaseException:
    try:
        make()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def _violate() -> None:
    reason = 'duplicate key value violates "uq"\nDETAIL:  Key (login)=(zhang.san) already exists.'
    raise IntegrityError("INSERT", None, Exception(reason))


def test_errors_tell_where_and_what_kind_but_no_answer(log: io.StringIO) -> None:
    secret = "张三的意见"
    for make in (lambda: _Answer(age=secret), lambda: int(secret), lambda: {}[secret], _violate):
        text = format_error_safely(_raised(make))
        assert secret not in text
        assert "zhang.san" not in text
        assert "test_logs.py" in text
    assert "violates" in format_error_safely(_raised(_violate))

    def refuse() -> None:
        raise SurveyError(msg("There is no wave {key}.", key=secret))

    assert format_error_safely(_raised(refuse)).endswith("There is no wave {key}.")
    try:
        int(secret)
    except ValueError:
        logging.getLogger("x").exception("page failed")
    (line,) = lines(log)
    assert "ValueError" in line["error"]
    assert secret not in log.getvalue()


def test_a_terminal_gets_words(monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    out = io.StringIO()
    configure_logs(Settings(log_format="text"), out)
    with request_id_scope("abc123def0"):
        logging.getLogger("x").warning("the store does not answer")
    assert "the store does not answer" in out.getvalue()
    assert "abc123def0" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_only_what_looks_like_a_number_is_taken_over() -> None:
    assert valid_request_id("0f8fad5b-d9cb-469f-a165-70867728950e").startswith("0f8fad5b")
    for claimed in (None, "", "short", "x" * 65, "a b c d e f", "<script>", "zeile\nzwei"):
        number = valid_request_id(claimed)
        assert number != claimed
        assert len(number) == 10
    assert current_request_id() == ""
