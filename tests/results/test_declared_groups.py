"""Questions of somebody's own form that make groups, behind the same gate as every group."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.estimate import Design, estimate
from survey.figures.views.city import build_city_groups
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.method import build_method_view
from survey.figures.views.special_groups import (
    GroupFilters,
    build_special_groups_view,
    group_choices,
)
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import translator
from survey.questionnaire.model import Choice, Instrument, Item, ItemKind
from survey.results import WaveResults, open_results
from survey.results.disclosure_inputs import group_totals
from survey.results.freeze import freeze_frame
from survey.results.recompute import recompute_wave
from survey.results.snapshots import CELLS, DRIVERS, GAPS, HEADLINES, RANKS, SMALL_AREAS
from survey.results.wave_parts import count_most_groups
from survey.results.wave_rules import MAX_CHOICES, MAX_GROUPS
from survey.results.wave_snapshots import load_wave_data
from survey.snapshots.response_frame import build_response_frame
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import AuditEntry, Snapshot, now
from tests.error_codes import raises_code
from tests.small_waves import SmallWave, person, questionnaire, rating, select_one, small_wave
from tests.work_of import work_of

CITIES = ("110000", "310000")
EACH = 60


def labelled(name: str, kind: ItemKind, words: str, *choices: str, **more: Any) -> Item:
    return Item(
        name=name,
        kind=kind,
        label={"zh": f"问{words}", "en": f"Ask {words}"},
        choices=tuple(
            Choice(name=choice, label={"zh": f"选{choice}", "en": choice.capitalize()})
            for choice in choices
        ),
        **more,
    )


def cafe() -> Instrument:
    many = [f"c{number}" for number in range(MAX_CHOICES)]
    return questionnaire(
        rating("food"),
        rating("staff", maximum=5),
        labelled("again", ItemKind.SELECT_ONE, "again", "yes", "no", "maybe"),
        labelled("reasons", ItemKind.SELECT_MULTIPLE, "reasons", "price", "taste", "place", "rush"),
        labelled("debts", ItemKind.SELECT_ONE, "debts", "yes", "no", sensitive=True),
        labelled("town", ItemKind.SELECT_ONE, "town", *many, "more"),
        Item(name="remark", kind=ItemKind.TEXT, label={"en": "remark"}),
        *(select_one(f"full{number}", *many) for number in range(4)),
        name="cafe",
        few_groups=True,
    )


def guests() -> list[tuple[Any, ...]]:
    """In each city 60: 45 yes, 9 no, 6 maybe; 15 price, 12 of them taste; 40 place; 5 rush."""
    rows = []
    for place, city in enumerate(CITIES):
        for number in range(EACH):
            again = "yes" if number < 45 else "no" if number < 54 else "maybe"
            named = [
                choice
                for choice, first, last in (
                    ("price", 0, 15),
                    ("taste", 3, 15),
                    ("place", 10, 50),
                    ("rush", 55, 60),
                )
                if first <= number < last
            ]
            rows.append(
                person(
                    place * EACH + number,
                    city,
                    psu=None,
                    price=None,
                    service=None,
                    overall=None,
                    residence=None,
                    guardian=None,
                    food=3 + number * 5 % 8,
                    staff=1 + number % 5,
                    again=again,
                    reasons=named,
                    debts="no",
                    town="c1",
                )
            )
    return rows


@pytest.fixture(scope="module")
def wave(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallWave]:
    yield small_wave(tmp_path_factory.mktemp("cafe"), instrument=cafe(), series="cafe")
    dispose_engines()


def frozen(wave: SmallWave, groups: Sequence[str] = ()) -> WaveResults:
    with session_scope(wave.settings.store_url) as session:
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=wave.settings),
            wave=wave.read(session),
            frame=build_response_frame(guests(), cafe()),
            options=FreezeOptions(groups=groups),
        )
    with session_scope(wave.settings.store_url) as session:
        return open_results(wave.settings, session, wave.key)


def folder_of(wave: SmallWave, results: WaveResults) -> Path:
    """Folder of these results: the same responses may have been frozen more than once."""
    query = select(Snapshot.directory).where(Snapshot.created_at == results.wave.frozen_at)
    with read_scope(wave.settings.store_url) as session:
        return wave.settings.snapshot_dir / session.exec(query).one()


def shown_groups(results: WaveResults, level: str, area: str) -> set[str]:
    cells = results.cells(OPERATOR, area_level=level, area=area, indicator="food")
    return set(cells.loc[cells["shown"], "group"].astype(str))


@pytest.fixture(scope="module")
def declared(wave: SmallWave) -> WaveResults:
    return frozen(wave, ["again", "reasons"])


def test_declared_groups_have_the_figures_of_the_estimator(
    wave: SmallWave, declared: WaveResults
) -> None:
    with session_scope(wave.settings.store_url) as session:
        source = load_wave_data(session, wave.read(session), folder_of(wave, declared))
    assert set(source.memberships) >= {"again=yes", "reasons=price", "reasons=rush", "gender=male"}
    people = source.people
    rows = {"again=yes": people["again"] == "yes", "reasons=place": people["reasons/place"] == 1}
    for group, inside in rows.items():
        weights = people.loc[inside, "weight"]
        by_hand = np.average((people.loc[inside, "food"] - 1) / 9 * 100, weights=weights)
        cells = declared.cells(OPERATOR, area_level="nation", group=group, indicator="food")
        assert cells["estimate"].tolist() == [pytest.approx(by_hand, abs=0.051)]
        assert cells["n"].tolist() == [inside.sum()]
        theirs = estimate(
            people.assign(score=(people["food"] - 1) / 9 * 100, inside=inside),
            "score",
            Design(weight="weight", strata="stratum_key", assumed_deff=1.4),
            by="inside",
        )
        ends = theirs.loc[theirs["inside"].astype(bool), ["ci_low", "ci_high"]].to_numpy()[0]
        assert cells[["ci_low", "ci_high"]].to_numpy()[0] == pytest.approx(ends, abs=0.6)


def test_a_small_group_is_hidden_with_all_that_would_tell_it(declared: WaveResults) -> None:
    """Five a city named the rush and six would perhaps come again: neither can be worked out."""
    shown = shown_groups(declared, "city", "110000")
    assert not {"reasons=rush", "again=maybe", "again=no"} & shown
    assert {"again=yes", "reasons=place"} <= shown
    cells = declared.cells(OPERATOR, area_level="city", group="reasons=rush", indicator="food")
    assert cells[["n", "estimate", "ci_low", "df"]].isna().all(axis=None)
    gaps = declared.gaps(OPERATOR, contrast="rest", area_level="city", group="reasons=rush")
    assert gaps["shown"].tolist() == [False] * len(CITIES) * gaps["indicator"].nunique()


def test_of_two_overlapping_groups_that_differ_by_three_people_one_is_hidden(
    declared: WaveResults,
) -> None:
    """12 named the taste, and all of them the price, which 15 named."""
    shown = shown_groups(declared, "city", "110000")
    assert "reasons=price" in shown
    assert "reasons=taste" not in shown


def test_overlapping_groups_do_not_add_up_and_groups_of_one_answer_do() -> None:
    first = {EVERYONE: [1, 1, 1], "a=x": [1, 0, 0], "a=y": [0, 1, 0]}
    two = {"b=x": [1, 1, 0], "b=y": [0, 1, 1]}
    flags = {group: np.array(rows, dtype=bool) for group, rows in (first | two).items()}
    parts = [total.parts for total in group_totals(tuple(flags), count_most_groups(flags))]
    assert parts == [(("a=x",), ("a=y",)), (("b=x",),), (("b=y",),)]


@pytest.mark.slow
def test_questions_that_make_groups_give_no_shares(wave: SmallWave, declared: WaveResults) -> None:
    keys = {measure.key for measure in declared.method.measures}
    assert not any(key.startswith(("again=", "reasons=", "gender=")) for key in keys)
    assert "full0=c1" in keys
    without = {measure.key for measure in frozen(wave).method.measures}
    assert {"again=yes", "reasons=rush"} <= without


@pytest.mark.slow
def test_without_the_option_a_wave_has_the_tables_it_had(wave: SmallWave, tmp_path: Path) -> None:
    """Declaring and taking it back leaves the bytes of every table."""
    tables = (CELLS, GAPS, SMALL_AREAS, DRIVERS, RANKS, HEADLINES)

    def bytes_of(results: WaveResults) -> list[bytes]:
        return [(folder_of(wave, results) / name).read_bytes() for name in tables]

    plain = frozen(wave)
    assert plain.method.groups == ("all", "gender=male", "gender=female")
    assert plain.manifest.groups == ()
    before = bytes_of(plain)
    assert bytes_of(frozen(wave, ["again", "reasons"])) != before
    assert bytes_of(frozen(wave)) == before


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_name_the_groups_in_the_words_of_the_form(wave: SmallWave, language: str) -> None:
    results = frozen(wave, ["again", "reasons"])
    names = DisplayNames(language, results.tree, results.method.measures, results.method.grouping)
    wanted = {"zh": "问reasons: 选price", "en": "Ask reasons: Price"}[language]
    assert names.group("reasons=price") == wanted
    assert {"reasons=price", "again=yes", "gender=male"} <= set(group_choices(results))
    view = build_special_groups_view(
        ViewContext(results, OPERATOR, language), filters=GroupFilters("reasons=price", "food")
    )
    assert view.name == wanted
    assert wanted in view.groups.table.to_string()
    groups = build_city_groups(ViewContext(results, OPERATOR, language), city="110000")
    assert groups.table.empty, "without a composite no first question stands in for one"
    method = build_method_view(
        wave=results.wave,
        manifest=results.manifest,
        method=results.method,
        tree=None,
        language=language,
    )
    text = dict(method.snapshot)[translator(language)("Questions that make further groups")]
    asked = {"zh": "问again (again); 问reasons (reasons)",
             "en": "Ask again (again); Ask reasons (reasons)"}  # fmt: skip
    assert text == asked[language]


@pytest.mark.slow
def test_recomputing_keeps_the_declaration(wave: SmallWave) -> None:
    results = frozen(wave, ["reasons"])
    cells = folder_of(wave, results) / CELLS
    before = cells.read_bytes()
    cells.unlink()
    with session_scope(wave.settings.store_url) as session:
        recompute_wave(work_of(session, OPERATOR, now(), settings=wave.settings), wave_key=wave.key)
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "wave.snapshot"))
        assert [entry.detail.get("groups") for entry in entries][-1] == ["reasons"]
    assert cells.read_bytes() == before
    assert results.manifest.groups == ("reasons",)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["nothing"], "There is no question nothing."),
        (["remark"], "remark is not a question with choices."),
        (["food"], "food is not a question with choices."),
        (["gender"], "gender makes groups in every wave."),
        (["town"], f"town has {MAX_CHOICES + 1} choices; a question that makes groups has at most"),
        (["debts"], "debts is a sensitive question"),
    ],
)
def test_what_cannot_make_groups_is_refused_with_the_choices(
    wave: SmallWave, names: list[str], why: str
) -> None:
    folders = sorted(wave.settings.snapshot_dir.rglob("*"))
    with raises_code("unfit_group") as caught:
        frozen(wave, names)
    choices = "again, reasons, full0, full1, full2, full3"
    assert str(caught.value).endswith(f"Questions that can make groups: {choices}.")
    assert why in str(caught.value)
    assert sorted(wave.settings.snapshot_dir.rglob("*")) == folders


def test_too_many_groups_are_refused(wave: SmallWave) -> None:
    with raises_code("unfit_group", match=f"make 48 groups; a wave can have at most {MAX_GROUPS}"):
        frozen(wave, [f"full{number}" for number in range(4)])


@pytest.mark.slow
def test_an_own_question_of_numbers_with_the_name_of_a_variable_makes_no_groups(
    tmp_path: Path,
) -> None:
    """A form may ask for income as a number: freezing ended in a failure."""
    form = questionnaire(
        rating("food"),
        Item(name="income", kind=ItemKind.INTEGER, label={"en": "income"}),
        name="numbers",
        few_groups=True,
    )
    other = small_wave(tmp_path, instrument=form)
    people = [
        person(
            n,
            "110000",
            psu=None,
            food=3 + n % 8,
            income=1000 + n,
            price=None,
            service=None,
            overall=None,
            residence=None,
            guardian=None,
        )
        for n in range(40)
    ]
    with session_scope(other.settings.store_url) as session:
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=other.settings),
            wave=other.read(session),
            frame=build_response_frame(people, form),
        )
    with session_scope(other.settings.store_url) as session:
        groups = open_results(other.settings, session, other.key).method.groups
    assert not any(group.startswith("income") for group in groups)
