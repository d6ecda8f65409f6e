"""Opinion counts of one day entered by hand: a new revision of its month with that day replaced."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import orjson

from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.context.count_check import CountCheck, check_counts
from survey.context.count_declaration import AREA
from survey.context.count_kinds import CHANNEL, DAY, ITEMS, OPINION, SENTIMENT, TOPIC
from survey.context.deliveries import DeliveryHead, DeliveryReceipt, import_delivery
from survey.context.opinion.storage import read_month_records
from survey.tabular.reading import table_of_records


@dataclass(frozen=True)
class EnteredDay:
    """Counts of one day, area and topic as a person typed them."""

    day: date
    area: str
    topic: str
    items: Mapping[tuple[str, str], int]
    """By channel and sentiment; a channel that is missing has no row."""

    @property
    def period(self) -> str:
        return self.day.strftime("%Y-%m")

    def records(self) -> list[dict[str, object]]:
        """Return the counts as rows of a delivery."""
        area = "" if self.area == NATION else self.area
        return [
            {
                DAY: self.day.isoformat(),
                AREA: area,
                CHANNEL: channel,
                SENTIMENT: sentiment,
                TOPIC: self.topic,
                ITEMS: count,
            }
            for (channel, sentiment), count in self.items.items()
        ]


def check_opinion_day(work: Work, *, entered: EnteredDay) -> CountCheck:
    """Check the month with the entered day in the place of what stands there."""
    work.require(Action.DELIVER_EVIDENCE)
    own = entered.records()
    same = (entered.day.isoformat(), "" if entered.area == NATION else entered.area, entered.topic)
    kept = [
        record
        for record in read_month_records(work, period=entered.period)
        if (record[DAY], record[AREA], record[TOPIC]) != same
    ]
    records = [*own, *kept]
    digest = sha256(orjson.dumps(records, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return check_counts(OPINION, table_of_records(records), sha256=digest)


def enter_opinion_day(work: Work, *, entered: EnteredDay, head: DeliveryHead) -> DeliveryReceipt:
    """Store the day as a new revision of its month; the rest of the month stays as it is.

    The month is read in the transaction that stores it, so that of two people none overwrites the
    other's day.

    Raises:
        CountsRejectedError: The month would not pass the checks.
    """
    work.require(Action.DELIVER_EVIDENCE)
    check = check_opinion_day(work, entered=entered)
    return import_delivery(work, check=check, head=head)
