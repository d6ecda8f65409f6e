"""Shares of codes among the answers to an open question, computed once, read behind the gate."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
from sqlmodel import col, select

from survey.access.principal import AccessDeniedError
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.disclosure import AdditiveTotal, protect
from survey.estimate.agreement import (
    AgreementEstimate,
    compute_cohen_kappa,
    compute_krippendorff_alpha,
    round_agreement,
    tabulate_pairs,
)
from survey.estimate.arrays import Codes, Floats
from survey.estimate.audited_share import NOT_AUDITED, estimate_audited_shares
from survey.estimate.text_codes import propose_codes
from survey.locale import Labels, NotFoundError, RefusedError, labels_of, msg
from survey.open_answers.coding import read_answers, require_national_lead
from survey.results.measures import MIN_SIDE
from survey.results.snapshots import get_shown_snapshot
from survey.results.wave_parts import ID, WaveData
from survey.results.wave_snapshots import load_wave_data
from survey.store.audit_events import AuditEvent
from survey.store.tables import CodedAnswer, CodingFrame, CodingRound, Wave
from survey.store.tables.open_answers import CodeData
from survey.waves.instruments import load_instrument
from survey.waves.personal_data import mask_remark

LEVEL = "region3"
"""Areas that get shares besides the nation: a tenth of the answers is too few for smaller ones."""
_KEYS = ["area_level", "area"]
_FIGURES = ["estimate", "ci_low", "ci_high"]
_DECIMALS = 3
"""Of shares between 0 and 1."""


@dataclass(frozen=True)
class CodeShare:
    """Share of a code in an area, 0 to 1 with its interval; null figures where it is kept back."""

    area: str
    code: str
    label: Labels
    share: float | None
    low: float | None
    high: float | None
    answers: int | None
    read: int | None
    """Answers in the area that people coded."""


@dataclass(frozen=True)
class OpenAnswers:
    """Shares of the codes of one open question of a wave, behind the gate, and agreement."""

    question: Labels
    shares: tuple[CodeShare, ...]
    """By area, the nation first, then by code as coders see them."""
    people: AgreementEstimate | None
    """Cohen's kappa of two coders."""
    alpha: AgreementEstimate | None
    machine: AgreementEstimate | None
    """Cohen's kappa of the model, of a text it did not learn from, and what holds of it."""
    frame_version: int
    is_demo: bool


def compute_open_answers(work: Work, *, round_id: UUID) -> None:
    """Compute the shares of codes of a round whose answers are all settled, and store them.

    Raises:
        RefusedError: answers of the draw have no code that holds yet.
        SnapshotDamagedError: the wave's responses are not the ones frozen.
    """
    require_national_lead(work)
    drawn = work.session.get(CodingRound, round_id, with_for_update=True)
    if drawn is None or (work.principal.is_demo and not drawn.is_demo):
        raise NotFoundError("coding_unknown", msg("There is no such draw of answers."))
    answers = work.session.exec(select(CodedAnswer).where(CodedAnswer.round_id == round_id)).all()
    if any(answer.settled_code is None for answer in answers):
        raise RefusedError(
            "coding_refused", msg("Answers of this draw still wait to be coded or settled.")
        )
    wave = work.session.get_one(Wave, drawn.wave_id)
    codes = _list_codes(work, drawn)
    rows = read_answers(work, wave=wave, question=drawn.question)
    known = {answer.response_id: codes.index(answer.settled_code or "") for answer in answers}
    coded = np.array([known.get(row.id, NOT_AUDITED) for row in rows])
    predicted = propose_codes([mask_remark(row.text) for row in rows], coded, len(codes))
    _, snapshot = get_shown_snapshot(work.session, wave.key)
    data = load_wave_data(work.session, wave, work.settings.snapshot_dir / snapshot.directory)
    drawn.shares = _estimate_shares(data, [str(row.id) for row in rows], codes, predicted, coded)
    drawn.agreement = _measure_agreement(answers, codes, predicted, coded)
    drawn.computed_at = work.now
    work.session.add(drawn)
    work.session.flush()
    detail = {"question": drawn.question, "pool": len(rows), "drawn": len(answers)}
    work.record(AuditEvent.CODING_COMPUTED, wave.id, detail)


def _list_codes(work: Work, drawn: CodingRound) -> list[str]:
    return [each["code"] for each in work.session.get_one(CodingFrame, drawn.frame_id).codes]


def _estimate_shares(
    data: WaveData, ids: Sequence[str], codes: Sequence[str], predicted: Floats, coded: Codes
) -> list[dict[str, Any]]:
    """Return rows of shares by area and code; people without an answer count for the error alone.

    Args:
        ids: interviews of the answers, in the order of `predicted` and `coded`.
    """
    place = pd.Index(data.people[ID].astype(str)).get_indexer(pd.Index(ids))
    inside = place >= 0
    said = np.zeros((len(data.people), len(codes)))
    said[place[inside]] = predicted[inside]
    found = np.full(len(data.people), NOT_AUDITED)
    found[place[inside]] = coded[inside]
    writes = np.zeros(len(data.people), dtype=bool)
    writes[place[inside]] = True
    frame = data.people
    tables = []
    for level in ("nation", LEVEL):
        area = pd.Series(data.areas[level]).where(writes, None).to_numpy()
        table = estimate_audited_shares(
            frame.assign(area=area), codes, said, found, data.design, by="area"
        )
        by_people = Counter(zip(area, found.tolist(), strict=True))
        counts = [by_people[each.area, codes.index(each.variable)] for each in table.itertuples()]
        tables.append(table.assign(area_level=level, by_people=counts))
    whole = pd.concat(tables).rename(columns={"variable": "code"})
    wanted = [*_KEYS, "code", *_FIGURES, "n", "audited", "by_people"]
    rows = whole[wanted].astype(object).where(whole[wanted].notna(), None)
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _measure_agreement(
    answers: Sequence[CodedAnswer], codes: Sequence[str], predicted: Floats, coded: Codes
) -> dict[str, Any]:
    """Return kappa and alpha of the two coders, and kappa of the model with what holds."""
    pairs = [(answer.first_code, answer.second_code) for answer in answers]
    venues = [[[float(codes.index(code or "")) for code in pair]] for pair in pairs]
    read = coded != NOT_AUDITED
    found: dict[str, AgreementEstimate | None] = {
        "people": compute_cohen_kappa(tabulate_pairs(pairs, codes)),
        "alpha": compute_krippendorff_alpha(venues, metric="nominal"),
    }
    if predicted.any():
        said = predicted[read].argmax(axis=1).tolist()
        both = list(zip(said, coded[read].tolist(), strict=True))
        found["machine"] = compute_cohen_kappa(tabulate_pairs(both, range(len(codes))))
    return {name: vars(each) for name, each in found.items() if each is not None}


def list_open_answers(work: Work, *, wave_key: str) -> list[OpenAnswers]:
    """Return the computed shares of a wave's open questions, gated and rounded.

    Raises:
        AccessDeniedError: no right to read results, or a demo account and a real wave.
    """
    work.require(Action.READ_RESULTS)
    query = (
        select(CodingRound, CodingFrame, Wave)
        .join(CodingFrame, col(CodingFrame.id) == CodingRound.frame_id)
        .join(Wave, col(Wave.id) == CodingRound.wave_id)
        .where(Wave.key == wave_key, col(CodingRound.computed_at).is_not(None))
        .order_by(CodingRound.question)
    )
    found = []
    for drawn, frame, wave in work.session.exec(query):
        if work.principal.is_demo and not drawn.is_demo:
            raise AccessDeniedError(msg("A demonstration account reads demonstration data only."))
        instrument = load_instrument(session=work.session, instrument_id=wave.instrument_id)
        agreement = {
            name: round_agreement(AgreementEstimate(**each))
            for name, each in drawn.agreement.items()
        }
        found.append(
            OpenAnswers(
                instrument.by_name[drawn.question].label,
                _gate_shares(pd.DataFrame(drawn.shares), frame.codes),
                agreement.get("people"),
                agreement.get("alpha"),
                agreement.get("machine"),
                frame.version,
                drawn.is_demo,
            )
        )
    return found


def _list_telling(table: pd.DataFrame) -> set[str]:
    """Return the areas whose exact shares would tell what one or two people wrote.

    All areas below the nation with it: what is left of the nation would tell a single one.
    """
    few = table["by_people"].between(1, MIN_SIDE - 1)
    few |= (table["n"] - table["by_people"]).between(1, MIN_SIDE - 1)
    telling = set(table.loc[few & (table["audited"] == table["n"]), "area"])
    below = set(table.loc[table["area_level"] == LEVEL, "area"])
    if NATION in telling:
        return telling | below
    return below if telling else telling


def _gate_shares(table: pd.DataFrame, codes: Sequence[dict[str, Any]]) -> tuple[CodeShare, ...]:
    """Return the shares that the disclosure gate lets through, rounded, others blanked.

    An area passes with all its codes or none, by those who wrote an answer there: a code's share is
    an estimate, of which nobody can be subtracted. Where people read every answer it is none: there
    a code that one or two gave would tell their weight, and with it their age.
    """
    areas = table.drop_duplicates(_KEYS)[[*_KEYS, "n"]].reset_index(drop=True)
    parts = tuple((LEVEL, area) for area in areas.loc[areas["area_level"] == LEVEL, "area"])
    totals = [AdditiveTotal(tuple(_KEYS), ("nation", NATION), parts)] if parts else []
    gated = protect(areas.astype({"n": float}), by=_KEYS, totals=totals)
    shown = set(gated.loc[gated["shown"], "area"]) - _list_telling(table)
    labels = {each["code"]: labels_of(CodeData(**each), "label") for each in codes}
    figures = table[_FIGURES].astype(float).round(_DECIMALS)
    rows = []
    for row, own in zip(table.to_dict("records"), figures.to_numpy().tolist(), strict=True):
        if row["area"] in shown and not np.isnan(own).any():
            known = (*own, int(row["n"]), int(row["audited"]))
        else:
            known = (None, None, None, None, None)
        rows.append(CodeShare(row["area"], row["code"], labels[row["code"]], *known))
    return tuple(rows)
