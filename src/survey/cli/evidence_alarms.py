"""Command that lists what is counted more often in the newest week than usual."""

from enum import StrEnum
from typing import Annotated

import typer

from survey.cli.operator import read_as_account, read_as_operator
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.counts.complaint_alarms import ComplaintKey, read_complaint_alarms
from survey.counts.opinion.topic_alarms import TopicKey, read_topic_alarms
from survey.settings import current_settings

_COLUMNS = ("week", "count", "usual_least", "usual_most", "since", "demo")
"""Columns of alarms; of the usual range an end below ten is left empty."""


class AlarmKind(StrEnum):
    """What is counted by week."""

    COMPLAINTS = "complaints"
    OPINION = "opinion"


def alarms(
    kind: Annotated[AlarmKind, typer.Argument(help="What is counted.")] = AlarmKind.COMPLAINTS,
    account: Annotated[
        str | None, typer.Option("--as", help="Sign-in name of who reads. Default: the operator.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
) -> None:
    """List kinds of complaints, or topics, of which the newest week has more than usual."""
    # Not at the top: it brings the library of charts, which no other command here needs.
    from survey.counts.alarm_view import COMPLAINT_ALARMS, TOPIC_ALARMS, build_alarm_view

    read, key, texts = {
        AlarmKind.COMPLAINTS: (read_complaint_alarms, ComplaintKey._fields, COMPLAINT_ALARMS),
        AlarmKind.OPINION: (read_topic_alarms, TopicKey._fields, TOPIC_ALARMS),
    }[kind]
    with error_reporting(), read_as_operator(long_running=True) as work:
        found = read(read_as_account(work, account))
        rows = [
            (*each.key, each.week, each.count, each.least, each.most, each.since, found.is_demo)
            for each in found.alarms
        ]
        for sentence in build_alarm_view(found, texts, current_settings().language).sentences:
            print_note(sentence)
        print_table((*key, *_COLUMNS), rows, output)
