"""Look at everything the platform needs and say in words what is wrong."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from survey.cli.output import Format, FormatOption, print_table
from survey.locale import DOMAINS, Message, msg, translator
from survey.locale import catalog_file as catalog
from survey.publish.fonts import chinese_font
from survey.publish.results import SnapshotDamaged, list_waves
from survey.settings import Settings, current_settings
from survey.store.engine import session_scope
from survey.store.schema import head, revision


@dataclass(frozen=True)
class Finding:
    """One thing looked at: is it well, and what was found or what to do."""

    name: Message
    well: bool
    detail: Message


def doctor(form: FormatOption = Format.TABLE) -> None:
    """Check Python, store, snapshots, screen texts and fonts; say what to do about each fault.

    Exit code 0 when all is well, 1 when something needs attention.
    """
    settings = current_settings()
    t = translator(settings.language)
    findings = [finding for examine in EXAMINATIONS for finding in examine(settings)]
    rows = [
        (t("OK") if finding.well else t("ATTENTION"), t(finding.name), t(finding.detail))
        for finding in findings
    ]
    print_table((t("state"), t("checked"), t("finding")), rows, form)
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def _python(_settings: Settings) -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    well = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Finding(
        msg("Python"), well, msg("{found} (3.11, 3.12 and 3.13 are supported)", found=found)
    )


def _store(settings: Settings) -> Iterator[Finding]:
    name = msg("Store")
    shown = make_url(settings.store_url).render_as_string(hide_password=True)
    try:
        present = revision(settings.store_url)
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        yield Finding(
            name, False, msg("{url} cannot be reached: {reason}", url=shown, reason=reason)
        )
        return
    if present == head():
        yield Finding(name, True, msg("{url}, schema up to date", url=shown))
    else:
        yield Finding(
            name, False, msg("{url} has an old or no schema; run: survey init", url=shown)
        )


def _snapshots(settings: Settings) -> Iterator[Finding]:
    name = msg("Snapshots")
    try:
        with session_scope(settings.store_url) as session:
            waves = list_waves(settings, session)
    except SnapshotDamaged as error:
        yield Finding(name, False, error.message)
    except SQLAlchemyError:
        yield Finding(name, False, msg("Unknown, because the store cannot be read."))
    else:
        keys = ", ".join(wave.key for wave in waves) or "-"
        yield Finding(name, True, msg("frozen waves: {keys}", keys=keys))


def _catalogs(_settings: Settings) -> Iterator[Finding]:
    missing = [domain for domain in DOMAINS if not catalog(domain, "zh").exists()]
    detail = (
        msg("not compiled: {domains}; run: make setup", domains=", ".join(missing))
        if missing
        else msg("Chinese and English")
    )
    yield Finding(msg("Screen texts"), not missing, detail)


def _fonts(_settings: Settings) -> Iterator[Finding]:
    font = chinese_font()
    detail = (
        msg("{family} ({file})", family=font.family, file=font.file)
        if font.covers_chinese
        else msg("no Chinese font; pip install pylopdf-fonts-zh-cn, or apt install fonts-noto-cjk")
    )
    yield Finding(msg("Chinese font for picture files"), font.covers_chinese, detail)


EXAMINATIONS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _python,
    _store,
    _snapshots,
    _catalogs,
    _fonts,
)
