"""Structure of the published figures as SDMX-ML 3.0: code lists, concepts, data structure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import etree

AGENCY, VERSION = "HCS", "1.0.0"
_BASE = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0"
_MESSAGE, _STRUCTURE, _COMMON = f"{_BASE}/message", f"{_BASE}/structure", f"{_BASE}/common"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
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
    """Dimension, measure or attribute of the data structure; a coded one names its list."""

    key: str
    name: Texts
    code_list: CodeList | None = None
    data_type: str = "String"
    of_whole: bool = False
    """Whether an attribute says one thing of all figures."""


@dataclass(frozen=True)
class DataStructure:
    """Data structure of one wave; the time dimension follows `dimensions`."""

    key: str
    name: Texts
    dimensions: Sequence[Component]
    measures: Sequence[Component]
    attributes: Sequence[Component]
    time_name: Texts

    @property
    def concepts(self) -> str:
        """Identity of the concept scheme, which is that of one wave as well."""
        return f"CS_{self.key}"

    @property
    def identity(self) -> str:
        return f"{AGENCY}:{self.key}({VERSION})"


def structure_bytes(structure: DataStructure, *, prepared: datetime, is_test: bool) -> bytes:
    """Return the structure as an XML document."""
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
            _add_code_list(lists, component.code_list)
    _add_concepts(_add_element(parts, _STRUCTURE, "ConceptSchemes"), structure, components)
    _add_data_structure(_add_element(parts, _STRUCTURE, "DataStructures"), structure)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _add_code_list(parent: Any, code_list: CodeList) -> None:
    element = _add_maintained(parent, "Codelist", code_list.key, code_list.name)
    for identity, name in code_list.codes.items():
        _add_named(_add_element(element, _STRUCTURE, "Code", id=identity), name)


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
    """Say which concept a component is and which values it takes."""
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
        element.text = _UNWRITABLE.sub("", text)
    return element
