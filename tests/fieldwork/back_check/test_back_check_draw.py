"""The draw is repeatable, keeps to its shares, and forgets no surveyor."""

import hashlib
from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from survey.review.back_check.draws import (
    Candidate,
    DrawnInterview,
    draw_key,
    rounded_share,
    select_interviews,
    selection_sha256,
)
from survey.store.tables import ChosenBy

PEOPLE = tuple(UUID(int=number) for number in range(1, 5))
SHARES = st.floats(0, 1)
SEEDS = st.text("0123456789abcdef", min_size=1, max_size=12)


@st.composite
def pools(draw_one: st.DrawFn) -> list[Candidate]:
    ids = draw_one(st.lists(st.uuids(), unique=True, min_size=1, max_size=60))
    return [
        Candidate(
            interview_id,
            draw_one(st.sampled_from(PEOPLE)),
            draw_one(st.integers(0, 100)),
            draw_one(st.sampled_from([None, None, *ChosenBy])),
        )
        for interview_id in ids
    ]


def _after(pool: list[Candidate], drawn: tuple[DrawnInterview, ...]) -> list[Candidate]:
    """The pool as the next draw finds it."""
    chosen = {interview.id: interview.chosen_by for interview in drawn}
    return [
        Candidate(each.id, each.surveyor_id, each.risk, chosen.get(each.id, each.chosen_by))
        for each in pool
    ]


@given(pools(), SHARES, SHARES, SEEDS)
def test_every_surveyor_gets_the_shares_and_nobody_less_than_one(
    pool: list[Candidate], random_share: float, risk_share: float, seed: str
) -> None:
    drawn = select_interviews(pool, random_share=random_share, risk_share=risk_share, seed=seed)
    listed = _after(pool, drawn)
    for person in {each.surveyor_id for each in pool}:
        own = [each for each in listed if each.surveyor_id == person]
        before = [each for each in pool if each.surveyor_id == person]
        by = Counter(each.chosen_by for each in own)
        wanted = max(1, rounded_share(random_share, len(own)))
        had = sum(each.chosen_by is ChosenBy.RANDOM for each in before)
        assert by[ChosenBy.RANDOM] == max(wanted, had)
        most = rounded_share(risk_share, len(own))
        assert by[ChosenBy.RISK] <= max(
            most, sum(each.chosen_by is ChosenBy.RISK for each in before)
        )


@given(pools(), SHARES, SHARES, SEEDS)
def test_the_same_seed_draws_the_same_whatever_the_order(
    pool: list[Candidate], random_share: float, risk_share: float, seed: str
) -> None:
    first = select_interviews(pool, random_share=random_share, risk_share=risk_share, seed=seed)
    again = select_interviews(
        reversed(pool), random_share=random_share, risk_share=risk_share, seed=seed
    )
    assert first == again


@given(pools(), SHARES, SHARES, SEEDS)
def test_drawing_again_adds_nothing(
    pool: list[Candidate], random_share: float, risk_share: float, seed: str
) -> None:
    drawn = select_interviews(pool, random_share=random_share, risk_share=risk_share, seed=seed)
    more = select_interviews(
        _after(pool, drawn), random_share=random_share, risk_share=risk_share, seed=seed + "x"
    )
    assert more == ()


@given(pools(), SHARES, SHARES, SEEDS)
def test_each_interview_is_taken_once_and_keeps_what_it_is_by_lot(
    pool: list[Candidate], random_share: float, risk_share: float, seed: str
) -> None:
    drawn = select_interviews(pool, random_share=random_share, risk_share=risk_share, seed=seed)
    known = {each.id: each for each in pool}
    assert len({this_interview.id for this_interview in drawn}) == len(drawn)
    for interview in drawn:
        before = known[interview.id]
        assert before.surveyor_id == interview.surveyor_id
        assert interview.known is (before.chosen_by is ChosenBy.RISK)
        assert before.chosen_by is not ChosenBy.RANDOM
        if interview.chosen_by is ChosenBy.RISK:
            assert before.risk > 0
            assert not interview.known


def test_the_random_part_is_the_smallest_hashes_as_the_documents_say() -> None:
    """A stranger can repeat the draw with any SHA-256."""
    pool = [Candidate(UUID(int=number), PEOPLE[0], 0) for number in range(100, 140)]
    drawn = select_interviews(pool, random_share=0.1, risk_share=0, seed="2026")
    by_hand = sorted(
        (each.id for each in pool),
        key=lambda interview_id: hashlib.sha256(f"2026:{interview_id}".encode()).hexdigest(),
    )
    assert [interview.id for interview in drawn] == by_hand[:4]
    assert draw_key("2026", UUID(int=100)) != draw_key("2027", UUID(int=100))
    assert selection_sha256(interview.id for interview in drawn) != selection_sha256(by_hand[:3])


def test_risk_goes_by_risk_after_the_lot_was_drawn() -> None:
    pool = [Candidate(UUID(int=number), PEOPLE[0], number) for number in range(1, 21)]
    drawn = select_interviews(pool, random_share=0.1, risk_share=0.15, seed="a")
    by_lot = [interview.id.int for interview in drawn if interview.chosen_by is ChosenBy.RANDOM]
    by_risk = [interview.id.int for interview in drawn if interview.chosen_by is ChosenBy.RISK]
    assert len(by_lot) == 2
    assert by_risk == [number for number in range(20, 0, -1) if number not in by_lot][:3]


def test_the_lot_favours_nobody() -> None:
    """Over many seeds each of ten interviews is drawn about equally often, the risky as well."""
    pool = [Candidate(UUID(int=number), PEOPLE[0], 99 * (number == 1)) for number in range(1, 11)]
    counts: Counter[int] = Counter()
    for seed in range(1_000):
        for interview in select_interviews(pool, random_share=0.2, risk_share=0, seed=str(seed)):
            counts[interview.id.int] += 1
    assert sum(counts.values()) == 2_000
    # 200 each is expected, with a standard deviation of 12.6
    assert all(130 < counts[number] < 270 for number in range(1, 11))


def test_shares_are_rounded_half_up() -> None:
    assert [rounded_share(0.05, count) for count in (9, 10, 29, 30, 31)] == [0, 1, 1, 2, 2]
