"""View of consumer education: whom it reached, by which way, and what the activities cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from survey.access.roles import NATION
from survey.education.costs import cost_per_consumer, cost_per_participant
from survey.education.registers import RegisteredEntry
from survey.figures.views.estimate_text import (
    NOT_ASKED,
    WITHHELD,
    Estimate,
    estimate_at,
    format_interval,
)
from survey.figures.views.measures import is_asked
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import ELDERLY, EVERYONE, GUARDIAN, RURAL
from survey.locale import Translator
from survey.locale.figures import format_quantity, format_score
from survey.store.china_time import format_day
from survey.store.tables.registers import AUDIENCE_NAMES, FORM_NAMES, ActivityData

REACHED, RECOGNISED = "education_reached", "education_recognised"
CHANNELS = ("education_online", "education_tv", "education_community", "education_event")
GROUPS = (EVERYONE, ELDERLY, RURAL, GUARDIAN)
Activity = RegisteredEntry[ActivityData]
Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]


@dataclass(frozen=True)
class EducationView:
    """Sentences and tables on consumer education in one area."""

    title: str
    sentences: tuple[str, ...]
    groups: Table | None
    """None, as `channels`, where the wave did not ask."""
    channels: Table | None
    notes: tuple[str, ...]


def build_education_view(
    context: ViewContext, *, area: str, activities: Sequence[Activity]
) -> EducationView:
    """Build the view of a city or the nation; `activities` are those of the wave's year."""
    t, name = context.t, context.names.area(area)
    reached, was_asked = _get_estimate(context, area, REACHED, EVERYONE), is_asked(context, REACHED)
    cost_sentence = _describe_cost_per_consumer(context, area, reached, activities)
    return EducationView(
        title=t("Consumer education, {area}, {year}", area=name, year=context.wave.year),
        sentences=(
            *_describe_participants_and_cost(context, area, reached, activities),
            *cost_sentence,
        ),
        groups=_build_group_table(context, area) if was_asked else None,
        channels=_build_channel_table(context, area) if was_asked else None,
        notes=(
            t(
                "Reach: share of those asked who came across consumer education in twelve months. "
                "Recognition: share of those reached who found it useful. Both are of the survey, "
                "with n, and pass the same gate as every figure of it."
            ),
            *(
                [
                    t(
                        "The cost per consumer reached compares what was spent with whom the "
                        "survey found reached, by whatever activity; it proves no effect. Its "
                        "interval is that of the reach alone."
                    )
                ]
                if cost_sentence
                else []
            ),
        ),
    )


def _get_estimate(context: ViewContext, area: str, indicator: str, group: str) -> Estimate:
    level = "nation" if area == NATION else "city"
    cells = context.cells(area_level=level, area=area, indicator=[indicator], group=group)
    return estimate_at(cells)


def _describe_participants_and_cost(
    context: ViewContext, area: str, reached: Estimate, activities: Sequence[Activity]
) -> list[str]:
    t = context.t
    lines = [_describe_exposure_of(context, reached), *_describe_best_channel(context, area)]
    lines.append(describe_activities(activities, context.wave.year, t))
    each = cost_per_participant(_sum_cost_fen(activities), count_participants(activities))
    if activities and each is not None:
        lines.append(t("{yuan} yuan per participant.", yuan=format_quantity(each, 2)))
    return lines


def describe_exposure(context: ViewContext, area: str) -> str:
    """Return a sentence on the share reached in an area, or why it is not shown."""
    return _describe_exposure_of(context, _get_estimate(context, area, REACHED, EVERYONE))


def _describe_exposure_of(context: ViewContext, reached: Estimate) -> str:
    t = context.t
    if not reached.available or reached.estimate is None:
        return t(WITHHELD if is_asked(context, REACHED) else NOT_ASKED)
    return t(
        "{share}% were reached ({interval}, n = {n}).",
        share=format_score(reached.estimate),
        interval=format_interval(reached.low, reached.high, t),
        n=format_quantity(reached.n),
    )


def describe_activities(activities: Sequence[Activity], year: int, t: Translator) -> str:
    """Return a sentence on the activities of a year: number, participants and cost."""
    if not activities:
        return t("No activity of {year} is in the register.", year=year)
    return t(
        "{count} activities of {year} with {people} participants cost {cost} yuan.",
        year=year,
        count=len(activities),
        people=f"{count_participants(activities):,}",
        cost=format_cost(activities),
    )


def count_participants(activities: Sequence[Activity]) -> int:
    """Return the participants of all activities."""
    return sum(each.data.participants for each in activities)


def format_cost(activities: Sequence[Activity]) -> str:
    """Return what all activities cost, in yuan."""
    return format_quantity(_sum_cost_fen(activities) / 100)


def _sum_cost_fen(activities: Sequence[Activity]) -> int:
    return sum(each.data.cost_fen for each in activities)


def format_share_row(context: ViewContext, area: str, indicator: str) -> tuple[str, str, str]:
    """Return share, interval and n of everyone in an area, or why it is not shown."""
    if not is_asked(context, indicator):
        return context.t(NOT_ASKED), "–", "–"
    return _format_figure_cells(context, _get_estimate(context, area, indicator, EVERYONE))


def _describe_cost_per_consumer(
    context: ViewContext, area: str, reached: Estimate, activities: Sequence[Activity]
) -> tuple[str, ...]:
    """Return a sentence on the cost per consumer reached; empty if costs or reach are unknown."""
    cost = cost_per_consumer(
        sum(each.data.cost_fen for each in activities),
        _find_residents_from_15(context, area),
        reached.estimate,
        reached.low,
        reached.high,
    )
    if not activities or not reached.available or cost is None:
        return ()
    return (
        context.t(
            "{yuan} yuan per consumer reached ({low} to {high}), of residents of 15 and over "
            "(2020 census).",
            yuan=format_quantity(cost.yuan, 3),
            low=format_quantity(cost.low, 3),
            high=format_quantity(cost.high, 3),
        ),
    )


def _find_residents_from_15(context: ViewContext, area: str) -> float | None:
    city = context.cities.get(area)
    if city is None:
        return None
    return city.resident_population_2020 * (1 - city.share_age_0_14)


def _describe_best_channel(context: ViewContext, area: str) -> list[str]:
    """Return a sentence on the channel that reached most older people; none if few are known."""
    t = context.t
    shown = [
        (figure.estimate, channel, figure)
        for channel in CHANNELS
        if (figure := _get_estimate(context, area, channel, ELDERLY)).available
        and figure.estimate is not None
    ]
    if len(shown) < 2:
        return []
    ordered = sorted(shown, key=lambda each: -each[0])
    best, second = ordered[0], ordered[1]
    name = context.names.indicator(best[1])
    clear = best[2].low is not None and second[2].high is not None and best[2].low > second[2].high
    given = {"channel": name, "share": format_score(best[0])}
    if clear:
        return [t("Most older people who were reached: {channel} ({share}%).", **given)]
    return [
        t("Of ways to older people, {channel} leads ({share}%), within the uncertainty.", **given)
    ]


def _format_figure_cells(context: ViewContext, figure: Estimate) -> tuple[str, str, str]:
    t = context.t
    if not figure.available or figure.estimate is None:
        return t(WITHHELD), "–", "–"
    return (
        f"{format_score(figure.estimate)}%",
        format_interval(figure.low, figure.high, t),
        format_quantity(figure.n),
    )


def _build_group_table(context: ViewContext, area: str) -> Table:
    t = context.t
    interval = t("95%\u00a0interval")
    heads = (t("Who"), t("Reached"), interval, "n", t("Found it useful"), interval, "n")
    rows = [
        (
            context.names.group(group),
            *_format_figure_cells(context, _get_estimate(context, area, REACHED, group)),
            *_format_figure_cells(context, _get_estimate(context, area, RECOGNISED, group)),
        )
        for group in GROUPS
    ]
    return heads, tuple(rows)


def _build_channel_table(context: ViewContext, area: str) -> Table:
    t = context.t
    interval = t("95%\u00a0interval")
    heads = (t("Way"), t("Of all reached"), interval, "n", t("Of older people reached"), interval,
             "n")  # fmt: skip
    rows = [
        (
            context.names.indicator(channel),
            *_format_figure_cells(context, _get_estimate(context, area, channel, EVERYONE)),
            *_format_figure_cells(context, _get_estimate(context, area, channel, ELDERLY)),
        )
        for channel in CHANNELS
    ]
    return heads, tuple(rows)


def build_activity_table(activities: Sequence[Activity], t: Translator) -> Table:
    """Return registered activities as heads and rows of texts, with the cost per participant."""
    heads = (
        t("Day"), t("Activity"), t("Where held"), t("Form"), t("Audience"), t("Participants"),
        t("Cost (yuan)"), t("Yuan per participant"),
    )  # fmt: skip
    rows = []
    for each in activities:
        data = each.data
        rate = cost_per_participant(data.cost_fen, data.participants)
        rows.append(
            (
                format_day(t, data.held_on),
                data.title,
                data.place,
                t(FORM_NAMES[data.form]) if data.form in FORM_NAMES else data.form,
                t(AUDIENCE_NAMES[data.audience]) if data.audience in AUDIENCE_NAMES else "",
                f"{data.participants:,}",
                format_quantity(data.cost_fen / 100),
                format_quantity(rate, 2),
            )
        )
    return heads, tuple(rows)
