"""Published figures as SDMX-CSV 2.0 with their structure as SDMX-ML 3.0, in one archive."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from survey.locale import LANGUAGES, Message, msg, translator
from survey.publish.column_tables import BYTE_ORDER_MARK, csv_bytes
from survey.publish.reports.office_zip import write_zip
from survey.publish.tables.sdmx_structure import (
    TIME,
    CodeList,
    Component,
    DataStructure,
    Texts,
    structure_bytes,
)
from survey.publish.views.display_names import DisplayNames
from survey.publish.views.estimate_text import UNRELIABLE
from survey.publish.views.view_context import ViewContext

DATA_NAME, STRUCTURE_NAME = "data.csv", "structure.xml"
NORMAL, PROVISIONAL, SUPPRESSED, MISSING, LOW_RELIABILITY = "A", "P", "Q", "O", "U"
_STATUS_NAMES: Final[Mapping[str, Message]] = {
    NORMAL: msg("Normal value"),
    PROVISIONAL: msg("Provisional value"),
    SUPPRESSED: msg("Not shown: too few interviews, or to protect personal data"),
    MISSING: msg("Not available: nobody was asked, or not open to this reader"),
    LOW_RELIABILITY: msg("For orientation only: few interviews or few sampling points"),
}
"""Codes of the cross-domain list CL_OBS_STATUS of SDMX, as many as are used here."""
_UNIT_NAMES: Final[Mapping[str, Message]] = {
    "POINTS": msg("points, 0–100"),
    "PC": msg("per cent"),
    "MEAN": msg("mean of the answers"),
}
_MEASURES: Final[Mapping[str, tuple[str, str, Message]]] = {
    "OBS_VALUE": ("estimate", "Double", msg("Figure")),
    "LOWER_LIMIT": ("ci_low", "Double", msg("Lower limit, 95 percent")),
    "UPPER_LIMIT": ("ci_high", "Double", msg("Upper limit, 95 percent")),
    "N_INTERVIEWS": ("n", "Integer", msg("n (interviews, unweighted)")),
    "DESIGN_EFFECT": ("deff", "Double", msg("Design effect (ratio)")),
}
"""Measure -> column of the cells, type of its values, name."""
_DIMENSIONS: Final[Mapping[str, tuple[str, str, Message]]] = {
    "AREA_LEVEL": ("area_level", "CL_AREA_LEVEL", msg("Kind of area")),
    "REF_AREA": ("area", "CL_AREA", msg("Area")),
    "RESPONDENT_GROUP": ("group", "CL_GROUP", msg("Group")),
    "INDICATOR": ("indicator", "CL_INDICATOR", msg("Indicator")),
}
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")


def sdmx_bytes(context: ViewContext) -> bytes:
    """Return an archive of the figures that are open to the reader, and of their structure."""
    cells = context.results.cells(context.principal)
    codes = {
        key: make_codes(cells[column].astype(str).unique())
        for key, (column, _, _) in _DIMENSIONS.items()
    }
    structure = _build_structure(context, codes)
    frozen = context.results.manifest.frozen_at
    return write_zip(
        {
            DATA_NAME: _build_data_bytes(context, cells, codes, structure),
            STRUCTURE_NAME: structure_bytes(
                structure, prepared=frozen, is_test=context.wave.is_demo
            ),
        }
    )


def make_codes(values: Iterable[str]) -> dict[str, str]:
    """Return an identity of SDMX for each value: letters, digits and underscores, each once."""
    codes: dict[str, str] = {}
    for value in sorted(values):
        base = _UNSAFE.sub("_", value) or "_"
        code, number = base, 1
        while code in codes.values():
            number += 1
            code = f"{base}_{number}"
        codes[value] = code
    return codes


def _build_structure(context: ViewContext, codes: Mapping[str, Mapping[str, str]]) -> DataStructure:
    # Areas, groups and indicators differ between waves, so lists and structure are those of one.
    wave = _UNSAFE.sub("_", context.wave.key).upper()
    return DataStructure(
        key=f"RESULTS_{wave}",
        name=_name_wave(context),
        dimensions=_build_dimensions(context, codes, wave),
        measures=[
            Component(key, _translate_message(name), data_type=data_type)
            for key, (_, data_type, name) in _MEASURES.items()
        ],
        attributes=[
            _build_attribute("OBS_STATUS", msg("Mark"), _STATUS_NAMES, wave),
            _build_attribute("UNIT_MEASURE", msg("Unit"), _UNIT_NAMES, wave),
            Component(
                "COMMENT_DSET", _translate_message(msg("Remark on all figures")), of_whole=True
            ),
        ],
        time_name=_translate_message(msg("Year")),
    )


def _name_wave(context: ViewContext) -> Texts:
    title = {language: context.wave.label(language) for language in LANGUAGES}
    if not context.wave.is_demo:
        return title
    mark = _translate_message(msg("Demo data"))
    return {language: f"{text} ({mark[language]})" for language, text in title.items()}


def _build_dimensions(
    context: ViewContext, codes: Mapping[str, Mapping[str, str]], wave: str
) -> list[Component]:
    names = {
        language: ViewContext(context.results, context.principal, language).names
        for language in LANGUAGES
    }
    name_value: Mapping[str, Callable[[DisplayNames, str], str]] = {
        "AREA_LEVEL": DisplayNames.level,
        "REF_AREA": DisplayNames.area,
        "RESPONDENT_GROUP": DisplayNames.group,
        "INDICATOR": DisplayNames.numbered,
    }
    dimensions = []
    for key, (_, list_key, name) in _DIMENSIONS.items():
        own = {
            code: {language: name_value[key](each, value) for language, each in names.items()}
            for value, code in codes[key].items()
        }
        code_list = CodeList(f"{list_key}_{wave}", _translate_message(name), own)
        dimensions.append(Component(key, _translate_message(name), code_list))
    return dimensions


def _build_attribute(
    key: str, name: Message, code_names: Mapping[str, Message], wave: str
) -> Component:
    codes = {code: _translate_message(label) for code, label in code_names.items()}
    return Component(
        key, _translate_message(name), CodeList(f"CL_{key}_{wave}", _translate_message(name), codes)
    )


def _translate_message(message: Message) -> Texts:
    return {language: translator(language)(message) for language in LANGUAGES}


def _build_data_bytes(
    context: ViewContext,
    cells: pd.DataFrame,
    codes: Mapping[str, Mapping[str, str]],
    structure: DataStructure,
) -> bytes:
    """Return the rows of SDMX-CSV: what they belong to, dimensions, measures, attributes."""
    rates = {each.key for each in context.results.method.measures if each.choices}
    means = {each.key for each in context.results.method.measures} - rates
    units = dict.fromkeys(rates, "PC") | dict.fromkeys(means, "MEAN")
    shown = cells["shown"].to_numpy(dtype=bool)
    table = pd.DataFrame(
        {
            "STRUCTURE": "datastructure",
            "STRUCTURE_ID": structure.identity,
            "ACTION": "I",
            **{
                key: cells[column].astype(str).map(codes[key])
                for key, (column, _, _) in _DIMENSIONS.items()
            },
            TIME: context.wave.year,
            **{
                key: cells[column].where(shown).astype("Int64" if whole == "Integer" else "Float64")
                for key, (column, whole, _) in _MEASURES.items()
            },
            "OBS_STATUS": _build_statuses(context, cells, shown),
            "UNIT_MEASURE": cells["indicator"]
            .astype(str)
            .map(lambda key: units.get(key, "POINTS")),
            "COMMENT_DSET": context.t("Demo data") if context.wave.is_demo else "",
        },
        index=cells.index,
    )
    # A byte order mark, which spreadsheets need, is no part of SDMX-CSV.
    return csv_bytes(table).removeprefix(BYTE_ORDER_MARK.encode())


def _build_statuses(context: ViewContext, cells: pd.DataFrame, shown: np.ndarray) -> pd.Series:
    usual = NORMAL if context.wave.final else PROVISIONAL
    unreliable = (cells["status"].astype(str) == UNRELIABLE).to_numpy()
    statuses = pd.Series(usual, index=cells.index).mask(unreliable, LOW_RELIABILITY)
    return statuses.mask(cells["estimate"].isna().to_numpy(), MISSING).mask(~shown, SUPPRESSED)
