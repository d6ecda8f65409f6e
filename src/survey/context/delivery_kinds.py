"""Kinds of outside evidence as whatever takes a delivery in treats them: page and endpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from survey.context.complaints.columns import COLUMNS as COMPLAINT_COLUMNS
from survey.context.complaints.columns import MEASURES as COMPLAINT_MEASURES
from survey.context.complaints.storage import check_table as check_complaints
from survey.context.complaints.storage import import_complaints
from survey.context.count_check import CountCheck
from survey.context.delivered_columns import DeliveredColumn
from survey.context.deliveries import DeliveryReceipt
from survey.context.text_tables import TextTable
from survey.locale import Message, msg
from survey.store.tables import DeliveryKind


class CheckTable(Protocol):
    """Check of a table of one kind, which writes nothing."""

    def __call__(self, table: TextTable, *, sha256: str, version: str = "") -> CountCheck[Any]:
        """Return what was found."""


@dataclass(frozen=True)
class DeliverableKind:
    """One kind of evidence: its columns, its check and how it is stored."""

    kind: DeliveryKind
    summary: Message
    columns: Mapping[str, DeliveredColumn]
    numbers: frozenset[str]
    """Columns that hold whole numbers or sums of money."""
    check_table: CheckTable
    store_check: Callable[..., DeliveryReceipt]
    """Service with the keywords session, principal, check, head and now."""


DELIVERABLE_KINDS: Mapping[DeliveryKind, DeliverableKind] = MappingProxyType(
    {
        each.kind: each
        for each in (
            DeliverableKind(
                DeliveryKind.COMPLAINTS,
                msg("Complaint statistics, one row a month, area, nature and class"),
                COMPLAINT_COLUMNS,
                frozenset(COMPLAINT_MEASURES),
                check_complaints,
                import_complaints,
            ),
        )
    }
)
