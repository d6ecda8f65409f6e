"""Read protected estimates at the command line."""

from typing import Annotated

import pandas as pd
import typer

from survey.access.principal import OPERATOR
from survey.cli.output import Format, FormatOption, print_table, reporting_errors
from survey.publish.results import open_results
from survey.settings import current_settings
from survey.store.engine import session_scope

COLUMNS = (
    "area_level",
    "area",
    "group",
    "indicator",
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "n",
    "deff",
    "status",
    "shown",
    "reason",
)


def estimate(
    wave: Annotated[str, typer.Option(help="Key of a frozen wave, for example main-2024.")],
    area_level: Annotated[
        str, typer.Option(help="nation, region3, region, province, city_class, … or city.")
    ] = "nation",
    area: Annotated[list[str] | None, typer.Option(help="Areas to show; may repeat.")] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="Groups, for example all or gender=male; may repeat.")
    ] = None,
    indicator: Annotated[
        list[str] | None,
        typer.Option(help="composite, a code of the tree, or a measure; may repeat."),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Print the estimates of a frozen wave with interval, n and design effect.

    Cells with fewer than ten respondents are listed without figures.
    """
    with reporting_errors():
        settings = current_settings()
        with session_scope(settings.store_url) as session:
            results = open_results(settings, session, wave)
        table = results.cells(
            OPERATOR,
            area_level=area_level,
            area=area,
            group=group or ["all"],
            indicator=indicator,
        )
        table = table[list(COLUMNS)].assign(n=table["n"].astype("Int64").astype(object))
        rows = [
            tuple(_plain(value) for value in row)
            for row in table.itertuples(index=False, name=None)
        ]
        print_table(COLUMNS, rows, form)


def _plain(value: object) -> object:
    """Floats to four decimals, null for what is not there."""
    if value is pd.NA or value != value:
        return None
    return round(value, 4) if isinstance(value, float) else value
