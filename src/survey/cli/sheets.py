"""Commands that print a method sheet of a frozen wave, one for each sheet."""

from survey.access.principal import OPERATOR
from survey.cli.options import WaveOption
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.figures.tables.published_tables import build_records, record_columns
from survey.results.method_sheets import (
    ASSOCIATION,
    BRIDGE,
    ERRORS,
    FAIRNESS,
    MEASUREMENT,
    MODE_EXPERIMENT,
    OBSTACLE,
    OBSTACLE_SENTENCES,
    SPREAD,
    MethodSheet,
)
from survey.results.row_selection import open_known_results
from survey.settings import current_settings
from survey.store.engine import read_scope


def fairness(wave: WaveOption, form: FormatOption = OutputFormat.TABLE) -> None:
    """Print scores of cities without the effects of who was asked and how.

    Columns: docs/files.md. The official scores and places stay as they are.
    """
    _print_sheet(FAIRNESS, wave, form)


def mode_experiment(wave: WaveOption, form: FormatOption = OutputFormat.TABLE) -> None:
    """Print what reading the questions aloud changes in the answers, by chance offers.

    Columns: docs/files.md.
    """
    _print_sheet(MODE_EXPERIMENT, wave, form)


def measurement(wave: WaveOption, form: FormatOption = OutputFormat.TABLE) -> None:
    """Print whether the questions measure together, and in all groups alike, what they should.

    Columns: docs/files.md.
    """
    _print_sheet(MEASUREMENT, wave, form)


def errors(wave: WaveOption, form: FormatOption = OutputFormat.TABLE) -> None:
    """Print the known sources of error of a wave, each with its size in points.

    Columns: docs/files.md. The official scores and places stay as they are.
    """
    _print_sheet(ERRORS, wave, form)


def spread(wave: WaveOption, form: FormatOption = OutputFormat.TABLE) -> None:
    """Print median and quartiles of the answers to each question, with intervals.

    Columns: docs/files.md.
    """
    _print_sheet(SPREAD, wave, form)


def association(wave: WaveOption, form: FormatOption = OutputFormat.TABLE) -> None:
    """Print whether the answers to each question differ between groups of the nation.

    Columns: docs/files.md.
    """
    _print_sheet(ASSOCIATION, wave, form)


def bridge(wave: WaveOption, form: FormatOption = OutputFormat.TABLE) -> None:
    """Print what the questionnaire of a wave gives more than the earlier one, by its overlap.

    Columns: docs/files.md. The two levels of a series are never joined.
    """
    _print_sheet(BRIDGE, wave, form)


def _print_sheet(sheet: MethodSheet, wave: str, form: OutputFormat) -> None:
    """Print the rows of a sheet, and for people why rows or the whole sheet have no figures."""
    is_for_people = form is OutputFormat.TABLE
    with error_reporting():
        settings = current_settings()
        with read_scope(settings.store_url) as session:
            results = open_known_results(settings, session, wave)
            rows = results.sheet(OPERATOR, sheet)
        if results.wave.is_demo:
            print_note("These are demonstration data.")
        for code in filter(None, dict.fromkeys(rows[OBSTACLE].astype(str))):
            print_note(OBSTACLE_SENTENCES[code])
        columns = record_columns(rows, with_origin=not is_for_people)
        records = build_records(results, rows, settings.language, with_origin=not is_for_people)
        print_table(columns, [tuple(record.values()) for record in records], form)
