"""Record of the fieldwork behind a snapshot: modes, response and cooperation rate, rejections.

Whole-wave figures alone, rounded as published, and only where no count under the threshold could
be solved from them: they stand beside the published number of interviews.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from survey.access.work import Work
from survey.disclosure import MINIMUM_N
from survey.fieldwork.progress.dispositions import Dispositions
from survey.fieldwork.progress.wave_progress import count_dispositions
from survey.store.tables import Mode, Wave

_DIGITS = 1


class FieldworkRecord(BaseModel):
    """Fieldwork of a wave as it is published; percentages of all interviews or attempts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modes: dict[str, float]
    """Mode -> percentage of the interviews; some or all are missing to protect small ones."""
    hides_modes: bool
    counts_attempts: bool
    """Whether attempts without an interview were recorded: never where interviews were imported."""
    response_rate: float | None
    """AAPOR RR3 (docs/progress.md)."""
    cooperation_rate: float | None
    """AAPOR COOP1."""
    rejected: int | None
    """Interviews that review voided."""


def record_fieldwork(work: Work, wave: Wave, modes: Mapping[str, int]) -> FieldworkRecord:
    """Return the fieldwork of a wave whose interviews were made by these modes."""
    return protect_fieldwork(modes, count_dispositions(work, wave.id))


def find_fieldwork(method: Path) -> FieldworkRecord | None:
    """Return the fieldwork in the file of a method, of an older form as well; None without one."""
    try:
        known = json.loads(method.read_bytes()).get("fieldwork")
        return FieldworkRecord.model_validate(known) if known else None
    except (OSError, ValueError, AttributeError):
        return None


def protect_fieldwork(modes: Mapping[str, int], attempts: Dispositions) -> FieldworkRecord:
    """Return the record of these counts without what would tell a small one."""
    total = sum(modes.values())
    shown = _list_shown_modes(modes)
    unfinished = attempts.eligible - attempts.complete
    counts_attempts = Mode.IMPORT not in modes and attempts.complete >= total
    tells_unfinished = _is_small(unfinished)
    cooperation = attempts.cooperation_rate_coop1
    shows_cooperation = counts_attempts and not tells_unfinished and cooperation is not None
    shows_response = (
        counts_attempts
        and not tells_unfinished
        and not _is_small(attempts.unknown_eligibility)
        and not _is_small(attempts.screened_out + attempts.quota_full)
    )
    # Beside the cooperation rate a number of rejections tells the refusals and break-offs.
    tells_refused = shows_cooperation and _is_small(attempts.refused + attempts.break_offs)
    return FieldworkRecord(
        modes={mode: round(100 * modes[mode] / total, _DIGITS) for mode in shown},
        hides_modes=len(shown) < len(modes),
        counts_attempts=counts_attempts,
        response_rate=_round_percentage(attempts.response_rate_rr3) if shows_response else None,
        cooperation_rate=(
            _round_percentage(cooperation.value) if shows_cooperation and cooperation else None
        ),
        rejected=None if _is_small(attempts.void) or tells_refused else attempts.void,
    )


def _list_shown_modes(modes: Mapping[str, int]) -> list[str]:
    """Return the modes whose share is shown, the most frequent first.

    Small ones are hidden, and one more where their sum, the rest to all interviews, would tell one.
    """
    ordered = sorted(modes, key=lambda mode: (-modes[mode], mode))
    shown = [mode for mode in ordered if not _is_small(modes[mode])]
    hidden = [mode for mode in ordered if _is_small(modes[mode])]
    while hidden and shown and (len(hidden) < 2 or sum(map(modes.__getitem__, hidden)) < MINIMUM_N):
        hidden.append(shown.pop())
    return shown


def _is_small(count: int) -> bool:
    return 0 < count < MINIMUM_N


def _round_percentage(share: float | None) -> float | None:
    return None if share is None else round(100 * share, _DIGITS)
