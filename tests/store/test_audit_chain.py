"""The bytes of a document are the same whichever database it is read from."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from survey.store.audit_chain import canonical_json

leaves = st.none() | st.booleans() | st.text(max_size=8) | st.integers(-(2**53), 2**53)
answers = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
documents = st.dictionaries(st.text(max_size=4), answers, max_size=6)


def with_fractions(value: Any) -> Any:
    """The same document from a database that gives every number as a float."""
    if isinstance(value, dict):
        return {key: with_fractions(inner) for key, inner in reversed(value.items())}
    if isinstance(value, list):
        return [with_fractions(inner) for inner in value]
    return float(value) if type(value) is int else value


@given(documents)
def test_whole_numbers_have_no_fraction_wherever_they_stand(document: dict[str, Any]) -> None:
    assert canonical_json(with_fractions(document)) == canonical_json(document)


def test_fractions_stay() -> None:
    document = {"a": [1.5, 1e3], "b": {"c": 2.0}, "d": "1.0", "e": ["x"]}
    assert canonical_json(document) == b'{"a":[1.5,1000],"b":{"c":2},"d":"1.0","e":["x"]}'
