"""Questionnaires and indicator trees in the store: immutable versions, found by their content.

A new store gets the shipped ones, with the cities, as its reference data.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.roles import Action
from survey.access.work import Work
from survey.frame.city_frame import read_cities, upsert_cities
from survey.locale import ConflictError, SurveyError, msg
from survey.questionnaire.checks import Finding, score_findings, unknown_tree
from survey.questionnaire.indicator_tree import IndicatorTree, read_tree
from survey.questionnaire.model import Instrument
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_if_new
from survey.store.tables import (
    IndicatorTreeVersion,
    InstrumentVersion,
    QuestionnairePicture,
    new_id,
    now,
)
from survey.store.transactions import run_in_transaction


class InstrumentNotFoundError(SurveyError):
    """Raised when the store has no such questionnaire version or indicator tree."""

    code = "instrument_unknown"


def save_instrument(*, session: Session, instrument: Instrument) -> UUID:
    """Store a questionnaire version and return its id; content stored before keeps its id."""
    stored = _store_if_new(session, InstrumentVersion, instrument, version=instrument.version)
    if stored is None:
        raise ConflictError(
            "version_changed",
            msg(
                "Questionnaire {name}, version {version}, already exists with other content. "
                "Give the changed questionnaire a new version.",
                name=instrument.name,
                version=instrument.version,
            ),
        )
    return stored


def _store_if_new(
    session: Session,
    model: type[InstrumentVersion | IndicatorTreeVersion],
    content: Instrument | IndicatorTree,
    **columns: str,
) -> UUID | None:
    """Insert `content` by `model` unless stored; return its id, None if its name is taken."""
    insert_if_new(
        session.connection(),
        model,
        {
            "id": new_id(),
            "name": content.name,
            "sha256": content.sha256,
            "document": content.document(),
            "created_at": now(),
            **columns,
        },
    )
    return session.exec(select(model.id).where(model.sha256 == content.sha256)).one_or_none()


def add_instrument(
    work: Work, *, instrument: Instrument, pictures: Mapping[str, bytes] | None = None
) -> UUID:
    """Store an uploaded questionnaire, record it in the audit trail and return its id.

    The same questionnaire again adds nothing.

    Args:
        work: What it is done with.
        instrument: The questionnaire.
        pictures: SHA-256 -> JPEG of the pictures that it shows.

    Raises:
        ConflictError: The version exists with other content.
    """
    work.require(Action.PLAN)
    known = instrument_id_by_sha256(session=work.session, sha256=instrument.sha256)
    if known is not None:
        return known
    stored = save_instrument(session=work.session, instrument=instrument)
    for sha256 in instrument.pictures:
        row = {"sha256": sha256, "content": (pictures or {})[sha256]}
        insert_if_new(work.session.connection(), QuestionnairePicture, row)
    work.record(
        AuditEvent.INSTRUMENT_ADDED,
        stored,
        {"name": instrument.name, "version": instrument.version, "sha256": instrument.sha256},
    )
    return stored


def load_picture(*, session: Session, sha256: str) -> bytes:
    """Return a picture of a stored questionnaire; who knows its hash may see it, as on a form."""
    row = session.get(QuestionnairePicture, sha256)
    if row is None:
        raise InstrumentNotFoundError(msg("This picture does not exist."))
    return row.content


def load_pictures(*, session: Session, instrument: Instrument) -> dict[str, bytes]:
    """Return SHA-256 -> JPEG of the pictures that a stored questionnaire shows."""
    return {sha256: load_picture(session=session, sha256=sha256) for sha256 in instrument.pictures}


_instruments: dict[UUID | str, Instrument] = {}
"""By id and by hash. Versions never change, so one parsed copy serves every store and user."""


def load_instrument(
    *, session: Session, instrument_id: UUID | None = None, sha256: str | None = None
) -> Instrument:
    """Return the stored questionnaire with this id or SHA-256, parsed once per process."""
    key = instrument_id or sha256
    if key is None:
        raise ValueError("name the instrument by its id or its sha256")
    known = _instruments.get(key)
    if known is None:
        column = InstrumentVersion.id if instrument_id else InstrumentVersion.sha256
        row = session.exec(select(InstrumentVersion).where(column == key)).one_or_none()
        if row is None:
            raise InstrumentNotFoundError(msg("This questionnaire does not exist."))
        known = Instrument.model_validate_json(row.document)
        _instruments[row.id] = _instruments[row.sha256] = known
    return known


def instrument_id_by_name(*, session: Session, name: str, version: str | None = None) -> UUID:
    """Return the id of the named questionnaire; without a version, of the one stored last."""
    query = select(InstrumentVersion.id).where(InstrumentVersion.name == name)
    if version is not None:
        query = query.where(InstrumentVersion.version == version)
    newest_first = query.order_by(
        col(InstrumentVersion.created_at).desc(), col(InstrumentVersion.id).desc()
    )
    instrument_id = session.exec(newest_first).first()
    if instrument_id is None:
        raise InstrumentNotFoundError(msg("There is no questionnaire named {name}.", name=name))
    return instrument_id


def instrument_id_by_sha256(*, session: Session, sha256: str) -> UUID | None:
    """Return the id of the questionnaire with this SHA-256; None if it is not stored."""
    query = select(InstrumentVersion.id).where(InstrumentVersion.sha256 == sha256)
    return session.exec(query).one_or_none()


def find_instrument(*, session: Session, name: str, version: str | None = None) -> Instrument:
    """Return the named questionnaire; without a version, the version stored last."""
    instrument_id = instrument_id_by_name(session=session, name=name, version=version)
    return load_instrument(session=session, instrument_id=instrument_id)


def list_instruments(*, session: Session) -> list[Instrument]:
    """Return every stored questionnaire version, sorted by name, then oldest first."""
    query = select(InstrumentVersion.id).order_by(
        col(InstrumentVersion.name), col(InstrumentVersion.created_at), col(InstrumentVersion.id)
    )
    return [load_instrument(session=session, instrument_id=id_) for id_ in session.exec(query)]


def save_tree(*, session: Session, tree: IndicatorTree) -> UUID:
    """Store an indicator tree and return its id; content stored before keeps its id."""
    stored = _store_if_new(session, IndicatorTreeVersion, tree)
    if stored is None:
        raise ConflictError(
            "version_changed",
            msg(
                "Indicator tree {name} already exists with other content. "
                "Give the changed tree a new name.",
                name=tree.name,
            ),
        )
    return stored


_trees: dict[UUID, IndicatorTree] = {}


def load_tree(*, session: Session, tree_id: UUID) -> IndicatorTree:
    """Return the indicator tree with this id, parsed once per process."""
    known = _trees.get(tree_id)
    if known is None:
        row = session.get(IndicatorTreeVersion, tree_id)
        if row is None:
            raise InstrumentNotFoundError(msg("This indicator tree does not exist."))
        known = _trees[tree_id] = IndicatorTree.model_validate_json(row.document)
    return known


def tree_id_by_name(*, session: Session, name: str) -> UUID:
    """Return the id of the indicator tree of this name, or raise `InstrumentNotFoundError`."""
    query = select(IndicatorTreeVersion.id).where(IndicatorTreeVersion.name == name)
    tree_id = session.exec(query).one_or_none()
    if tree_id is None:
        raise InstrumentNotFoundError(msg("There is no indicator tree named {name}.", name=name))
    return tree_id


def find_tree(*, session: Session, name: str | None) -> IndicatorTree | None:
    """Return the stored indicator tree with this name; None without a name or such a tree."""
    if name is None or name not in list_tree_names(session=session):
        return None
    return load_tree(session=session, tree_id=tree_id_by_name(session=session, name=name))


def list_tree_names(*, session: Session) -> tuple[str, ...]:
    """Return the names of the stored indicator trees."""
    return tuple(session.exec(select(IndicatorTreeVersion.name)))


def add_tree(work: Work, *, tree: IndicatorTree) -> UUID:
    """Store an uploaded indicator tree, record it in the audit trail and return its id.

    The same tree again adds nothing.

    Raises:
        ConflictError: The name exists with other content.
    """
    work.require(Action.PLAN)
    known = tree.name in list_tree_names(session=work.session)
    stored = save_tree(session=work.session, tree=tree)
    if not known:
        work.record(
            AuditEvent.TREE_ADDED,
            stored,
            {"name": tree.name, "sha256": tree.sha256, "indicators": len(tree.indicators)},
        )
    return stored


def freezing_findings(
    *,
    session: Session,
    instrument: Instrument,
    rows: Mapping[str, int] | None = None,
    tree: IndicatorTree | None = None,
) -> tuple[Finding, ...]:
    """Return errors in scores or tree, placed by form `rows`, that prevent freezing its waves.

    Args:
        tree: Tree that is stored together with the questionnaire; without it the stored one that
            the questionnaire names.
    """
    tree = tree or find_tree(session=session, name=instrument.tree)
    findings = score_findings(instrument, tree, rows)
    if instrument.tree is None or tree is not None:
        return findings
    return (unknown_tree(instrument, list_tree_names(session=session)), *findings)


def load_reference_data(url: str, seed: Path) -> None:
    """Store cities, trees and questionnaires of a seed folder; repeating it changes nothing."""

    def save_all(session: Session) -> None:
        upsert_cities(read_cities(seed / "cities.csv"), session=session)
        trees = seed / "trees"
        for path in sorted({*trees.glob("*.csv")} - {*trees.glob("crosswalk_*.csv")}):
            save_tree(session=session, tree=read_tree(path, name=path.stem))
        for path in sorted((seed / "instruments").glob("*.toml")):
            save_instrument(session=session, instrument=_load_shipped_instrument(path))

    run_in_transaction(url, save_all)


@lru_cache(maxsize=16)
def _load_shipped_instrument(path: Path) -> Instrument:
    """Return the shipped questionnaire of a file, read once per process."""
    # Not at the top: serving and most commands start without the library that reads workbooks.
    from survey.questionnaire.xlsform.reader import load_bundle

    return load_bundle(path.parent, path.stem).instrument
