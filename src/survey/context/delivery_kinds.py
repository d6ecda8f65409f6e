"""Kinds of outside evidence as whatever takes a delivery in treats them: page and endpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from survey.context.code_lists import CodeListName
from survey.context.complaints.columns import AREA as COMPLAINT_AREA
from survey.context.complaints.columns import CODES as COMPLAINT_CODES
from survey.context.complaints.columns import COLUMNS as COMPLAINT_COLUMNS
from survey.context.complaints.columns import MEASURES as COMPLAINT_MEASURES
from survey.context.complaints.storage import STORAGE as COMPLAINT_STORAGE
from survey.context.complaints.storage import check_table as check_complaints
from survey.context.complaints.storage import import_complaints
from survey.context.count_check import CountCheck
from survey.context.delivered_columns import DeliveredColumn
from survey.context.deliveries import CountStorage, DeliveryReceipt
from survey.context.delivery_template import write_template
from survey.context.opinion.columns import AREA as OPINION_AREA
from survey.context.opinion.columns import CODE_LISTS as OPINION_CODES
from survey.context.opinion.columns import COLUMNS as OPINION_COLUMNS
from survey.context.opinion.columns import ITEMS
from survey.context.opinion.storage import STORAGE as OPINION_STORAGE
from survey.context.opinion.storage import check_table as check_opinion
from survey.context.opinion.storage import import_opinion
from survey.locale import Message, msg
from survey.store.tables import DeliveryKind
from survey.tabular.text_table import TextTable


class CheckTable(Protocol):
    """Check of a table of one kind, which writes nothing."""

    def __call__(self, table: TextTable, *, sha256: str, version: str = "") -> CountCheck[Any]:
        """Return what was found."""


@dataclass(frozen=True)
class DeliverableKind:
    """One kind of evidence: its columns, its check and how it is stored."""

    storage: CountStorage[Any]
    name: Message
    rows: Message
    """What one row holds."""
    columns: Mapping[str, DeliveredColumn]
    numbers: frozenset[str]
    """Columns that hold whole numbers or sums of money."""
    codes: Mapping[str, CodeListName]
    area: str
    """Column with the code of an area."""
    check_table: CheckTable
    store_check: Callable[..., DeliveryReceipt]
    """Service with the keywords session, principal, check, head and now."""

    @property
    def kind(self) -> DeliveryKind:
        return self.storage.kind

    def write_template(self, version: str = "") -> bytes:
        """Return the workbook that a sender fills in."""
        return write_template(
            self.columns, numbers=self.numbers, codes=self.codes, area=self.area, version=version
        )


DELIVERABLE_KINDS: Mapping[DeliveryKind, DeliverableKind] = MappingProxyType(
    {
        each.kind: each
        for each in (
            DeliverableKind(
                COMPLAINT_STORAGE,
                msg("Complaint statistics"),
                msg("one row a month, area, nature and class"),
                COMPLAINT_COLUMNS,
                frozenset(COMPLAINT_MEASURES),
                {name: CodeListName(name) for name in COMPLAINT_CODES},
                COMPLAINT_AREA,
                check_complaints,
                import_complaints,
            ),
            DeliverableKind(
                OPINION_STORAGE,
                msg("Opinion monitoring"),
                msg("one row a day, channel and sentiment; areas and topics as parts of these"),
                OPINION_COLUMNS,
                frozenset({ITEMS}),
                OPINION_CODES,
                OPINION_AREA,
                check_opinion,
                import_opinion,
            ),
        )
    }
)
