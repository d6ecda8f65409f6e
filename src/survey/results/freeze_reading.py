"""What a freeze takes from the store, in one view of it, and the facts it rests on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.importing.target_wave import list_files_with_weights
from survey.frame.quotas import Oversampling, oversampling_of
from survey.locale import Message, SurveyError, labels_of, msg
from survey.results.analysis import require_points
from survey.results.error_evidence import collect_error_evidence
from survey.results.method import EvidenceLine
from survey.results.public_cells import PublicCells, read_public_cells, was_public
from survey.results.snapshots import ResponseSource
from survey.results.wave_parts import MapParts
from survey.results.wave_rules import WaveRules, declared_items
from survey.results.wave_snapshots import MAX_ROWS_IN_MEMORY, load_earlier_rules, load_rules
from survey.review.progress.tallies import Dispositions
from survey.review.progress.wave_progress import count_dispositions
from survey.settings import Settings
from survey.snapshots.response_files import ResponseFile, hash_of_files, plan_files
from survey.snapshots.response_frame import FREEZABLE
from survey.snapshots.seals import find_newest_snapshot
from survey.snapshots.snapshot_files import (
    FreezeOptions,
    OverlapFiles,
    SnapshotManifest,
    UnfinishedFiles,
    WeightFile,
    write_responses,
)
from survey.store.tables import Response, Wave, WaveState, table_of
from survey.waves.planning.wave_editing import left_out_codes
from survey.waves.waves import COMPUTED_STATES, require_transition


class FreezeStage(StrEnum):
    """Stage of a freeze, reported to its progress callback."""

    READING = "reading"
    """The responses are read from the store and written to files."""
    COMPUTING = "computing"
    """All parts are looked at, some times over."""


STAGE_NAMES: dict[FreezeStage, Message] = {
    FreezeStage.READING: msg("reading the interviews, part {done} of {total}"),
    FreezeStage.COMPUTING: msg("computing the figures, part {done} of {total}"),
}

FreezeTick = Callable[[FreezeStage, int, int], None]
"""Told the stage, the parts that are done and all of them; stops the freeze by an error."""


class FreezeCancelledError(SurveyError):
    """Raised when a freeze was cancelled while it ran; nothing was written."""

    code = "freeze_cancelled"
    message = msg("The freeze was cancelled. Nothing was written.")


def ignore_progress(_stage: FreezeStage, _done: int, _total: int) -> None:
    """Ignore the progress of a freeze; used where no page shows it."""


def report_parts(run: MapParts, tick: FreezeTick, parts: int) -> MapParts:
    """Return the function `run` (a map), wrapped so that it reports each finished item to `tick`.

    Args:
        parts: number of the items where they have no length.
    """

    def mapped(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        total = len(items) if isinstance(items, Sized) else parts
        tick(FreezeStage.COMPUTING, 0, total)
        for done, result in enumerate(run(function, items), start=1):
            yield result
            tick(FreezeStage.COMPUTING, done, total)

    return mapped


_RESPONSES = table_of(Response)
_WAVE_FIELDS = (
    "key", "series", "year", "title_zh", "title_en", "is_demo", "composite", "instrument_id",
    "tree_id",
)  # fmt: skip


class AnswersConflictError(SurveyError):
    """Raised when interviews changed after the answers had been read."""

    code = "answers_changed"
    message = msg("Interviews changed while the wave was being frozen. Please freeze it again.")


class WaveConflictError(SurveyError):
    """Raised when settings of a wave, or another wave of its series, changed during a freeze."""

    code = "wave_changed"

    def __init__(self, key: str) -> None:
        super().__init__(
            msg(
                "The wave {wave}, or another one of its series, was changed while it was being "
                "frozen. Nothing was written; please freeze it again.",
                wave=key,
            )
        )


@dataclass(frozen=True)
class FreezeBasis:
    """Facts read for a freeze, compared with the store again just before it is registered.

    Provisional results are a picture of the moment of reading: interviews that are approved later
    are in the next ones. Final results have to hold every interview, so these are compared too.
    """

    wave: Mapping[str, Any]
    is_computed: bool
    """Whether the wave was frozen for good before."""
    was_public: bool
    """Whether readers have seen results of the wave: what those hide stays hidden."""
    oversampling: Oversampling | None
    left_out: tuple[str, ...]
    newest: UUID | None
    """The wave's newest snapshot: another freeze of it may end first, having read later. What is
    registered last would be older than it, or provisional after the last results."""
    withdrawn: int
    """Interviews that respondents withdrew."""
    responses: str | None = None
    """Hash of all interviews that are counted; None for provisional results."""
    attempts: Dispositions | None = None

    @classmethod
    def read(
        cls, work: Work, wave: Wave, responses: ResponseSource, *, final: bool
    ) -> "FreezeBasis":
        """Return the facts that a freeze depends on; if `final`, with a fingerprint of `responses`.

        Links expire, so another moment would count other dispositions.
        """
        session = work.session
        newest = find_newest_snapshot(session, wave.id)
        withdrawn = select(func.count()).where(
            _RESPONSES.c.wave_id == wave.id, _RESPONSES.c.withdrawn_at.is_not(None)
        )
        basis = cls(
            wave={name: getattr(wave, name) for name in _WAVE_FIELDS},
            is_computed=wave.state in COMPUTED_STATES,
            was_public=was_public(session, wave),
            oversampling=oversampling_of(session=session, wave_id=wave.id),
            left_out=tuple(sorted(left_out_codes(session=session, wave_id=wave.id))),
            newest=newest.id if newest else None,
            withdrawn=session.connection().execute(withdrawn).scalar_one(),
        )
        if not final:
            return basis
        return replace(
            basis, responses=_fingerprint(responses), attempts=count_dispositions(work, wave.id)
        )

    def require_same(self, now: "FreezeBasis") -> None:
        """Raise a conflict error if these facts, read before, differ from those read `now`.

        Raises:
            WaveConflictError: what is decided about the wave changed, or another freeze ended.
            AnswersConflictError: interviews or attempts did.
        """
        if self._select_decisions() != now._select_decisions():
            raise WaveConflictError(str(self.wave["key"]))
        if self != now:
            raise AnswersConflictError

    def _select_decisions(self) -> "FreezeBasis":
        return replace(self, withdrawn=0, responses=None, attempts=None)


def _fingerprint(responses: ResponseSource) -> str | None:
    """Return a hash of all interviews, those of an overlap included; None for rows in memory."""
    if responses.fingerprint is None:
        return None
    own = responses.fingerprint(responses.rows_of_city)
    return own if responses.earlier is None else f"{own} {_fingerprint(responses.earlier)}"


@dataclass(frozen=True)
class WaveReading:
    """A wave as it was read for a freeze, with its responses in files of a draft folder."""

    wave: Wave
    options: FreezeOptions
    basis: FreezeBasis
    rules: WaveRules
    folder: Path
    manifest: SnapshotManifest
    attempts: Dispositions
    errors: tuple[EvidenceLine, ...]
    public: PublicCells | None = None
    """Cells of the wave that readers have seen; None if none of it was public."""
    earlier_rules: WaveRules | None = None
    """Rules of the interviews of an overlap; None without any."""


def read_wave(
    work: Work,
    wave: Wave,
    responses: ResponseSource,
    options: FreezeOptions,
    folder: Path,
    tick: FreezeTick = ignore_progress,
) -> WaveReading:
    """Read all that a wave's tables are computed from, and write its responses to `folder`.

    Args:
        folder: draft that the files of the responses are written to.

    Raises:
        As `freeze_wave` does for what is wrong with the responses, the rules or the state.
    """
    work.require(Action.ADMINISTER)
    final = is_final(wave, asked=options.final)
    responses.require_freezable(wave, options.without_point)
    rules = load_rules(work.session, wave, options)
    # Before the rows: where the store offers no single view, a change meanwhile is still noticed.
    basis = FreezeBasis.read(work, wave, responses, final=final)
    files = tuple(_write_files(work.settings, wave, responses, folder, tick))
    manifest = _build_manifest(
        wave, rules, files, final=final, left_out=basis.left_out, now=work.now
    ).model_copy(update=_describe_given_weights(work.session, wave, responses))
    earlier_rules = load_earlier_rules(work.session, wave, options)
    if earlier_rules is not None and responses.earlier is not None:
        overlap = _write_overlap(responses.earlier, earlier_rules, options, folder)
        manifest = manifest.model_copy(update={"overlap": overlap})
    # Those of provisional results are no part of the basis.
    attempts = basis.attempts or count_dispositions(work, wave.id)
    public = read_public_cells(work.settings, work.session, wave)
    errors = collect_error_evidence(work, wave)
    return WaveReading(
        wave, options, basis, rules, folder, manifest, attempts, errors, public, earlier_rules
    )


def is_final(wave: Wave, *, asked: bool) -> bool:
    """Return whether a freeze is final: asked for, or the wave is frozen or released already.

    Raises:
        RefusedError: a last one is asked for while the wave still collects.
    """
    if wave.state in COMPUTED_STATES:
        return True
    if asked:
        require_transition(wave, WaveState.FROZEN)
    return asked


def _write_files(
    settings: Settings, wave: Wave, responses: ResponseSource, draft: Path, tick: FreezeTick
) -> Iterator[ResponseFile]:
    """Write the responses into `draft` and yield each file; reuse those of an interrupted freeze.

    A small wave is read faster than anybody could want to go on with it.
    """
    planned = plan_files(responses.rows_of_city)
    large = responses.rows > MAX_ROWS_IN_MEMORY and responses.fingerprint is not None
    kept = UnfinishedFiles(settings.snapshot_dir, wave.key)
    for done, (name, cities) in enumerate(planned.items()):
        tick(FreezeStage.READING, done, len(planned))
        if not large or responses.fingerprint is None:
            yield write_responses(draft, name, responses.read(cities))
            continue
        fingerprint = responses.fingerprint(cities)
        file = kept.link_into(draft, name, fingerprint)
        if file is None:
            file = write_responses(draft, name, responses.read(cities))
            kept.keep(draft, file, fingerprint)
        yield file


def _write_overlap(
    responses: ResponseSource, rules: WaveRules, options: FreezeOptions, draft: Path
) -> OverlapFiles:
    """Write the interviews of an overlap into `draft`; return the manifest's entry of them."""
    if responses.rows:
        # A draw decides where they are made: they have points, or are treated as those without.
        missing = {city.city_code: city.rows - city.with_point for city in responses.cities}
        require_points(missing, options.without_point)
    planned = plan_files(responses.rows_of_city, "earlier")
    return OverlapFiles(
        instrument=rules.instrument.name,
        instrument_version=rules.instrument.version,
        instrument_sha256=rules.instrument.sha256,
        responses=tuple(
            write_responses(draft, name, responses.read(cities)) for name, cities in planned.items()
        ),
    )


def _build_manifest(
    wave: Wave,
    rules: WaveRules,
    files: tuple[ResponseFile, ...],
    *,
    final: bool,
    left_out: tuple[str, ...],
    now: datetime,
) -> SnapshotManifest:
    instrument, tree = rules.instrument, rules.declared_tree
    return SnapshotManifest(
        wave=wave.key,
        series=wave.series,
        year=wave.year,
        title=labels_of(wave, "title"),
        is_demo=wave.is_demo,
        final=final,
        composite=wave.composite,
        instrument=instrument.name,
        instrument_version=instrument.version,
        instrument_sha256=instrument.sha256,
        tree=tree.name if tree else None,
        tree_sha256=tree.sha256 if tree else None,
        without_question=rules.without_question,
        rows=sum(file.rows for file in files),
        cities=sum(len(file.cities) for file in files),
        statuses=tuple(status.value for status in FREEZABLE),
        without_point=rules.point_rule,
        groups=declared_items(rules.grouping),
        left_out=left_out,
        responses_sha256=hash_of_files(files),
        responses=files,
        software=version("hundred-cities-survey"),
        frozen_at=now,
    )


def _describe_given_weights(
    session: Session, wave: Wave, responses: ResponseSource
) -> dict[str, object]:
    """Return the manifest's fields about imported weights; empty without any."""
    if not responses.have_weights:
        return {}
    files = tuple(
        WeightFile(sha256=file.sha256, column=file.column)
        for file in list_files_with_weights(session=session, wave_id=wave.id)
    )
    return {"weights": "given", "weight_files": files}
