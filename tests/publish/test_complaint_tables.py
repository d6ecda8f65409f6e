"""Complaint counts are read behind the gate: small ones, and what gives them away, are gone."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.context.areas import leaf_areas
from survey.context.complaints.storage import check_file, import_complaints
from survey.context.complaints.summaries import LENSES, TOTAL
from survey.publish.complaint_tables import (
    _GATED_TABLES,
    ComplaintYear,
    list_complaint_years,
    read_complaint_year,
)
from survey.publish.views.complaints import build_complaint_view, name_area
from survey.store.engine import read_scope
from survey.store.tables import new_id
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import count_file, head, rows_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
READER = Principal(new_id(), "reader", Role.CITY_OFFICIAL, "110000")


def stored_year(
    url: str, rows: Iterable[str], *, year: int = 2024, principal: Principal = READER,
    like: tuple[str, ...] = (), faults: str = "", lenses: Collection[str] = LENSES,
) -> ComplaintYear | None:  # fmt: skip
    content = count_file(*rows)
    run_in_transaction(
        url,
        lambda session: import_complaints(
            session=session, principal=OPERATOR, check=check_file(content),
            head=head(str(hash(content)), faults=faults, day=date(2025, 1, 5)), now=NOW,
        ),
    )  # fmt: skip
    with read_scope(url) as session:
        return read_complaint_year(
            session=session, principal=principal, year=year, like=like, lenses=lenses
        )


def two_cities(month: str = "2024-05") -> list[str]:
    return [
        *rows_of(month, "420100", (100, 60, 4)),
        *rows_of(month, "420500", (80, 50, 30)),
        *rows_of(month, "42xxxx", (90, 40, 20)),
        *rows_of(month, "110000", (500, 300, 200)),
    ]


def test_a_small_count_cannot_be_computed_from_what_is_shown(sqlite_url: str) -> None:
    year = stored_year(sqlite_url, two_cities())
    assert year is not None
    cells = year.by_lens["nature"]
    assert cells["420100", "safety"] is None
    # Its row, its column, and every sum of several: no combination of shown cells gives it.
    shown = {key for key, cell in cells.items() if cell is not None}
    for group in ([k for k in cells if k[0] == "420100"], [k for k in cells if k[1] == "safety"]):
        hidden = [key for key in group if key not in shown]
        assert len(hidden) != 1
    parts = [key for key in cells if key[0][:2] == "42" and len(key[0]) == 6]
    hidden_of = {
        code: [k for k in parts if k[1] == code and k not in shown] for code in ("safety",)
    }
    counts = {"420100": 4, "420500": 30, "42xxxx": 20}
    whole_known = ("42", "safety") in shown
    if whole_known:
        assert sum(counts[area] for area, _ in hidden_of["safety"]) >= 10
        assert len(hidden_of["safety"]) >= 2


def test_no_linear_combination_of_shown_counts_is_a_hidden_one(sqlite_url: str) -> None:
    year = stored_year(sqlite_url, two_cities())
    assert year is not None
    cells = year.by_lens["nature"]
    leaves = sorted({a for a, _ in cells if len(a) == 6})
    codes = sorted({c for _, c in cells if c != TOTAL})
    place = {(a, c): i for i, (a, c) in enumerate((a, c) for a in leaves for c in codes)}

    def as_sum(key: tuple[str, str]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        area, code = key
        row = np.zeros(len(place))
        for (leaf, each), at in place.items():
            if (area == NATION or leaf.startswith(area)) and code in {TOTAL, each}:
                row[at] = 1
        return row

    known = np.array([as_sum(key) for key, cell in cells.items() if cell is not None])
    rank = np.linalg.matrix_rank(known)
    hidden = [key for key, cell in cells.items() if cell is None]
    assert hidden
    for key in hidden:
        assert np.linalg.matrix_rank(np.vstack([known, as_sum(key)])) == rank + 1


def test_totals_of_areas_are_the_sums_of_what_was_delivered(sqlite_url: str) -> None:
    year = stored_year(sqlite_url, two_cities())
    assert year is not None
    nation = year.find_cell(TOTAL, NATION, TOTAL)
    assert nation == {
        "accepted": 1474.0, "solved": 737.0, "mediated": 0.0, "mediation_succeeded": 0.0,
        "settled_first": 0.0, "recovered_fen": 0.0,
    }  # fmt: skip
    # An area that was not delivered has no cell: it is unknown, and not nothing.
    assert (next(a for a in leaf_areas() if a[:2] == "33"), TOTAL) not in year.by_lens[TOTAL]


def test_a_small_month_is_kept_back_with_another(sqlite_url: str) -> None:
    rows = [
        row
        for month, count in (("2024-01", 40), ("2024-02", 5), ("2024-03", 60))
        for row in rows_of(month, "420500", (count,))
    ]
    year = stored_year(sqlite_url, rows)
    assert year is not None
    hidden = [key for key, cell in year.by_month.items() if cell is None and key[0] == "420500"]
    assert ("420500", "2024-02") in hidden
    assert len(hidden) >= 2


def test_a_year_is_compared_with_the_same_months_or_not_at_all(sqlite_url: str) -> None:
    months = ("2024-04", "2024-05")
    this = [row for month in months for row in two_cities(month)]
    before = [*two_cities("2023-05"), *two_cities("2023-11")]
    assert stored_year(sqlite_url, [*this, *before], year=2023, like=months) is None
    same = stored_year(sqlite_url, two_cities("2023-04"), year=2023, like=months)
    assert same is not None
    assert same.months == ("2023-04", "2023-05")
    year = stored_year(sqlite_url, two_cities("2024-06"))
    with read_scope(sqlite_url) as session:
        assert list_complaint_years(session=session, principal=READER) == {2024: 3, 2023: 3}
    assert year is not None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_faults_and_freshness_stand_beside_the_figures(sqlite_url: str, language: str) -> None:
    year = stored_year(sqlite_url, two_cities(), faults="缺襄阳市")
    assert year is not None
    view = build_complaint_view(
        year=year, before=None, lens="nature", area="420100", language=language
    )
    notes = " ".join(view.notes)
    assert "缺襄阳市" in notes
    assert "2025" in notes
    heads, rows = view.lens
    assert len(heads) == 6
    assert ["<10", "–"] in [list(row[1:3]) for row in rows]
    assert "4" not in {row[1] for row in rows}


def test_every_reader_sees_the_same(sqlite_url: str) -> None:
    official = Principal(new_id(), "o", Role.CITY_OFFICIAL, "420100")
    other = stored_year(sqlite_url, two_cities())
    own = stored_year(sqlite_url, two_cities("2023-01"), principal=official)
    assert own is not None
    assert other is not None
    assert pd.Series(own.by_lens["nature"]).equals(pd.Series(other.by_lens["nature"]))


@pytest.mark.parametrize("lens", LENSES)
def test_a_list_that_is_read_alone_is_protected_as_beside_the_others(
    sqlite_url: str, lens: str
) -> None:
    months = ("2024-04", "2024-05", "2024-06")
    alone = stored_year(sqlite_url, [row for m in months for row in two_cities(m)], lenses=(lens,))
    with read_scope(sqlite_url) as session:
        _GATED_TABLES.clear()
        whole = read_complaint_year(session=session, principal=READER, year=2024)
    assert alone is not None
    assert whole is not None
    assert set(alone.by_lens) == {TOTAL, lens} & set(whole.by_lens)
    assert {name: whole.by_lens[name] for name in alone.by_lens} == alone.by_lens
    assert alone.by_month == whole.by_month


def test_a_revised_month_changes_what_is_read(sqlite_url: str) -> None:
    before = stored_year(sqlite_url, two_cities(), lenses=())
    after = stored_year(sqlite_url, [*two_cities(), *rows_of("2024-05", "440300", (70, 60))])
    assert before is not None
    assert after is not None
    assert (before.find_cell(TOTAL, NATION, TOTAL) or {})["accepted"] == 1474.0
    assert (after.find_cell(TOTAL, NATION, TOTAL) or {})["accepted"] == 1604.0


def test_what_a_province_has_besides_is_named_in_the_readers_language() -> None:
    assert name_area("42xxxx", "zh") == "湖北其他地区"
    assert name_area("42xxxx", "en") == "Other areas of Hubei"
