"""Mappings of files of counts, kept under a name for everybody who delivers this kind."""

from contextlib import suppress
from uuid import UUID

from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.importing.kept_mappings import keep_document, list_kept_documents
from survey.collection.importing.mapping_documents import write_mapping_json
from survey.counts.bringing_in.table_mapping import TableMapping, read_mapping_json, require_fitting
from survey.counts.count_declaration import CountKind
from survey.locale import SurveyError


def list_count_mappings(work: Work, *, kind: CountKind) -> dict[str, TableMapping]:
    """Return name -> mapping kept for a kind of counts, without any that fits it no more."""
    work.require(Action.DELIVER_EVIDENCE)
    kept = {}
    for row in list_kept_documents(session=work.session, owner=_owner_of(kind)):
        with suppress(SurveyError):
            kept[row.name] = read_mapping_json(row.document, kind)
    return kept


def keep_count_mapping(work: Work, *, kind: CountKind, name: str, mapping: TableMapping) -> UUID:
    """Keep a mapping under a name, replacing one of the same name; the audit trail keeps both.

    Raises:
        ImportNotPossibleError: It does not fit the kind, or the name is empty or too long.
    """
    work.require(Action.DELIVER_EVIDENCE)
    require_fitting(mapping, kind)
    return keep_document(
        work,
        owner=_owner_of(kind),
        name=name,
        document=write_mapping_json(mapping),
        list_targets=lambda document: dict(read_mapping_json(document, kind).columns),
    )


def _owner_of(kind: CountKind) -> str:
    return f"counts:{kind.kind.value}"
