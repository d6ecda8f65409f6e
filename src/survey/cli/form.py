"""Commands that check, import, export and list questionnaires as XLSForm workbooks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from survey.access.work import Work
from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.output import (
    FormatOption,
    OutputFormat,
    error_reporting,
    print_note,
    print_record,
    print_table,
)
from survey.cli.output_file import output_file
from survey.collection.trial_links import open_trial
from survey.locale import DEFAULT_LANGUAGE, RefusedError, msg, translator
from survey.questionnaire.advice import advise
from survey.questionnaire.checks import (
    Finding,
    check_instrument,
    describe_figures,
    only_errors,
    score_findings,
    unknown_tree,
)
from survey.questionnaire.indicator_tree import IndicatorTree, TreeError, read_tree
from survey.questionnaire.model import Instrument
from survey.questionnaire.xlsform.reader import ImportedForm, read_xlsform
from survey.questionnaire.xlsform.writer import xlsform_archive, xlsform_bytes
from survey.reports.paper_form_pdf import paper_form_pdf
from survey.settings import PROJECT_ROOT, current_settings
from survey.store.engine import read_scope
from survey.waves.instruments import (
    add_instrument,
    add_tree,
    find_instrument,
    freezing_findings,
    list_instruments,
)
from survey.waves.questionnaires import read_pictures

app = typer.Typer(
    help="Check, import, export and list questionnaires.",
    no_args_is_help=True,
    add_completion=False,
)

Workbook = Annotated[
    Path,
    typer.Argument(
        help="An XLSForm workbook (.xlsx), or a .zip of it, its lists (.csv) and pictures.",
        dir_okay=False,
    ),
]
SkipOption = Annotated[
    bool,
    typer.Option(
        "--skip-unsupported",
        help="Leave out what is not supported (repeat, geopoint, audio …) and list it, "
        "instead of refusing the form.",
    ),
]


RenormaliseOption = Annotated[
    bool,
    typer.Option(
        "--renormalise",
        help="Declare that indicators without a question are left out and the others under their "
        "parent take their weight. As `renormalise` = yes in the settings of the form.",
    ),
]
TreeOption = Annotated[
    Path | None,
    typer.Option(
        "--tree",
        dir_okay=False,
        help="Check the indicators against this CSV instead of the stored tree.",
    ),
]


@app.command()
def check(
    workbook: Workbook,
    skip_unsupported: SkipOption = False,
    tree: TreeOption = None,
    renormalise: RenormaliseOption = False,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Read a workbook and list what is wrong or left out; nothing is stored.

    Exit code 0 when the form can be imported, 1 when it cannot.
    """
    with error_reporting():
        imported = _read_form(workbook, skip_unsupported, renormalise)
        advice = advise(imported.instrument, imported.rows)
        findings = [*imported.skipped, *imported.warnings, *advice]
        _print_findings(findings, form)
        _print_contents(imported.instrument)
        problems = only_errors(check_instrument(imported.instrument))
        _refuse((*problems, *_freeze_findings(imported, tree)))


@app.command(name="import")
def import_form(
    workbook: Workbook,
    skip_unsupported: SkipOption = False,
    renormalise: RenormaliseOption = False,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Read a workbook and store it as a new, immutable version."""
    with error_reporting():
        imported = _read_form(workbook, skip_unsupported, renormalise)
        _print_findings([*imported.skipped, *imported.warnings], OutputFormat.TABLE)
        instrument = imported.instrument

        def add_if_fit(work: Work) -> None:
            _refuse(
                freezing_findings(session=work.session, instrument=instrument, rows=imported.rows)
            )
            add_instrument(work, instrument=instrument, pictures=imported.pictures)

        change_as_operator(add_if_fit)
        _print_contents(instrument)
        print_record(_build_record(instrument), form)


@app.command(name="add-tree")
def add_indicator_tree(
    file: Annotated[
        Path, typer.Argument(help="Indicators as CSV, see docs/questionnaires.md.", dir_okay=False)
    ],
    name: Annotated[
        str | None, typer.Option(help="Its name in the settings of a form. Default: the file's.")
    ] = None,
) -> None:
    """Read an indicator tree and store it, so that the ratings of a form can name its codes."""
    with error_reporting():
        tree = _read_tree(file, name)
        change_as_operator(lambda work: add_tree(work, tree=tree))
        print_note("{name}: {count} indicators.", name=tree.name, count=len(tree.indicators))


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="Name of the questionnaire, for example main-2023.")],
    output: Annotated[
        Path, typer.Argument(help="Workbook to write (.xlsx); with pictures: .zip.", dir_okay=False)
    ],
    version: Annotated[str | None, typer.Option(help="Default: the newest version.")] = None,
) -> None:
    """Write a stored questionnaire as an XLSForm workbook, or as a .zip with its pictures."""

    def build(instrument: Instrument, pictures: Mapping[str, bytes]) -> bytes:
        if output.suffix.lower() == ".zip":
            return xlsform_archive(instrument, pictures)
        if pictures:
            raise RefusedError(
                "form_has_pictures",
                msg("This questionnaire has pictures. Write it to a file ending in .zip."),
            )
        return xlsform_bytes(instrument)

    _write_form(name, version, output, build)


@app.command()
def paper(
    name: Annotated[str, typer.Argument(help="Name of the questionnaire, for example main-2023.")],
    output: Annotated[Path, typer.Argument(help="PDF to write.", dir_okay=False)],
    version: Annotated[str | None, typer.Option(help="Default: the newest version.")] = None,
    language: Annotated[
        str, typer.Option(help="Language of the questionnaire to print, for example zh.")
    ] = DEFAULT_LANGUAGE,
    large: Annotated[
        bool, typer.Option("--large", help="Large print, for people who do not read small print.")
    ] = False,
) -> None:
    """Write a stored questionnaire as a PDF to print, numbered as the page for paper entry."""
    build = partial(paper_form_pdf, language=language, large=large)
    _write_form(name, version, output, build)


def _write_form(
    name: str,
    version: str | None,
    output: Path,
    build: Callable[[Instrument, Mapping[str, bytes]], bytes],
) -> None:
    """Write what `build` makes of a stored questionnaire and its pictures."""
    with error_reporting():
        with read_as_operator() as work:
            instrument = find_instrument(session=work.session, name=name, version=version)
            pictures = read_pictures(work, instrument=instrument)
        output.parent.mkdir(parents=True, exist_ok=True)
        with output_file(output) as draft:
            draft.write(build(instrument, pictures))
        print_note("Written: {path}", path=output)


@app.command(name="list")
def list_forms(form: FormatOption = OutputFormat.TABLE) -> None:
    """List the stored questionnaires."""
    with error_reporting():
        with read_scope(current_settings().store_url) as session:
            records = [_build_record(i) for i in list_instruments(session=session)]
        columns = ("name", "version", "items", "scored", "sha256")
        print_table(columns, [tuple(record.values()) for record in records], form)


@app.command(name="try")
def try_form(
    name: Annotated[str, typer.Argument(help="Name of the questionnaire, for example main-2023.")],
    version: Annotated[str | None, typer.Option(help="Default: the newest version.")] = None,
    city: Annotated[
        str, typer.Option(help="City the trial answers are said to be from.")
    ] = "110000",
) -> None:
    """Print a one-time link to answer a stored questionnaire in the browser.

    The answers go to a trial wave of their own. `survey serve` must be running on the same store.
    """
    with error_reporting():
        settings = current_settings()
        issued = change_as_operator(
            lambda work: open_trial(
                work,
                instrument=find_instrument(session=work.session, name=name, version=version),
                city_code=city,
            )
        )
        base = settings.public_url or f"http://localhost:{settings.port}"
        typer.echo(f"{base}/q/{issued.token}")


def _read_tree(file: Path, name: str | None = None) -> IndicatorTree:
    """Return the indicator tree in a file; print all of its errors and exit with 1 if any."""
    try:
        return read_tree(file, name=name)
    except TreeError as error:
        for fault in error.all:
            print_note(fault.message)
        raise typer.Exit(1) from error


def _freeze_findings(imported: ImportedForm, tree: Path | None) -> tuple[Finding, ...]:
    """Return findings in a form that prevent freezing, by file `tree`, else the tree it names."""
    instrument, rows = imported.instrument, imported.rows
    if tree is not None:
        return score_findings(instrument, _read_tree(tree), rows)
    try:
        with read_scope(current_settings().store_url) as session:
            return freezing_findings(session=session, instrument=instrument, rows=rows)
    except SQLAlchemyError:
        shipped = {path.stem: path for path in (PROJECT_ROOT / "seed" / "trees").glob("*.csv")}
    if instrument.tree is not None and instrument.tree not in shipped:
        return (unknown_tree(instrument, tuple(shipped)), *score_findings(instrument, None, rows))
    known = read_tree(shipped[instrument.tree]) if instrument.tree else None
    return score_findings(instrument, known, rows)


def _refuse(findings: Iterable[Finding]) -> None:
    """Print findings of a questionnaire's check and exit with 1; do nothing if there are none."""
    listed = tuple(findings)
    if not listed:
        return
    t = translator(current_settings().language)
    for finding in listed:
        place = ", ".join(
            f"{t(name)} {value}"
            for name, value in (
                (msg("sheet"), finding.sheet),
                (msg("row"), finding.row),
                (msg("column"), finding.column),
            )
            if value
        )
        words = t(finding.message) + (f" {t(finding.suggestion)}" if finding.suggestion else "")
        typer.echo(f"{place}: {words}" if place else words, err=True)
    raise typer.Exit(1)


def _read_form(workbook: Path, skip_unsupported: bool, renormalise: bool) -> ImportedForm:
    imported = read_xlsform(workbook, unsupported="skip" if skip_unsupported else "refuse")
    if not renormalise:
        return imported
    declared = imported.instrument.model_copy(update={"renormalise": True})
    return replace(imported, instrument=declared)


def _build_record(instrument: Instrument) -> dict[str, object]:
    return {
        "name": instrument.name,
        "version": instrument.version,
        "items": sum(1 for _ in instrument.items()),
        "scored": len(instrument.scored_items),
        "sha256": instrument.sha256[:12],
    }


def _print_contents(instrument: Instrument) -> None:
    print_note(
        "{name} {version}: {sections} sections, {items} items.",
        name=instrument.name,
        version=instrument.version,
        sections=len(instrument.sections),
        items=sum(1 for _ in instrument.items()),
    )
    figures = describe_figures(instrument)  # only of a questionnaire without a composite score
    if figures is not None:
        print_note(figures)


def _print_findings(findings: Iterable[Finding], form: OutputFormat) -> None:
    t = translator(current_settings().language)
    rows = [
        (
            finding.sheet,
            finding.row,
            finding.column,
            t(finding.message),
            t(finding.suggestion) if finding.suggestion else "",
        )
        for finding in findings
    ]
    if rows or form is not OutputFormat.TABLE:
        print_table(("sheet", "row", "column", "message", "instead"), rows, form)
