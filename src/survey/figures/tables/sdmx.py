"""Published figures as SDMX-CSV 2.0 with their structure as SDMX-ML 3.0, in one archive."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd
from lxml import etree

from survey.figures.figure_table import BYTE_ORDER_MARK, csv_bytes
from survey.figures.office_zip import write_zip
from survey.figures.tables.ods import UNWRITABLE
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.estimate_text import UNRELIABLE
from survey.figures.views.view_context import ViewContext
from survey.locale import LANGUAGES, Message, msg, translator

AGENCY, VERSION = "HCS", "1.0.0"
_BASE = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0"
_MESSAGE, _STRUCTURE, _COMMON = f"{_BASE}/message", f"{_BASE}/structure", f"{_BASE}/common"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_URN = "urn:sdmx:org.sdmx.infomodel"
TIME = "TIME_PERIOD"

Texts = Mapping[str, str]
"""Text by language."""


@dataclass(frozen=True)
class CodeList:
    """Code list of a dimension or attribute: identities and names by language."""

    key: str
    name: Texts
    codes: Mapping[str, Texts]


@dataclass(frozen=True)
class Component:
    """Dimension, measure or attribute of an SDMX data structure, with its code list if coded."""

    key: str
    name: Texts
    code_list: CodeList | None = None
    data_type: str = "String"
    of_whole: bool = False
    """Whether an attribute says one thing of all figures."""


@dataclass(frozen=True)
class DataStructure:
    """SDMX data structure of one wave; the time dimension is added after `dimensions`."""

    key: str
    name: Texts
    dimensions: Sequence[Component]
    measures: Sequence[Component]
    attributes: Sequence[Component]
    time_name: Texts

    @property
    def concepts(self) -> str:
        """Return the identity of the concept scheme, which belongs to this wave alone."""
        return f"CS_{self.key}"

    @property
    def identity(self) -> str:
        return f"{AGENCY}:{self.key}({VERSION})"


def structure_bytes(structure: DataStructure, *, prepared: datetime, is_test: bool) -> bytes:
    """Return an SDMX data structure as XML; `prepared` and `is_test` are in its header."""
    root = etree.Element(
        f"{{{_MESSAGE}}}Structure", nsmap={"mes": _MESSAGE, "str": _STRUCTURE, "com": _COMMON}
    )
    header = etree.SubElement(root, f"{{{_MESSAGE}}}Header")
    _add_element(header, _MESSAGE, "ID", structure.key)
    _add_element(header, _MESSAGE, "Test", "true" if is_test else "false")
    _add_element(header, _MESSAGE, "Prepared", f"{prepared:%Y-%m-%dT%H:%M:%SZ}")
    _add_element(header, _MESSAGE, "Sender", id=AGENCY)
    parts = etree.SubElement(root, f"{{{_MESSAGE}}}Structures")
    components = [*structure.dimensions, *structure.measures, *structure.attributes]
    lists = _add_element(parts, _STRUCTURE, "Codelists")
    for component in components:
        if component.code_list is not None:
            element = _add_maintained(
                lists, "Codelist", component.code_list.key, component.code_list.name
            )
            for identity, name in component.code_list.codes.items():
                _add_named(_add_element(element, _STRUCTURE, "Code", id=identity), name)
    _add_concepts(_add_element(parts, _STRUCTURE, "ConceptSchemes"), structure, components)
    _add_data_structure(_add_element(parts, _STRUCTURE, "DataStructures"), structure)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _add_concepts(parent: Any, structure: DataStructure, components: Sequence[Component]) -> None:
    scheme = _add_maintained(parent, "ConceptScheme", structure.concepts, structure.name)
    for component in components:
        _add_named(_add_element(scheme, _STRUCTURE, "Concept", id=component.key), component.name)
    _add_named(_add_element(scheme, _STRUCTURE, "Concept", id=TIME), structure.time_name)


def _add_data_structure(parent: Any, structure: DataStructure) -> None:
    element = _add_maintained(parent, "DataStructure", structure.key, structure.name)
    parts = _add_element(element, _STRUCTURE, "DataStructureComponents")
    dimensions = _add_element(parts, _STRUCTURE, "DimensionList", id="DimensionDescriptor")
    for place, component in enumerate(structure.dimensions, 1):
        _describe_component(
            _add_element(
                dimensions, _STRUCTURE, "Dimension", id=component.key, position=str(place)
            ),
            component,
            structure.concepts,
        )
    time = _add_element(dimensions, _STRUCTURE, "TimeDimension", id=TIME)
    _describe_component(time, Component(TIME, {}, data_type="GregorianYear"), structure.concepts)
    attributes = _add_element(parts, _STRUCTURE, "AttributeList", id="AttributeDescriptor")
    for component in structure.attributes:
        attribute = _add_element(attributes, _STRUCTURE, "Attribute", id=component.key)
        _describe_component(attribute, component, structure.concepts)
        relation = _add_element(attribute, _STRUCTURE, "AttributeRelationship")
        _add_element(relation, _STRUCTURE, "Dataflow" if component.of_whole else "Observation")
    measures = _add_element(parts, _STRUCTURE, "MeasureList", id="MeasureDescriptor")
    for component in structure.measures:
        measure = _add_element(measures, _STRUCTURE, "Measure", id=component.key)
        _describe_component(measure, component, structure.concepts)


def _describe_component(element: Any, component: Component, scheme: str) -> None:
    """Add to an XML element a component's concept (in scheme `scheme`) and its values."""
    concepts = f"{_URN}.conceptscheme.Concept={AGENCY}:{scheme}({VERSION})"
    _add_element(element, _STRUCTURE, "ConceptIdentity", f"{concepts}.{component.key}")
    values = _add_element(element, _STRUCTURE, "LocalRepresentation")
    if component.code_list is None:
        _add_element(values, _STRUCTURE, "TextFormat", textType=component.data_type)
    else:
        urn = f"{_URN}.codelist.Codelist={AGENCY}:{component.code_list.key}({VERSION})"
        _add_element(values, _STRUCTURE, "Enumeration", urn)


def _add_maintained(parent: Any, kind: str, key: str, name: Texts) -> Any:
    element = _add_element(parent, _STRUCTURE, kind, id=key, agencyID=AGENCY, version=VERSION)
    _add_named(element, name)
    return element


def _add_named(element: Any, name: Texts) -> None:
    for language, text in name.items():
        _add_element(element, _COMMON, "Name", text).set(_LANGUAGE, language)


def _add_element(parent: Any, namespace: str, kind: str, text: str = "", **attributes: str) -> Any:
    element = etree.SubElement(parent, f"{{{namespace}}}{kind}", attributes)
    if text:
        element.text = UNWRITABLE.sub("", text)
    return element


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
    """Return an archive of the figures that the reader may see (SDMX-CSV) and their structure."""
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
    """Return value -> distinct SDMX identifier of letters, digits and underscores only."""
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
    """Return cells as SDMX-CSV of this structure, each value as its identifier in `codes`."""
    rates = {each.key for each in context.results.method.measures if each.choices}
    means = {each.key for each in context.results.method.measures} - rates
    units = dict.fromkeys(rates, "PC") | dict.fromkeys(means, "MEAN")
    shown = cells["shown"].to_numpy(dtype=bool)
    usual = NORMAL if context.wave.final else PROVISIONAL
    unreliable = (cells["status"].astype(str) == UNRELIABLE).to_numpy()
    statuses = pd.Series(usual, index=cells.index).mask(unreliable, LOW_RELIABILITY)
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
            "OBS_STATUS": statuses.mask(cells["estimate"].isna().to_numpy(), MISSING).mask(
                ~shown, SUPPRESSED
            ),
            "UNIT_MEASURE": cells["indicator"]
            .astype(str)
            .map(lambda key: units.get(key, "POINTS")),
            "COMMENT_DSET": context.t("Demo data") if context.wave.is_demo else "",
        },
        index=cells.index,
    )
    # A byte order mark, which spreadsheets need, is no part of SDMX-CSV.
    return csv_bytes(table).removeprefix(BYTE_ORDER_MARK.encode())
