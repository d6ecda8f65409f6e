"""What must not matter: the order of the rows, the names of surveyors, points and cities."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from survey.review.quality.response_arrays import RawResponse, build_response_arrays
from tests.fieldwork.quality.sample_responses import (
    EXTRAS,
    LETTERS,
    RATINGS,
    answers_of,
    raw_response,
    twenty_and_ten,
)
from tests.fieldwork.quality.whole_wave import assess_responses

INSTRUMENT = twenty_and_ten()
Judged = dict[UUID, tuple[int, tuple[tuple[str, float], ...]]]

scores = st.lists(
    st.one_of(st.integers(1, 10), st.sampled_from(["dk", "na", "refused", None])),
    min_size=len(RATINGS),
    max_size=len(RATINGS),
)
picks = st.text(LETTERS, min_size=len(EXTRAS), max_size=len(EXTRAS))


@st.composite
def waves(draw: st.DrawFn) -> list[RawResponse]:
    """Up to twelve interviews by three surveyors in two cities; some are copied, fast or alike."""
    answers = [answers_of(draw(scores), draw(picks)) for _ in range(draw(st.integers(1, 4)))]
    answers.append(answers_of([9] * len(RATINGS)))
    return [
        raw_response(
            number,
            draw(st.sampled_from(answers)),
            city_code=draw(st.sampled_from(["110000", "310000"])),
            surveyor_id=draw(st.sampled_from([None, UUID(int=1), UUID(int=2), UUID(int=3)])),
            point_id=draw(st.sampled_from([None, UUID(int=8), UUID(int=9)])),
            duration_seconds=draw(st.sampled_from([None, 30.0, 300.0, 3_000.0])),
            quota_cell_id=draw(st.sampled_from([None, UUID(int=5)])),
            quota_target=3,
        )
        for number in range(draw(st.integers(1, 12)))
    ]


def judged(rows: list[RawResponse]) -> Judged:
    """Risk and flags of each interview by its id."""
    interviews = build_response_arrays(rows, INSTRUMENT)
    assessment = assess_responses(interviews)
    flags: dict[UUID, list[tuple[str, float]]] = {
        interview_id: [] for interview_id in interviews.ids
    }
    for kind_flags in assessment.flags:
        for row, strength in zip(kind_flags.rows, kind_flags.strength, strict=True):
            flags[interviews.ids[row]].append((kind_flags.kind, float(strength)))
    risks = zip(interviews.ids, assessment.risk.tolist(), strict=True)
    return {interview_id: (risk, tuple(flags[interview_id])) for interview_id, risk in risks}


@settings(max_examples=20, deadline=None)
@given(waves(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[RawResponse], random: object) -> None:
    mixed = list(rows)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert judged(mixed) == judged(rows)


@settings(max_examples=20, deadline=None)
@given(waves())
def test_other_names_for_surveyors_points_and_cities_do_not_matter(rows: list[RawResponse]) -> None:
    def renamed(identifier: UUID | None) -> UUID | None:
        return None if identifier is None else UUID(int=(1 << 100) - identifier.int)

    others = [
        replace(
            row,
            surveyor_id=renamed(row.surveyor_id),
            point_id=renamed(row.point_id),
            city_code={"110000": "500000", "310000": "120000"}[row.city_code],
        )
        for row in rows
    ]
    assert judged(others) == judged(rows)


@settings(max_examples=20, deadline=None)
@given(waves())
def test_strengths_and_risks_keep_to_their_scales(rows: list[RawResponse]) -> None:
    for risk, flags in judged(rows).values():
        assert 0 <= risk <= 100
        assert all(0 < strength <= 1 for _, strength in flags)
        assert (risk == 0) or flags


@settings(max_examples=20, deadline=None)
@given(waves())
def test_another_city_changes_nothing_about_copies(rows: list[RawResponse]) -> None:
    def copies(assessed: Judged) -> dict[UUID, list[float]]:
        return {
            interview_id: [strength for kind, strength in flags if kind == "near_duplicate"]
            for interview_id, (_, flags) in assessed.items()
        }

    alone = copies(judged(rows))
    foreign = [replace(row, id=UUID(int=row.id.int + 500), city_code="440300") for row in rows]
    both = copies(judged(rows + foreign))
    assert {interview_id: both[interview_id] for interview_id in alone} == alone
