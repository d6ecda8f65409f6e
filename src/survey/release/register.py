"""Register of releases: what is announced, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, func, select

from survey.access.audit import actor_id
from survey.access.audit_queries import CredentialReset, list_credential_resets
from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.compute.photo_cleaning import clean_pictures
from survey.locale import Labels, Message, SurveyError, labels_of, msg
from survey.records import build_from
from survey.release.file_builders import parse_choices
from survey.release.publication_source import REPORTS
from survey.release.release_sequence import (
    find_closing_release,
    list_ever_public,
    list_public_before,
)
from survey.reports.contents import ReportPublisher
from survey.reports.report_builder import NO_REPORTS
from survey.reports.report_service import find_publisher
from survey.results.release import find_announced_publication, release_request_options
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_if_new
from survey.store.tables import (
    Account,
    Publication,
    PublicationLogo,
    PublicationReader,
    PublicationState,
    Shown,
    Wave,
    WaveState,
)
from survey.waves.waves import lock_wave

MAX_TEXT_CHARS = 500
STATE_NAMES: Mapping[PublicationState, Message] = {
    PublicationState.PLANNED: msg("announced"),
    PublicationState.SIGNED: msg("signed, waits for its minute"),
    PublicationState.PUBLISHED: msg("published"),
    PublicationState.CORRECTED: msg("replaced by a correction"),
    PublicationState.RETRACTED: msg("taken back"),
}
PUBLIC_STATES = (PublicationState.PUBLISHED, PublicationState.CORRECTED)
"""States of what was published and not taken back since."""


class PublicationNotFoundError(SurveyError):
    """Raised when no release has the given id, or the principal may not know of it."""

    code = "publication_unknown"


class PublicationNotAllowedError(SurveyError):
    """Raised when state, announced minute or a missing text does not allow a step of a release."""

    code = "publication_not_allowed"


@dataclass(frozen=True)
class PublicationDraft:
    """Announcement of a release: wave, titles, contact, time and contents."""

    wave: str
    title_zh: str
    title_en: str
    contact: str
    embargo_until: datetime
    shown: Shown = Shown.SCORES
    first_places: int | None = None
    builders: tuple[str, ...] = ("figures", "tables")
    """Approved list of its files, as `FileChoice` writes each."""
    corrects: str = ""
    """Id of the published release that this one replaces; then with a reason."""
    reason: str = ""
    issuer: str = ""
    """Who publishes, as its reports say it; empty: as the settings say."""
    public: bool = False
    """Whether it goes onto the public site once it is published."""
    in_calendar: bool = False
    """Whether strangers read title and day of a public release before it is published."""
    logo: bytes = b""
    """Picture as it was uploaded; encoded anew before it is kept."""


@dataclass(frozen=True)
class PublicationSummary:
    """A release as the calendar lists it: what was announced, signed and published."""

    key: str
    wave: str
    title: Labels
    state: PublicationState
    is_demo: bool
    embargo_until: datetime
    contact: str
    shown: Shown
    first_places: int | None
    builders: tuple[str, ...]
    is_public: bool
    """Whether it goes onto the public site once it is published."""
    is_in_calendar: bool
    """Whether strangers read its title and day from the announcement on."""
    corrects: str
    correction_reason: str
    first_signed_by: str
    """Name of the account, or of the operator; empty while nobody has signed."""
    first_signed_at: datetime | None
    first_resets: tuple[CredentialReset, ...]
    """Who reset password or factor of the first signer between announcement and signature."""
    second_signed_by: str
    second_signed_at: datetime | None
    second_resets: tuple[CredentialReset, ...]
    one_person: str
    """Why one person gave both signatures; empty if it were two."""
    key_id: str
    published_at: datetime | None
    retracted_at: datetime | None
    retraction_reason: str
    follows: str
    """Last release of the wave that was public before this one: errata are from that."""
    closed_by: str
    """Release that hides figures of this one, so that its files are closed to readers."""
    may_read: bool
    """Whether the principal may open the files now."""


def plan_publication(work: Work, *, draft: PublicationDraft) -> str:
    """Announce a release of a wave for a future minute, record it, and return its id.

    Raises:
        PublicationNotAllowedError: a text is missing, the minute is over, another release of the
            wave is announced, or reports are asked for of a wave without a composite.
        RefusedError: a number of first places that does not fit.
        NotFoundError: no builder has one of the names.
    """
    work.require(Action.RELEASE)
    choices = parse_choices(draft.builders)
    release_request_options(draft.shown, draft.first_places)
    _require_texts(draft)
    if draft.in_calendar and not draft.public:
        raise PublicationNotAllowedError(
            msg("Only a release that goes onto the public site stands in its calendar.")
        )
    if draft.embargo_until <= work.now:
        raise PublicationNotAllowedError(msg("The announced minute has to lie ahead."))
    wave = lock_wave(session=work.session, key=draft.wave)
    require_readable_wave(work.principal, wave)
    if wave.tree_id is None and any(choice.name in REPORTS for choice in choices):
        raise PublicationNotAllowedError(NO_REPORTS)
    announced = find_announced_publication(work.session, wave)
    if announced is not None:
        raise PublicationNotAllowedError(
            msg("The release {release} of this wave is announced already.", release=announced)
        )
    corrected = _find_corrected(work.session, wave, draft)
    query = select(func.count()).select_from(Publication).where(Publication.wave_id == wave.id)
    publication = Publication(
        key=f"{wave.key}-{work.session.exec(query).one() + 1}",
        wave_id=wave.id,
        title_zh=draft.title_zh.strip(),
        title_en=draft.title_en.strip(),
        shown=draft.shown,
        first_places=draft.first_places,
        builders=[str(choice) for choice in choices],
        contact=draft.contact.strip(),
        issuer=draft.issuer.strip() or None,
        logo_sha256=_keep_logo(work.session, draft.logo),
        is_public=draft.public,
        is_in_calendar=draft.in_calendar,
        embargo_until=draft.embargo_until,
        corrects_id=corrected.id if corrected else None,
        correction_reason=draft.reason.strip() if corrected else "",
        planned_by=actor_id(work.principal),
        planned_at=work.now,
    )
    detail = {
        "wave": wave.key,
        "embargo_until": draft.embargo_until.isoformat(),
        "shown": draft.shown,
        "first_places": draft.first_places,
        "contact": publication.contact,
        "issuer": publication.issuer,
        "logo": publication.logo_sha256,
        "files": publication.builders,
        "public": publication.is_public,
        "in_calendar": publication.is_in_calendar,
    }
    if corrected:
        detail |= {"corrects": corrected.key, "reason": publication.correction_reason}
    work.add(publication, AuditEvent.RELEASE_PLANNED, publication.key, detail)
    return publication.key


def propose_publisher(work: Work) -> ReportPublisher:
    """Return who published the newest release of any wave, as a proposal for the next one."""
    work.require(Action.RELEASE)
    found = find_publisher(work.session)
    named = found.organisation or work.settings.report_organisation
    return replace(found, organisation=named, contact=found.contact or work.settings.report_contact)


def _keep_logo(session: Session, uploaded: bytes) -> str | None:
    if not uploaded:
        return None
    (logo,) = clean_pictures([uploaded])
    if logo is None:
        raise PublicationNotAllowedError(
            msg("The logo is no picture, is damaged or has too many pixels: take PNG or JPEG.")
        )
    row = {"sha256": logo.sha256, "content": logo.content}
    insert_if_new(session.connection(), PublicationLogo, row)
    return logo.sha256


def read_publisher(session: Session, publication: Publication) -> ReportPublisher:
    """Return who publishes a release, as its announcement says."""
    logo = publication.logo_sha256 and session.get(PublicationLogo, publication.logo_sha256)
    content = logo.content if logo else b""
    return ReportPublisher(publication.issuer or "", publication.contact, content)


def _require_texts(draft: PublicationDraft) -> None:
    texts = (draft.title_zh, draft.title_en, draft.contact, *[draft.reason] * bool(draft.corrects))
    if not all(2 <= len(text.strip()) <= MAX_TEXT_CHARS for text in texts):
        raise PublicationNotAllowedError(
            msg("Title, contact and, for a correction, its reason have to be filled in.")
        )


def _find_corrected(session: Session, wave: Wave, draft: PublicationDraft) -> Publication | None:
    published = select(Publication).where(
        Publication.wave_id == wave.id, Publication.state == PublicationState.PUBLISHED
    )
    standing = session.exec(published).first()
    if (standing.key if standing else "") != draft.corrects:
        raise PublicationNotAllowedError(
            msg(
                "A further release of a wave is a correction of the one that stands: {release}.",
                release=standing.key if standing else "–",
            )
        )
    if standing and (standing.shown, standing.first_places) != (draft.shown, draft.first_places):
        raise PublicationNotAllowedError(
            msg("A correction shows as much of other cities as what it corrects.")
        )
    _require_no_wider(session, wave, draft)
    return standing


def _require_no_wider(session: Session, wave: Wave, draft: PublicationDraft) -> None:
    """Raise if a draft shows scores of cities but an earlier public release of the wave did not.

    What was hidden among cities that the earlier one left out cannot be told from its files.
    """
    narrower = [each.key for each in list_ever_public(session, wave.id)
                if each.shown is not Shown.SCORES]  # fmt: skip
    if narrower and draft.shown is Shown.SCORES:
        raise PublicationNotAllowedError(
            msg(
                "The release {release} was public without scores of cities, also if it was taken "
                "back since. A further release of the wave shows no more than that.",
                release=narrower[-1],
            )
        )


def require_readable_wave(principal: Principal, wave: Wave) -> None:
    """Raise `AccessDeniedError` if a demonstration account asks for a real wave."""
    if principal.is_demo and not wave.is_demo:
        raise AccessDeniedError(msg("A demonstration account reads demonstration data only."))


def lock_publication(work: Work, *, key: str) -> tuple[Publication, Wave]:
    """Lock a release until the transaction ends, and return it with its wave."""
    work.require(Action.RELEASE)
    query = select(Publication).where(Publication.key == key).with_for_update()
    publication = work.session.exec(query).one_or_none()
    if publication is None:
        raise _build_unknown_error(key)
    wave = work.session.get_one(Wave, publication.wave_id)
    require_readable_wave(work.principal, wave)
    return publication, wave


def find_publication(work: Work, *, key: str) -> tuple[Publication, Wave]:
    """Return a release by its id, with its wave. Raises `PublicationNotFoundError`."""
    work.require(Action.READ_RESULTS)
    publication = work.session.exec(select(Publication).where(Publication.key == key)).one_or_none()
    wave = work.session.get(Wave, publication.wave_id) if publication else None
    if publication is None or wave is None or (work.principal.is_demo and not wave.is_demo):
        raise _build_unknown_error(key)
    return publication, wave


def _build_unknown_error(key: str) -> PublicationNotFoundError:
    return PublicationNotFoundError(msg("There is no release {release}.", release=key))


def latest_step_at(publication: Publication) -> datetime:
    """Return when a release was announced, signed or published, whichever was last."""
    steps = (
        publication.planned_at, publication.first_signed_at, publication.second_signed_at,
        publication.published_at,
    )  # fmt: skip
    return max(step for step in steps if step is not None)


def require_forward_clock(publication: Publication, now: datetime) -> None:
    """Raise `PublicationNotAllowedError` if `now` is earlier than the release's latest step."""
    if now < latest_step_at(publication):
        raise PublicationNotAllowedError(
            msg("The clock of the server went back. Set it right, then try again.")
        )


def may_read(work: Work, publication: Publication) -> bool:
    """Return whether a principal may open the files of a release now.

    Those of one that was replaced are closed to readers if a later release hides figures in them,
    and all of a wave while nothing of it is released: its pages show no other city by name then.
    """
    if not work.principal.may(Action.READ_RESULTS) or not publication.archive_sha256:
        return False
    if publication.second_signed_at is None:
        return False
    if work.principal.may(Action.RELEASE):
        return True
    if publication.state in PUBLIC_STATES:
        return (
            work.now >= publication.embargo_until
            and work.session.get_one(Wave, publication.wave_id).state is WaveState.RELEASED
            and find_closing_release(work.session, publication) is None
        )
    return publication.state is PublicationState.SIGNED and _is_early_reader(work, publication)


def require_may_read(work: Work, publication: Publication) -> None:
    """Raise `AccessDeniedError` with the reason unless a principal may open the files now."""
    work.require(Action.READ_RESULTS)
    if may_read(work, publication):
        return
    closing = find_closing_release(work.session, publication)
    raise AccessDeniedError(
        msg(
            "The release {release} hides figures that these files show, so they are closed.",
            release=closing,
        )
        if closing
        else msg("The files of this release are not open to you.")
    )


def _is_early_reader(work: Work, publication: Publication) -> bool:
    """Return whether a principal is on the pre-release list and its time has come."""
    query = select(PublicationReader.id).where(
        PublicationReader.publication_id == publication.id,
        PublicationReader.account_id == work.principal.account_id,
        PublicationReader.opens_at <= work.now,
    )
    return work.session.exec(query.limit(1)).first() is not None


def list_publications(work: Work) -> Sequence[PublicationSummary]:
    """Return a summary of every release, the latest announced minute first.

    Everybody who reads results sees what is announced and what became of it; who signed, and why
    something was taken back, too: nothing of it is a figure.
    """
    work.require(Action.READ_RESULTS)
    query = (
        select(Publication, Wave)
        .join(Wave, col(Wave.id) == col(Publication.wave_id))
        .order_by(col(Publication.embargo_until).desc(), col(Publication.key).desc())
    )
    rows = [(publication, wave) for publication, wave in work.session.exec(query)
            if wave.is_demo or not work.principal.is_demo]  # fmt: skip
    keys = {publication.id: publication.key for publication, _ in rows}
    return [_summarise(work, *row, keys) for row in rows]


def _summarise(
    work: Work, publication: Publication, wave: Wave, keys: dict[UUID, str]
) -> PublicationSummary:
    before = list_public_before(work.session, publication)
    (first, first_resets), (second, second_resets) = (
        _describe_signer(work.session, publication, *signed)
        for signed in (
            (publication.first_signed_by, publication.first_signed_at),
            (publication.second_signed_by, publication.second_signed_at),
        )
    )
    return build_from(
        PublicationSummary,
        publication,
        wave=wave.key,
        title=labels_of(publication, "title"),
        is_demo=wave.is_demo,
        builders=tuple(publication.builders),
        corrects=keys.get(publication.corrects_id, "") if publication.corrects_id else "",
        first_signed_by=first,
        first_resets=first_resets,
        second_signed_by=second,
        second_resets=second_resets,
        key_id=publication.key_id or "",
        follows=before[-1].key if before else "",
        closed_by=find_closing_release(work.session, publication) or "",
        may_read=may_read(work, publication),
    )


def _describe_signer(
    session: Session, publication: Publication, account_id: UUID | None, at: datetime | None
) -> tuple[str, tuple[CredentialReset, ...]]:
    """Return a signer's name, and resets of password or second factor from announcement to `at`."""
    if at is None:
        return "", ()
    account = session.get(Account, account_id) if account_id else None
    if account is None:
        return "operator", ()
    return account.name, list_credential_resets(
        session, account.id, since=publication.planned_at, until=at
    )
