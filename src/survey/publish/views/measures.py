"""What people report in the unscored modules: rates, and means of their own ratings."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from survey.locale import Message, msg
from survey.publish.charts import ChartText, Kind
from survey.publish.columns import joined
from survey.publish.picture import Picture
from survey.publish.results.measures import FORM, Measure
from survey.publish.views.cells import Cells
from survey.publish.views.pictures import Heading, percent_title, score_title, subtitle
from survey.publish.views.reading import Reading
from survey.publish.views.rows import Rows, score_rows, score_table
from survey.publish.wrapping import wrapped

BACKGROUND = "background"
"""Topic of facts about respondents; they describe the sample and are not results."""

TOPICS: Mapping[str, Message] = MappingProxyType(
    {
        "complaint": msg("Complaints"),
        "education": msg("Consumer education"),
        "confidence": msg("Consumer confidence"),
        "service": msg("Services and culture"),
        "elderly": msg("Older people"),
        "minors": msg("Children"),
        "rural": msg("Rural shopping"),
        FORM: msg("Questions of this form"),
    }
)
"""In the order in which they are offered."""
_LABEL_WIDTH = 26
"""Half-width columns of a label before it is broken; phones have no room for more."""


def rates(reading: Reading, topics: Sequence[str] | None = None) -> list[Measure]:
    """Measures that are per cents, in the order they are declared."""
    return [measure for measure in _about(reading, topics) if measure.choices]


def ratings(reading: Reading, topics: Sequence[str] | None = None) -> list[Measure]:
    """Measures that are means of a rating question (0-100)."""
    return [measure for measure in _about(reading, topics) if not measure.choices]


def answers_to(reading: Reading, item: str) -> list[Measure]:
    """The measures that say how one question was answered."""
    return [measure for measure in reading.results.method.measures if measure.item == item]


def _about(reading: Reading, topics: Sequence[str] | None) -> list[Measure]:
    return [
        measure
        for measure in reading.results.method.measures
        if (measure.topic in topics if topics else measure.topic != BACKGROUND)
    ]


def series_picture(
    reading: Reading,
    heading: Heading,
    cells_of: Mapping[str, Cells],
    measures: Sequence[Measure],
    *,
    n: float | None,
) -> Picture | None:
    """A row a measure, a mark a series: for example three age bands per question.

    None when the wave asked nothing of the kind.
    """
    t = reading.t
    keys = [measure.key for measure in measures]
    unit = percent_title(t) if any(measure.choices for measure in measures) else score_title(t)
    parts = [
        _part(reading, heading, unit, name, cells.in_order("indicator", keys))
        for name, cells in cells_of.items()
    ]
    rows, listing = joined(rows for rows, _ in parts), joined(table for _, table in parts)
    if not rows["code"]:
        return None
    place = {key: index for index, key in enumerate(keys)}
    order = sorted(range(len(rows["code"])), key=lambda row: place[rows["code"][row]])
    return Picture(
        key=heading.key,
        kind=Kind.GROUPED,
        title=heading.title,
        subtitle=subtitle(reading, unit, n),
        alt=t(
            "{title}. {count} rows for {groups}. The same data follow as a table.",
            title=heading.title,
            count=len(set(rows["code"])),
            groups=", ".join(cells_of),
        ),
        text=ChartText(
            value=unit,
            name=heading.rows,
            interval=t("95% interval"),
            n="n",
            series=tuple(cells_of),
        ),
        rows=rows,
        listing={name: [values[row] for row in order] for name, values in listing.items()},
        note=heading.note,
    )


def _part(
    reading: Reading, heading: Heading, unit: str, name: str, cells: Cells
) -> tuple[Rows, Rows]:
    t = reading.t
    labels = [reading.names.indicator(key) for key in cells.texts("indicator")]
    lines = ["\n".join(wrapped(label, _LABEL_WIDTH)) for label in labels]
    who = [name] * len(labels)
    rows = score_rows(cells, lines, t, key="indicator")
    table = score_table(cells, labels, t, name=heading.rows, value=unit, **{t("Who"): who})
    return {**rows, "series": who}, table
