"""Method page: formulas, settings of the wave's snapshot, and terms."""

import pandas as pd
import streamlit as st

from survey.access.roles import Action
from survey.figures.views.error_budget import build_error_table, describe_selection
from survey.figures.views.estimate_text import QUOTA_SAMPLE
from survey.figures.views.measurement import build_measurement
from survey.figures.views.method import MethodView, build_method_view
from survey.figures.views.view_context import Facts
from survey.kit.page_runner import PageContext
from survey.kit.report_downloads import draw_method_button
from survey.kit.results_cache import get_view
from survey.kit.text_blocks import escape_markdown, read_glossary
from survey.locale import Translator, msg
from survey.results import WaveInfo, WaveResults
from survey.screens.wave_statement import draw_statement


def draw_method(page: PageContext, results: WaveResults) -> None:
    """Draw how a wave's estimates were computed: formulas, and the settings of this wave."""
    t = page.t
    view = build_method_view(
        wave=results.wave,
        manifest=results.manifest,
        method=results.method,
        tree=results.tree,
        language=page.language,
        questions=results.questions,
    )
    _draw_summary(page, results.wave, view)
    with st.expander(t("Where the figures come from")):
        st.markdown(
            t(
                "Approved interviews of a wave are frozen to a file whose fingerprint is printed "
                "here. The same file and the same software give the same figures."
            )
        )
        _draw_facts(t, view.snapshot)
    with st.expander(t("Fieldwork")):
        _draw_facts(t, view.fieldwork)
    with st.expander(t("Codes of practice")):
        draw_statement(page, results)
    with st.expander(t("Scores")):
        _draw_scores(t)
    with st.expander(t("Weighting")):
        _draw_weights(t, view)
    with st.expander(t("Margins of error")):
        _draw_errors(t)
        _draw_rates(t)
        _draw_facts(t, view.errors)
    reads_results = page.principal.may(Action.READ_RESULTS)
    if reads_results:
        with st.expander(t("Error budget")):
            _draw_error_budget(page, results)
    with st.expander(t("What is not shown")):
        st.markdown(
            t(
                "A figure that rests on too few people is not shown anywhere: not on a page, not "
                "in a table, not in a download. It is marked as withheld, never as zero. Figures "
                "from which a hidden one could be worked out are hidden as well, the same "
                "everywhere."
            )
        )
        _draw_facts(t, view.disclosure)
    for title, facts, draw in (
        (msg("Places of the cities"), view.ranks, _draw_ranks),
        (msg("Change between waves"), view.change, _draw_change),
        (msg("Special groups by city"), view.small_areas, _draw_small_groups),
        (msg("What drives satisfaction"), view.drivers, _draw_drivers),
    ):
        if facts:
            with st.expander(t(title)):
                draw(t, view)
    if reads_results:
        with st.expander(t("Quality of the questions")):
            draw_question_quality(page, results)
    with st.expander(t("Bands")):
        st.markdown(
            t(
                "A band is named with its probability. Below 90%\u00a0it is not settled, and the "
                "figure is marked so."
            )
        )
        st.table(view.bands, hide_index=True, border="horizontal")
    if view.tree is not None:
        with st.expander(t("Indicators and their weights")):
            st.dataframe(view.tree, hide_index=True)
    with st.expander(t("Unscored measures")):
        st.dataframe(view.measures, hide_index=True)
    with st.expander(t("Words")):
        _draw_glossary(page)


def _draw_summary(page: PageContext, wave: WaveInfo, view: MethodView) -> None:
    """Draw in half a page what an official has to know before quoting a figure."""
    t = page.t
    lines = (
        t(
            "{wave}: {interviews} interviews in {cities} cities.",
            wave=wave.label(page.language),
            interviews=f"{view.interviews:,}",
            cities=view.cities,
        ),
        t(
            "Each answer on a scale becomes 0 to 100 points. The items of a city are added up "
            "with fixed weights."
        )
        if view.tree is not None
        else t("Each answer on a scale becomes 0 to 100 points. This study has no composite."),
        t("The interviews came with weights of their own.")
        if view.given_weights
        else t(
            "Each city's interviews are weighed so that ages and sexes count as they live there."
        ),
        t(
            "The range beside a score says how far chance may have moved it. A difference that "
            "chance could have made is not called one."
        ),
        t(QUOTA_SAMPLE),
        t(
            "What too few people answered is not shown, nor what would let it be worked out: not "
            "here, not in a file."
        ),
    )
    st.markdown("\n".join(f"- {escape_markdown(line)}" for line in lines))
    st.caption(t("The formulas and settings of this wave are behind the headings below."))
    draw_method_button(page, wave)


def _draw_weights(t: Translator, view: MethodView) -> None:
    st.markdown(
        t(
            "The interviews of this wave came with weights of their own: each says how much its "
            "interview counts. They are used as they were given. How the sample was drawn and how "
            "the weights were made is for whoever supplied the file to say."
        )
        if view.given_weights
        else t(
            "Each interview first stands for an equal part of its city. Within the city the "
            "weights are then raked until the sample has the population's own structure. City "
            "totals are resident populations, so the nation is not the mean of its cities."
        )
    )
    _draw_facts(t, view.weights)


def _draw_error_budget(page: PageContext, results: WaveResults) -> None:
    t = page.t
    st.markdown(
        t(
            "The range beside a score is chance alone. Here are the other errors that are known "
            "of, each alone and in points: how far it may move the national score and that of the "
            "city in the middle, and how many cities called above or below the nation would no "
            "longer be. No score and no place is changed by it."
        )
    )
    table = get_view(page, build_error_table, results)
    if isinstance(table, str):
        st.markdown(escape_markdown(table))
        return
    st.markdown(escape_markdown(get_view(page, describe_selection, results)))
    st.table(table, hide_index=True, border="horizontal")


def _draw_facts(t: Translator, facts: Facts) -> None:
    table = pd.DataFrame(facts, columns=[t("Choice"), t("In this wave")])
    st.table(table, hide_index=True, border="horizontal")


def _draw_scores(t: Translator) -> None:
    st.markdown(
        t(
            "An answer x on the scale from min to max becomes a score of 0 to 100. Don't know, not "
            "experienced, refused, not asked and missing are five different codes; none of them is "
            "a score."
        )
    )
    st.latex(r"y = \frac{x - \min}{\max - \min} \times 100")
    st.markdown(
        t(
            "The score of an item in a group of people is the weighted mean over those who gave a "
            "score; an indicator adds its items with the weights of the tree. Where an item has no "
            "score at all, the indicators above it are not available."
        )
    )
    st.latex(
        r"\bar y_{kd} = \frac{\sum_{i \in d} w_i\, r_{ik}\, y_{ik}}{\sum_{i \in d} w_i\, r_{ik}}"
    )
    st.latex(r"\theta_d = \sum_k \omega_k\, \bar y_{kd}")


def _draw_errors(t: Translator) -> None:
    st.markdown(t(QUOTA_SAMPLE))
    st.markdown(
        t(
            "Standard errors come from the spread between sampling points within strata. Groups "
            "are never cut out of the sample: points without members of the group count as zero. "
            "Differences are estimated as differences, not from two separate intervals."
        )
    )
    st.latex(
        r"z_i = 1_{[i \in d]} \sum_k \omega_k\, "
        r"\frac{r_{ik}\,(y_{ik} - \bar y_{kd})}{\sum_{d} w\, r_k}"
    )
    st.latex(r"V = \sum_h \frac{n_h}{n_h - 1} \sum_j \left(z_{hj} - \bar z_h\right)^2")


def _draw_rates(t: Translator) -> None:
    st.markdown(
        t(
            "Every interval stays between 0 and 100. Rates have intervals on the scale of log "
            "odds, and so have scores whose usual interval would leave the range. Rates below 5 "
            "and above 95, and figures where everybody in the sample agreed, have the interval of "
            "their effective number of answers: the number of answers divided by the design "
            "effect of all areas of the same kind together (Korn and Graubard 1998; Franco and "
            "others 2019; Jeffreys' interval, Brown and others 2001)."
        )
    )


def _draw_ranks(t: Translator, view: MethodView) -> None:
    st.markdown(
        t(
            "Two cities are told apart only where their difference is larger than chance "
            "would make the largest difference of all pairs of cities. The set of places of a "
            "city goes from one more than the cities surely above it to all but those surely "
            "below it. All sets hold together. "
            "Each city counts with the degrees of freedom of its own margin of error."
        )
    )
    above, below = t("surely above"), t("surely below")
    st.latex(
        rf"R_j = \left[\,1 + \#\{{i: i \text{{ {above} }} j\}},\; "
        rf"p - \#\{{i: i \text{{ {below} }} j\}}\,\right], \quad "
        r"|\hat\theta_i - \hat\theta_j| > c\,\sqrt{V_i + V_j}"
    )
    _draw_facts(t, view.ranks)


def _draw_change(t: Translator, view: MethodView) -> None:
    st.markdown(
        t(
            "A change is estimated over the cities of both waves. Sampling points that served "
            "both bring their covariance. An arrow stands only where the change holds after "
            "all cities shown were tested together; everywhere else there is no detectable "
            "change."
        )
    )
    st.latex(r"V(\hat\theta_2 - \hat\theta_1) = V_1 + V_2 - 2\,\mathrm{Cov}_{12}")
    _draw_facts(t, view.change)


def _draw_small_groups(t: Translator, view: MethodView) -> None:
    st.markdown(
        t(
            "A direct figure carries a grade. Beside it stands a model estimate (Fay–Herriot): a "
            "weighted mean of the direct figure and of what the city's own score, its region and "
            "its class let expect. The direct figure weighs more the surer it is. The variance "
            "between cities comes from the adjusted likelihood, which never takes it for 0 (Li and "
            "Lahiri 2010). Model estimates are moved together until they agree with the direct "
            "national figure."
        )
    )
    st.latex(
        r"\tilde\theta_d = \gamma_d\,\hat\theta_d + (1 - \gamma_d)\,x_d^{\top}\hat\beta, "
        r"\quad \gamma_d = \frac{\hat\sigma_u^2}{\hat\sigma_u^2 + V_d}"
    )
    _draw_facts(t, view.small_areas)


def _draw_drivers(t: Translator, view: MethodView) -> None:
    st.markdown(
        t(
            "Importance is an indicator's share in the explained variance of satisfaction on the "
            "whole (Johnson's relative weights, from weighted correlations). Its interval comes "
            "from resampling the sampling points within strata (Rao–Wu)."
        )
    )
    _draw_facts(t, view.drivers)


def draw_question_quality(page: PageContext, results: WaveResults) -> None:
    """Draw what the questions measure together: a sentence a finding, then the tables."""
    view = get_view(page, build_measurement, results)
    st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in view.sentences))
    for table in (view.indicators, view.questions):
        if table is not None:
            st.dataframe(table, hide_index=True)


def _draw_glossary(page: PageContext) -> None:
    t = page.t
    terms = read_glossary().values()
    table = pd.DataFrame(
        {
            t("Term"): [term.name(page.language) for term in terms],
            t("Meaning"): [term.explanation(page.language) for term in terms],
        }
    )
    st.dataframe(table, hide_index=True)
