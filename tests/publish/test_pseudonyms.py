"""Names of rows and points: HMAC-SHA256, one by one or many at once, sorted as texts."""

import hmac
import secrets
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest

from survey.files.microdata.prepared_rows import name_rows
from survey.files.microdata.pseudonyms import Pseudonyms, new_pseudonym_key
from survey.files.microdata.released_rows import HeadlineDeviation, ReleasedWave


def expected_name(secret: str, kind: str, true_name: str) -> str:
    """Name by the standard library."""
    return hmac.new(bytes.fromhex(secret), f"{kind}/{true_name}".encode(), "sha256").hexdigest()[
        :12
    ]


def released(columns: dict[str, list[str | None] | list[int]]) -> ReleasedWave:
    return ReleasedWave(pa.table(columns), {}, HeadlineDeviation(None, None))


@pytest.mark.parametrize("key_bytes", [1, 32, 63, 64])
def test_names_are_the_hmac_of_kind_and_true_name(key_bytes: int) -> None:
    secret = secrets.token_hex(key_bytes)
    true_names = [str(uuid4()) for _ in range(200)] + ["", "城/点", "a/b", "x" * 500]
    pseudonyms = Pseudonyms(secret)
    for kind in ("row", "psu"):
        expected = [expected_name(secret, kind, name) for name in true_names]
        assert [name.hex() for name in pseudonyms.make_names(kind, true_names)] == expected
        assert [pseudonyms(kind, name) for name in true_names] == expected


def test_two_files_and_two_kinds_share_no_name() -> None:
    first, second = (Pseudonyms(new_pseudonym_key()) for _ in range(2))
    names = {first("row", "1"), first("psu", "1"), second("row", "1"), second("psu", "1")}
    assert len(names) == 4


def test_named_rows_are_in_the_order_of_their_names_and_keep_what_is_theirs() -> None:
    """Also where names begin or end with zeros, of which numpy's texts of bytes drop the last."""
    secret = "ab" * 32
    rows = [f"{place:04d}" for place in range(3000)]
    points = [None if place % 7 == 0 else f"p{place % 40}" for place in range(3000)]
    values = list(range(3000))
    named = name_rows(
        released({"row": rows, "psu": points, "value": values}), Pseudonyms(secret)
    ).table.to_pydict()
    made = [expected_name(secret, "row", row) for row in rows]
    assert any(name.endswith("00") for name in made)
    assert any(name.startswith("00") for name in made)
    order = sorted(range(3000), key=made.__getitem__)
    assert named["row"] == [made[place] for place in order]
    assert named["value"] == order
    assert named["psu"] == [
        None if (point := points[place]) is None else expected_name(secret, "psu", point)
        for place in order
    ]


def test_rows_of_one_name_stay_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Pseudonyms, "make_names", lambda _self, _kind, names: [b"\x00same\x00" for _ in names]
    )
    values = np.arange(50).tolist()
    rows = released({"row": [str(value) for value in values], "psu": [None] * 50, "value": values})
    named = name_rows(rows, Pseudonyms("ab" * 32)).table.to_pydict()
    assert named["value"] == values
    assert set(named["row"]) == {b"\x00same\x00".hex()}
    assert set(named["psu"]) == {None}
