"""Commands on signed releases, and on the keys that sign them."""

import hashlib
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.options import read_suffix
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.cli.output_file import output_file
from survey.cli.release_log import app as log
from survey.cli.report import ReportLanguage
from survey.cli.wave import release as release_of_wave
from survey.locale import msg, translator
from survey.release import verify
from survey.release.announced_days import SHORT_NOTICE, change_announced_day, is_short_notice
from survey.release.early_readers import add_early_reader, list_early_readers, open_publication
from survey.release.public_releases import open_release
from survey.release.publishing_steps import build_key_list, publish_publication, retract_publication
from survey.release.register import PublicationDraft, list_publications, plan_publication
from survey.release.signatures import sign_publication
from survey.release.signing_keys import (
    SigningKey,
    SigningKeyError,
    add_key_to_file,
    find_signing_problem,
    list_keys,
    read_signing_keys,
    register_key,
    withdraw_key,
)
from survey.release.verify import fingerprint_of, parse_keys
from survey.reports.plain_report import PLAIN_FORMATS
from survey.reports.report_service import ReportFormat
from survey.settings import Settings, current_settings
from survey.store.china_time import CHINA, china_minute_message
from survey.store.engine import read_scope
from survey.store.tables import PublicationState, Shown
from survey.waves.waves import find_wave

T = TypeVar("T")
app = typer.Typer(help="Signed releases, from the calendar to the published files.")
key = typer.Typer(help="Keys that sign releases (docs/publishing.md).")
reader = typer.Typer(help="People who may open a release before it is published.")
app.add_typer(key, name="key")
app.add_typer(reader, name="reader")
app.add_typer(log, name="log")

Release = Annotated[str, typer.Argument(help="Id of the release, as `survey release list`.")]
_MINUTE = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]


def _run(service: Callable[..., T], **order: object) -> T:
    """Run a service as the operator in a transaction of its own; return its result."""
    return change_as_operator(lambda work: service(work, **order))


def _china_minute(minute: datetime) -> datetime:
    return minute.replace(tzinfo=CHINA)


@app.command("plan")
def plan_release(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2026.")],
    at: Annotated[
        datetime,
        typer.Option(formats=_MINUTE, help="Announced minute, China time: 2026-12-01 10:00."),
    ],
    contact: Annotated[str, typer.Option(help="Who answers questions: name, telephone, e-mail.")],
    title_zh: Annotated[str, typer.Option(help="Chinese title.")],
    title_en: Annotated[str, typer.Option(help="English title.")],
    show: Annotated[
        Shown, typer.Option(help="What others see of a city: scores, names or nothing.")
    ] = Shown.SCORES,
    top: Annotated[
        int | None, typer.Option(help="How many first places are named, with --show names.")
    ] = None,
    files: Annotated[
        str, typer.Option(help="Builders of its files, separated by commas.")
    ] = "figures,tables",
    corrects: Annotated[str, typer.Option(help="Id of the release that it corrects.")] = "",
    reason: Annotated[str, typer.Option(help="Why it is corrected.")] = "",
    issuer: Annotated[str, typer.Option(help="Who publishes, as reports say it.")] = "",
    public: Annotated[
        bool, typer.Option("--public", help="It goes onto the public site, for everybody.")
    ] = False,
    calendar: Annotated[
        bool,
        typer.Option("--calendar", help="Title and day stand in the calendar of the public site."),
    ] = False,
    logo: Annotated[Path | None, typer.Option(help="Picture for reports, PNG or JPEG.")] = None,
) -> None:
    """Announce a release of a wave and print its id."""
    draft = PublicationDraft(
        wave=wave,
        title_zh=title_zh,
        title_en=title_en,
        contact=contact,
        embargo_until=_china_minute(at),
        shown=show,
        first_places=top,
        builders=tuple(name.strip() for name in files.split(",") if name.strip()),
        corrects=corrects,
        reason=reason,
        issuer=issuer,
        public=public,
        in_calendar=calendar,
        logo=logo.read_bytes() if logo else b"",
    )
    with error_reporting():
        typer.echo(_run(plan_publication, draft=draft))
        if draft.public:
            _note_short_notice(draft.embargo_until)
        _note_signing_problem(draft.wave)


def _note_short_notice(minute: datetime) -> None:
    """Print that a release is announced late; on the error stream, for its id is the output."""
    if is_short_notice(datetime.now(UTC), minute):
        typer.echo(translator(current_settings().language)(SHORT_NOTICE), err=True)


@app.command("move")
def move_release(
    release: Release,
    at: Annotated[
        datetime, typer.Option(formats=_MINUTE, help="New minute, China time: 2026-12-01 10:00.")
    ],
    reason: Annotated[str, typer.Option(help="Why; the public calendar shows it.")],
) -> None:
    """Announce another minute for a release; signing begins anew."""
    minute = _china_minute(at)
    with error_reporting():
        _run(change_announced_day, key=release, at=minute, reason=reason)
        print_note("{release} is announced for another minute.", release=release)
        _note_short_notice(minute)


def _note_signing_problem(wave_key: str) -> None:
    """Print why releases of this wave cannot be signed; nothing for demo waves or if they can."""
    settings = current_settings()
    with read_as_operator() as work:
        wave = find_wave(session=work.session, key=wave_key)
        if wave is None or wave.is_demo:
            return
        problem = find_signing_problem(work)
    if problem is not None:
        typer.echo(translator(settings.language)(problem), err=True)


@app.command("sign")
def sign_release(release: Release) -> None:
    """Sign a release: the first signature builds its files, the second one is another person's.

    Whoever signs here is the operator, who is one person. What is signed again after its key was
    withdrawn keeps its files.
    """
    with error_reporting():
        state = sign_publication(
            current_settings(), principal=OPERATOR, key=release, clock=lambda: datetime.now(UTC)
        )
        if state is PublicationState.PLANNED:
            print_note("Signed. Another person gives the second signature in the browser.")
        else:
            print_note("{release} is signed.", release=release)


@app.command("publish")
def publish_release(release: Release) -> None:
    """Publish a signed release, not before its minute; readers see the wave from then on."""
    with error_reporting():
        _run(publish_publication, key=release)
        print_note("{release} is published.", release=release)


@app.command("retract")
def retract_release(
    release: Release, reason: Annotated[str, typer.Option(help="Why it is taken back.")]
) -> None:
    """Take a release back, also one that was corrected; publish the list of keys anew then."""
    with error_reporting():
        _run(retract_publication, key=release, reason=reason)
        print_note("{release} is taken back.", release=release)


@app.command("list")
def list_releases(form: FormatOption = OutputFormat.TABLE) -> None:
    """List the calendar: announced minute, state and signatures of every release.

    one_person says why one signature was enough: a demonstration (demo), nobody else with the right
    (alone), or a setting (off).
    """
    with error_reporting(), read_as_operator() as work:
        rows = [
            (
                each.key,
                each.wave,
                str(china_minute_message(each.embargo_until)),
                each.state.value,
                each.first_signed_by,
                "" if each.one_person else each.second_signed_by,
                each.one_person,
                each.corrects,
            )
            for each in list_publications(work)
        ]
        columns = ("id", "wave", "announced", "state", "first", "second", "one_person", "corrects")
        print_table(columns, rows, form)


@app.command("quality")
def write_quality_report(
    release: Release,
    out: Annotated[Path, typer.Option(help="File to write: .docx or .pdf.")],
    language: Annotated[ReportLanguage, typer.Option(help="Language of the report.")] = (
        ReportLanguage.ZH
    ),
) -> None:
    """Write the quality report of a release, as it is known now, under the ESS handbook's heads."""
    # Not at the top: few commands write documents.
    from survey.release.current_quality import make_quality_report

    form = ReportFormat(read_suffix(out, PLAIN_FORMATS, "--out"))
    with error_reporting(), output_file(out) as draft:
        file = _run(make_quality_report, key=release, form=form, language=language.value)
        draft.write(file.content)
        print_note("Report written to {file}.", file=out)


@app.command("fetch")
def fetch_release(
    release: Release, out: Annotated[Path, typer.Option(help="File for the archive (.zip).")]
) -> None:
    """Write the archive of a signed release to a file."""

    def fetch(work: Work) -> None:
        draft.write(open_publication(work, key=release))

    with error_reporting(), output_file(out, private=True) as draft:
        change_as_operator(fetch)
    print_note("{release} is in {file}.", release=release, file=out)


@app.command("open")
def open_to_public(release: Release) -> None:
    """Sign that a published release goes onto the public site; it takes two people.

    Only for a release that was not announced as public (`survey release plan --public`).
    """
    with error_reporting():
        if _run(open_release, key=release):
            print_note("{release} goes onto the public site.", release=release)
        else:
            print_note("Signed. Another person gives the second signature in the browser.")


@app.command("site")
def build_site(
    releases: Annotated[
        list[str] | None,
        typer.Argument(
            help="Ids of releases, or files of their archives; without any, every release that "
            "stands and was announced as public."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="New folder for the site; any web server can serve it.")
    ] = Path("site"),
    keys: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Published list of keys, to build from archives alone, without a store.",
        ),
    ] = None,
) -> None:
    """Write the public site of signed releases: pages, charts and files, no figure beside them.

    What is altered, unsigned, taken back, replaced or not yet due is refused, and so are
    demonstrations together with real releases.
    """
    # Not at the top: few commands draw pages.
    from survey.site.public_site import build_site_of_archives, build_site_of_register

    with error_reporting():
        settings, now = current_settings(), datetime.now(UTC)
        if keys is not None:
            archives = [Path(each) for each in releases or ()]
            count = build_site_of_archives(settings, archives, keys.read_bytes(), out, now)
        else:
            with read_as_operator() as work:
                count = build_site_of_register(work, keys=releases or (), out=out)
        print_note("{count} files are in {folder}.", count=count, folder=out)


app.command("wave")(release_of_wave)


@reader.command("add")
def list_reader(
    release: Release,
    account: Annotated[str, typer.Option(help="Login of the person.")],
    reason: Annotated[str, typer.Option(help="Why this person may read early.")],
    opens: Annotated[
        datetime, typer.Option("--from", formats=_MINUTE, help="From when, China time.")
    ],
) -> None:
    """Put somebody on the pre-release list."""
    with error_reporting():
        _run(
            add_early_reader,
            key=release,
            login=account,
            reason=reason,
            opens_at=_china_minute(opens),
        )
        print_note("{account} is on the list of {release}.", account=account, release=release)


@reader.command("list")
def list_readers(release: Release, form: FormatOption = OutputFormat.TABLE) -> None:
    """List the people who may open a release early, why, and from when."""
    with error_reporting(), read_as_operator() as work:
        rows = [
            (each.login, each.name, each.reason, str(china_minute_message(each.opens_at)))
            for each in list_early_readers(work, key=release)
        ]
        print_table(("login", "name", "reason", "from"), rows, form)


def make_first_signing_key(settings: Settings) -> None:
    """Make and register a key in the file that the settings name, unless one is configured."""
    if settings.release_key_file is not None and not read_signing_keys(settings):
        _register(add_key_to_file(settings.release_key_file))


def _register(signing_key: SigningKey) -> None:
    _run(register_key, public_key=signing_key.public_bytes)
    print_note("The key {key} is registered and may sign.", key=signing_key.id)


@key.command("new")
def new_signing_key(
    out: Annotated[
        Path | None,
        typer.Option(
            help="Key file; the new key is added as its last line. Without it the file that "
            "SURVEY_RELEASE_KEY_FILE names."
        ),
    ] = None,
) -> None:
    """Make a key, add it to a key file and register its public half.

    Name the file in SURVEY_RELEASE_KEY_FILE. It lies where the database and its backups are not.
    From then on the new key signs; what older keys signed stays genuine.
    """
    with error_reporting():
        file = out or current_settings().release_key_file
        if file is None:
            raise SigningKeyError(
                msg(
                    "Please say where the key is kept, away from the data: name a file in "
                    "SURVEY_RELEASE_KEY_FILE."
                )
            )
        _register(add_key_to_file(file))


@key.command("register")
def register_signing_key() -> None:
    """Register the public half of the newest configured key, for example in a new store."""
    with error_reporting():
        keys = read_signing_keys(current_settings())
        if not keys:
            raise SigningKeyError(
                msg("Neither SURVEY_RELEASE_KEY nor SURVEY_RELEASE_KEY_FILE holds a key.")
            )
        _register(keys[-1])


@key.command("withdraw")
def withdraw_signing_key(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as `survey release key list`.")],
    reason: Annotated[str, typer.Option(help="Why nothing that it signed is genuine any more.")],
) -> None:
    """Withdraw a lost or stolen key: what it signed is not genuine any more.

    Sign the releases again with another key, and publish the list of keys anew.
    """
    with error_reporting():
        _run(withdraw_key, key_id=key_id, reason=reason)
        print_note("The key {key} is withdrawn.", key=key_id)


@key.command("list")
def list_signing_keys(form: FormatOption = OutputFormat.TABLE) -> None:
    """List the registered public keys, with the fingerprints to print and to publish."""
    with error_reporting(), read_as_operator() as work:
        rows = [
            (
                each.id,
                each.public_key,
                fingerprint_of(b64decode(each.public_key)),
                each.is_demo,
                each.registered_at,
                each.withdrawn_at,
            )
            for each in list_keys(work)
        ]
        columns = ("id", "public_key", "fingerprint", "demo", "registered", "withdrawn")
        print_table(columns, rows, form)


@key.command("export")
def export_key_list(
    out: Annotated[Path, typer.Option(help="File for the association's site.")],
) -> None:
    """Write the list that strangers check releases with: keys, what was taken back or corrected.

    This server gives it to anybody at /release-keys.json, and the script at /verify.py. Print the
    fingerprints where no forger changes them: in the report, on paper, in the gazette.
    """
    with error_reporting(), output_file(out) as draft:
        with read_scope(current_settings().store_url) as session:
            document = build_key_list(session, current_settings())
        draft.write(document)
    keys = parse_keys(document.decode()).keys
    print_note("{count} keys are in {file}.", count=len(keys), file=out)
    for key_id, published in keys.items():
        if not published.is_demo and not published.withdrawn:
            fingerprint = fingerprint_of(published.public_key)
            print_note(
                "Fingerprint of the key {key}: {fingerprint}", key=key_id, fingerprint=fingerprint
            )
    script = hashlib.sha256(Path(verify.__file__).read_bytes()).hexdigest()
    print_note("SHA-256 of verify.py as this version ships it: {sha256}", sha256=script)
