"""Export of single interviews to an analyst, recorded in the trail, marked and traceable."""

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import actor_id, record
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.files.microdata.file_formats import FileFormat, RowFile, write_file
from survey.files.microdata.prepared_rows import MAX_PREPARED_ROWS, PreparedRows
from survey.files.microdata.pseudonyms import Pseudonyms, new_pseudonym_key
from survey.files.microdata.released_rows import (
    MIN_CLASS_SIZE,
    ONE_IN,
    RELEASE_STEPS,
    HeadlineDeviation,
    ReleasedWave,
    RowsCanBeUndoneError,
)
from survey.files.microdata.variables import REPLICATE_PREFIX
from survey.locale import (
    DEFAULT_LANGUAGE,
    LANGUAGES,
    SurveyError,
    Translator,
    label_text,
    labels_of,
    msg,
    translator,
)
from survey.locale.figures import format_score
from survey.settings import Settings
from survey.snapshots.seals import find_newest_snapshot
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, RowExport, Snapshot, Wave, new_id
from survey.store.transactions import run_in_transaction
from survey.waves.waves import COMPUTED_STATES, WaveSummary, get_wave, wave_fields

SAMPLE_MARK = "sample"
"""What the audit entry of an ordinary file has since files hold a sample."""

MIN_PURPOSE_CHARS, MAX_PURPOSE_CHARS = 10, 500
_LETTERS_PER_CHINESE_CHAR = 2
"""A Chinese character says about as much as two letters: ten are a short sentence."""
PURPOSE_RULE = msg(
    "A sentence of at least {chinese} Chinese characters or {letters} letters and at most {most} "
    "characters; spaces and punctuation do not count towards the minimum.",
    chinese=MIN_PURPOSE_CHARS,
    letters=MIN_PURPOSE_CHARS * _LETTERS_PER_CHINESE_CHAR,
    most=MAX_PURPOSE_CHARS,
)


Tick = Callable[[int, int], None]
_STEPS = RELEASE_STEPS + 1
"""Steps of a file: its rows are read, de-identified, compared with the published, written."""


class ExportNotAllowedError(SurveyError):
    code = "export_impossible"


@dataclass(frozen=True)
class MicrodataFile:
    """File of single interviews, with counts of what was done to its rows."""

    name: str
    content: bytes
    rows: int
    blanked: int
    dropped: int
    deviation: HeadlineDeviation


@dataclass(frozen=True)
class ExportableWave(WaveSummary):
    """Wave with a final snapshot, and the number of interviews in it."""

    rows: int


def list_exportable_waves(work: Work) -> list[ExportableWave]:
    """Return waves with final results, newest first; demo accounts see demo waves only."""
    work.require(Action.EXPORT_ROWS)
    query = (
        select(Wave, Snapshot)
        .join(Snapshot, col(Snapshot.wave_id) == col(Wave.id))
        .where(col(Snapshot.final), col(Wave.state).in_(COMPUTED_STATES))
        .order_by(col(Wave.year).desc(), col(Wave.key), col(Snapshot.created_at).desc())
    )
    if work.principal.is_demo:
        query = query.where(col(Wave.is_demo))
    waves: dict[str, ExportableWave] = {}
    for wave, snapshot in work.session.exec(query):
        exportable = ExportableWave(**wave_fields(wave), rows=snapshot.rows)
        waves.setdefault(wave.key, exportable)
    return list(waves.values())


def export_rows(
    work: Work,
    *,
    wave_key: str,
    purpose: str,
    form: FileFormat,
    language: str = DEFAULT_LANGUAGE,
    by_operator: bool = False,
    tick: Tick = lambda _done, _total: None,
) -> MicrodataFile:
    """Export the interviews of the principal's area, de-identified; record and return the file.

    A release opens figures, never rows: an analyst of one area exports the rows of that area before
    and after it.

    Args:
        language: of the remarks and of the labels of variables and values.
        by_operator: exported at the command line in the name of `principal`.
        tick: called with steps done and steps in all; an error that it raises ends the work, and
            nothing is exported.

    Raises:
        ExportNotAllowedError: no purpose, or no final results.
        AccessDeniedError: a demo account and a real wave, or no interview within the area.
        RowsCanBeUndoneError: with the published tables the file would tell blanked answers.
        RefusedError: a workbook cannot hold the rows.
        SnapshotDamagedError: the responses are not those that were frozen.
    """
    work.require(Action.EXPORT_ROWS)
    why = require_purpose(purpose)
    wave = get_readable_wave(work, wave_key)
    order = RowOrder(
        wave,
        final_snapshot(work.session, wave),
        why,
        form,
        language,
        actor=OPERATOR if by_operator else work.principal,
        detail=operator_detail(work, by_operator),
    )
    return make_file(work, order, tick)[0]


def operator_detail(work: Work, by_operator: bool) -> dict[str, Any]:
    """Return `{"login": …}` for the audit trail if the operator acts for an account, else `{}`."""
    if not by_operator:
        return {}
    return {"login": work.session.get_one(Account, work.principal.account_id).login}


def require_purpose(typed: str) -> str:
    """Return the purpose in one line; raise `ExportNotAllowedError` if too short or long."""
    why = " ".join(typed.split())
    if count_purpose_letters(why) < MIN_PURPOSE_CHARS * _LETTERS_PER_CHINESE_CHAR:
        raise ExportNotAllowedError(
            msg(
                "Please say what the rows are needed for: in a sentence of at least {chinese} "
                "Chinese characters or {letters} letters, not counting spaces and punctuation.",
                chinese=MIN_PURPOSE_CHARS,
                letters=MIN_PURPOSE_CHARS * _LETTERS_PER_CHINESE_CHAR,
            )
        )
    if len(why) > MAX_PURPOSE_CHARS:
        raise ExportNotAllowedError(
            msg(
                "Please say what the rows are needed for in at most {most} characters; these are "
                "{count}.",
                most=MAX_PURPOSE_CHARS,
                count=len(why),
            )
        )
    return why


def count_purpose_letters(text: str) -> int:
    """Return the length of a text in letters; a Chinese character counts as two."""
    wide = sum(unicodedata.east_asian_width(char) == "W" for char in text if char.isalnum())
    return sum(map(str.isalnum, text)) + wide * (_LETTERS_PER_CHINESE_CHAR - 1)


def get_readable_wave(work: Work, wave_key: str) -> Wave:
    """Return the wave of a key; raise `AccessDeniedError` if a demo account asks for a real one."""
    wave = get_wave(session=work.session, key=wave_key)
    if work.principal.is_demo and not wave.is_demo:
        raise AccessDeniedError(msg("A demonstration account reads demonstration data only."))
    return wave


@dataclass(frozen=True)
class RowOrder:
    """Checked order of a file of rows: wave, snapshot, purpose, format and language."""

    wave: Wave
    snapshot: Snapshot
    purpose: str
    form: FileFormat
    language: str
    """Language of the remarks and labels in the file."""
    actor: Principal
    """The reader, or whoever exports in the name of the reader."""
    approval: tuple[str, ...] = ()
    """Remarks on the approval in an exact file; empty for the ordinary file."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """More for the audit trail."""


def make_file(
    work: Work, order: RowOrder, tick: Tick = lambda _done, _total: None
) -> tuple[MicrodataFile, UUID]:
    """Make the file of an order, record its export, and return the file and the export's id."""
    wave, exact, now = order.wave, bool(order.approval), work.now
    t = translator(order.language)
    tick(0, _STEPS)
    secret = new_pseudonym_key()
    pseudonyms = Pseudonyms(secret)
    steps = count(1)

    def step() -> None:
        tick(next(steps), _STEPS)

    try:
        prepared, made = _release(work, order, pseudonyms, step)
    except RowsCanBeUndoneError as error:
        error.entry = {
            "actor": order.actor,
            "event": AuditEvent.ROWS_REFUSED,
            "subject_id": wave.id,
            "now": now,
            "detail": {"purpose": order.purpose, "form": order.form, **order.detail},
        }
        raise
    remarks = _remarks(t, work, order)
    remarks += order.approval if exact else _production_notes(t, wave, made)
    if any(each.column.startswith(REPLICATE_PREFIX) for each in made.variables[order.language]):
        from survey.files.microdata.replicate_weights import describe_replicates

        remarks.append(describe_replicates(t))
    # What it is, and first of all whether it is no survey.
    title = f"{label_text(labels_of(wave, 'title'), order.language, wave.key)} ({wave.key})"
    mark = t("Demo data")
    title = f"{mark} {title}" if wave.is_demo else title
    file = RowFile(made.table, made.variables[order.language], title, remarks)
    content = write_file(file, order.form)
    tick(_STEPS, _STEPS)
    export = RowExport(
        id=new_id(),
        account_id=actor_id(work.principal),
        wave_id=wave.id,
        snapshot_sha256=order.snapshot.sha256,
        area=work.principal.area,
        purpose=order.purpose,
        form=order.form,
        rows=len(made.table),
        sha256=hashlib.sha256(content).hexdigest(),
        secret=secret,
        made_at=now,
    )
    work.session.add(export)
    work.session.flush()
    record(
        session=work.session,
        actor=order.actor,
        event=AuditEvent.ROWS_EXACT_EXPORTED if exact else AuditEvent.ROWS_EXPORTED,
        subject_id=wave.id,
        now=now,
        detail={
            "export": str(export.id),
            "purpose": order.purpose,
            "form": order.form,
            "rows": export.rows,
            "area": export.area,
            "sha256": export.sha256,
            **({} if exact else {SAMPLE_MARK: f"{ONE_IN - 1}/{ONE_IN}"}),
            **order.detail,
        },
    )
    if prepared is not None:
        prepared.keep(actor=order.actor, now=now)
    kind = "exact-rows" if exact else "rows"
    name = f"{wave.key}-{kind}-{now:%Y%m%d}-{export.id.hex[-8:]}.{order.form}"
    return (
        MicrodataFile(name, content, export.rows, made.blanked, made.dropped, made.deviation),
        export.id,
    )


def _release(
    work: Work, order: RowOrder, pseudonyms: Pseudonyms, step: Callable[[], None]
) -> tuple[PreparedRows | None, ReleasedWave]:
    """Return `PreparedRows` (nationwide, else None) and rows of an order; `step` notes progress."""
    folder = work.settings.snapshot_dir / order.snapshot.directory
    # Kept are the rows that everybody gets, for the whole nation.
    if (
        not order.approval
        and work.principal.covers(NATION)
        and order.snapshot.rows <= MAX_PREPARED_ROWS
        and order.language in LANGUAGES
    ):
        prepared = PreparedRows(work.session, order.wave, folder)
        return prepared, prepared.release(pseudonyms, step)
    # Not at the top, as in `survey.files.microdata.prepared_rows`.
    from survey.files.microdata.replicate_weights import REPLICATE_FORMATS
    from survey.files.microdata.rows_in_parts import release_wave

    return None, release_wave(
        work.session,
        order.wave,
        folder,
        covers=work.principal.covers,
        pseudonym=pseudonyms,
        languages=(order.language,),
        exact=bool(order.approval),
        replicates=order.form in REPLICATE_FORMATS,
        step=step,
    )


@contextmanager
def recording_refusals(settings: Settings) -> Iterator[None]:
    """Run the block; record a `RowsCanBeUndoneError` in the audit trail before raising it again."""
    try:
        yield
    except RowsCanBeUndoneError as error:
        entry = error.entry
        if entry is not None:
            run_in_transaction(settings.store_url, lambda session: record(session=session, **entry))
        raise


def final_snapshot(session: Session, wave: Wave) -> Snapshot:
    """Return the wave's newest final snapshot; raise `ExportNotAllowedError` without one."""
    snapshot = find_newest_snapshot(session, wave.id, col(Snapshot.final).is_(True))
    if snapshot is None or wave.state not in COMPUTED_STATES:
        raise ExportNotAllowedError(
            msg("The wave {wave} is not frozen; its interviews may still change.", wave=wave.key)
        )
    return snapshot


def _remarks(t: Translator, work: Work, order: RowOrder) -> list[str]:
    demo = [t("DEMO DATA: generated, no result of any survey")] if order.wave.is_demo else []
    return [
        t(
            "Exported for {name} ({account}) on {day}. Not to be passed on.",
            name=work.principal.name,
            account=work.principal.account_id.hex[-12:],
            day=f"{work.now:%Y-%m-%d}",
        ),
        t("Purpose: {purpose}", purpose=order.purpose),
        *demo,
    ]


def _production_notes(t: Translator, wave: Wave, made: ReleasedWave) -> list[str]:
    """Return remarks on how rows `made` were produced, and how far their headline may deviate."""
    sample = t(
        "The file holds nine in ten interviews of every city, drawn at random; the tables of the "
        "wave count all. Unless the interviews came with weights of their own, rows were weighted "
        "anew by what the file says of them, and those without an age band or gender have the "
        "mean weight of their city. The weights of every city add up as before."
    )
    merges = t(
        "Wave {wave}. At least {k} interviews share city, kind of sampling point, weight, age band "
        "and gender. Where there were fewer, neighbouring cells were merged: {merged} interviews "
        "lack the label in which they differed.",
        wave=wave.key,
        k=MIN_CLASS_SIZE,
        merged=f"{made.merged:,}",
    )
    exchanged = t(
        "In {exchanged} rows, where something about the person was blanked, the answers are those "
        "of another such row of the same city, and what was asked because of it is left out. "
        "Scores by background are weakened in this file: groups lie closer to each other than "
        "they are. Take such scores from the published tables, or use an exact file.",
        exchanged=f"{made.exchanged:,}",
    )
    covered = t(
        "Before it was handed over the file was attacked together with the published tables: "
        "{covered} of {blanked} blanked answers were looked at, and none is proved.",
        covered=f"{made.covered:,}",
        blanked=f"{made.to_cover:,}",
    )
    about_blanks = [exchanged, covered] if made.to_cover else []
    return [merges, sample, *about_blanks, *deviation_lines(t, made.deviation)]


def deviation_lines(t: Translator, deviation: HeadlineDeviation) -> list[str]:
    """Return sentences on how far a headline from the rows may deviate from the published one."""
    lines = []
    if deviation.everyone is not None:
        lines.append(
            t(
                "A headline score computed from these rows lies at most {points} points from the "
                "published one, over all rows together.",
                points=format_score(deviation.everyone, 2),
            )
        )
    if deviation.largest_city is not None:
        lines.append(
            t(
                "For a single city it lies at most {points} points away.",
                points=format_score(deviation.largest_city, 2),
            )
        )
    return lines
