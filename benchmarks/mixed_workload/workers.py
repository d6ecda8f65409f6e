"""What the many do at once: each piece of work is what a page, a route or a command does.

A refusal in words (`SurveyError`) is an answer like another; a store that takes nothing in is asked
again, as browsers do. Whatever else is raised is a failure.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import Session

from benchmarks.mixed_workload.scenario import (
    CITY,
    Scenario,
    build_finished_response,
    cells_of_wave,
)
from survey.access.principal import OPERATOR, Principal
from survey.access.work import Work
from survey.collection.correction import resubmit
from survey.collection.response_bulk_insert import write_responses
from survey.collection.submission import SubmissionReceipt, submit
from survey.collection.submission_envelope import Submission
from survey.locale import SurveyError
from survey.review.decisions import decide, decide_many, preview_bulk_decision
from survey.review.review_queue import ReviewFilter
from survey.settings import current_settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Response,
    ResponseRevision,
    Status,
    Wave,
    WaveState,
    revision_join,
    table_of,
)
from survey.store.transactions import (
    StoreUnavailableError,
    WorkFailed,
    WorkSucceeded,
    run_batch,
    run_in_transaction,
)
from survey.waves.lifecycle import freeze_approved, lock_responses
from survey.waves.quotas import QuotaPolicy, set_quota_policy
from survey.waves.review_reasons import ReasonCode, ReviewReason
from survey.waves.waves import lock_wave

MAX_ATTEMPTS = 50
CLIENTS_PER_TRANSACTION = 3
"""Phones that share a transaction."""
IMPORT_BATCH_SIZE = 12
_RESPONSES, _REVISIONS = table_of(Response), table_of(ResponseRevision)
_REASON = ReviewReason.from_form(ReasonCode.CHECK_AGAIN, "mixture")


@dataclass
class ExpectedState:
    """What the crowd was told, to be held against the store."""

    receipts: dict[UUID, UUID] = field(default_factory=dict)
    """Client UUID -> response id."""
    imported: set[UUID] = field(default_factory=set)
    frozen: dict[UUID, tuple[int, Any]] = field(default_factory=dict)
    """Number and answers of what was frozen, as read for the snapshot."""
    refused: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _guard: Lock = field(default_factory=Lock)

    def receipt(self, client: UUID, receipt: SubmissionReceipt) -> None:
        with self._guard:
            before = self.receipts.setdefault(client, receipt.response_id)
            if before != receipt.response_id:
                self.failures.append(f"two receipts for {client}")


class Crowd:
    """Work for `threads` workers over several engines, as several processes would have them."""

    def __init__(self, urls: Sequence[str], world: Scenario, seed: int) -> None:
        self.urls, self.world, self.expected_state = tuple(urls), world, ExpectedState()
        self._random = random.Random(seed)
        self._tokens = deque(world.tokens)

    def work(self, pieces: int, threads: int = 64) -> ExpectedState:
        """Do so many pieces of work of each kind in a shuffled order, with one freeze amid them."""
        kinds: list[Callable[[str, random.Random], None]] = [
            self.hand_in,
            self.hand_in,
            self.interview,
            self.review,
            self.review,
            self.correct,
            self.review_many,
            self.import_rows,
            self.change_quota,
            self.void_and_restore,
        ]
        jobs: list[Callable[[str, random.Random], None]] = [*(kinds * pieces)]
        jobs += [partial(self.hand_in_tight, token) for token in self.world.tight_tokens]
        self._random.shuffle(jobs)
        jobs.insert(len(jobs) // 2, self.freeze)
        with ThreadPoolExecutor(threads) as pool:
            for result in [pool.submit(self._do, job, number) for number, job in enumerate(jobs)]:
                result.result()
        return self.expected_state

    def _do(self, job: Callable[[str, random.Random], None], number: int) -> None:
        name = getattr(job, "func", job).__name__
        url, draw = self.urls[number % len(self.urls)], random.Random(number)
        for _ in range(MAX_ATTEMPTS):
            try:
                job(url, draw)
            except StoreUnavailableError:
                self.expected_state.refused["store_unavailable"] += 1
                time.sleep(draw.uniform(0, 0.05))
                continue
            except SurveyError as refusal:
                self.expected_state.refused[refusal.code] += 1
            except Exception as error:
                self.expected_state.failures.append(f"{name}: {error!r}")
            else:
                self.expected_state.done[name] += 1
            return
        self.expected_state.failures.append(
            f"{name}: the store took nothing in {MAX_ATTEMPTS} times"
        )

    def _submission(self, draw: random.Random, **changes: Any) -> Submission:
        answers = {
            **self.world.complete,
            "gender": draw.choice(["male", "female"]),
            "birth_year": draw.randint(1950, 2008),
        }
        return Submission.model_validate(
            {
                "client_uuid": uuid4(),
                "instrument_sha256": self.world.instrument.sha256,
                "started_at": self.world.now - timedelta(minutes=6),
                "answers": answers,
                **changes,
            }
        )

    def _send(self, url: str, submissions: Sequence[Submission], who: Principal | None) -> None:
        works = [
            partial(_run_submit, submission=each, principal=who, now=self.world.now)
            for each in submissions
        ]
        outcomes = run_batch(url, works)
        for each, outcome in zip(submissions, outcomes, strict=True):
            if isinstance(outcome, WorkSucceeded):
                self.expected_state.receipt(each.client_uuid, outcome.value)
        failed = [outcome.error for outcome in outcomes if isinstance(outcome, WorkFailed)]
        if failed:
            raise failed[0]

    def hand_in(self, url: str, draw: random.Random) -> None:
        """Several phones share a transaction; one of them sends twice, to two processes."""
        tokens = [self._tokens.popleft() for _ in range(CLIENTS_PER_TRANSACTION)]
        sent = [self._submission(draw, token=token) for token in tokens]
        self._send_until_accepted(url, sent)
        self._send_until_accepted(draw.choice(self.urls), sent[:1])

    def hand_in_tight(self, token: str, url: str, draw: random.Random) -> None:
        """Everybody wants a place in the same cell."""
        submission = self._submission(draw, token=token)
        women = {**submission.answers, "gender": "female"}
        self._send_until_accepted(url, [submission.model_copy(update={"answers": women})])

    def _send_until_accepted(self, url: str, submissions: Sequence[Submission]) -> None:
        """As a browser does: the same interview again, until there is an answer."""
        for tried in range(MAX_ATTEMPTS):
            try:
                self._send(url, submissions, None)
            except StoreUnavailableError:
                self.expected_state.refused["store_unavailable"] += 1
                time.sleep(0.01 * tried)
            else:
                return
        raise TimeoutError("no receipt")

    def interview(self, url: str, draw: random.Random) -> None:
        self._send(url, [self._submission(draw, point_id=self.world.point)], self.world.surveyor)

    def _run_one_action(self, url: str, draw: random.Random, *statuses: Status) -> Any:
        """Some interview in one of these states, as a reviewer sees it."""
        wave = draw.choice([self.world.busy, self.world.closed])
        query = (
            select(_RESPONSES.c.id, _RESPONSES.c.lock_version, _RESPONSES.c.status)
            .where(_RESPONSES.c.wave_id == wave, _RESPONSES.c.status.in_(statuses))
            .order_by(_RESPONSES.c.id)
            .limit(40)
        )
        with read_scope(url) as session:
            rows = session.connection().execute(query).all()
        return draw.choice(rows) if rows else None

    def _decide(self, url: str, interview: Any, to: Status, who: Principal) -> None:
        run_in_transaction(
            url,
            lambda session: decide(
                Work(session, who, self.world.now, current_settings()),
                response_id=interview.id,
                to=to,
                reason=_REASON,
                expected_version=interview.lock_version,
            ),
        )

    def review(self, url: str, draw: random.Random) -> None:
        interview = self._run_one_action(
            url, draw, Status.SUBMITTED, Status.CITY_APPROVED, Status.APPROVED
        )
        if interview is None:
            return
        if interview.status is Status.SUBMITTED:
            to = draw.choice([Status.CITY_APPROVED, Status.CITY_APPROVED, Status.RETURNED])
            self._decide(url, interview, to, self.world.supervisor)
        else:
            back = interview.status is Status.APPROVED or draw.random() < 0.3
            to = Status.RETURNED if back else Status.APPROVED
            self._decide(url, interview, to, draw.choice(self.world.association))

    def correct(self, url: str, draw: random.Random) -> None:
        interview = self._run_one_action(url, draw, Status.RETURNED)
        if interview is None:
            return
        answers = self._submission(draw, point_id=self.world.point).answers
        run_in_transaction(
            url,
            lambda session: resubmit(
                Work(session, self.world.surveyor, self.world.now, current_settings()),
                response_id=interview.id,
                answers=answers,
                note="again",
                expected_version=interview.lock_version,
            ),
        )

    def review_many(self, url: str, draw: random.Random) -> None:
        wave = draw.choice([self.world.busy, self.world.closed])
        chosen = ReviewFilter(wave_id=wave, status=Status.SUBMITTED)
        who, to = self.world.supervisor, Status.CITY_APPROVED
        with read_scope(url) as session:
            seen = preview_bulk_decision(
                Work(session, who, datetime.now(UTC), current_settings()), chosen=chosen, to=to
            )
        run_in_transaction(
            url,
            lambda session: decide_many(
                Work(session, who, self.world.now, current_settings()),
                chosen=chosen,
                seen=seen,
                reason=None,
            ),
        )

    def import_rows(self, url: str, draw: random.Random) -> None:
        """An import of some rows, in one transaction."""
        with read_scope(url) as session:
            cells = cells_of_wave(session, self.world.busy)
        rows = [
            build_finished_response(
                CITY,
                Status.SUBMITTED,
                self.world.now,
                dict(self.world.complete),
                quota_cell_id=draw.choice(cells),
                surveyor_id=self.world.surveyor.account_id,
                point_id=self.world.point,
            )
            for _ in range(IMPORT_BATCH_SIZE)
        ]
        with session_scope(url, long_running=True) as session:
            wave = session.get_one(Wave, self.world.busy)
            write_responses(
                Work(session, OPERATOR, self.world.now, current_settings()), wave=wave, rows=rows
            )
        self.expected_state.imported.update(row.client_uuid for row in rows)

    def change_quota(self, url: str, draw: random.Random) -> None:
        policy = draw.choice(list(QuotaPolicy))
        run_in_transaction(
            url,
            lambda session: set_quota_policy(
                Work(session, OPERATOR, self.world.now, current_settings()),
                wave_key=self.world.busy_key,
                policy=policy,
            ),
        )

    def void_and_restore(self, url: str, draw: random.Random) -> None:
        interview = self._run_one_action(url, draw, Status.SUBMITTED, Status.RETURNED, Status.VOID)
        if interview is not None:
            to = Status.SUBMITTED if interview.status is Status.VOID else Status.VOID
            self._decide(url, interview, to, self.world.supervisor)

    def freeze(self, url: str, _: random.Random) -> None:
        """As `survey freeze --final` registers, holding its locks for longer."""
        with session_scope(url, long_running=True) as session:
            wave = lock_wave(session=session, key=self.world.closed_key)
            lock_responses(session=session, wave_id=wave.id)
            read = current_answers(session, wave.id, Status.APPROVED)
            time.sleep(0.3)
            freeze_approved(session=session, wave_id=wave.id)
            wave.state = WaveState.FROZEN
            session.add(wave)
        self.expected_state.frozen = read


def _run_submit(session: Session, **given: Any) -> SubmissionReceipt:
    return submit(session=session, **given)


def current_answers(session: Session, wave_id: UUID, status: Status) -> dict[UUID, tuple[int, Any]]:
    query = (
        select(_RESPONSES.c.id, _REVISIONS.c.number, _REVISIONS.c.answers)
        .join(_REVISIONS, revision_join(_RESPONSES, _REVISIONS))
        .where(
            _RESPONSES.c.wave_id == wave_id, _RESPONSES.c.status == status, _REVISIONS.c.is_current
        )
    )
    return {row.id: (row.number, row.answers) for row in session.connection().execute(query)}
