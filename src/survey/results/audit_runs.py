"""Audits beside the pages: the hidden counts of frozen waves that no freeze has reached.

One process at a time makes them, under a lease of the store. How far it is stands beside the lease:
pages say so, and where a process was ended the next goes on from there.
"""

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import monotonic
from uuid import UUID

from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.compute.worker import Worker
from survey.disclosure import IntervalAuditor
from survey.results.whole_audits import (
    AUDIT_TASK,
    AuditedCells,
    AuditProgress,
    CountAudit,
    identify_cells,
    list_waiting,
    read_progress,
    record_audit,
)
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.leases import acquire_lease, release_lease, renew_lease
from survey.store.tables import Snapshot, Wave, now
from survey.store.transactions import run_in_transaction

LEASE_DURATION = timedelta(minutes=5)
"""So long nobody else begins after the last note; a slice takes seconds."""
PAUSE_AFTER_FAILURE = timedelta(minutes=10)
"""Until a wave is tried again whose answers could not be read."""
NOTE_SECONDS = 3.0
NICENESS = 10
_LOG = logging.getLogger(__name__)


class AuditTakenOverError(Exception):
    """Raised when the lease expired and another process makes the audit."""


def audit_frozen_waves(settings: Settings, *, actor: Principal) -> list[str]:
    """Audit hidden counts of frozen waves without a complete audit; return the audited waves' keys.

    Does nothing while another process does it, or within ten minutes of a wave that failed.

    Returns:
        The keys of the waves that were audited.
    """
    actor.require(Action.RELEASE)
    url, began = settings.store_url, now()
    lease = run_in_transaction(
        url, lambda session: acquire_lease(session, AUDIT_TASK, began=began, lasts=LEASE_DURATION)
    )
    if lease is None:
        return []
    with read_scope(url) as session:
        run = _AuditRun(settings, actor, lease, read_progress(session))
    try:
        return run.audit_waiting()
    finally:
        run.release()


def audit_beside(settings: Settings, actor: Principal) -> list[str]:
    """Run `audit_frozen_waves` in a process of low priority; return the audited waves' keys."""
    with Worker(niceness=NICENESS) as worker:
        keys: list[str] = worker.apply(_audit_for, (settings, actor))
    return keys


def _audit_for(settings_and_actor: tuple[Settings, Principal]) -> list[str]:
    settings, actor = settings_and_actor
    return audit_frozen_waves(settings, actor=actor)


class _AuditRun:
    """Audit of all waiting snapshots by the process that holds the audit lease."""

    def __init__(
        self, settings: Settings, actor: Principal, lease: UUID, progress: AuditProgress
    ) -> None:
        self._settings, self._actor, self._lease = settings, actor, lease
        self._progress = progress
        self._failed: set[str] = set()
        self._noted_at = monotonic()

    def audit_waiting(self) -> list[str]:
        """Audit the waiting snapshots, skipping failures; return the keys of the audited waves."""
        done: list[str] = []
        while (found := self._find_next()) is not None:
            wave, snapshot = found
            try:
                self._audit(wave, snapshot)
                done.append(wave.key)
            except AuditTakenOverError:
                raise
            except Exception:
                _LOG.exception("the hidden counts of %s could not be audited", wave.key)
                self._failed.add(snapshot.directory)
        return list(dict.fromkeys(done))

    def _find_next(self) -> tuple[Wave, Snapshot] | None:
        with read_scope(self._settings.store_url) as session:
            waiting = list_waiting(session)
        return next((each for each in waiting if each[1].directory not in self._failed), None)

    def release(self) -> None:
        pause = PAUSE_AFTER_FAILURE if self._failed else timedelta()
        run_in_transaction(
            self._settings.store_url,
            lambda session: release_lease(
                session, AUDIT_TASK, self._lease, at=now(), pause=pause, result=vars(self._progress)
            ),
        )

    def _audit(self, wave: Wave, snapshot: Snapshot) -> None:
        """Audit a snapshot from where an interrupted audit stopped, and record the result."""
        with read_scope(self._settings.store_url) as session:
            cells = AuditedCells.read(self._settings, session, wave, snapshot)
        if self._progress.cells != cells.seal:
            self._progress = AuditProgress(cells.seal)
        before = self._progress
        auditor = IntervalAuditor(passed=before.slices)

        def note(slices: int) -> None:
            self._note(
                replace(
                    before,
                    slices=slices,
                    hidden=auditor.hidden,
                    audited=before.audited + auditor.audited,
                    narrow=before.narrow + auditor.initially_narrow,
                )
            )

        auditor.tick = note
        narrow = len(cells.audit(auditor))
        audit = CountAudit(
            auditor.slices, auditor.hidden, before.audited + auditor.audited, before.narrow + narrow
        )
        run_in_transaction(
            self._settings.store_url, partial(self._record, wave, snapshot, cells.seal, audit)
        )
        self._progress = AuditProgress()
        if not audit.is_whole:
            self._failed.add(snapshot.directory)

    def _note(self, progress: AuditProgress) -> None:
        self._progress = progress
        if monotonic() - self._noted_at < NOTE_SECONDS:
            return
        self._noted_at = monotonic()
        self._renew(progress)

    def _renew(self, progress: AuditProgress) -> None:
        """Renew the lease with `progress` as notes; raise `AuditTakenOverError` if it is lost.

        Raises:
            AuditTakenOverError: it expired and was taken.
        """
        if not run_in_transaction(
            self._settings.store_url,
            lambda session: renew_lease(
                session, AUDIT_TASK, self._lease, until=now() + LEASE_DURATION, notes=vars(progress)
            ),
        ):
            raise AuditTakenOverError

    def _record(
        self, wave: Wave, snapshot: Snapshot, cells: str, audit: CountAudit, session: Session
    ) -> None:
        """Record an audit in the audit trail if the snapshot's cells still have hash `cells`."""
        if identify_cells(session, snapshot) == cells:
            record_audit(
                Work(session, self._actor, now(), self._settings),
                wave=wave,
                snapshot=snapshot,
                audit=audit,
            )
