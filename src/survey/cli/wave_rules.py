"""Commands for the rules of a wave: full quotas, and who approves."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.output import error_reporting, print_note
from survey.fieldwork.dual_approval import set_single_approval
from survey.fieldwork.quotas import QuotaPolicy, set_quota_policy
from survey.settings import current_settings
from survey.store.transactions import run_in_transaction


def quota(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2026.")],
    policy: Annotated[
        QuotaPolicy,
        typer.Option(
            help="stop: a full quota takes nobody more at the door. count: everybody counts, and "
            "what is beyond the target is flagged."
        ),
    ],
    city: Annotated[
        str | None, typer.Option(help="GB/T 2260 code; without it the whole wave.")
    ] = None,
) -> None:
    """Let full quotas stop interviews at the door, or go on counting."""
    with error_reporting():
        quotas = run_in_transaction(
            current_settings().store_url,
            lambda session: set_quota_policy(
                session=session,
                principal=OPERATOR,
                wave_key=wave,
                policy=policy,
                city_code=city,
                now=datetime.now(UTC),
            ),
        )
        print_note("{count} quotas of {wave} follow this rule now.", count=quotas, wave=wave)


def one_person_review(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example pilot-2025.")],
    off: Annotated[bool, typer.Option("--off", help="Ask for two people again.")] = False,
) -> None:
    """Let one person give both approvals of review in a small wave; usually two are needed."""
    with error_reporting():
        run_in_transaction(
            current_settings().store_url,
            lambda session: set_single_approval(
                session=session,
                principal=OPERATOR,
                wave_key=wave,
                allowed=not off,
                now=datetime.now(UTC),
            ),
        )
