"""Released waves whose reports hold sentences that an earlier version wrote and this one mended."""

from collections.abc import Iterator
from functools import reduce

from survey.access.roles import Action
from survey.access.work import Work
from survey.figures.views.display_names import is_nationwide
from survey.locale import Message, msg
from survey.release.publication_source import REPORTS, FileBuilderName, FileChoice
from survey.results import WaveResults
from survey.results.snapshots import list_published_snapshots, list_shown_snapshots
from survey.results.wave_results import open_snapshot
from survey.results.whole_audits import is_signed_after_audit
from survey.snapshots.snapshot_files import SnapshotDamagedError
from survey.store.tables import Publication, Shown, Wave, WaveState


def list_mended_reports(work: Work) -> list[tuple[Wave, Message]]:
    """Return (wave, message) for released waves whose reports contain sentences found wrong.

    A release of this version was signed after an audit of all rates of a question together; one of
    an earlier version was not. Where nobody signed files, results frozen before that tell it.
    """
    work.require(Action.RELEASE)
    releases = {release.wave_id: release for release, _ in list_published_snapshots(work.session)}
    found = []
    for wave, snapshot in list_shown_snapshots(work.session):
        if wave.state is not WaveState.RELEASED or (work.principal.is_demo and not wave.is_demo):
            continue
        try:
            results = open_snapshot(work.settings, work.session, wave, snapshot)
            is_mended = results.method.protects_rates_together
        except SnapshotDamagedError:  # the check of snapshots says so
            continue
        release = releases.get(wave.id)
        if release is not None:
            is_mended = is_signed_after_audit(
                work.session, wave, release=release.key, seal=release.seal_sha256
            )
        sentences = () if is_mended else tuple(_list_sentences(results, release))
        if sentences:
            found.append((wave, _describe(wave, release, reduce(_join, sentences))))
    return found


def _join(told: Message, more: Message) -> Message:
    return msg("{told} {more}", told=told, more=more)


def _describe(wave: Wave, release: Publication | None, told: Message) -> Message:
    if release is None:
        return msg(
            "Reports on {wave} that were made before this version: {told} Please make them again "
            "and send them to whoever has them.",
            wave=wave.key, told=told,
        )  # fmt: skip
    return msg(
        "The files of release {release}: {told} To correct it, freeze the wave again and announce "
        "a correction (survey release plan --corrects {release}); or take it back (survey release "
        "retract {release}).",
        release=release.key, told=told,
    )  # fmt: skip


def _list_sentences(results: WaveResults, release: Publication | None) -> Iterator[Message]:
    """Yield what is wrong in files of `release`, or in reports made on request if it is None."""
    texts = REPORTS if release is None else release.builders
    choices = {choice.name: choice for choice in map(FileChoice.parse, texts)}
    reports = [choices[name] for name in REPORTS if name in choices]
    method = results.method
    has_places = method.ranking is not None and (release is None or release.shown is Shown.SCORES)
    if reports and results.tree is None:
        yield msg("Reports take the first question for the score, and this survey has no score.")
    elif reports:
        yield msg(
            "Reports say that a difference cannot be told apart where its own interval leaves zero "
            "out."
        )
    if has_places and FileBuilderName.CITY_REPORTS in choices:
        yield msg(
            "Reports on cities say of all cities at the possible places that they cannot be told "
            "apart from this one; that holds for fewer."
        )
    if reports and release is None:
        yield msg("Reports on cities compare complaints with months that one of the years lacks.")
    if len(choices) > 1 and not is_nationwide(results.wave.cities):
        yield msg("The cities of the wave together are called the nation.")
    audit = method.interval_audit
    if (reports or FileBuilderName.WORKBOOK in choices) and audit is not None and audit.hidden:
        yield msg(
            "The method sheet says that hidden counts were checked; rates of one question were not "
            "checked together."
        )
    if any("en" in report.languages for report in reports):
        yield msg("English reports word some results wrongly, such as “clearly above Nation”.")
