"""What is invented for the demo and for tests is the same again, and nobody's."""

import numpy as np

from seed.demo.field_records import point_name
from seed.demo.stored_responses import COMMENTERS, write_comments
from seed.survey_provider import inventor


def test_the_same_seed_invents_the_same_texts() -> None:
    first, second = inventor(7), inventor(7)
    for _ in range(20):
        assert first.place("mall") == second.place("mall")
        assert first.comment() == second.comment()
        assert first.complaint() == second.complaint()
    assert inventor(8).comment_pools() != first.comment_pools()


def test_a_place_keeps_its_name_and_is_named_after_its_kind() -> None:
    assert point_name("a", "mall", is_rural=False) == point_name("a", "mall", is_rural=False)
    assert point_name("a", "supermarket", is_rural=True)[-4:] in {
        "集贸市场",
        "便民超市",
        "供销超市",
    }
    assert "家" in point_name("a", "village", is_rural=True)


def test_as_many_comment_as_is_said_and_in_the_tone_of_their_answers() -> None:
    draw = np.random.default_rng(1)
    low, high = inventor(20_240_317).comment_pools()[::2]
    sad = write_comments(np.full(20_000, 2.0), draw)
    glad = write_comments(np.full(20_000, 10.0), draw)
    assert abs(sum(text is not None for text in sad) / len(sad) - COMMENTERS) < 0.01
    assert {text for text in sad if text} <= set(low)
    assert len([text for text in glad if text in set(high)]) > 0.8 * len([t for t in glad if t])
