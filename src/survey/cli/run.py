"""Prepare a store, make demo data, serve the platform."""

import logging
import shutil
import sys
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.options import configure
from survey.cli.output import reporting_errors, say
from survey.cli.waves import recompute_tables
from survey.fieldwork.quality import assess_wave
from survey.fieldwork.reference import load_reference
from survey.locale import SurveyError, msg
from survey.publish.results import freeze_wave
from survey.settings import PROJECT_ROOT, Settings, current_settings
from survey.store.engine import dispose_engines, session_scope
from survey.store.schema import upgrade

DEMO_WAVES = ("main-2023", "main-2024", "elderly-2024", "minors-2024")
PARTIAL = ".partial"


def init() -> None:
    """Create or upgrade the store; load cities, indicator trees and shipped questionnaires.

    Safe to repeat: what is there already is kept.
    """
    with reporting_errors():
        settings = current_settings()
        upgrade(settings.store_url)
        load_reference(settings.store_url, PROJECT_ROOT / "seed")
        say("The store is ready.")


def demo(
    size: Annotated[
        float, typer.Option(min=0.005, max=10, help="1 = full size, 62,000 interviews a wave.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same data.")] = 2024,
    serve_after: Annotated[bool, typer.Option("--serve", help="Serve when it is ready.")] = False,
    renew: Annotated[bool, typer.Option(help="Throw the present demo data away first.")] = False,
) -> None:
    """Make demo data, if there are none, in a database of their own; everything is marked demo."""
    with reporting_errors():
        settings = _demo_settings()
        if renew and not settings.database_url:
            shutil.rmtree(settings.data_dir, ignore_errors=True)
        if _has_demo(settings):
            say("Demo data are there already.")
            upgrade(settings.store_url)
            recompute_tables(settings)
        else:
            _build_demo(settings, size=size, seed=seed)
        if serve_after:
            _serve(settings)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve pages, public form and health in one process."""
    chosen = {
        "SURVEY_HOST": host,
        "SURVEY_PORT": str(port) if port is not None else None,
    }
    with reporting_errors():
        settings = configure({name: value for name, value in chosen.items() if value is not None})
        upgrade(settings.store_url)
        _serve(settings)


def _demo_settings() -> Settings:
    present = current_settings()
    data_dir = present.data_dir if present.data_dir.name == "demo" else present.data_dir / "demo"
    return configure({"SURVEY_DATA_DIR": str(data_dir), "SURVEY_DEMO": "1"})


def _has_demo(settings: Settings) -> bool:
    return (settings.data_dir / "demo.json").exists()


def _build_demo(settings: Settings, *, size: float, seed: int) -> None:
    """Build beside the final folder and move it there whole: a crash leaves nothing half."""
    final = settings.data_dir
    started = time.monotonic()
    if settings.database_url:
        _fill(settings, size=size, seed=seed)
    else:
        partial = final.with_name(final.name + PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _fill(configure({"SURVEY_DATA_DIR": str(partial)}), size=size, seed=seed)
        dispose_engines()
        shutil.rmtree(final, ignore_errors=True)
        partial.replace(final)
        configure({"SURVEY_DATA_DIR": str(final)})
    say("Demo data are ready ({seconds} s).", seconds=round(time.monotonic() - started))


def _fill(settings: Settings, *, size: float, seed: int) -> None:
    _seed_on_path()
    from seed.demo import OPEN_WAVE, build

    say("Making demo data: four waves, about two minutes …")
    upgrade(settings.store_url)
    load_reference(settings.store_url, PROJECT_ROOT / "seed")
    build(
        settings.store_url,
        waves=DEMO_WAVES,
        size=size,
        seed=seed,
        truth_dir=settings.data_dir / "truth",
        progress=lambda text: typer.echo(f"  {text}", err=True),
    )
    # Frozen interviews are past review, so only those of the open wave are looked at.
    say("Looking for odd interviews in {wave} …", wave=OPEN_WAVE)
    with session_scope(settings.store_url) as session:
        assess_wave(session=session, principal=OPERATOR, wave_key=OPEN_WAVE, now=datetime.now(UTC))
    for key in DEMO_WAVES:
        say("Freezing and estimating {wave} …", wave=key)
        freeze_wave(settings, wave_key=key, actor=OPERATOR, final=True, release=True)
    marker = settings.data_dir / "demo.json"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(f'{{"size": {size}, "seed": {seed}}}\n', encoding="utf-8")


def _seed_on_path() -> None:
    """`seed/` is project data beside the package, importable only where the project is."""
    if not (PROJECT_ROOT / "seed" / "demo").is_dir():
        raise SurveyError(
            msg("Demo data need the project folder; {root} has none.", root=PROJECT_ROOT)
        )
    if str(PROJECT_ROOT) not in sys.path:
        sys.path.insert(0, str(PROJECT_ROOT))


def _serve(settings: Settings) -> None:
    import uvicorn

    from survey.ui.asgi import create_app
    from survey.web.wire import GuardedProtocol

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    application = create_app(settings)
    # Paths of the public form hold one-time tokens; they must not end up in a log.
    logging.getLogger("uvicorn.access").disabled = True
    say("The platform is open at http://localhost:{port} (Ctrl+C stops it).", port=settings.port)
    uvicorn.run(
        application,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        http=GuardedProtocol,
    )
