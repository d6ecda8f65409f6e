"""Selection of interviews for back-checks: a draw that can be repeated by hand.

Every interview gets a number from the seed and its id; the smallest numbers of a surveyor are the
random part. So the draw depends neither on the order in which interviews are read nor on anything
that a person could choose but the seed, and one line of any language repeats it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor
from uuid import UUID

from survey.store.tables import ChosenBy

MIN_PER_SURVEYOR = 1
"""Interviews of every surveyor in the random part, however small the share."""


@dataclass(frozen=True)
class Candidate:
    """An interview that can be drawn; `chosen_by` is set if an earlier draw chose it."""

    id: UUID
    surveyor_id: UUID
    risk: int
    """0 to 100; 0 where nothing was odd or nobody has looked."""
    chosen_by: ChosenBy | None = None


@dataclass(frozen=True)
class DrawnInterview:
    """Part of a draw that one interview belongs to."""

    id: UUID
    surveyor_id: UUID
    chosen_by: ChosenBy
    known: bool
    """On the list for its risk already; by lot it now stands for the surveyor's work as well."""


def select_interviews(
    candidates: Iterable[Candidate], *, random_share: float, risk_share: float, seed: str
) -> tuple[DrawnInterview, ...]:
    """Fill each surveyor's random and risk part up to their shares (0 to 1) of all candidates.

    The random part is drawn from *all* of a surveyor's interviews, also from those that stand on
    the list for their risk: only so does its error rate speak for the surveyor's work. The risk
    part takes the highest risks of the rest; what has no risk is never taken for it. Drawing again
    with the same shares adds only what new interviews ask for.
    """
    by_surveyor: defaultdict[UUID, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_surveyor[candidate.surveyor_id].append(candidate)
    drawn: list[DrawnInterview] = []
    for _, own in sorted(by_surveyor.items()):
        by_lot = _draw_at_random(
            own, max(MIN_PER_SURVEYOR, rounded_share(random_share, len(own))), seed
        )
        drawn_ids = {candidate.id for candidate in by_lot}
        riskiest = _draw_by_risk(own, rounded_share(risk_share, len(own)), drawn_ids)
        drawn += [_drawn_interview(candidate, ChosenBy.RANDOM) for candidate in by_lot]
        drawn += [_drawn_interview(candidate, ChosenBy.RISK) for candidate in riskiest]
    return tuple(drawn)


def rounded_share(share: float, count: int) -> int:
    """Return a share of `count`, rounded half up."""
    return floor(share * count + 0.5)


def draw_key(seed: str, response_id: UUID) -> str:
    """Return the number of an interview in a draw: SHA-256 of `<seed>:<id>`, in hexadecimal."""
    return hashlib.sha256(f"{seed}:{response_id}".encode()).hexdigest()


def selection_sha256(ids: Iterable[UUID]) -> str:
    """Return the SHA-256 over ids in order, for records of draws and previews."""
    seen = hashlib.sha256()
    for each in ids:
        seen.update(each.bytes)
    return seen.hexdigest()


def _draw_at_random(own: Sequence[Candidate], wanted: int, seed: str) -> list[Candidate]:
    waiting = [candidate for candidate in own if candidate.chosen_by is not ChosenBy.RANDOM]
    missing = max(0, wanted - (len(own) - len(waiting)))
    return sorted(waiting, key=lambda candidate: draw_key(seed, candidate.id))[:missing]


def _draw_by_risk(own: Sequence[Candidate], wanted: int, drawn_ids: set[UUID]) -> list[Candidate]:
    already = sum(each.chosen_by is ChosenBy.RISK and each.id not in drawn_ids for each in own)
    waiting = [
        each for each in own if each.chosen_by is None and each.id not in drawn_ids and each.risk
    ]
    waiting.sort(key=lambda candidate: (-candidate.risk, candidate.id))
    return waiting[: max(0, wanted - already)]


def _drawn_interview(candidate: Candidate, chosen_by: ChosenBy) -> DrawnInterview:
    return DrawnInterview(
        candidate.id, candidate.surveyor_id, chosen_by, known=candidate.chosen_by is not None
    )
