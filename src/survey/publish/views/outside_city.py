"""View of what stands beside the score of a city, for its page and its report alike.

Each part has sentences, tables that hold every number of the sentences, and the notes that say who
counted and until when.
"""

from dataclasses import dataclass

from survey.access.roles import NATION
from survey.context.complaints.rates import RATES, per_100_000, share_in_percent
from survey.context.count_declaration import TOTAL
from survey.context.count_kinds import ITEMS, NEGATIVE
from survey.locale import label_text, translator
from survey.locale.figures import (
    MISSING,
    format_change,
    format_count,
    format_percent,
    format_quantity,
)
from survey.publish.charts.count_charts import DURING
from survey.publish.complaint_coverage import compare_years, find_residents
from survey.publish.complaint_gate import CountCell
from survey.publish.complaint_tables import ComplaintYear
from survey.publish.experience_check_tables import ALL_TYPES
from survey.publish.opinion_tables import OpinionEvent
from survey.publish.outside_evidence import COMPLAINT_LENS, CheckOfCity, OutsideEvidence
from survey.publish.views.complaints import (
    Table,
    build_complaint_view,
    format_yuan,
    is_measure_hidden,
)
from survey.publish.views.experience_check import (
    HIDDEN_TEXT,
    describe_mean,
    format_mean,
    name_area,
    name_type,
)
from survey.publish.views.opinion import describe_opinion, describe_opinion_sources, find_peak
from survey.store.china_time import format_day


@dataclass(frozen=True)
class OutsidePart:
    """One source beside the score."""

    title: str
    sentences: tuple[str, ...]
    tables: tuple[tuple[str, Table], ...]
    """Title and contents of each table."""
    notes: tuple[str, ...]
    is_demo: bool


def build_outside_parts(evidence: OutsideEvidence, language: str) -> tuple[OutsidePart, ...]:
    """Build complaints, experience checks and opinion, as far as there are any."""
    parts = []
    if evidence.year is not None:
        parts.append(_build_complaints(evidence, evidence.year, language))
    if evidence.checks:
        parts.append(_build_checks(evidence, language))
    if evidence.opinion is not None:
        parts.append(_build_opinion(evidence.opinion, language))
    return tuple(parts)


def _build_complaints(evidence: OutsideEvidence, year: ComplaintYear, language: str) -> OutsidePart:
    city = evidence.city
    view = build_complaint_view(
        year=year, before=evidence.before, lens=COMPLAINT_LENS, area=city, language=language
    )
    tables = []
    if year.find_cell(TOTAL, city, TOTAL) is not None:
        tables.append((view.title, _build_complaint_facts(evidence, year, language)))
        if COMPLAINT_LENS in year.by_lens:
            tables.append((view.lens_title, view.lens))
    return OutsidePart(view.title, view.sentences, tuple(tables), view.notes, year.is_demo)


def _build_complaint_facts(evidence: OutsideEvidence, year: ComplaintYear, language: str) -> Table:
    """Return the numbers of `describe_total`: each figure with its count and its base."""
    t = translator(language)
    city, before = evidence.city, evidence.before
    total = year.find_cell(TOTAL, city, TOTAL) or {}
    accepted = total.get("accepted")
    rows = [(t("Complaints accepted"), format_count(accepted), MISSING, MISSING)]
    rows.append((t("Months delivered"), str(len(year.delivered.get(city, ()))), MISSING, "12"))
    found, then = compare_years(year, before, city), year.year - 1
    rows.append(
        (t("Change against the same months of {year}", year=then), MISSING, MISSING, MISSING)
        if found is None
        else (
            t("Change against the same months of {year}", year=then)
            if found.is_whole
            else t("Change against {year}, {months} months", year=then, months=found.months),
            format_change(found.now, found.then),
            format_count(found.now),
            format_count(found.then),
        )
    )
    residents = find_residents(year, city)
    rate = per_100_000(accepted, residents)
    if rate is not None:
        name = t("Complaints per 100,000 residents (2020 census)")
        rows.append((name, format_quantity(rate, 1), format_count(accepted), f"{residents:,d}"))
    rows += _list_measure_rows(total, language)
    return (t("What is counted"), t("Published figure"), t("Count"), t("Base")), tuple(rows)


def _list_measure_rows(total: CountCell, language: str) -> list[tuple[str, str, str, str]]:
    """Return what is counted besides the complaints accepted; a word where it is kept back."""
    t = translator(language)
    rows = []
    for definition in RATES:
        part, base = total.get(definition.rate), total.get(definition.base)
        share = share_in_percent(part, base)
        name = t("{rate}, {base}", rate=t(definition.name), base=t(definition.base_name))
        if is_measure_hidden(total, definition.rate, definition.base):
            rows.append((name, t(HIDDEN_TEXT), MISSING, MISSING))
        elif share is not None:
            rows.append((name, format_percent(share), format_count(part), format_count(base)))
    recovered, name = total.get("recovered_fen"), t("Recovered for consumers")
    if is_measure_hidden(total, "recovered_fen"):
        rows.append((name, t(HIDDEN_TEXT), MISSING, MISSING))
    elif recovered is not None:
        rows.append((name, format_yuan(recovered, language), MISSING, MISSING))
    for key, name in (
        ("consultations", t("Enquiries, which are no complaints")),
        ("fraud", t("Cases of fraud among the complaints")),
    ):
        if is_measure_hidden(total, key):
            rows.append((name, t(HIDDEN_TEXT), MISSING, MISSING))
        elif total.get(key) is not None:
            rows.append((name, format_count(total[key]), MISSING, MISSING))
    return rows


def _build_checks(evidence: OutsideEvidence, language: str) -> OutsidePart:
    t = translator(language)
    sentences, rows = [], []
    for check in evidence.checks:
        title = label_text(check.title, language, check.key)
        mean = check.scores.scores.get((evidence.city, ALL_TYPES))
        hidden = t("the mean of this city is kept back.")
        words = hidden if mean is None else describe_mean(mean, t)
        sentences.append(t("{check}: {words}", check=title, words=words))
        rows += _check_rows(check, evidence.city, title, language)
    heads = (
        t("Experience check"), t("Area"), t("Type of venue"), t("Score"),
        t("95%\u00a0interval"), t("Venues"), t("Data as of"),
    )  # fmt: skip
    title = t("Experience checks in this city")
    note = t(
        "Venues drawn by lot and visited without notice; scores of 0 to 100. Means of few venues "
        "are kept back. Experience checks stand beside the satisfaction score and never enter it."
    )
    return OutsidePart(
        title,
        tuple(sentences),
        ((title, (heads, tuple(rows))),),
        (note,),
        any(check.is_demo for check in evidence.checks),
    )


def _check_rows(check: CheckOfCity, city: str, title: str, language: str) -> list[tuple[str, ...]]:
    """Return the means of the city by type of venue, and the mean of all venues."""
    t = translator(language)
    day = format_day(t, check.data_as_of)
    return [
        (title, name_area(area, language), name_type(kind, language), *format_mean(mean, t), day)
        for (area, kind), mean in check.scores.scores.items()
        if area == city or (area, kind) == (NATION, ALL_TYPES)
    ]


def _build_opinion(event: OpinionEvent, language: str) -> OutsidePart:
    t = translator(language)
    title = t("What was written about: the busiest days")
    during = event.totals.get(DURING) or {}
    facts = [
        (
            t("Days of the event"),
            t(
                "{low} to {high}",
                low=format_day(t, event.event.first),
                high=format_day(t, event.event.last),
            ),
        ),
        (t("Number of days"), str(sum(day.window == DURING for day in event.days))),
    ]
    if ITEMS in during and NEGATIVE in during:
        facts += [
            (t("Items"), format_count(during[ITEMS])),
            (t("Negative share"), format_percent(100 * during[NEGATIVE] / during[ITEMS])),
        ]
        peak = find_peak(event)
        if peak is not None:
            facts += [
                (t("Busiest day"), format_day(t, peak.day)),
                (t("Items on that day"), format_count(peak.items)),
            ]
    return OutsidePart(
        title,
        tuple(describe_opinion(event, t)),
        ((title, ((t("What is counted"), t("Published figure")), tuple(facts))),),
        tuple(describe_opinion_sources(event, t)),
        event.is_demo,
    )
