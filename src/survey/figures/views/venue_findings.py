"""What was noted at one venue in words: a row per item, remarks, and what has to be mended."""

from dataclasses import dataclass
from typing import Any

from survey.collection.submission_envelope import SECOND_ROUND
from survey.experience_checks.venue_findings import NotedVisit, VenueFindings
from survey.figures.views.experience_check import Table
from survey.locale import Translator, label_text, translator
from survey.questionnaire.model import Item, PrivacyRole
from survey.questionnaire.paper_codes import SPECIAL_NAMES
from survey.questionnaire.question_types import type_of
from survey.store.china_time import format_day
from survey.store.tables import Status
from survey.waves.personal_data import mask_remark


@dataclass(frozen=True)
class VenueFindingsView:
    """Texts and table of what was noted at a venue."""

    table: Table
    """A column per visit, which names its day and not its observer."""
    remarks: tuple[str, ...]
    to_mend: tuple[str, ...]
    """Items that have to be mended."""
    notes: tuple[str, ...]


def build_venue_findings_view(findings: VenueFindings, language: str) -> VenueFindingsView:
    """Build table, remarks and notes of what was noted at a venue, in one language."""
    t = translator(language)
    noted = [item for item in findings.check.instrument.items() if _is_noted(item)]
    visits = findings.visits
    heads = (t("Item"), *(name_visit(visit, t) for visit in visits))
    rows = tuple(
        (
            label_text(item.label, language, item.name),
            *(_format_noted(item, visit.answers.get(item.name), language) for visit in visits),
        )
        for item in noted
    )
    open_texts = [item.name for item in findings.check.instrument.items() if _is_remark(item)]
    notes = []
    if any(not visit.is_anonymous for visit in visits):
        notes.append(t("* The observer was known as one; this visit counts in no figure."))
    if any(visit.status is not Status.APPROVED for visit in visits):
        notes.append(t("† This visit waits for its last approval."))
    return VenueFindingsView(
        table=(heads, rows),
        remarks=tuple(
            f"{name_visit(visit, t)}: {mask_remark(str(words))}"
            for visit in visits
            for name in open_texts
            if (words := visit.answers.get(name))
        ),
        to_mend=tuple(
            label_text(item.label, language, item.name) for item in findings.list_to_mend()
        ),
        notes=tuple(notes),
    )


def name_visit(visit: NotedVisit, t: Translator) -> str:
    """Return the name of a visit: its day, whether it is a revisit, and the marks of its notes."""
    day = format_day(t, visit.visited_on)
    name = t("Revisit of {day}", day=day) if visit.round == SECOND_ROUND else day
    marks = ("" if visit.is_anonymous else "*", "" if visit.status is Status.APPROVED else "†")
    return name + "".join(marks)


def _is_noted(item: Item) -> bool:
    kind = type_of(item)
    return (
        kind.is_asked
        and not kind.is_photo
        and not kind.is_open_text
        and item.privacy is not PrivacyRole.ANONYMOUS_VISIT
    )


def _is_remark(item: Item) -> bool:
    return type_of(item).is_open_text


def _format_noted(item: Item, answer: Any, language: str) -> str:
    """Return an answer in words; a dash where nothing was noted."""
    if answer is None:
        return "–"
    special = next((each for each in item.specials if each.value == answer), None)
    if special is None:
        return type_of(item).format_answer(item, answer, language)
    own = label_text(item.special_labels.get(special, {}), language)
    return own or translator(language)(SPECIAL_NAMES[special])
