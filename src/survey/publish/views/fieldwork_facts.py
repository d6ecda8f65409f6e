"""Facts of the fieldwork behind a snapshot: modes, rates with their definitions, rejections."""

from collections.abc import Mapping
from types import MappingProxyType

from survey.locale import Message, Translator, msg
from survey.locale.figures import format_percent
from survey.results.fieldwork_record import FieldworkRecord
from survey.store.tables import Mode

Facts = tuple[tuple[str, str], ...]
"""Name of a choice and what was chosen, in the reader's language."""
MODE_NAMES: Mapping[str, Message] = MappingProxyType(
    {
        Mode.SELF: msg("self-completion by a link"),
        Mode.ASSISTED: msg("with an interviewer"),
        Mode.PAPER: msg("on paper"),
        Mode.IMPORT: msg("imported"),
    }
)


def list_fieldwork_facts(record: FieldworkRecord | None, t: Translator) -> Facts:
    """Return modes, rates with their definitions, and rejections, or that none was recorded."""
    names = (
        t("Modes of the interviews"),
        t("Response rate (AAPOR RR3)"),
        t("Cooperation rate (AAPOR COOP1)"),
        t("Rejected in review"),
    )
    if record is None:
        return tuple((name, t("not recorded")) for name in names)
    texts = (
        _format_modes(record, t),
        _format_rate(
            record,
            record.response_rate,
            t(
                "complete interviews of all eligible attempts and of expired links that nobody "
                "opened, these by the share that is eligible of those known"
            ),
            t,
        ),
        _format_rate(
            record,
            record.cooperation_rate,
            t(
                "complete interviews of all eligible people who were reached: complete, rejected, "
                "refused or broken off"
            ),
            t,
        ),
        t("not shown") if record.rejected is None else f"{record.rejected:,d}",
    )
    facts = tuple(zip(names, texts, strict=True))
    if record.response_rate is None and record.cooperation_rate is None:
        return facts
    reach = t(
        "people who were handed a link or asked; who walked past is not known, and a rate of all "
        "would be far lower"
    )
    return (*facts, (t("The rates describe"), reach))


def _format_modes(record: FieldworkRecord, t: Translator) -> str:
    shares = [
        f"{t(MODE_NAMES[mode]) if mode in MODE_NAMES else mode} {format_percent(share, 1)}"
        for mode, share in record.modes.items()
    ]
    return t(", ").join([*shares, *([t("others not shown")] if record.hides_modes else [])])


def _format_rate(
    record: FieldworkRecord, rate: float | None, definition: str, t: Translator
) -> str:
    if not record.counts_attempts:
        return t("not recorded: attempts without an interview are unknown")
    if rate is None:
        return t("not shown")
    return t("{rate}: {definition}", rate=format_percent(rate, 1), definition=definition)
