"""File formats of exported rows, with account and purpose inside and no formulas."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from survey.files.microdata.released_rows import as_arrow
from survey.files.microdata.variables import Variable

if TYPE_CHECKING:
    import pandas as pd


class FileFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    SPSS = "sav"
    STATA = "dta"


@dataclass(frozen=True, eq=False)
class RowFile:
    """Released rows, with the variables, title and remarks that a file of them holds."""

    rows: "pd.DataFrame | pa.Table"
    variables: tuple[Variable, ...]
    title: str
    """Wave, and whether it is a demonstration; the label of the file."""
    remarks: Sequence[str]
    """First lines and properties: who exported it and why, what was done to the rows."""

    @cached_property
    def table(self) -> "pd.DataFrame":
        """Rows as a data frame, converted once if they are an Arrow table."""
        return self.rows.to_pandas() if isinstance(self.rows, pa.Table) else self.rows


def write_file(file: RowFile, form: FileFormat) -> bytes:
    """Return released rows as the bytes of a file in format `form`."""
    # Each writer is imported by who asks for its format: a command that writes one file starts
    # without the libraries of the others.
    if form is FileFormat.PARQUET:
        return _parquet(file)
    if form is FileFormat.CSV:
        from survey.figures.figure_table import csv_bytes

        table = file.table
        if "weight" in table:
            # Rounded, those of a city would not add up any more.
            table = table.assign(weight=[repr(float(weight)) for weight in table["weight"]])
        return csv_bytes(table, file.remarks)
    if form is FileFormat.XLSX:
        from survey.files.microdata.row_workbook import workbook_bytes

        return workbook_bytes(file.table, file.title, file.remarks)
    from survey.files.microdata.statistics_files import spss_bytes, stata_bytes

    write = spss_bytes if form is FileFormat.SPSS else stata_bytes
    return write(file.table, file.variables, file.title, file.remarks)


def _parquet(file: RowFile) -> bytes:
    """Return a Parquet file whose columns carry their labels and values as metadata."""
    arrow = as_arrow(file.rows)
    fields = [
        arrow.schema.field(place).with_metadata(
            {
                b"label": variable.label.encode(),
                b"values": json.dumps(
                    [
                        {"value": each.value, "label": each.label, "missing": each.is_missing}
                        for each in variable.values
                    ],
                    ensure_ascii=False,
                ).encode(),
            }
        )
        for place, variable in enumerate(file.variables)
    ]
    metadata = {
        **(arrow.schema.metadata or {}),
        b"title": file.title.encode(),
        b"remarks": json.dumps(list(file.remarks), ensure_ascii=False).encode(),
    }
    sink = pa.BufferOutputStream()
    # No two rows share a name, so a dictionary of them would be made for nothing.
    repeated = [name for name in arrow.column_names if name != "row"]
    pq.write_table(arrow.cast(pa.schema(fields, metadata=metadata)), sink, use_dictionary=repeated)
    content: bytes = sink.getvalue().to_pybytes()
    return content
