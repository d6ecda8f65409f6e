"""Peers that a city has chosen, its differences from them, and tables by two questions.

They are computed from published digits alone, so that they tell nothing more, however often the
peers are changed: differences from any eight of a hundred cities, each rounded once from exact
values, would together give the exact scores.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special
from sqlmodel import Session, col, delete, select

from survey.access.audit import actor_id
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.estimate.arrays import Floats
from survey.frame.quotas import EVERYONE
from survey.locale import Labels, RefusedError, msg
from survey.results.analysis import SCALE, add_verdicts
from survey.results.snapshots import GAPS
from survey.results.table_columns import to_published_table
from survey.results.wave_results import WaveResults
from survey.store.audit_events import AuditEvent
from survey.store.tables import ChosenPeer, City


@dataclass(frozen=True)
class CrosstabQuestion:
    """Question of a wave with the indicators that hold its answers."""

    key: str
    label: Mapping[str, str]
    """Words of the question by language; empty where the snapshot's questionnaire is unknown."""
    indicators: tuple[str, ...]
    is_rate: bool
    """Whether its figures are shares of answers; else they are one mean."""


def list_crosstab_questions(results: WaveResults) -> tuple[CrosstabQuestion, ...]:
    """Return the questions with figures by group, first those behind indicators of the tree."""
    return (*_list_rated_questions(results), *_list_measured_questions(results))


def list_group_variables(results: WaveResults) -> tuple[str, ...]:
    """Return the variables that define the wave's groups, those with a single group last."""
    names = [group.partition("=")[0] for group in results.method.groups if group != EVERYONE]
    return tuple(sorted(dict.fromkeys(names), key=lambda name: names.count(name) == 1))


def groups_of(results: WaveResults, variable: str) -> tuple[str, ...]:
    """Return the groups `variable=value` of a variable in the wave."""
    return tuple(
        group for group in results.method.groups if group.partition("=")[0] == variable != group
    )


def compare_groups(
    results: WaveResults,
    principal: Principal,
    *,
    area_level: str,
    area: str,
    groups: Collection[str],
    indicators: Collection[str],
) -> pd.DataFrame:
    """Return differences of `groups` from the rest of an area, P adjusted over all these rows.

    The verdicts are those of this table: all its rows that are shown are one family (Benjamini and
    Hochberg), where the verdicts of the snapshot are of one group over all areas.
    """
    wanted = {
        "contrast": "rest",
        "area_level": area_level,
        "area": area,
        "group": list(groups),
        "indicator": list(indicators),
    }
    rows = results.exact(principal, GAPS, wanted)
    return to_published_table(add_verdicts(rows, family=("contrast",)))


def _list_rated_questions(results: WaveResults) -> Iterator[CrosstabQuestion]:
    """Yield each question that is the only item of an indicator, whose score is its mean."""
    items: dict[str, list[str]] = {}
    for item, code in results.method.items.items():
        items.setdefault(code, []).append(item)
    for code, of in items.items():
        if len(of) == 1:
            yield CrosstabQuestion(of[0], _choose_labels(results, of[0]), (code,), is_rate=False)


def _choose_labels(results: WaveResults, item: str) -> Labels:
    question = results.questions.get(item)
    return question.label if question else {}


def _list_measured_questions(results: WaveResults) -> Iterator[CrosstabQuestion]:
    rated = results.method.items.keys()
    keys: dict[tuple[str, bool], list[str]] = {}
    for measure in results.method.measures:
        if measure.item not in rated:
            keys.setdefault((measure.item, bool(measure.choices)), []).append(measure.key)
    for (item, is_rate), indicators in keys.items():
        yield CrosstabQuestion(item, _choose_labels(results, item), tuple(indicators), is_rate)


MAX_PEERS = 8


def list_chosen_peers(work: Work, *, city_code: str) -> tuple[str, ...]:
    """Return the codes of the peers that a city has chosen, in their order; empty if none."""
    work.require(Action.READ_RESULTS, city_code)
    return _read_peers(work.session, city_code)


def list_all_peers(session: Session) -> dict[str, tuple[str, ...]]:
    """Return city -> its chosen peers, without check of rights, which is the caller's."""
    query = select(ChosenPeer).order_by(col(ChosenPeer.city_code), col(ChosenPeer.position))
    peers: dict[str, tuple[str, ...]] = {}
    for chosen in session.exec(query):
        peers[chosen.city_code] = (*peers.get(chosen.city_code, ()), chosen.peer_code)
    return peers


def choose_peers(work: Work, *, city_code: str, peers: Sequence[str]) -> None:
    """Store the peers that a city is compared with, and record the choice in the audit trail.

    Raises:
        RefusedError: none or more than `MAX_PEERS`, the city itself, or an unknown city.
    """
    work.require(Action.CHOOSE_PEERS, city_code)
    chosen = tuple(dict.fromkeys(peers))
    _require_choosable(work.session, city_code, chosen)
    _lock_city(work.session, city_code)
    before = _read_peers(work.session, city_code)
    if chosen == before:
        return
    _delete_peers(work.session, city_code)
    work.session.add_all(
        ChosenPeer(
            city_code=city_code,
            position=position,
            peer_code=peer,
            chosen_by=actor_id(work.principal),
            chosen_at=work.now,
        )
        for position, peer in enumerate(chosen, start=1)
    )
    work.session.flush()
    work.record(AuditEvent.PEERS_CHOSEN, city_code, {"from": list(before), "to": list(chosen)})


def reset_peers(work: Work, *, city_code: str) -> None:
    """Delete the chosen peers of a city, and record it in the audit trail."""
    work.require(Action.CHOOSE_PEERS, city_code)
    _lock_city(work.session, city_code)
    before = _read_peers(work.session, city_code)
    if not before:
        return
    _delete_peers(work.session, city_code)
    work.record(AuditEvent.PEERS_RESET, city_code, {"from": list(before), "to": []})


def _require_choosable(session: Session, city_code: str, chosen: Sequence[str]) -> None:
    if not chosen:
        raise RefusedError(
            "peers_not_allowed", msg("Please choose at least one city to compare with.")
        )
    if len(chosen) > MAX_PEERS:
        raise RefusedError(
            "peers_not_allowed",
            msg("Please choose at most {most} cities to compare with.", most=MAX_PEERS),
        )
    if city_code in chosen:
        raise RefusedError("peers_not_allowed", msg("A city cannot be compared with itself."))
    known = set(session.exec(select(City.code).where(col(City.code).in_(chosen))))
    if not set(chosen) <= known:
        raise RefusedError(
            "peers_not_allowed", msg("One of these cities is not part of the survey.")
        )


def _lock_city(session: Session, city_code: str) -> None:
    """Lock a city's database row for a choice of peers, without blocking inserts of interviews."""
    query = select(City.code).where(City.code == city_code).with_for_update(key_share=True)
    if session.exec(query).first() is None:
        raise RefusedError("peers_not_allowed", msg("There is no city {city}.", city=city_code))


def _read_peers(session: Session, city_code: str) -> tuple[str, ...]:
    query = (
        select(ChosenPeer.peer_code)
        .where(ChosenPeer.city_code == city_code)
        .order_by(col(ChosenPeer.position))
    )
    return tuple(session.exec(query))


def _delete_peers(session: Session, city_code: str) -> None:
    session.connection().execute(delete(ChosenPeer).where(col(ChosenPeer.city_code) == city_code))


ROUNDING = 0.1
"""Most by which rounding to one decimal can move a difference of two published scores."""
_FIGURES = ("estimate", "ci_low", "ci_high", "df", "n")


def compare_with_peers(
    results: WaveResults,
    principal: Principal,
    *,
    city: str,
    peers: Sequence[str],
    indicators: Sequence[str],
) -> pd.DataFrame:
    """Return a city's score minus the mean of its peers by indicator, with the columns of `gaps`.

    A row is hidden unless the figures of the city and of every peer are shown to the reader.
    Interval and verdict allow for what rounding may have added: the interval is wider by `ROUNDING`
    on either side, and a difference is `higher` or `lower` only if it would be without it. The
    indicators are judged together (Benjamini and Hochberg).
    """
    areas = [city, *peers]
    cells = results.cells(
        principal, area_level="city", area=areas, group=EVERYONE, indicator=list(indicators)
    )
    keys = [cells["indicator"].astype(str), cells["area"].astype(str)]
    wanted = pd.MultiIndex.from_product([list(indicators), areas])
    figures = cells.set_index(keys).reindex(wanted)
    shape = (len(indicators), len(areas))
    estimate, low, high, df, n = (
        figures[name].to_numpy(dtype=float, na_value=np.nan).reshape(shape) for name in _FIGURES
    )
    shown = figures["shown"].fillna(False).to_numpy(dtype=bool) & ~np.isnan(estimate.ravel())
    is_ok = (figures["status"].astype(object) == "ok").to_numpy().reshape(shape).all(axis=1)
    difference = estimate[:, 0] - _mean_of_peers(estimate)
    se, freedom = _error_of_difference(low, high, df, results.method.level)
    margin = special.stdtrit(freedom, (1 + results.method.level) / 2) * se + ROUNDING
    table = pd.DataFrame(
        {
            "contrast": "peers",
            "area_level": "city",
            "area": city,
            "group": EVERYONE,
            "indicator": list(indicators),
            "estimate": estimate[:, 0],
            "reference": _mean_of_peers(estimate),
            "difference": difference,
            "ci_low": np.maximum(difference - margin, -SCALE),
            "ci_high": np.minimum(difference + margin, SCALE),
            "df": np.floor(freedom),
            "n": n[:, 0],
            "n_reference": n[:, 1:].sum(axis=1),
            "status": np.where(is_ok, "ok", "unreliable"),
            "shown": shown.reshape(shape).all(axis=1) & bool(len(peers)),
            "p": 2 * special.stdtr(freedom, -np.maximum(np.abs(difference) - ROUNDING, 0) / se),
        }
    )
    return to_published_table(add_verdicts(table, family=("contrast",)))


def _mean_of_peers(values: Floats) -> Floats:
    """Return the mean of the peers (all columns but the first) by row; NaN without peers."""
    peers = values[:, 1:]
    mean: Floats = peers.mean(axis=1) if peers.shape[1] else np.full(len(values), np.nan)
    return mean


def _error_of_difference(
    low: Floats, high: Floats, df: Floats, level: float
) -> tuple[Floats, Floats]:
    """Return standard error and df (Satterthwaite 1946) of city minus peers, from their intervals.

    Half an interval of published ends may be narrower than the exact one by half a rounding.
    """
    known = np.where(df >= 1, df, np.nan)
    error = ((high - low) / 2 + ROUNDING / 2) / special.stdtrit(known, (1 + level) / 2)
    share = np.full(error.shape[1], 1 / max(error.shape[1] - 1, 1))
    share[0] = 1.0
    parts = np.square(share * error)
    variance = parts.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom: Floats = np.square(variance) / (np.square(parts) / known).sum(axis=1)
    return np.sqrt(variance), freedom
