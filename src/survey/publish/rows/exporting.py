"""Handing single interviews to an analyst: who, which wave, for what; recorded and marked."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import pandas as pd
from sqlmodel import Session, col, select

from survey.access.audit import actor_id, record
from survey.access.principal import AccessDenied, Action, Principal
from survey.fieldwork.waves import COMPUTED, wave_by_key
from survey.locale import SurveyError, Translator, msg
from survey.publish.results.source import Source
from survey.publish.results.stored import stored_source
from survey.publish.results.weighting import GUARDIAN as GUARDIAN_COLUMN
from survey.publish.rows.deidentify import FEWEST_ALIKE, Rows, deidentified
from survey.publish.rows.headline_deviation import HeadlineDeviation, headline_deviation
from survey.publish.rows.marks import new_secret, pseudonym
from survey.publish.rows.writing import Form, written
from survey.sample.groups import GUARDIAN
from survey.settings import Settings
from survey.store.tables import RowExport, Snapshot, Wave, new_id

SHORTEST_PURPOSE, LONGEST_PURPOSE = 10, 500


class ExportImpossible(SurveyError):
    code = "export_impossible"


@dataclass(frozen=True)
class RowFile:
    """A file and what was done to its rows, so that an analyst knows what is missing."""

    name: str
    content: bytes
    rows: int
    blanked: int
    dropped: int
    deviation: HeadlineDeviation


@dataclass(frozen=True)
class ExportableWave:
    key: str
    title: dict[str, str]
    rows: int
    is_demo: bool


def exportable_waves(*, session: Session, principal: Principal) -> list[ExportableWave]:
    """Frozen waves with final results, newest first; a demo account sees demo waves only."""
    principal.require(Action.EXPORT_ROWS)
    query = (
        select(Wave, Snapshot)
        .join(Snapshot, col(Snapshot.wave_id) == col(Wave.id))
        .where(col(Snapshot.final), col(Wave.state).in_(COMPUTED))
        .order_by(col(Wave.year).desc(), col(Wave.key), col(Snapshot.created_at).desc())
    )
    if principal.is_demo:
        query = query.where(col(Wave.is_demo))
    waves: dict[str, ExportableWave] = {}
    for wave, snapshot in session.exec(query):
        title = {"zh": wave.title_zh, "en": wave.title_en}
        exportable = ExportableWave(wave.key, title, snapshot.rows, wave.is_demo)
        waves.setdefault(wave.key, exportable)
    return list(waves.values())


def export_rows(
    settings: Settings,
    *,
    session: Session,
    principal: Principal,
    wave_key: str,
    purpose: str,
    form: Form,
    t: Translator,
    now: datetime,
) -> RowFile:
    """The interviews of the reader's area, de-identified; the remarks in the file are in `t`.

    Before a wave is released to all an analyst of one area takes the rows of that area, and so
    afterwards: a release opens figures, never rows.

    Raises:
        ExportImpossible: no purpose, or no final results. AccessDenied: a demo account and a real
        wave, or no interview within the area. TooLargeForSheet, SnapshotDamaged.
    """
    principal.require(Action.EXPORT_ROWS)
    why = stated_purpose(purpose)
    wave = readable_wave(session, principal, wave_key)
    order = RowOrder(wave, final_snapshot(session, wave), principal, why, form)
    return make_file(settings, session=session, order=order, t=t, now=now)[0]


def stated_purpose(typed: str) -> str:
    """The purpose in one line; raises `ExportImpossible` when it is no sentence."""
    why = " ".join(typed.split())
    if not SHORTEST_PURPOSE <= len(why) <= LONGEST_PURPOSE:
        raise ExportImpossible(msg("Please say what the rows are needed for, in a sentence."))
    return why


def readable_wave(session: Session, principal: Principal, wave_key: str) -> Wave:
    """The wave; a demo account reads demo waves only."""
    wave = wave_by_key(session=session, key=wave_key)
    if principal.is_demo and not wave.is_demo:
        raise AccessDenied(msg("A demonstration account reads demonstration data only."))
    return wave


@dataclass(frozen=True)
class RowOrder:
    """What is to be handed to whom, once everything about it was checked."""

    wave: Wave
    snapshot: Snapshot
    principal: Principal
    purpose: str
    form: Form
    approval: tuple[str, ...] = ()
    """What an exact file says of its approval; empty for the ordinary file."""
    actor: Principal | None = None
    """Who does it in the name of `principal`, where that is somebody else."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """More for the audit trail."""


def make_file(
    settings: Settings, *, session: Session, order: RowOrder, t: Translator, now: datetime
) -> tuple[RowFile, UUID]:
    """Make and record the file; also the number of its export."""
    wave, principal, exact = order.wave, order.principal, bool(order.approval)
    source = stored_source(session, wave, settings.snapshot_dir / order.snapshot.directory)
    people = _within(source.people, principal)
    secret = new_secret()
    made = deidentified(
        people, source.instrument, partial(pseudonym, secret), margins=weight_margins(source),
        exact=exact,
    )  # fmt: skip
    remarks = _remarks(t, wave, principal, order.purpose, now)
    if exact:
        deviation = HeadlineDeviation(None, None)
        remarks += order.approval
    else:
        deviation = headline_deviation(source, people, made.kept)
        remarks += _how_it_was_made(t, wave, made, deviation)
    content = written(made.table, order.form, remarks)
    export = RowExport(
        id=new_id(), account_id=actor_id(principal), wave_id=wave.id,
        snapshot_sha256=order.snapshot.sha256, area=principal.area, purpose=order.purpose,
        form=order.form, rows=len(made.table), sha256=hashlib.sha256(content).hexdigest(),
        secret=secret, made_at=now,
    )  # fmt: skip
    session.add(export)
    session.flush()
    record(
        session=session, actor=order.actor or principal,
        action="rows.exact_exported" if exact else "rows.exported", subject_kind="wave",
        subject_id=wave.id, now=now,
        detail={
            "export": str(export.id), "purpose": order.purpose, "form": order.form,
            "rows": export.rows, "area": export.area, "sha256": export.sha256, **order.detail,
        },
    )  # fmt: skip
    kind = "exact-rows" if exact else "rows"
    name = f"{wave.key}-{kind}-{now:%Y%m%d}-{export.id.hex[-8:]}.{order.form}"
    file = RowFile(name, content, export.rows, made.blanked, made.dropped, deviation)
    return file, export.id


def weight_margins(source: Source) -> tuple[str, ...]:
    """The columns whose values a weight of the wave tells."""
    boosted = (GUARDIAN_COLUMN,) if GUARDIAN in source.report.oversampled else ()
    return (*source.report.margin, *boosted)


def final_snapshot(session: Session, wave: Wave) -> Snapshot:
    """The results that hold now; raises `ExportImpossible` when there are none."""
    query = (
        select(Snapshot)
        .where(Snapshot.wave_id == wave.id, col(Snapshot.final))
        .order_by(col(Snapshot.created_at).desc())
    )
    snapshot = session.exec(query.limit(1)).first()
    if snapshot is None or wave.state not in COMPUTED:
        raise ExportImpossible(
            msg("The wave {wave} is not frozen; its interviews may still change.", wave=wave.key)
        )
    return snapshot


def _within(people: pd.DataFrame, principal: Principal) -> pd.DataFrame:
    codes = people["city_code"].astype(str)
    own = {code for code in codes.unique() if principal.covers(code)}
    if not own:
        raise AccessDenied(msg("The wave has no interview in your area."))
    return people[codes.isin(own)].reset_index(drop=True)


def _remarks(
    t: Translator, wave: Wave, principal: Principal, purpose: str, now: datetime
) -> list[str]:
    demo = [t("DEMO DATA: generated, no result of any survey")] if wave.is_demo else []
    return [
        t(
            "Exported for {name} ({account}) on {day}. Not to be passed on.",
            name=principal.name,
            account=principal.account_id.hex[-12:],
            day=f"{now:%Y-%m-%d}",
        ),
        t("Purpose: {purpose}", purpose=purpose),
        *demo,
    ]


def _how_it_was_made(
    t: Translator, wave: Wave, made: Rows, deviation: HeadlineDeviation
) -> list[str]:
    """What was done to the rows, and how far a headline computed from them may lie."""
    merges = t(
        "Wave {wave}. At least {k} interviews share city, kind of sampling point, weight, age band "
        "and gender. Where there were fewer, neighbouring cells were merged: {merged} interviews "
        "carry the mean weight of their merge. The weights of every city add up as before.",
        wave=wave.key,
        k=FEWEST_ALIKE,
        merged=f"{made.merged:,}",
    )
    return [merges, *deviation_lines(t, deviation)]


def deviation_lines(t: Translator, deviation: HeadlineDeviation) -> list[str]:
    """How far a headline computed from the rows of a file may lie, in words."""
    lines = []
    if deviation.everyone is not None:
        lines.append(
            t(
                "A headline score computed from these rows lies at most {points} points from the "
                "published one, over all rows together.",
                points=f"{deviation.everyone:.2f}",
            )
        )
    if deviation.largest_city is not None:
        lines.append(
            t(
                "For a single city it lies at most {points} points away.",
                points=f"{deviation.largest_city:.2f}",
            )
        )
    return lines
