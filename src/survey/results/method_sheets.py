"""Method sheets: what a reviewer asks of a frozen wave beside its scores, a table each.

A sheet is declared here with its columns and words; `results/sheet_builders.py` names the function
that makes it when the wave is frozen. Pages, commands, API, codebook and releases know no sheet by
itself: they read this list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import pandas as pd

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.locale import Message, msg

KEYS = ("area_level", "area", "group", "indicator", "line", "item")
"""What a row is about: a cell of the results, the kind of line, what of (a mode, a question)."""
OBSTACLE = "obstacle"
"""Column with the code of the reason why a row has no figure; empty where it has one."""
NOT_COMPUTED = "not_computed"
_OBSTACLES: dict[str, Message] = {
    NOT_COMPUTED: msg(
        "This wave was frozen by a version that did not make this table. It is there once an "
        "administrator has the wave computed anew."
    )
}


@dataclass(frozen=True)
class SheetColumn:
    """Column of a sheet: what it means, and its decimals; None: a text."""

    meaning: Message
    decimals: int | None = 1


def _with_interval(name: str, meaning: Message) -> Mapping[str, SheetColumn]:
    """Return the columns of a figure in points and of both ends of its interval."""
    return {
        name: SheetColumn(meaning),
        f"{name}_low": SheetColumn(msg("Lower end of its interval")),
        f"{name}_high": SheetColumn(msg("Upper end of its interval")),
    }


@dataclass(frozen=True)
class MethodSheet:
    """One sheet: key (command, address and file), name, columns beside `KEYS`, and obstacles."""

    key: str
    name: Message
    summary: Message
    lines: Mapping[str, Message]
    """Kind of line -> what it says."""
    columns: Mapping[str, SheetColumn]
    obstacles: Mapping[str, Message]
    """Code -> sentence that says why a row, or the whole sheet, has no figures."""

    @property
    def file(self) -> str:
        """Name of its file in a snapshot."""
        return f"sheet-{self.key}.parquet"

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(name for name, each in self.columns.items() if each.decimals is not None)

    def build_obstacle(self, code: str) -> pd.DataFrame:
        """Return the sheet with one row, which says why it could not be made."""
        row = dict(zip(KEYS, ("nation", NATION, EVERYONE, COMPOSITE, "", ""), strict=True))
        figures = {name: nan if name in self.numbers else "" for name in self.columns}
        return pd.DataFrame([row | figures | {OBSTACLE: code}])


FAIRNESS = MethodSheet(
    key="fairness",
    name=msg("Fair comparison"),
    summary=msg("Scores of cities without the effects of who was asked and how"),
    lines={
        "score": msg("Score as published, and as if every city had asked the same people alike"),
        "rate": msg("Share as published, and as if every city had asked the same people alike"),
        "given": msg("As score, with the effect of the mode that the experiment of the wave found"),
        "direct": msg("Score as published, and with the nation's ages and schooling, by no model"),
        "effect": msg("How much higher answers of a mode are than those of the most frequent mode"),
        "overlap": msg("Interviews of each mode"),
    },
    columns={
        "raw": SheetColumn(msg("Score as published")),
        **_with_interval("adjusted", msg("Score without the effects of people and mode")),
        **_with_interval("shift", msg("Score as published less the adjusted score, in points")),
        "by_people": SheetColumn(msg("Part of the shift that comes from who was asked")),
        "by_mode": SheetColumn(msg("Part of the shift that comes from how they were asked")),
        "verdict": SheetColumn(msg("Verdict on the shift"), None),
        "n": SheetColumn(msg("Interviews with an answer"), 0),
        **_with_interval("effect", msg("Effect of the mode, in points")),
        "n_effective": SheetColumn(msg("Effective number of interviews, to two digits"), 0),
    },
    obstacles={
        "cells_empty": msg(
            "Too few people of some age and schooling were asked here to compare without a model."
        ),
        "no_composite": msg(
            "The questions of this wave make no composite, so no city is compared here."
        ),
        "no_points": msg(
            "No sampling points were recorded, so nobody knows how sure an adjusted score would "
            "be, and none is given."
        ),
        "no_score": msg("Nobody answered a question that this score needs."),
        "not_identified": msg(
            "The cities used different modes and none used two of them side by side. So nobody can "
            "tell whether a score comes from the city or from the mode, and no adjusted score is "
            "given."
        ),
    },
)
MEASUREMENT = MethodSheet(
    key="measurement",
    name=msg("Quality of the questions"),
    summary=msg("Whether the questions measure together what they are added up for, and alike"),
    lines={
        "scale": msg("Consistency of the questions of an indicator"),
        "item": msg("How a question is answered, and how it goes with the others"),
        "city_means": msg("Reliability of the differences between cities"),
        "model": msg("Whether the first-level indicators explain how questions go together"),
        "factors": msg("How two first-level indicators go together"),
        "invariance": msg("Whether groups understand the questions in the same way"),
        "bias": msg("The same satisfaction, answered differently"),
    },
    columns={
        "n": SheetColumn(msg("Respondents"), 0),
        "items": SheetColumn(msg("Questions"), 0),
        "alpha": SheetColumn(msg("Cronbach's α: 1 where the questions go together fully"), 2),
        "alpha_low": SheetColumn(msg("Lower end of the interval of α"), 2),
        "alpha_high": SheetColumn(msg("Upper end of the interval of α"), 2),
        "omega": SheetColumn(msg("McDonald's ω, of one factor"), 2),
        "omega_low": SheetColumn(msg("Lower end of the interval of ω"), 2),
        "omega_high": SheetColumn(msg("Upper end of the interval of ω"), 2),
        "split_half": SheetColumn(msg("Reliability of odd against even questions"), 2),
        "missing": SheetColumn(msg("Per cent of those asked who gave no score")),
        "unknown": SheetColumn(msg("Per cent of those asked who do not know")),
        "floor": SheetColumn(msg("Per cent of the scores that are the lowest")),
        "ceiling": SheetColumn(msg("Per cent of the scores that are the highest")),
        "item_rest": SheetColumn(msg("Correlation with the other questions of its factor"), 2),
        "alpha_dropped": SheetColumn(msg("α of its factor without this question"), 2),
        "loading": SheetColumn(msg("Standardised loading on its factor"), 2),
        "reliability": SheetColumn(
            msg("Part of the spread of the cities' scores that is no chance"), 2
        ),
        "cities": SheetColumn(msg("Cities"), 0),
        "needed_n": SheetColumn(
            msg("Interviews a city needs for a reliability of 0.9, two digits"), 0
        ),
        "chi2": SheetColumn(msg("χ² of the model")),
        "df": SheetColumn(msg("Degrees of freedom"), 0),
        "cfi": SheetColumn(msg("Comparative fit index (CFI)"), 3),
        "tli": SheetColumn(msg("Tucker–Lewis index (TLI)"), 3),
        "rmsea": SheetColumn(msg("Root mean square error of approximation (RMSEA)"), 3),
        "srmr": SheetColumn(msg("Standardised root mean square residual (SRMR)"), 3),
        "correlation": SheetColumn(msg("Correlation of the two"), 2),
        "cfi_loss": SheetColumn(msg("CFI lost against the step before"), 3),
        "rmsea_gain": SheetColumn(msg("RMSEA gained against the step before"), 3),
        "log_odds": SheetColumn(msg("Log odds of a higher answer, beside those of all"), 2),
        "points": SheetColumn(msg("Points above or below people who are as satisfied")),
        "verdict": SheetColumn(
            msg("holds or fails (the same understanding), differs or alike (a question)"), None
        ),
    },
    obstacles={
        "no_tree": msg("The questions of this wave make no composite, so there is nothing to add."),
        "one_question": msg("One question alone cannot be compared with others."),
        "too_few_questions": msg("A model needs three questions of one first-level indicator."),
        "too_few_respondents": msg("Fewer than 100 people answered: too few for these figures."),
        "too_few_cities": msg("Fewer than three cities have a figure that is shown."),
        "one_group": msg("Fewer than two groups have 100 people."),
        "no_fit": msg("No model of this form fits the answers."),
        "few_answered_together": msg(
            "Too few people answered the same questions to tell how these go together."
        ),
    },
)
ERRORS = MethodSheet(
    key="errors",
    name=msg("Error budget"),
    summary=msg("Known sources of error of a wave, each with its size in points"),
    lines={
        "sampling": msg("Chance of who was asked: half of the interval; measured: design effect"),
        "sampling_weights": msg("of this, unequal weights"),
        "sampling_points": msg("of this, people at one point answer alike"),
        "sampling_strata": msg("of this, what strata take away"),
        "weighting": msg("What the weights moved; measured: design effect of the weights"),
        "interviewer": msg(
            "Surveyors who work at several points; measured: share of the differences that lies "
            "between surveyors"
        ),
        "back_check": msg(
            "Interviews that fail when people are called back, each 10 points off; measured: share"
        ),
        "double_entry": msg(
            "Wrong keys, each any answer on the scale; measured: share of the fields keyed twice"
        ),
        "unanswered_bound": msg(
            "Questions without an answer, each 10 points off; measured: their share of the score"
        ),
        "unanswered_selection": msg(
            "Questions without an answer, as those who left more open answer; measured: correlation"
        ),
        "refusals_r": msg("How alike those who took part are to all who were asked (R, 1: alike)"),
        "refusals_cv": msg("What refusals can move at most; measured: variation of taking part"),
        "refusals_by_city": msg("of this, between cities"),
        "refusals_by_point_kind": msg("of this, between kinds of places"),
        "refusals_by_hour": msg("of this, between hours of the day"),
        "refusals_by_age": msg("of this, between ages"),
        "refusals_by_gender": msg("of this, between men and women"),
        "coverage_education": msg("Schooling of those asked, against the census"),
        "coverage_residence": msg(
            "Town and country of those asked, against the census; measured: share too high"
        ),
        "mode": msg("How people were asked"),
        "removed": msg(
            "Careless interviews that review removed: score with them less score without; "
            "measured: share"
        ),
        "selection": msg(
            "Whom a quota sample reaches: bias if it depends on the answers themselves by the part "
            "phi (SMUB); measured: correlation of answers and census"
        ),
    },
    columns={
        "measured": SheetColumn(msg("What was measured, see the line"), 3),
        "size_nation": SheetColumn(msg("Size in points of the national score"), 2),
        "size_city": SheetColumn(msg("Size in points of the score of the city in the middle"), 2),
        "bias": SheetColumn(msg("Points by which the score may be too high"), 1),
        "verdicts": SheetColumn(
            msg("Cities called above or below the nation that this could turn"), 0
        ),
    },
    obstacles={
        "no_points": msg("Not known, because no sampling points were recorded."),
        "no_spread": msg("Not known, because the points of each stratum have the same score."),
        "no_surveyors": msg(
            "Not known, because no point was worked at by two surveyors, or none were recorded."
        ),
        "no_back_checks": msg("Not known, because too few interviews were checked by a call."),
        "no_double_entry": msg("Not known, because no sheet of paper was keyed twice."),
        "few_people": msg(
            "Not told: fewer than three people did this work, so it would be the rate of one."
        ),
        "no_paper": msg("Nothing to tell: no interview was keyed from paper."),
        "no_refusals": msg(
            "Not known, because too few refusals were recorded, or the interviews were imported."
        ),
        "not_recorded": msg("Not known, because those who decline are asked nothing."),
        "not_assessed": msg("Not known, because the interviews were not looked at for quality."),
        "few_removed": msg("Nothing to tell: too few interviews were removed."),
        "not_counted": msg(
            "Not known, because this wave was frozen before such things were counted."
        ),
        "no_population": msg(
            "Not known, because there are no figures of the population to compare with."
        ),
        "weak_proxy": msg(
            "Not known, because what the census tells of people says next to nothing of how they "
            "answer."
        ),
        "see_fairness": msg("This is in the table on fair comparison."),
        "no_score": msg("This study has no composite whose errors could be measured in points."),
    },
)
SPREAD = MethodSheet(
    key="spread",
    name=msg("Spread of answers"),
    summary=msg("Median and quartiles of the answers to each question, beside their mean"),
    lines={"quartiles": msg("Median and quartiles of the answers to a question")},
    columns={
        "n": SheetColumn(msg("Interviews with an answer"), 0),
        **_with_interval(
            "lower_quartile", msg("Score that at least a quarter of people do not exceed")
        ),
        **_with_interval("median", msg("Score that at least half of people do not exceed")),
        **_with_interval(
            "upper_quartile", msg("Score that at least three quarters of people do not exceed")
        ),
    },
    obstacles={
        "no_question": msg("No question of this wave is alone behind an indicator."),
        "no_answer": msg("Nobody answered this question."),
    },
)
ASSOCIATION = MethodSheet(
    key="association",
    name=msg("Answers by group"),
    summary=msg("Whether the answers to a question differ between groups, a test for each pair"),
    lines={"test": msg("Rao–Scott test of the answers to a question by the groups of a variable")},
    columns={
        "n": SheetColumn(msg("Interviews with an answer"), 0),
        "f": SheetColumn(msg("F of the Rao–Scott test (second order)"), 2),
        "f_df": SheetColumn(msg("Its degrees of freedom"), 1),
        "f_df_points": SheetColumn(msg("Degrees of freedom of its denominator"), 0),
        "p_value": SheetColumn(
            msg("P, and for a question with several answers P adjusted over these"), 3
        ),
        "verdict": SheetColumn(
            msg("differs: P is at most 0.05; alike: no difference can be detected"), None
        ),
    },
    obstacles={
        "no_table": msg("This wave has no question and no groups that a test could be about."),
        "no_test_points": msg("No sampling points were recorded, so there is no such test."),
        "no_test": msg("All answers are the same, or too few points have people of these groups."),
    },
)
BRIDGE = MethodSheet(
    key="bridge",
    name=msg("Bridge to the earlier questionnaire"),
    summary=msg("What the questionnaire of the wave gives more than the earlier one"),
    lines={"step": msg("Score of the wave, and what the earlier questionnaire would have given")},
    columns={
        "later": SheetColumn(msg("Score by the questionnaire of the wave")),
        **_with_interval("earlier", msg("Score that the earlier questionnaire would have given")),
        **_with_interval("step", msg("Step: the first less the second, in points")),
        "verdict": SheetColumn(msg("Verdict on the step"), None),
        "basis": SheetColumn(
            msg("direct: interviews of the area alone; smoothed: drawn to the mean of all cities"),
            None,
        ),
        "n_earlier": SheetColumn(msg("Interviews of the earlier questionnaire"), 0),
    },
    obstacles={
        "no_overlap": msg(
            "The wave declared no overlap: nobody was asked the earlier questionnaire, so there is "
            "no bridge to earlier waves."
        ),
        "no_two_scores": msg(
            "One of the two questionnaires makes no composite, so there is no step to speak of."
        ),
        "no_step_points": msg(
            "No sampling points were recorded, so nobody knows how sure a step would be."
        ),
        "no_step": msg("Nobody was asked a question that this score needs, on one of the sides."),
    },
)
MODE_EXPERIMENT = MethodSheet(
    key="mode-experiment",
    name=msg("Mode experiment"),
    summary=msg("What reading the questions aloud changes in the answers, by chance offers"),
    lines={
        "offer": msg("What was offered by chance, and how many answered in another way"),
        "mode_effect": msg("Answers when read aloud less answers on the own phone, by indicator"),
        "mode_item": msg("Answers when read aloud less answers on the own phone, by question"),
    },
    columns={
        **_with_interval("offered", msg("Effect of what was to be offered, in points")),
        **_with_interval(
            "used",
            msg(
                "Effect of what was used, with the offer as instrument; empty where the offer "
                "moved fewer than one in ten"
            ),
        ),
        "verdict": SheetColumn(msg("Verdict on the effect of what was to be offered"), None),
        "n_phone": SheetColumn(
            msg("Interviews with an answer at points where the own phone was offered"), 0
        ),
        "n_aloud": SheetColumn(msg("Interviews with an answer at points of reading aloud"), 0),
        "offer_points": SheetColumn(msg("Sampling points with this offer"), 0),
        "switched": SheetColumn(msg("Per cent who answered in another way than offered")),
    },
    obstacles={
        "no_experiment": msg(
            "The wave declared no mode experiment: chance did not decide how people were asked."
        ),
        "one_offer": msg("Nobody answered at the points of one of the two offers."),
        "one_side": msg("Nobody answered a question that this score needs, on one of the sides."),
        "few_switched": msg(
            "Not told: too few answered in another way than offered, or all but a few did."
        ),
    },
)
SHEETS: Mapping[str, MethodSheet] = {
    sheet.key: sheet
    for sheet in (FAIRNESS, MODE_EXPERIMENT, MEASUREMENT, ERRORS, BRIDGE, SPREAD, ASSOCIATION)
}
"""Every sheet by its key, in the order of files and pages."""
LINE_NAMES: Mapping[str, Message] = {
    code: name for sheet in SHEETS.values() for code, name in sheet.lines.items()
}
OBSTACLE_SENTENCES: Mapping[str, Message] = _OBSTACLES | {
    code: sentence for sheet in SHEETS.values() for code, sentence in sheet.obstacles.items()
}
SHEET_DECIMALS: dict[str, int] = {
    name: column.decimals
    for sheet in SHEETS.values()
    for name, column in sheet.columns.items()
    if column.decimals is not None
}
SHEET_TEXTS = frozenset({"line", "item", OBSTACLE}) | {
    name for sheet in SHEETS.values() for name in sheet.columns if name not in SHEET_DECIMALS
}
