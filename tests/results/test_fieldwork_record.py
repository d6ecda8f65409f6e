"""What a snapshot keeps of its fieldwork, and that no small count can be solved from it."""

from hypothesis import given
from hypothesis import strategies as st

from survey.disclosure import MINIMUM_N
from survey.results.method import protect_fieldwork
from survey.review.progress.tallies import Dispositions

COUNTS = st.integers(0, 60)
MODES = st.dictionaries(
    st.sampled_from(["self", "assisted", "paper", "import"]), st.integers(1, 400), min_size=1
)


def attempts(complete: int, **others: int) -> Dispositions:
    known = dict.fromkeys(
        ("void", "refused", "break_offs", "unknown_eligibility", "screened_out", "quota_full"), 0
    )
    return Dispositions(complete, **(known | others))


def test_rates_are_those_of_the_progress_page() -> None:
    found = attempts(
        600, void=20, refused=100, break_offs=80, unknown_eligibility=50, screened_out=200
    )
    record = protect_fieldwork({"self": 400, "assisted": 200}, found)
    assert record.modes == {"self": 66.7, "assisted": 33.3}
    assert found.response_rate_rr3 is not None
    assert record.response_rate == round(100 * found.response_rate_rr3, 1) == 71.4
    assert record.cooperation_rate == 75.0
    assert (record.rejected, record.hides_modes, record.counts_attempts) == (20, False, True)


def test_a_small_mode_is_hidden_with_another() -> None:
    record = protect_fieldwork({"self": 500, "assisted": 90, "paper": 3}, attempts(593))
    assert record.modes == {"self": 84.3}
    assert record.hides_modes
    assert protect_fieldwork({"self": 500, "paper": 3}, attempts(503)).modes == {}


def test_imported_interviews_have_no_rates() -> None:
    record = protect_fieldwork({"import": 600}, attempts(600))
    assert (record.response_rate, record.cooperation_rate) == (None, None)
    assert not record.counts_attempts


@given(MODES)
def test_no_small_mode_can_be_solved(modes: dict[str, int]) -> None:
    record = protect_fieldwork(modes, attempts(sum(modes.values())))
    assert all(modes[mode] >= MINIMUM_N for mode in record.modes)
    hidden = [count for mode, count in modes.items() if mode not in record.modes]
    if hidden and record.modes:
        assert len(hidden) > 1
        assert sum(hidden) >= MINIMUM_N


@given(st.integers(10, 500), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_no_small_count_of_attempts_can_be_solved(
    complete: int, void: int, refused: int, broken: int, unknown: int, out: int, full: int
) -> None:
    found = attempts(
        complete,
        void=void,
        refused=refused,
        break_offs=broken,
        unknown_eligibility=unknown,
        screened_out=out,
        quota_full=full,
    )
    record = protect_fieldwork({"self": complete}, found)
    known: set[int] = set()
    if record.cooperation_rate is not None:
        known.add(void + refused + broken)
        if record.rejected is not None:
            known.add(refused + broken)
    if record.response_rate is not None:
        # Two rates give e·N and, e guessed, each of its parts.
        known |= {unknown, out + full, void + refused + broken}
    if record.rejected is not None:
        known.add(record.rejected)
    assert not [count for count in known if 0 < count < MINIMUM_N]
