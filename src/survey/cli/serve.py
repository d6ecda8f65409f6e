"""Commands that run the platform, with demo data or on a store of its own.

Modules that make demo data are imported only if there are none, so that serving starts fast.
"""

import logging
import shutil
import sys
from typing import Annotated

import typer

from survey.cli.options import set_environment
from survey.cli.output import error_reporting, print_note
from survey.observe.logs import configure_logs
from survey.observe.metrics import export_pool_states, serve_metrics
from survey.results.snapshots import outdated_waves
from survey.settings import Settings, current_settings
from survey.store.engine import pool_states, read_scope
from survey.store.private_files import FOLDER_MODE, close_to_others
from survey.store.read_replica import require_read_url
from survey.store.schema import upgrade

DEMO_AUDIT_SECONDS = "1"
"""Time for the interval audit of what visitors of a demonstration freeze or preview."""
DRAIN_SECONDS = 30
"""Time to finish running requests after SIGTERM: new connections are refused at once, and an
interview that is being submitted gets its receipt."""

SWITCH_SECONDS = 0.001
"""Switch interval of Python's threads. A submission needs the interpreter some twenty times; at the
default of 5 ms, pages that are drawn meanwhile would delay it by a tenth of a second."""
MAX_MESSAGE_BYTES = 6 << 20
"""Largest message of a page's socket; Streamlit takes 5 MB (`server.maxWidgetStateSize`)."""


def demo(
    size: Annotated[
        float, typer.Option(min=0.005, max=10, help="1 = full size, 62,000 interviews a wave.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same data.")] = 2024,
    serve_after: Annotated[
        bool, typer.Option("--serve", help="Serve as soon as the first wave is there.")
    ] = False,
    renew: Annotated[bool, typer.Option(help="Throw the present demo data away first.")] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=8,
            help="Processes that freeze the waves; default: 2; 1 on a machine with one core.",
        ),
    ] = None,
) -> None:
    """Make demo data, if there are none, in a database of their own; everything is marked demo."""
    with error_reporting():
        audit_seconds = _choose_demo_audit(current_settings(), size)
        present = _bound_demo_audit(current_settings())
        data_dir = (
            present.data_dir if present.data_dir.name == "demo" else present.data_dir / "demo"
        )
        settings = set_environment({"SURVEY_DATA_DIR": str(data_dir), "SURVEY_DEMO": "1"})
        if renew and not settings.database_url:
            shutil.rmtree(settings.data_dir, ignore_errors=True)
        if settings.demo_marker.exists():
            print_note("Demo data are there already.")
            upgrade(settings.store_url)
            with read_scope(settings.store_url) as session:
                outdated = outdated_waves(settings, session)
            if outdated:
                from survey.cli.wave import recompute_tables

                recompute_tables(outdated)
            if serve_after:
                _serve(settings)
            return
        from survey.cli.demo_data import DemoPlan, build_demo, default_workers, demo_in_background

        plan = DemoPlan(size, seed, workers or default_workers(), audit_seconds)
        if not serve_after:
            build_demo(settings, plan)
            return
        with demo_in_background(settings, plan):
            _serve(settings)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve pages, public form and health in one process."""
    chosen = {"SURVEY_HOST": host, "SURVEY_PORT": str(port) if port is not None else None}
    with error_reporting():
        settings = set_environment(
            {name: value for name, value in chosen.items() if value is not None}
        )
        if settings.demo:
            settings = _bound_demo_audit(settings)
        require_read_url(settings)
        upgrade(settings.store_url)
        _serve(settings)


def _choose_demo_audit(present: Settings, size: float) -> float:
    """Return the seconds a demo wave's audit may take: set in `present`, else by size; 0: no limit.

    What is shown as released has passed the whole audit, as everywhere. A smaller demonstration is
    there to try something out soon: hardly a count of it is shown, and its audit takes longest.
    """
    if "audit_seconds" in present.model_fields_set:
        return present.audit_seconds
    return 0.0 if size >= 1 else float(DEMO_AUDIT_SECONDS)


def _bound_demo_audit(present: Settings) -> Settings:
    """Return settings with a time limit for audits, unless `present` has one set explicitly.

    Any visitor of a demonstration may preview a freeze.
    """
    if "audit_seconds" in present.model_fields_set:
        return present
    return set_environment({"SURVEY_AUDIT_SECONDS": DEMO_AUDIT_SECONDS})


def _serve(settings: Settings) -> None:
    import uvicorn

    from survey.kit.asgi import create_app
    from survey.web.request_middleware import LimitedHttpProtocol

    settings.data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    close_to_others(settings)
    configure_logs(settings)
    export_pool_states(pool_states)
    serve_metrics(settings)
    application = create_app(settings)
    # Paths of the public form hold one-time tokens; they must not end up in a log.
    logging.getLogger("uvicorn.access").disabled = True
    sys.setswitchinterval(SWITCH_SECONDS)
    print_note(
        "The platform is open at http://localhost:{port} (Ctrl+C stops it).", port=settings.port
    )
    uvicorn.run(
        application,
        host=settings.host,
        port=settings.port,
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        http=LimitedHttpProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
