"""Complaint counts are read behind the gate: small ones, and what gives them away, are gone."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.counts.complaint_lists import list_lens_shares
from survey.counts.complaint_tables import (
    _GATED_TABLES,
    ComplaintYear,
    CountComparison,
    compare_years,
    find_residents,
    list_complaint_years,
    read_complaint_year,
    read_year_before,
)
from survey.counts.complaint_view import build_complaint_view, describe_total, name_area
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import LENSES
from survey.counts.deliveries import import_delivery
from survey.frame.code_lists import leaf_areas, resident_population
from survey.store.engine import read_scope
from survey.store.tables import new_id
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import HEADER, check_file, count_file, head, rows_of
from tests.work_of import work_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
READER = Principal(new_id(), "reader", Role.CITY_OFFICIAL, "110000")


def stored_year(
    url: str, rows: Iterable[str], *, year: int = 2024, principal: Principal = READER,
    like: tuple[str, ...] = (), faults: str = "", lenses: Collection[str] = LENSES,
    header: str = HEADER,
) -> ComplaintYear | None:  # fmt: skip
    content = count_file(*rows, header=header)
    run_in_transaction(
        url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, NOW),
            check=check_file(content),
            head=head(str(hash(content)), faults=faults, day=date(2025, 1, 5)),
        ),
    )
    with read_scope(url) as session:
        return read_complaint_year(
            work_of(session, principal, NOW), year=year, like=like, lenses=lenses
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
        "accepted": 1474.0, "solved": 737.0, "mediated": None, "mediation_succeeded": None,
        "settled_first": None, "recovered_fen": 0.0,
    }, "none at all looks like fewer than ten"  # fmt: skip
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
        assert list_complaint_years(work_of(session, READER, NOW)) == {2024: 3, 2023: 3}
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


def combine(
    cells: "Mapping[tuple[str, str], object]", place: Mapping[tuple[str, str], int]
) -> "dict[tuple[str, str], NDArray[np.float64]]":
    """Return each cell as the sum of cities and codes that it is."""
    rows = {}
    for area, code in cells:
        row = np.zeros(len(place))
        for (leaf, each), at in place.items():
            row[at] = (area == NATION or leaf.startswith(area)) and code in {TOTAL, each}
        rows[area, code] = row
    return rows


def is_solvable(known: "list[NDArray[np.float64]]", wanted: "NDArray[np.float64]") -> bool:
    if not known:
        return False
    table = np.array(known)
    return bool(np.linalg.matrix_rank(np.vstack([table, wanted])) == np.linalg.matrix_rank(table))


LAST_MONTH = {
    "420100": (100, 60, 4), "420500": (80, 3, 30), "42xxxx": (90, 40, 20),
    "110000": (500, 7, 200),
}  # fmt: skip


def year_with_a_small_last_month() -> list[str]:
    return [
        *two_cities("2023-04"),
        *two_cities("2023-05"),
        *(row for area, counts in LAST_MONTH.items() for row in rows_of("2023-06", area, counts)),
    ]


@pytest.mark.parametrize("year_first", [True, False])
def test_the_months_left_between_two_pages_tell_no_small_count(
    sqlite_url: str, year_first: bool
) -> None:
    """The year before stands whole on its own page, and to May beside a year that ends in May."""
    months = ("2024-04", "2024-05")
    this = [row for month in months for row in two_cities(month)]
    stored_year(sqlite_url, [*this, *year_with_a_small_last_month()], lenses=())
    _GATED_TABLES.clear()
    whole = same = None
    with read_scope(sqlite_url) as session:
        for reads_year in (year_first, not year_first):
            like = () if reads_year else months
            found = read_complaint_year(work_of(session, READER, NOW), year=2023, like=like)
            whole, same = (found, same) if reads_year else (whole, found)
    assert whole is not None
    assert same is not None
    assert len(whole.months) == 3
    assert same.months == ("2023-04", "2023-05")
    shown, shown_same = whole.by_lens["nature"], same.by_lens["nature"]
    place = {key: at for at, key in enumerate(k for k in shown if len(k[0]) == 6 and k[1] != TOTAL)}
    sums, nothing = combine(shown, place), np.zeros(len(place))
    known = [
        *(np.hstack([sums[key], sums[key]]) for key, cell in shown.items() if cell is not None),
        *(np.hstack([sums[key], nothing]) for key, cell in shown_same.items() if cell is not None),
    ]
    for area, code in (("420100", "safety"), ("420500", "price"), ("110000", "price")):
        assert not is_solvable(known, np.hstack([nothing, sums[area, code]]))
    assert any(cell is not None for (_, code), cell in shown_same.items() if code != TOTAL)
    for key, cell in shown.items():
        other = shown_same.get(key)
        if cell is not None and other is not None:
            left = (cell["accepted"] or 0) - (other["accepted"] or 0)
            assert left == 0 or left >= 10
    assert not {name for cell in shown_same.values() if cell for name in cell} - {"accepted"}


def test_a_small_last_month_is_not_what_two_totals_leave(sqlite_url: str) -> None:
    rows = [*rows_of("2023-04", "420500", (60, 40)), *rows_of("2023-05", "420500", (4, 1)),
            *rows_of("2024-04", "420500", (60, 40))]  # fmt: skip
    for area in ("420100", "110000"):
        rows += [row for month in ("2023-04", "2023-05", "2024-04")
                 for row in rows_of(month, area, (50, 40))]  # fmt: skip
    whole = stored_year(sqlite_url, rows, year=2023)
    with read_scope(sqlite_url) as session:
        same = read_complaint_year(work_of(session, READER, NOW), year=2023, like=("2024-04",))
    assert whole is not None
    assert same is not None
    cells = [found.find_cell(TOTAL, "420500", TOTAL) for found in (whole, same)]
    assert None in cells
    assert whole.by_month["420500", "2023-05"] is None


def test_months_that_are_no_year_delivered_are_not_compared(sqlite_url: str) -> None:
    """A third sum of the year would be subtracted from both of the others."""
    months = ("2024-04", "2024-05")
    this = [row for month in months for row in two_cities(month)]
    stored_year(sqlite_url, [*this, *year_with_a_small_last_month()])
    with read_scope(sqlite_url) as session:
        found = read_complaint_year(work_of(session, READER, NOW), year=2023, like=("2024-04",))
    assert found is None


SOLVED_HEADER = f"{HEADER},咨询件数,欺诈件数"


def solved_rows(area: str, counts: Iterable[tuple[str, int, int, int]]) -> list[str]:
    """Rows by nature: accepted, solved, and cases of fraud."""
    return [
        f"2024-05,{area},{nature},食品类,{accepted},{solved},0,0,0,0,40,{fraud}"
        for nature, accepted, solved, fraud in counts
    ]


def test_neither_a_small_measure_nor_what_it_leaves_is_told(sqlite_url: str) -> None:
    rows = [
        *solved_rows("420100", [("质量", 100, 94, 3), ("价格", 80, 50, 0), ("安全", 60, 40, 0)]),
        *solved_rows("420500", [("质量", 90, 60, 30), ("价格", 70, 5, 0), ("安全", 90, 45, 0)]),
        *solved_rows("110000", [("质量", 500, 300, 60), ("价格", 90, 50, 0), ("安全", 90, 45, 0)]),
        *solved_rows("42xxxx", [("质量", 95, 61, 20), ("价格", 75, 40, 0), ("安全", 91, 44, 0)]),
    ]
    year = stored_year(sqlite_url, rows, header=SOLVED_HEADER)
    assert year is not None
    cells = year.by_lens["nature"]
    assert all(cell is not None for cell in cells.values()), "every count of its own is large"
    place = {key: at for at, key in enumerate(k for k in cells if len(k[0]) == 6 and k[1] != TOTAL)}
    sums = combine(cells, place)
    known = [sums[key] for key, cell in cells.items() if (cell or {}).get("solved") is not None]
    assert known
    assert not is_solvable(known, sums["420100", "quality"])
    assert not is_solvable(known, sums["420500", "price"])
    totals = year.by_lens[TOTAL]
    fraud = {area: (cell or {})["fraud"] for (area, _), cell in totals.items()}
    assert fraud["420100"] is None
    assert fraud[NATION] is None or fraud["42"] is None or [fraud["420500"], fraud["42xxxx"]] != [
        30.0, 20.0,
    ]  # fmt: skip
    for language, word in (("en", "kept back"), ("zh", "不显示")):
        view = build_complaint_view(
            year=year, before=None, lens="nature", area="420100", language=language
        )
        assert word in {row[5] for row in view.lens[1]}
        assert any(word in sentence.lower() for sentence in view.sentences)
        assert not any("94" in cell for row in view.lens[1] for cell in row)


def read_both(url: str) -> tuple[ComplaintYear, ComplaintYear | None]:
    with read_scope(url) as session:
        year = read_complaint_year(work_of(session, READER, NOW), year=2024)
        assert year is not None
        return year, read_year_before(work_of(session, READER, NOW), year=year)


def test_one_city_is_not_compared_with_four_nor_counted_a_head_of_the_nation(
    sqlite_url: str,
) -> None:
    stored_year(sqlite_url, two_cities("2023-05"), year=2023)
    stored_year(sqlite_url, rows_of("2024-05", "420500", (40, 25, 15)))
    year, before = read_both(sqlite_url)
    found = compare_years(year, before, NATION)
    assert found == CountComparison(80.0, 160.0, areas=1, months=1, is_whole=False)
    assert compare_years(year, before, "420500") == replace(found, is_whole=True)
    residents = find_residents(year, NATION)
    assert residents == resident_population(["420500"])
    zh = " ".join(describe_total(year, before, NATION, "zh"))
    assert "数据来自127个地区中的1个、12个月中的1个月" in zh
    assert "涉及31个省份中的1个" in zh
    assert "按两年都有且可显示的1个地区、1个月比较，较2023年−50.0%（80件比160件）" in zh
    assert f"每10万人{80 / residents * 1e5:,.1f}件" in zh
    shares = list_lens_shares(year, before, "nature", NATION, "zh")
    assert {share.then for share in shares} == {None}
    assert "未报送：" in zh


def test_years_without_an_area_or_month_in_common_are_not_compared(sqlite_url: str) -> None:
    stored_year(sqlite_url, two_cities("2023-05"), year=2023)
    stored_year(sqlite_url, rows_of("2024-05", "440300", (40, 25, 15)))
    year, before = read_both(sqlite_url)
    assert compare_years(year, before, NATION) is None
    assert "未与2023年比较" in " ".join(describe_total(year, before, NATION, "zh"))


def test_months_that_only_one_year_has_are_left_out_of_the_comparison(sqlite_url: str) -> None:
    stored_year(sqlite_url, two_cities("2023-05"), year=2023)
    rows = [*two_cities("2024-04"), *two_cities("2024-05"), *rows_of("2024-03", "420500", (4,))]
    stored_year(sqlite_url, rows)
    year, before = read_both(sqlite_url)
    found = compare_years(year, before, NATION)
    assert found == CountComparison(1474.0, 1474.0, areas=4, months=1, is_whole=False)
    # A city with months that others lack has no figure a head, and the nation counts what came.
    assert find_residents(year, "420100") is None
    assert find_residents(year, "420500") == resident_population(["420500"])
    came = resident_population(["420500"]) + 2 / 3 * resident_population(
        ["420100", "42xxxx", "110000"]
    )
    assert find_residents(year, NATION) == round(came)


def test_what_is_compared_of_unlike_years_is_a_sum_of_months_that_are_shown(
    sqlite_url: str,
) -> None:
    rows = [*two_cities("2023-05"), *rows_of("2023-06", "420500", (60, 40))]
    stored_year(sqlite_url, rows, year=2023)
    rows = [*rows_of("2024-05", "420500", (4,)), *rows_of("2024-06", "420500", (50,)),
            *rows_of("2024-05", "110000", (60,)), *rows_of("2024-06", "110000", (70,))]  # fmt: skip
    stored_year(sqlite_url, rows)
    year, before = read_both(sqlite_url)
    assert before is not None
    assert year.by_month["420500", "2024-05"] is None
    found = compare_years(year, before, NATION)
    shown = [
        key
        for key, cell in year.by_month.items()
        if cell is not None
        and len(key[0]) == 6
        and before.by_month.get((key[0], f"2023{key[1][4:]}")) is not None
    ]
    cells = [year.by_month[key] or {} for key in shown]
    assert (found.now if found else 0) == sum(cell["accepted"] or 0 for cell in cells)
    assert ("420500", "2024-05") not in shown


def test_residents_of_all_areas_are_those_of_the_census() -> None:
    leaves = set(leaf_areas())
    assert resident_population(leaves) == 1_411_778_724
    assert sum(resident_population([leaf]) for leaf in leaves) == 1_409_778_724
    assert min(resident_population([leaf]) for leaf in leaves) > 0


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
        whole = read_complaint_year(work_of(session, READER, NOW), year=2024)
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
