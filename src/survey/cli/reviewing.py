"""How many people review takes."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.output import reporting_errors
from survey.fieldwork.second_person import allow_one_person
from survey.settings import current_settings
from survey.store.engine import session_scope


def one_person_review(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example pilot-2025.")],
    off: Annotated[bool, typer.Option("--off", help="Ask for two people again.")] = False,
) -> None:
    """Let one person give both approvals of review in a small wave; usually two are needed."""
    with reporting_errors(), session_scope(current_settings().store_url) as session:
        allow_one_person(
            session=session, principal=OPERATOR, wave_key=wave, allowed=not off,
            now=datetime.now(UTC),
        )  # fmt: skip
