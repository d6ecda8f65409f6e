"""Acts of releases that strangers may see, as the transparency log has them.

The log follows the register: whatever is public and not yet entered is appended in the transaction
of the act itself, and by the command that signs the log. A release that is not public, announced or
waiting for its minute is in no entry.
"""

import hashlib
import logging
from collections.abc import Iterator
from datetime import datetime

import orjson
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from survey.access.roles import Action
from survey.access.work import Work
from survey.release.archives import ArchiveDamagedError, read_archived_file
from survey.release.log_checkpoints import sign_if_possible
from survey.release.transparency_log import (
    LogAct,
    append_acts,
    describe_key_acts,
    list_subjects,
    subject_of,
)
from survey.release.verify import MANIFEST
from survey.store.audit_chain import canonical_json, format_utc
from survey.store.tables import (
    Publication,
    PublicationKey,
    PublicationOpening,
    PublicationState,
    Wave,
)

_RULES = ("rules", "tree", "tree_sha256", "composite", "weights")
"""What of a manifest says how scores were computed and what was hidden."""
_LOG = logging.getLogger(__name__)


def enter_public_acts(work: Work) -> None:
    """Append every public act that the log does not hold, and sign the log if a key is at hand."""
    work.require(Action.RELEASE)
    known = list_subjects(work)
    keys = work.session.exec(select(PublicationKey)).all()
    acts = [act for key in keys for act in describe_key_acts(key)]
    for publication, wave, opening, successor in _list_public(work):
        acts += _describe_release(work, publication, wave, opening, known)
        acts += _describe_end(publication, successor)
    due = [act for act in acts if subject_of(act) not in known]
    append_acts(work, sorted(due, key=lambda act: str(act["at"])))
    sign_if_possible(work)


def _list_public(
    work: Work,
) -> Iterator[tuple[Publication, Wave, PublicationOpening | None, Publication | None]]:
    """Yield each release that was ever public: its wave, its opening, and what replaced it."""
    later = aliased(Publication)
    query = (
        select(Publication, Wave, PublicationOpening, later)
        .join(Wave, col(Wave.id) == col(Publication.wave_id))
        .outerjoin(
            PublicationOpening, col(PublicationOpening.publication_id) == col(Publication.id)
        )
        .outerjoin(
            later,
            (col(later.corrects_id) == col(Publication.id)) & col(later.published_at).is_not(None),
        )
        .where(
            col(Publication.is_public),
            col(Publication.published_at).is_not(None),
            col(Wave.is_demo) == work.settings.demo,
        )
        .order_by(col(Publication.published_at), col(Publication.key))
    )
    yield from work.session.exec(query)


def _describe_release(
    work: Work,
    publication: Publication,
    wave: Wave,
    opening: PublicationOpening | None,
    known: set[str],
) -> Iterator[LogAct]:
    """Yield the entry of a release, and before it that of its rules; none if it is entered."""
    act = {"kind": "release", "id": publication.key, "archive_sha256": publication.archive_sha256}
    if subject_of(act) in known:
        return
    try:
        manifest = read_archived_file(work.settings, publication, MANIFEST)
    except ArchiveDamagedError:
        # To take a release back must not fail because the archive of another one is damaged.
        _LOG.warning("%s is not entered in the log: its archive is damaged", publication.key)
        return
    is_signed_anew = any(subject.startswith(f"release {publication.key} ") for subject in known)
    opened_at = opening.second_signed_at if opening else None
    at = _format(work.now if is_signed_anew else opened_at or publication.published_at)
    document = orjson.loads(manifest)
    rules = {name: document.get(name) for name in _RULES}
    yield {
        "kind": "rules",
        "id": hashlib.sha256(canonical_json(rules)).hexdigest(),
        "at": at,
        **rules,
    }
    yield {
        **act,
        "at": at,
        "wave": wave.key,
        "key": publication.key_id,
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "corrects": document.get("corrects"),
        "demo": wave.is_demo,
    }


def _describe_end(publication: Publication, successor: Publication | None) -> Iterator[LogAct]:
    """Yield that a release was replaced, and that it was taken back.

    A successor that is not public is not named.
    """
    if successor is not None:
        at = _format(successor.published_at)
        by = successor.key if successor.is_public else None
        yield {"kind": "replaced", "id": publication.key, "at": at, "by": by}
    if publication.state is PublicationState.RETRACTED:
        at = _format(publication.retracted_at)
        yield {"kind": "retraction", "id": publication.key, "at": at}


def _format(at: datetime | None) -> str:
    assert at is not None
    return format_utc(at)
