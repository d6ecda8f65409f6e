"""What full quotas of a wave do."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.output import reporting_errors, say
from survey.fieldwork.quota_policy import QuotaPolicy, set_quota_policy
from survey.settings import current_settings
from survey.store.engine import session_scope


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
    with reporting_errors():
        with session_scope(current_settings().store_url) as session:
            quotas = set_quota_policy(
                session=session,
                principal=OPERATOR,
                wave_key=wave,
                policy=policy,
                city_code=city,
                now=datetime.now(UTC),
            )
        say("{count} quotas of {wave} follow this rule now.", count=quotas, wave=wave)
