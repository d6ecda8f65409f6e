"""View of a freeze before it happens: totals, cities with a problem, and a table of all cities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from survey.disclosure import MINIMUM_N
from survey.figures.views.display_names import DisplayNames
from survey.locale import Message, Translator, msg
from survey.locale.figures import MISSING, format_score, format_signed
from survey.results.freeze_preview import AreaPreview, EarlierCity, FreezePreview, HiddenBecause
from survey.review.review_counts import ReviewCounts
from survey.store.china_time import format_china_minute

_REASONS: Mapping[HiddenBecause, Message] = {
    HiddenBecause.TOO_FEW: msg("fewer than {minimum} interviews", minimum=MINIMUM_N),
    HiddenBecause.DIFFERENCING: msg(
        "another figure differs from it by fewer than {minimum} people", minimum=MINIMUM_N
    ),
    HiddenBecause.SOLVABLE: msg("another hidden figure could be worked out with it"),
}


@dataclass(frozen=True)
class HiddenCity:
    """City whose results a freeze would hide, and why in words."""

    code: str
    name: str
    sentence: str
    is_small: bool
    """Whether it has too few interviews itself; else it is hidden for the sake of others."""


@dataclass(frozen=True)
class FreezePreviewView:
    """Figures and warnings to read before a wave is frozen."""

    headline: str
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    hidden: tuple[HiddenCity, ...]
    cities: pd.DataFrame


def build_freeze_preview(
    preview: FreezePreview, counts: Sequence[ReviewCounts], language: str
) -> FreezePreviewView:
    """Build the view of a preview; `counts` are the interviews in each state of review by city."""
    names = DisplayNames(language, None, cities=len(preview.cities))
    t = names.t
    waiting = {city.code: ReviewCounts(city.code, 0, 0, 0, 0) for city in preview.cities}
    waiting |= {city.city_code: city for city in counts}
    hidden = tuple(
        HiddenCity(
            city.code,
            names.area(city.code),
            t(
                "{count} interviews; hidden: {reason}",
                count=f"{city.n:,}",
                reason=_describe_hiding_reason(t, names, city),
            ),
            city.because is HiddenBecause.TOO_FEW,
        )
        for city in preview.cities
        if not city.is_shown
    )
    return FreezePreviewView(
        headline=_describe_whole_wave(t, preview, waiting),
        sentences=_describe_nation(t, names, preview),
        warnings=_describe_subtractable_cities(t, names, preview),
        hidden=hidden,
        cities=_build_city_table(t, names, preview, waiting),
    )


def _describe_whole_wave(
    t: Translator, preview: FreezePreview, waiting: Mapping[str, ReviewCounts]
) -> str:
    shown = sum(city.is_shown for city in preview.cities)
    return t(
        "{interviews} interviews in {cities} cities: {shown} cities would be shown, {hidden} "
        "hidden. {waiting} interviews wait for review, {flagged} of them marked by the quality "
        "checks.",
        interviews=f"{preview.rows:,}",
        cities=len(preview.cities),
        shown=shown,
        hidden=len(preview.cities) - shown,
        waiting=f"{sum(city.waiting for city in waiting.values()):,}",
        flagged=f"{sum(city.flagged for city in waiting.values()):,}",
    )


def _describe_nation(t: Translator, names: DisplayNames, preview: FreezePreview) -> tuple[str, ...]:
    nation = preview.nation
    if nation.is_shown and nation.estimate is None:
        first = t(
            "No composite score is computed for this wave. Of its {all} figures {shown} would be "
            "shown for all cities together.",
            all=nation.indicators,
            shown=nation.indicators - nation.hidden_indicators,
        )
    elif nation.is_shown:
        first = t("The nation would be shown: {score}.", score=_format_score(t, nation))
    else:
        first = t(
            "The nation would be hidden: {reason}.",
            reason=_describe_hiding_reason(t, names, nation),
        )
    rest = []
    if preview.shown_without_small:
        rest.append(
            t(
                "If {small} were left out, these would be shown: {cities}.",
                small=_join_area_names(names, preview.small_cities),
                cities=_join_area_names(names, preview.shown_without_small),
            )
        )
    if not nation.is_shown and preview.nation_shown_without_small:
        rest.append(
            t(
                "If {small} were left out, the nation would be shown.",
                small=_join_area_names(names, preview.small_cities),
            )
        )
    return (first, *rest)


def _describe_subtractable_cities(
    t: Translator, names: DisplayNames, preview: FreezePreview
) -> tuple[str, ...]:
    if not preview.subtractable or preview.earlier is None:
        return ()
    text = t(
        "Since the provisional results of {time} these cities changed by fewer than {minimum} "
        "interviews: {cities}. Whoever kept those results can subtract them from the new ones, "
        "where both are shown.",
        time=format_china_minute(t, preview.earlier.made_at),
        minimum=MINIMUM_N,
        cities=_join_area_names(names, preview.subtractable),
    )
    return (text,)


def _describe_hiding_reason(t: Translator, names: DisplayNames, area: AreaPreview) -> str:
    if area.because is None:
        return ""
    if area.because is HiddenBecause.OF_CITIES:
        return t(
            "the few interviews of {cities} could be worked out from the totals",
            cities=_join_area_names(names, area.of_cities),
        )
    return t(_REASONS[area.because])


def _join_area_names(names: DisplayNames, codes: Sequence[str]) -> str:
    return names.t(", ").join(names.area(code) for code in codes)


def _format_score(t: Translator, area: AreaPreview) -> str:
    if area.estimate is None:
        return MISSING
    if area.ci_low is None or area.ci_high is None:
        return t("{score} (no interval)", score=format_score(area.estimate))
    return t(
        "{score} ({low} to {high})",
        score=format_score(area.estimate),
        low=format_score(area.ci_low),
        high=format_score(area.ci_high),
    )


def _build_city_table(
    t: Translator, names: DisplayNames, preview: FreezePreview, waiting: Mapping[str, ReviewCounts]
) -> pd.DataFrame:
    """Return a row per city of the preview, or with interviews not yet approved (`waiting`)."""
    known = {city.code: city for city in preview.cities}
    earlier = preview.earlier.cities if preview.earlier else {}
    codes = sorted({*known, *waiting} - {*preview.left_out})
    rows = [
        _build_city_row(t, names, code, known.get(code), waiting[code], earlier) for code in codes
    ]
    return pd.DataFrame(rows)


def _build_city_row(
    t: Translator,
    names: DisplayNames,
    code: str,
    city: AreaPreview | None,
    review: ReviewCounts,
    earlier: Mapping[str, EarlierCity],
) -> dict[str, object]:
    shown, why = t("no interviews"), ""
    if city is not None:
        shown = t("shown") if city.is_shown else t("hidden")
        why = _describe_hiding_reason(t, names, city)
    return {
        t("City"): names.area(code),
        t("Counted"): city.n if city else 0,
        t("Effective"): f"{city.effective_n:,}" if city and city.effective_n else MISSING,
        t("Score"): _format_score(t, city) if city else MISSING,
        t("Would be"): shown,
        t("Because"): why,
        t("Indicators hidden"): f"{city.hidden_indicators} / {city.indicators}"
        if city
        else MISSING,
        t("Waiting for review"): review.waiting,
        t("Marked among them"): review.flagged,
        t("Interviews since the provisional results"): _count_change(city, earlier.get(code)),
        t("Score since then"): _format_score_change(city, earlier.get(code)),
    }


def _count_change(city: AreaPreview | None, before: EarlierCity | None) -> str:
    if before is None:
        return MISSING
    return format_signed((city.n if city else 0) - before.n, 0)


def _format_score_change(city: AreaPreview | None, before: EarlierCity | None) -> str:
    if city is None or city.estimate is None or before is None or before.estimate is None:
        return MISSING
    return format_signed(city.estimate - before.estimate)
