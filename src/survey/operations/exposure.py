"""Checks of the settings that face the public: address, keys, demonstration."""

from urllib.parse import urlsplit

from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlmodel import col, select

from survey.access.work import operator_work
from survey.files.microdata.exact_requests import list_undoable_exports
from survey.locale import Message, msg
from survey.operations import Findings, named
from survey.release.signing_keys import find_signing_problem
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import Wave

_LOCAL = {"127.0.0.1", "::1", "localhost"}


_MAX_LISTED_FILES = 10


class _Keys(BaseSettings):
    """Secret keys as set in the environment, read only to check that they are set."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    survey_phone_key: str = ""
    survey_audit_key: str = ""
    streamlit_server_cookie_secret: str = ""
    """Only replicas need it: an upload may reach another one than the page was drawn by."""


@named(msg("Public address"))
def check_public_address(settings: Settings) -> Findings:
    """Yield as a result whether public address and number of trusted proxies fit together."""
    fault = _find_address_fault(settings)
    shown = settings.public_url or f"http://{settings.host}:{settings.port}"
    fine = msg("{url}, {count} proxies in front", url=shown, count=settings.trusted_proxies)
    yield fault is None, fault or fine


def _find_address_fault(settings: Settings) -> Message | None:
    scheme, place = urlsplit(settings.public_url)[:2]
    if settings.public_url and (scheme not in {"http", "https"} or not place):
        return msg(
            "SURVEY_PUBLIC_URL is no address ({url}); write it as https://survey.example.org",
            url=settings.public_url,
        )
    if settings.trusted_proxies < 0:
        return msg("SURVEY_TRUSTED_PROXIES is negative; say how many proxies stand in front.")
    if scheme == "https" and settings.trusted_proxies == 0:
        return msg(
            "People reach {url}, but no proxy is trusted: all visitors count as one address and "
            "cookies are not marked as secure. Set SURVEY_TRUSTED_PROXIES to how many stand in "
            "front (nginx alone: 1).",
            url=settings.public_url,
        )
    if settings.trusted_proxies and not settings.public_url:
        return msg(
            "A proxy stands in front, but the address that people type is not known; set "
            "SURVEY_PUBLIC_URL, or links on printed codes lead nowhere."
        )
    if scheme == "http" and urlsplit(settings.public_url).hostname not in _LOCAL:
        return msg(
            "{url} is not encrypted: answers and passwords can be read on their way. Give nginx a "
            "certificate (deploy/nginx/10-tls.conf) and begin SURVEY_PUBLIC_URL with https.",
            url=settings.public_url,
        )
    return None


@named(msg("Keys"))
def check_keys(settings: Settings) -> Findings:
    """Yield as a result whether all keys are set, if the address is public and this is no demo."""
    if settings.demo or not settings.public_url:
        yield True, msg("not needed before SURVEY_PUBLIC_URL is set")
        return
    wanted = set(_Keys.model_fields)
    if not settings.trusted_proxies:
        wanted -= {"streamlit_server_cookie_secret"}
    present = _Keys()
    missing = sorted(key.upper() for key in wanted if not getattr(present, key))
    detail = (
        msg(
            "missing: {names}. Make each with: head -c 32 /dev/urandom | base64. Every replica "
            "gets the same, and a safe keeps a copy.",
            names=", ".join(missing),
        )
        if missing
        else msg("all there")
    )
    yield not missing, detail


@named(msg("Key that signs releases"))
def check_signing_key(settings: Settings) -> Findings:
    """Yield as a result whether a key to sign releases is registered, if there is a real wave."""
    with read_scope(settings.store_url) as session:
        real = session.exec(select(Wave.key).where(col(Wave.is_demo).is_(False)).limit(1))
        if settings.demo or real.first() is None:
            yield True, msg("not needed before there is a real wave")
            return
        problem = find_signing_problem(operator_work(session, settings))
    yield problem is None, problem or msg("registered")


@named(msg("Demonstration"))
def check_demo(settings: Settings) -> Findings:
    """Yield as a result whether a demonstration's store lacks real waves; nothing elsewhere."""
    if not settings.demo:
        return
    with read_scope(settings.store_url) as session:
        real = select(Wave.key).where(col(Wave.is_demo).is_(False)).order_by(Wave.key)
        real_keys = session.exec(real).all()
    detail = (
        msg(
            "Anybody can sign in by choosing a role, and the store holds real waves ({keys}). "
            "Take SURVEY_DEMO away at once.",
            keys=", ".join(real_keys),
        )
        if real_keys
        else msg("anybody can sign in by choosing a role; the store holds demo data only")
    )
    yield not real_keys, detail


@named(msg("Files of rows"))
def check_row_files(settings: Settings) -> Findings:
    """Yield the result on row files handed over whose blanked answers published tables reveal."""
    with read_scope(settings.store_url) as session:
        exports = list_undoable_exports(operator_work(session, settings))
    if not exports:
        yield True, msg("None that published tables undo")
        return
    listed = "; ".join(
        f"{export.wave}, {export.account}, {export.made_at:%Y-%m-%d}"
        for export in exports[:_MAX_LISTED_FILES]
    )
    detail = msg(
        "{count} files were handed over that hold every interview; with the published tables "
        "their blanked answers can be worked out: {files}. Nothing was withdrawn by itself. "
        "Ask these people to delete the file and to take a new one, which holds nine in ten; "
        'then record it: survey rows settle --reason "…"',
        count=len(exports),
        files=f"{listed} …" if len(exports) > _MAX_LISTED_FILES else listed,
    )
    yield False, detail
