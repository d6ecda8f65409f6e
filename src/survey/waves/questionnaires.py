"""Stored questionnaires with the waves that ask them; checks of uploads before they are stored."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.principal import OPERATOR
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Labels, RefusedError, labels_of, msg
from survey.questionnaire.advice import advise
from survey.questionnaire.checks import Finding, Severity, check_instrument, only_errors
from survey.questionnaire.indicator_tree import IndicatorTree, can_weigh_equally, weigh_equally
from survey.questionnaire.model import Instrument
from survey.questionnaire.paper_codes import number_questions
from survey.questionnaire.xlsform.import_log import XlsformError
from survey.questionnaire.xlsform.reader import ImportedForm, load_bundle, read_xlsform_content
from survey.questionnaire.xlsform.writer import xlsform_bytes
from survey.records import build_from
from survey.settings import PROJECT_ROOT
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, AuditEntry, InstrumentVersion, Wave, WaveState
from survey.tabular.workbook_safety import WorkbookError
from survey.waves.instruments import (
    add_instrument,
    add_tree,
    find_tree,
    freezing_findings,
    instrument_id_by_sha256,
    load_instrument,
    load_pictures,
)
from survey.waves.waves import TRIAL_SERIES


@dataclass(frozen=True)
class QuestionnaireUse:
    """A wave that asks a questionnaire: key, title and state."""

    key: str
    title: Labels
    state: WaveState


@dataclass(frozen=True)
class QuestionnaireSummary:
    """A stored questionnaire version: names, length, who added it and when, waves that ask it."""

    id: UUID
    name: str
    version: str
    sha256: str
    title: Labels
    tree: str
    languages: tuple[str, ...]
    items: int
    scored: int
    added_at: datetime
    added_by: str
    """Empty for one that came with the platform, and for principals who may not read plans."""
    uses: tuple[QuestionnaireUse, ...]
    """Released waves only, for principals who may not read plans."""

    @property
    def key(self) -> str:
        """Name and version as they are in addresses: `name/version`."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class Questionnaire:
    """A stored questionnaire version with its indicator tree; None if the store has no tree."""

    instrument: Instrument
    tree: IndicatorTree | None


@dataclass(frozen=True)
class UploadCheck:
    """Questionnaire read from an uploaded file, with errors and warnings; nothing is stored."""

    form: ImportedForm | None
    """None if the file could not be read as a questionnaire."""
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    tree: IndicatorTree | None = None
    """The stored tree that the questionnaire names, or the equal weights to store with it."""
    may_weigh: bool = False
    """Whether it has ratings and neither a tree nor indicators, so that it can get one."""
    already_stored: bool = False
    taken_version: bool = False
    """Whether the store holds other content under this name and version."""


def list_questionnaires(work: Work) -> tuple[QuestionnaireSummary, ...]:
    """Return every stored questionnaire version, sorted by name, then the newest first."""
    work.require(Action.READ_QUESTIONNAIRES)
    rows = work.session.exec(
        select(InstrumentVersion.id, InstrumentVersion.created_at).order_by(
            col(InstrumentVersion.name),
            col(InstrumentVersion.created_at).desc(),
            col(InstrumentVersion.id).desc(),
        )
    ).all()
    reads_plans = work.principal.may(Action.READ_PLAN)
    uses = _list_uses(work.session, released_only=not reads_plans)
    authors = _list_authors(work.session) if reads_plans else {}
    return tuple(
        _summarise_questionnaire(
            work.session, id_, at, authors.get(str(id_), ""), uses.get(id_, ())
        )
        for id_, at in rows
    )


def _summarise_questionnaire(
    session: Session, id_: UUID, at: datetime, author: str, uses: tuple[QuestionnaireUse, ...]
) -> QuestionnaireSummary:
    instrument = load_instrument(session=session, instrument_id=id_)
    return build_from(
        QuestionnaireSummary,
        instrument,
        id=id_,
        tree=instrument.tree or "",
        languages=tuple(language.code for language in instrument.languages),
        items=len(number_questions(instrument)),
        scored=len(instrument.scored_items),
        added_at=at,
        added_by=author,
        uses=uses,
    )


def _list_uses(
    session: Session, *, released_only: bool
) -> dict[UUID, tuple[QuestionnaireUse, ...]]:
    """Return questionnaire id -> waves that ask it, released ones if `released_only`; no trials."""
    query = select(Wave).where(Wave.series != TRIAL_SERIES).order_by(col(Wave.year), col(Wave.key))
    if released_only:
        query = query.where(Wave.state == WaveState.RELEASED)
    uses: dict[UUID, tuple[QuestionnaireUse, ...]] = {}
    for wave in session.exec(query):
        use = QuestionnaireUse(wave.key, labels_of(wave, "title"), wave.state)
        uses[wave.instrument_id] = (*uses.get(wave.instrument_id, ()), use)
    return uses


def _list_authors(session: Session) -> dict[str, str]:
    """Return questionnaire id -> name of the account, or of the operator, that added it."""
    query = (
        select(AuditEntry.subject_id, AuditEntry.detail, Account.name)
        .join(Account, col(Account.id) == col(AuditEntry.actor_id), isouter=True)
        .where(AuditEntry.action == AuditEvent.INSTRUMENT_ADDED.value)
    )
    return {
        subject: name or (OPERATOR.name if detail.get("by") else "")
        for subject, detail, name in session.exec(query)
    }


def get_questionnaire(work: Work, *, instrument_id: UUID) -> Questionnaire:
    """Return a stored questionnaire version with the indicator tree that it names."""
    work.require(Action.READ_QUESTIONNAIRES)
    instrument = load_instrument(session=work.session, instrument_id=instrument_id)
    return Questionnaire(instrument, find_tree(session=work.session, name=instrument.tree))


def list_stored_findings(work: Work, *, instrument_id: UUID) -> tuple[Finding, ...]:
    """Return errors and warnings on a stored questionnaire today, such as a missing tree."""
    work.require(Action.READ_QUESTIONNAIRES)
    instrument = load_instrument(session=work.session, instrument_id=instrument_id)
    return (
        *check_instrument(instrument),
        *freezing_findings(session=work.session, instrument=instrument),
    )


def read_pictures(work: Work, *, instrument: Instrument) -> dict[str, bytes]:
    """Return SHA-256 -> JPEG of the pictures of a stored questionnaire."""
    work.require(Action.READ_QUESTIONNAIRES)
    return load_pictures(session=work.session, instrument=instrument)


def choose_predecessor(
    summaries: tuple[QuestionnaireSummary, ...], chosen: QuestionnaireSummary
) -> QuestionnaireSummary | None:
    """Return the newest version older than `chosen`: of its name, else any if both have trees."""
    older = [each for each in summaries if each.added_at < chosen.added_at]
    named = [each for each in older if each.name == chosen.name]
    related = [each for each in older if each.tree and chosen.tree]
    candidates = named or related
    return max(candidates, key=lambda each: each.added_at, default=None)


def check_upload(
    work: Work,
    *,
    file_name: str,
    content: bytes,
    skip_unsupported: bool = False,
    renormalise: bool = False,
    weighs_equally: bool = False,
) -> UploadCheck:
    """Read a questionnaire from an uploaded workbook, with its errors and warnings; store nothing.

    Args:
        skip_unsupported: Leave out what is not supported, and list it, instead of refusing it.
        renormalise: Declare that indicators without a question leave their weight to the others.
        weighs_equally: Give a form with ratings and without a tree one of equal weights.
    """
    work.require(Action.PLAN)
    try:
        form = _read_upload(file_name, content, skip_unsupported)
    except XlsformError as error:
        more = () if skip_unsupported else _list_further(work.session, file_name, content)
        found = (*error.findings, *more)
        warnings = tuple(each for each in found if each.severity is Severity.WARNING)
        return UploadCheck(None, only_errors(found), warnings)
    except WorkbookError as error:
        return UploadCheck(None, (Finding(error.message),), ())
    if renormalise:
        declared = form.instrument.model_copy(update={"renormalise": True})
        form = replace(form, instrument=declared)
    tree, may_weigh = None, can_weigh_equally(form.instrument)
    if weighs_equally and may_weigh:
        weighed, tree = weigh_equally(form.instrument)
        form = replace(form, instrument=weighed)
    session, instrument = work.session, form.instrument
    stored = instrument_id_by_sha256(session=session, sha256=instrument.sha256) is not None
    return UploadCheck(
        form,
        list_form_findings(session=session, instrument=instrument, rows=form.rows, tree=tree),
        (*form.skipped, *form.warnings, *advise(instrument, form.rows)),
        tree=tree or find_tree(session=session, name=instrument.tree),
        may_weigh=may_weigh,
        already_stored=stored,
        taken_version=not stored and _is_taken(session, instrument),
    )


def _list_further(session: Session, file_name: str, content: bytes) -> Iterator[Finding]:
    """Yield what else is wrong with questions of a form that cannot be read as a whole, by row.

    What concerns the whole form, such as an indicator that nothing measures, may be due to what was
    left out, and is found when the rest is mended.
    """
    with suppress(XlsformError):
        form = _read_upload(file_name, content, True)
        instrument, rows = form.instrument, form.rows
        found = list_form_findings(session=session, instrument=instrument, rows=rows)
        yield from (each for each in (*found, *advise(instrument, rows)) if each.row is not None)


@lru_cache(maxsize=4)
def _read_upload(file_name: str, content: bytes, skip_unsupported: bool) -> ImportedForm:
    """Return the form in an uploaded file; cached, as a page reads it at every click."""
    return read_xlsform_content(
        file_name, content, unsupported="skip" if skip_unsupported else "refuse"
    )


def list_form_findings(
    *,
    session: Session,
    instrument: Instrument,
    rows: Mapping[str, int],
    tree: IndicatorTree | None = None,
) -> tuple[Finding, ...]:
    """Return errors of a questionnaire, placed by form `rows`, that keep it from being stored."""
    structure = only_errors(check_instrument(instrument))
    scores = freezing_findings(session=session, instrument=instrument, rows=rows, tree=tree)
    return (*structure, *scores)


def _is_taken(session: Session, instrument: Instrument) -> bool:
    query = select(InstrumentVersion.id).where(
        InstrumentVersion.name == instrument.name, InstrumentVersion.version == instrument.version
    )
    return session.exec(query).first() is not None


def example_workbook() -> bytes:
    """Return a small questionnaire to begin with, as an XLSForm workbook."""
    return xlsform_bytes(load_bundle(PROJECT_ROOT / "seed" / "example", "example").instrument)


def store_questionnaire(
    work: Work, *, form: ImportedForm, tree: IndicatorTree | None = None
) -> UUID:
    """Store a questionnaire as a new version, record it in the audit trail and return its id.

    Args:
        work: What it is done with.
        form: The questionnaire as it was read, with its pictures.
        tree: Indicator tree of its own, stored and recorded with it.

    Raises:
        RefusedError: It has errors by now, for example because a tree is gone.
        ConflictError: The version, or the tree's name, exists with other content.
    """
    work.require(Action.PLAN)
    if tree is not None:
        add_tree(work, tree=tree)
    instrument = form.instrument
    if list_form_findings(session=work.session, instrument=instrument, rows=form.rows):
        raise RefusedError(
            "questionnaire_not_fit",
            msg("This questionnaire has errors. Check the file again before you store it."),
        )
    return add_instrument(work, instrument=instrument, pictures=form.pictures)
