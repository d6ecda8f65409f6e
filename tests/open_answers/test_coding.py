"""Open answers from the draw to shares: blind coders, masked texts, a third person, the gate."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from seed.survey_provider import inventor
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.access.work import Work
from survey.locale import SurveyError
from survey.open_answers import coding
from survey.open_answers.coding_frames import CodeList, read_code_file, save_coding_frame
from survey.open_answers.shares import compute_open_answers, list_open_answers
from survey.questionnaire.model import Item, ItemKind
from survey.results.freeze import freeze_wave
from survey.review.back_check.draws import draw_key
from survey.settings import PROJECT_ROOT
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import Account, AuditEntry, CodedAnswer, CodingRound
from survey.store.tables.open_answers import CodeData
from survey.waves.personal_data import mask_remark
from tests.conftest import FillOnce
from tests.error_codes import raises_code
from tests.small_waves import SmallWave, questionnaire, rating, small_tree, small_wave, store_people
from tests.work_of import work_of

TEXTS = {
    "access": "停车太难了，希望多建停车场",
    "price": "价格太贵，标价也不清楚",
    "praise": "都挺好的，很满意",
}
"""Code -> what is written about it."""
BEIJING, SHANGHAI = "110000", "310000"
PHONE = "13912345678"
Do = Callable[..., object]


@pytest.fixture
def wave(tmp_path: Path, store_url: str, fill_once: FillOnce) -> Iterator[SmallWave]:
    """60 answers about access, 30 about prices and 10 of praise, and 20 people without one."""
    comment = Item(name="comment", kind=ItemKind.TEXT, label={"en": "Anything else?"})
    asked = questionnaire(
        rating("price", "1.1.1"), rating("service", "2.1.1"), rating("overall"), comment,
        tree="small",
    )  # fmt: skip
    made = small_wave(tmp_path / "data", url=store_url, instrument=asked, tree=small_tree())

    def fill() -> None:
        for city in (BEIJING, SHANGHAI):
            for code, size in (("access", 30), ("price", 15), ("praise", 5)):
                store_people(made, {city: size}, comment=f"{TEXTS[code]}，电话{PHONE}")
            store_people(made, {city: 10})
        options = FreezeOptions(final=True)
        freeze_wave(made.settings, wave_key=made.key, actor=OPERATOR, options=options)

    fill_once("open-answers", made.settings, fill)
    yield made
    dispose_engines()


@pytest.fixture
def do(wave: SmallWave) -> Do:
    """`do(service, person, …)`: call it in a transaction of its own."""

    def call(service: Callable[..., object], who: Principal, /, **arguments: object) -> object:
        with session_scope(wave.settings.store_url) as session:
            return service(work_of(session, who, settings=wave.settings), **arguments)

    return call


@pytest.fixture
def employ(wave: SmallWave) -> Callable[..., Principal]:
    def account(role: Role = Role.FINAL_REVIEWER, area: str = NATION) -> Principal:
        login = f"{role}-{uuid4().hex[:6]}"
        row = Account(login=login, name=login, role=role, area=area)
        with session_scope(wave.settings.store_url) as session:
            session.add(row)
        return Principal(row.id, login, role, area)

    return account


def shipped_codes(work: Work) -> tuple[CodeData, ...]:
    content = (PROJECT_ROOT / "seed" / "open_answers" / "comment.csv").read_bytes()
    listed = read_code_file(work, name="comment.csv", content=content)
    assert isinstance(listed, CodeList)
    assert listed.errors == ()
    return listed.codes


def begin(do: Do, lead: Principal, *, share: float = 0.4, seed: str = "seed") -> UUID:
    codes = do(shipped_codes, lead)
    do(save_coding_frame, lead, question="comment", codes=codes)
    drawn = do(
        coding.draw_answers, lead, wave_key="small-2026", question="comment", share=share, seed=seed
    )
    assert isinstance(drawn, UUID)
    return drawn


def code_of(text: str) -> str:
    return next(code for code, words in TEXTS.items() if text.startswith(words))


def code_all(do: Do, who: Principal, drawn: UUID, choose: Callable[[str], str] = code_of) -> int:
    """Code everything that waits for somebody and return how much it was."""
    count = 0
    while (answer := do(coding.find_answer_to_code, who, round_id=drawn)) is not None:
        assert isinstance(answer, coding.AnswerToCode)
        assert answer.given == ()
        do(coding.code_answer, who, answer_id=answer.id, code=choose(answer.text))
        count += 1
    return count


def test_from_the_draw_to_shares_with_two_coders_and_a_third(
    do, employ, wave, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ids are others in each run, and one draw in ten has an interval that misses a true share.
    places: dict[UUID, int] = {}
    monkeypatch.setattr(
        coding,
        "draw_key",
        lambda seed, id_: draw_key(seed, UUID(int=places.setdefault(id_, len(places)))),
    )
    lead, anna, ben = employ(), employ(Role.SUPERVISOR), employ(Role.SUPERVISOR)
    drawn = begin(do, lead)
    assert code_all(do, anna, drawn) == 40
    # Ben takes prices for quality, so that those are settled.
    assert code_all(do, ben, drawn, lambda text: code_of(text).replace("price", "quality")) == 40
    summary = do(coding.list_coding_rounds, lead)[0]
    assert (summary.answers, summary.drawn, summary.waiting) == (100, 40, 0)
    assert summary.disputed + summary.settled == 40
    with raises_code("coding_refused", match="wait"):
        do(compute_open_answers, lead, round_id=drawn)
    settled = 0
    while (answer := do(coding.find_answer_to_settle, lead, round_id=drawn)) is not None:
        assert set(answer.given) == {"price", "quality"}
        do(coding.settle_answer, lead, answer_id=answer.id, code="price")
        settled += 1
    assert settled == summary.disputed > 0
    do(compute_open_answers, lead, round_id=drawn)
    found = do(list_open_answers, employ(Role.ANALYST), wave_key=wave.key)[0]
    nation = {each.code: each for each in found.shares if each.area == NATION}
    for code, true in {"access": 0.6, "price": 0.3, "praise": 0.1}.items():
        assert nation[code].low <= true <= nation[code].high
    assert sum(each.share for each in nation.values()) == pytest.approx(1, abs=0.01)
    assert (nation["access"].answers, nation["access"].read) == (100, 40)
    assert found.people.value < 1
    assert found.machine.value > 0.8
    assert found.people.units == found.alpha.units == 40


def test_the_number_in_a_text_is_masked_before_it_is_stored(do, employ, wave) -> None:
    lead = employ()
    begin(do, lead)
    with session_scope(wave.settings.store_url) as session:
        texts = session.exec(select(CodedAnswer.text)).all()
        trail = [str(entry.detail) for entry in session.exec(select(AuditEntry))]
    assert len(texts) == 40
    assert all("***" in text for text in texts)
    assert not any(PHONE in words for words in (*texts, *trail))


def test_the_same_seed_draws_the_same_answers_whatever_else_happens(do, employ, wave) -> None:
    lead = employ()
    begin(do, lead, seed="one")
    with session_scope(wave.settings.store_url) as session:
        rows = session.exec(select(CodedAnswer).order_by(CodedAnswer.place)).all()
        keys = [draw_key("one", row.response_id) for row in rows]
    assert keys == sorted(keys)
    with raises_code("coding_drawn"):
        begin(do, lead, seed="two")


def test_a_coder_sees_nothing_of_the_other_and_codes_once(do, employ, wave) -> None:
    lead, anna, ben, carl = (employ() for _ in range(4))
    drawn = begin(do, lead)
    first = do(coding.find_answer_to_code, anna, round_id=drawn)
    do(coding.code_answer, anna, answer_id=first.id, code="price")
    # The same answer is the next of Ben, with no trace of Anna's code; Anna has another one.
    same = do(coding.find_answer_to_code, ben, round_id=drawn)
    assert same == first
    assert do(coding.find_answer_to_code, anna, round_id=drawn).id != first.id
    for code in ("price", "access"):
        with raises_code("coding_refused"):
            do(coding.code_answer, anna, answer_id=first.id, code=code)
    with raises_code("coding_refused", match="no such code"):
        do(coding.code_answer, ben, answer_id=first.id, code="nonsense")
    with raises_code("coding_refused"):
        do(coding.settle_answer, lead, answer_id=first.id, code="price")
    do(coding.code_answer, ben, answer_id=first.id, code="access")
    with raises_code("coding_refused"):
        do(coding.code_answer, carl, answer_id=first.id, code="access")
    # Those who coded it do not settle it, by whatever way.
    for person in (anna, ben):
        assert do(coding.find_answer_to_settle, person, round_id=drawn) is None
        with raises_code("coding_refused", match="yourself"):
            do(coding.settle_answer, person, answer_id=first.id, code="price")
    do(coding.settle_answer, carl, answer_id=first.id, code="praise")
    with raises_code("coding_refused"):
        do(coding.settle_answer, lead, answer_id=first.id, code="price")
    with session_scope(wave.settings.store_url) as session:
        entries = [
            entry for entry in session.exec(select(AuditEntry)) if entry.action == "coding.coded"
        ]
    assert len(entries) == 2
    assert all("price" not in str(each.detail) and "access" not in str(each.detail)
               for each in entries)  # fmt: skip


def test_the_database_lets_nobody_be_both_coders(do, employ, wave) -> None:
    lead = employ()
    begin(do, lead)
    with session_scope(wave.settings.store_url) as session:
        row = session.exec(select(CodedAnswer)).first()
        row.first_code = row.second_code = "price"
        row.first_by = row.second_by = lead.account_id
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def test_a_coder_of_a_city_codes_that_city_alone_and_blacks_out(do, employ, wave) -> None:
    lead, local = employ(), employ(Role.SUPERVISOR, BEIJING)
    drawn = begin(do, lead, share=1.0)
    with session_scope(wave.settings.store_url) as session:
        elsewhere = session.exec(
            select(CodedAnswer.id).where(CodedAnswer.city_code == SHANGHAI)
        ).first()
    assert code_all(do, local, drawn) == 50
    for service, arguments in (
        (coding.code_answer, {"code": "price"}),
        (coding.black_out, {"words": "价格"}),
    ):
        with raises_code("answer_unknown"):
            do(service, local, answer_id=elsewhere, **arguments)
    answer = do(coding.find_answer_to_code, lead, round_id=drawn)
    do(coding.black_out, lead, answer_id=answer.id, words=answer.text[:2])
    again = do(coding.find_answer_to_code, lead, round_id=drawn)
    assert again.id == answer.id
    assert again.text == answer.text.replace(answer.text[:2], "***")
    with raises_code("coding_refused", match="exactly"):
        do(coding.black_out, lead, answer_id=answer.id, words="never written")


@pytest.mark.parametrize("role", [Role.SURVEYOR, Role.TYPIST, Role.ANALYST, Role.CITY_OFFICIAL])
def test_nobody_else_reads_answers(do, employ, role) -> None:
    drawn = begin(do, employ())
    area = BEIJING if role in {Role.SURVEYOR, Role.CITY_OFFICIAL} else NATION
    with pytest.raises(AccessDeniedError):
        do(coding.find_answer_to_code, employ(role, area), round_id=drawn)


def test_an_area_with_few_answers_is_kept_back_with_all_its_codes(do, employ, wave) -> None:
    lead, anna = employ(), employ(Role.SUPERVISOR)
    drawn = begin(do, lead)
    for person in (anna, lead):
        code_all(do, person, drawn)
    do(compute_open_answers, lead, round_id=drawn)
    with session_scope(wave.settings.store_url) as session:
        row = session.exec(select(CodingRound)).one()
        small = [{**each, "n": 9} if each["area_level"] == "region3" else each
                 for each in row.shares]  # fmt: skip
        row.shares = small
    found = do(list_open_answers, employ(Role.ANALYST), wave_key=wave.key)[0]
    below = [each for each in found.shares if each.area != NATION]
    assert below
    assert all(each.share is each.low is each.answers is None for each in below)


def test_a_code_of_two_people_hides_shares_of_which_all_was_read(do, employ, wave) -> None:
    """An exact share of one or two people would tell their weight."""
    lead, anna = employ(), employ(Role.SUPERVISOR)
    drawn = begin(do, lead, share=1.0)
    for person in (anna, lead):
        code_all(do, person, drawn)
    do(compute_open_answers, lead, round_id=drawn)
    analyst = employ(Role.ANALYST)

    def shown() -> set[str]:
        (found,) = do(list_open_answers, analyst, wave_key=wave.key)
        return {each.area for each in found.shares if each.share is not None}

    def say(area: str, by_people: int, audited: int) -> None:
        with session_scope(wave.settings.store_url) as session:
            row = session.exec(select(CodingRound)).one()
            first = next(each for each in row.shares if each["area"] == area)
            changed = {**first, "by_people": by_people, "audited": audited}
            row.shares = [changed if each is first else each for each in row.shares]

    with session_scope(wave.settings.store_url) as session:
        rows = list(session.exec(select(CodingRound)).one().shares)
    counts = {area: sum(each["by_people"] for each in rows if each["area"] == area)
              for area in {each["area"] for each in rows}}  # fmt: skip
    assert counts == {each["area"]: each["audited"] for each in rows}
    assert counts[NATION] == 100
    areas = shown()
    assert areas == counts.keys()
    below = next(iter(areas - {NATION}))
    say(below, 2, counts[below])
    assert shown() == {NATION}
    say(below, 2, counts[below] - 1)
    assert shown() == areas, "an estimate tells nobody"
    say(NATION, 1, counts[NATION])
    assert shown() == set()


def test_a_draw_needs_a_frozen_wave_and_enough_answers(do, employ, wave) -> None:
    lead = employ()
    codes = do(shipped_codes, lead)
    with raises_code("coding_frame_unknown"):
        begin_without = {"wave_key": wave.key, "question": "comment", "share": 0.1, "seed": "s"}
        do(coding.draw_answers, lead, **begin_without)
    do(save_coding_frame, lead, question="comment", codes=codes)
    do(save_coding_frame, lead, question="comment", codes=codes[:2])
    do(save_coding_frame, lead, question="overall", codes=codes)
    for change in ({"share": 0.0}, {"share": 1.5}, {"seed": " "}, {"question": "overall"}):
        with raises_code("coding_refused"):
            do(coding.draw_answers, lead, **{**begin_without, **change})
    for wrong in (codes[:1], (codes[0], codes[0])):
        with raises_code("coding_refused"):
            do(save_coding_frame, lead, question="comment", codes=wrong)
    with pytest.raises(AccessDeniedError, match="whole nation"):
        do(coding.draw_answers, employ(area=BEIJING), **begin_without)
    # At least thirty are read, however small the share.
    do(coding.draw_answers, lead, **begin_without)
    assert do(coding.list_coding_rounds, lead)[0].drawn == coding.MIN_DRAWN


def test_a_list_of_codes_says_what_is_wrong_with_it(do, employ) -> None:
    lead = employ()
    with (PROJECT_ROOT / "seed" / "open_answers" / "comment.csv").open(encoding="utf-8") as file:
        heads = next(csv.reader(file))
    content = (",".join(heads) + "\nno,,,,,\n").encode()
    listed = do(read_code_file, lead, name="codes.csv", content=content)
    assert {error.column.msgid for error in listed.errors} >= {"Name in Chinese", "Example"}
    with pytest.raises(SurveyError):
        do(read_code_file, lead, name="codes.csv", content=b"nothing")


def test_no_number_of_ten_thousand_planted_comments_is_left() -> None:
    invented = inventor(5)

    def plate() -> str:
        # Without I and O, which no plate has (GA 36-2018) but Faker gives.
        drawn = (invented.license_plate() for _ in range(100))
        return next(each for each in drawn if not {"I", "O"} & set(each))

    kinds = (invented.phone_number, invented.ssn, plate)
    left = []
    for number in range(10_000):
        planted = kinds[number % 3]()
        written = planted if number % 2 else " ".join((planted[:3], planted[3:]))
        text = f"{invented.complaint()}{written}，{invented.comment()}"
        # What is left of it, in whatever writing.
        if planted[-5:] in mask_remark(text):
            left.append(text)
    assert left == []


def test_comments_that_name_nobody_stay_as_they_are() -> None:
    comments = inventor(20_240_317).comment_codes()
    assert [text for text in comments if mask_remark(text) != text] == []
    document = (PROJECT_ROOT / "docs" / "open-answers.md").read_text(encoding="utf-8")
    assert f"of the {len(comments)} different comments" in document
