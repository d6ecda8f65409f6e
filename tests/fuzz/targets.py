"""Parsers of foreign bytes, each as a function of bytes. Whatever they raise but `REFUSALS` is a
fault."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from unittest.mock import MagicMock

import orjson
from pydantic import ValidationError
from uvicorn import Config
from uvicorn.server import ServerState

from survey.access.secret_hashes import digest
from survey.collection.importing.column_mapping import read_mapping
from survey.collection.paper.keying import Keying, read_serial
from survey.collection.submission_envelope import Submission
from survey.frame.city_frame import shipped_cities
from survey.frame.plan_workbook import read_plan_file
from survey.frame.workbook_io import read_sheet
from survey.locale import SurveyError
from survey.questionnaire.expressions.parser import parse
from survey.questionnaire.expressions.syntax import to_json
from survey.questionnaire.indicator_tree import read_tree
from survey.questionnaire.model import Instrument
from survey.questionnaire.validation import validate
from survey.questionnaire.xlsform.reader import load_bundle, read_xlsform
from survey.questionnaire.xlsform.worksheets import read_csv_choices
from survey.settings import PROJECT_ROOT
from survey.tabular.reading import read_table
from survey.waves.planning.sampling_points import point_list_template
from survey.web.request_middleware import LimitedHttpProtocol

REFUSALS = (SurveyError, ValidationError, orjson.JSONDecodeError)
"""What callers turn into words or a 4xx."""


@cache
def _instrument() -> Instrument:
    return load_bundle(PROJECT_ROOT / "seed" / "instruments", "main-2023").instrument


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def expression(data: bytes) -> None:
    to_json(parse(_text(data)))


def pattern(data: bytes) -> None:
    quoted = _text(data).replace("'", "")
    to_json(parse(f"regex(${{a}}, '{quoted}')"))


def submission(data: bytes) -> None:
    sent = Submission.model_validate(orjson.loads(data))
    validate(_instrument(), sent.answers, today=sent.started_at.date())


def answers(data: bytes) -> None:
    """Answers of the right envelope and of any shape."""
    document = orjson.loads(data)
    if isinstance(document, dict):
        validate(_instrument(), document, today=date(2026, 5, 20))


def keying(data: bytes) -> None:
    Keying.model_validate(orjson.loads(data))


def token(data: bytes) -> None:
    digest(_text(data))
    read_serial(_text(data))


def answers_table(data: bytes) -> None:
    read_table(data)


def mapping(data: bytes) -> None:
    read_mapping(data)


def plan_workbook(data: bytes) -> None:
    read_plan_file("plan.xlsx", data, lambda word: word if len(word) == 6 else None)


def point_list(data: bytes) -> None:
    read_sheet("points.xlsx", data, point_list_template(list(shipped_cities()), "en"))


def _read_from_file(data: bytes, suffix: str, read: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"given{suffix}"
        path.write_bytes(data)
        read(path)


def questionnaire(data: bytes) -> None:
    _read_from_file(data, ".xlsx", read_xlsform)


def form_archive(data: bytes) -> None:
    _read_from_file(data, ".zip", read_xlsform)


def choice_file(data: bytes) -> None:
    read_csv_choices(data, "list.csv", "name", "label")


def tree(data: bytes) -> None:
    _read_from_file(data, ".csv", read_tree)


def wire(data: bytes) -> None:
    """Request heads in pieces of uneven size, as they come off a line."""
    asyncio.run(_feed_protocol(data))


async def _feed_protocol(data: bytes) -> None:
    async def app(_scope: object, _receive: object, _send: object) -> None:
        return None

    config = Config(app, http=LimitedHttpProtocol, log_config=None, access_log=False)
    config.load()
    transport = MagicMock()
    transport.is_closing.return_value = False
    transport.get_extra_info.return_value = None
    protocol = LimitedHttpProtocol(config=config, server_state=ServerState(), app_state={})
    protocol.connection_made(transport)
    start, size = 0, 1
    while start < len(data) and not transport.close.called:
        protocol.data_received(data[start : start + size])
        start, size = start + size, size * 3
    protocol.connection_lost(None)
    await asyncio.sleep(0)


TARGETS: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {
        target.__name__: target
        for target in (
            expression,
            pattern,
            submission,
            answers,
            keying,
            token,
            answers_table,
            mapping,
            plan_workbook,
            point_list,
            questionnaire,
            form_archive,
            choice_file,
            tree,
            wire,
        )
    }
)
