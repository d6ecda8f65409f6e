"""Shares of the codes of an open question as a sentence, a table and notes."""

from dataclasses import dataclass

from survey.access.roles import NATION
from survey.estimate.agreement import AgreementEstimate
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.estimate_text import format_interval
from survey.figures.views.experience_check import HIDDEN_TEXT
from survey.locale import Translator, label_text, translator
from survey.locale.figures import format_count, format_score, format_share
from survey.open_answers.shares import CodeShare, OpenAnswers

_MAX_NAMED = 3


@dataclass(frozen=True)
class OpenAnswersView:
    """Texts of one open question for readers of results."""

    question: str
    sentence: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    is_demo: bool


def build_open_answers_view(found: OpenAnswers, language: str) -> OpenAnswersView:
    """Build the sentence, the table by area and code, the largest first, and the notes."""
    t, names = translator(language), DisplayNames(language, None)
    areas = tuple(dict.fromkeys(each.area for each in found.shares))
    rows = []
    for area in areas:
        own = [each for each in found.shares if each.area == area]
        if all(each.share is None for each in own):
            rows.append((names.area(area), t("All kinds"), t(HIDDEN_TEXT), "–", "–", "–"))
            continue
        rows += [
            (
                names.area(area),
                label_text(each.label, language, each.code),
                t(HIDDEN_TEXT) if each.share is None else format_share(each.share),
                _format_bounds(each, t) or "–",
                format_count(each.answers),
                format_count(each.read),
            )
            for each in sorted(own, key=lambda share: -(share.share or 0))
        ]
    heads = (
        t("Area"), t("What it is about"), t("Share of answers"), t("95%\u00a0interval"),
        t("Answers"), t("Read by people"),
    )  # fmt: skip
    return OpenAnswersView(
        label_text(found.question, language),
        _describe(found, language, t),
        heads,
        tuple(rows),
        _list_notes(found, t),
        found.is_demo,
    )


def _format_bounds(each: CodeShare, t: Translator) -> str:
    if each.low is None or each.high is None:
        return ""
    return format_interval(100 * each.low, 100 * each.high, t)


def _describe(found: OpenAnswers, language: str, t: Translator) -> str:
    nation = [each for each in found.shares if each.area == NATION and each.share is not None]
    if not nation:
        return t("Too few answers: nothing can be said of them.")
    largest = sorted(nation, key=lambda share: -(share.share or 0))[:_MAX_NAMED]
    named = t("; ").join(
        t(
            "{what} {share} ({interval})",
            what=label_text(each.label, language, each.code),
            share=format_share(each.share),
            interval=_format_bounds(each, t),
        )
        for each in largest
    )
    return t("Of those who wrote something, most often: {named}.", named=named)


def _list_notes(found: OpenAnswers, t: Translator) -> tuple[str, ...]:
    notes = [
        t(
            "Two people read a drawn part of the answers, apart from each other; a third decided "
            "where they differed. A computer model sorted the rest, and the shares are corrected "
            "by what people found. Not everybody writes something: shares are of those who did."
        ),
        t("The words of an answer are shown to nobody: the respondents were promised that."),
    ]
    if found.people is not None:
        notes.append(t("Agreement of the two people: κ {figure}.", figure=_format(found.people, t)))
    if found.machine is not None:
        notes.append(
            t("Agreement of the model with people: κ {figure}.", figure=_format(found.machine, t))
        )
    return tuple(notes)


def _format(each: AgreementEstimate, t: Translator) -> str:
    return t(
        "{value} ({low} to {high})",
        value=format_score(each.value, 2),
        low=format_score(each.low, 2),
        high=format_score(each.high, 2),
    )
