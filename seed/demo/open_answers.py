"""Open answers of two demo waves, coded by two invented people: one done, one with work left."""

import csv
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from seed.demo.random_streams import random_stream
from seed.survey_provider import inventor
from survey.access.principal import Principal
from survey.access.roles import NATION, Role, demo_login
from survey.access.work import Work
from survey.locale import RefusedError
from survey.open_answers.coding import code_answer, draw_answers, settle_answer
from survey.open_answers.coding_frames import find_coding_frame, save_coding_frame
from survey.open_answers.shares import compute_open_answers
from survey.settings import PROJECT_ROOT, current_settings
from survey.store.tables import Account, CodedAnswer, CodingRound
from survey.store.tables.open_answers import CodeData

CODES = PROJECT_ROOT / "seed" / "open_answers" / "comment.csv"
QUESTION = "comment"
DONE, IN_WORK = "main-2024", "main-2023"
CODERS = ("演示归类员甲", "演示归类员乙")
SLIP = 0.06
"""Chance that a coder takes another code than the true one."""
_SHARES = {DONE: 0.1, IN_WORK: 0.05}


def store_open_answers(*, session: Session, seed: int, now: datetime) -> None:
    """Draw and code answers, once; a wave that is not there or has too few of them is left out."""
    if session.exec(select(CodingRound)).first() is not None:
        return
    lead = _find_lead(session)
    work = Work(session, lead, now, current_settings())
    with CODES.open(encoding="utf-8", newline="") as file:
        codes = tuple(CodeData(**row) for row in csv.DictReader(file))
    if find_coding_frame(work, question=QUESTION) is None:
        save_coding_frame(work, question=QUESTION, codes=codes)
    coders = [_add_coder(session, number, name) for number, name in enumerate(CODERS, start=1)]
    for wave_key, share in _SHARES.items():
        try:
            drawn = draw_answers(
                work, wave_key=wave_key, question=QUESTION, share=share, seed=str(seed)
            )
        except RefusedError:
            continue
        _code(
            work, drawn, coders, [each.code for each in codes], seed=seed, is_done=wave_key == DONE
        )
        if wave_key == DONE:
            compute_open_answers(work, round_id=drawn)


def _find_lead(session: Session) -> Principal:
    login = demo_login(Role.FINAL_REVIEWER)
    account = session.exec(select(Account).where(Account.login == login)).one()
    return Principal(account.id, account.name, Role.FINAL_REVIEWER, NATION, is_demo=True)


def _add_coder(session: Session, number: int, name: str) -> Principal:
    account = Account(
        login=f"demo-coder-{number}", name=name, role=Role.SUPERVISOR, area=NATION, is_demo=True
    )
    session.add(account)
    session.flush()
    return Principal(account.id, name, Role.SUPERVISOR, NATION, is_demo=True)


def _code(
    work: Work, drawn: UUID, coders: list[Principal], codes: list[str], *, seed: int, is_done: bool
) -> None:
    """Code a draw as the two would; where work is to be left, both code a third, one another."""
    truth = inventor(20_240_317).comment_codes()
    rng = random_stream("open-answers", "done" if is_done else "in work", seed=seed)
    query = (
        select(CodedAnswer).where(CodedAnswer.round_id == drawn).order_by(col(CodedAnswer.place))
    )
    answers = list(work.session.exec(query))
    for place, answer in enumerate(answers):
        part = 2 if is_done or place % 3 == 0 else place % 3 - 1
        true = truth.get(answer.text, "other")
        for coder in coders[:part]:
            given = str(rng.choice(codes)) if rng.random() < SLIP else true
            code_answer(
                Work(work.session, coder, work.now, work.settings), answer_id=answer.id, code=given
            )
        if is_done and answer.settled_code is None:
            settle_answer(work, answer_id=answer.id, code=true)
