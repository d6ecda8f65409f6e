"""Names in a form that the platform treats in a way of their own, and what each of them does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from survey.locale import Message, msg
from survey.questionnaire.checks import RESERVED_NAMES
from survey.questionnaire.model import OVERALL, PrivacyRole, SectionExit
from survey.questionnaire.paper_codes import SPECIAL_NAMES

GROUP_QUESTIONS: Mapping[str, Message] = {
    "gender": msg("Results of women and of men, and quotas; choices female and male."),
    "age": msg("Age in years, a whole number: results by age, and quotas."),
    "residence": msg("Results of town and countryside; choices urban and rural."),
    "guardian": msg("Results of guardians of children; choices yes and no."),
    "income": msg("Results by income."),
    "education": msg("Results by schooling."),
    "hukou": msg("Results by the kind of household registration."),
    "answered_by": msg("Results by who answered: the person alone, or with help."),
    "school_stage": msg("Results by the child's stage at school, and quotas."),
    "guardian_relation": msg("Results by who answered for the child."),
    "village_role": msg("Results of consumers and of traders in villages, and quotas."),
}
"""Name of a question -> what its answers are used for, in the order of the groups of results."""
_QUESTIONS: Mapping[str, Message] = {
    **GROUP_QUESTIONS,
    "birth_year": msg("Year of birth: quotas by age, where the form does not ask for the age."),
    OVERALL: msg("Satisfaction on the whole: shown beside the score, which it never enters."),
    **dict.fromkeys(
        sorted(RESERVED_NAMES), msg("Not for a question: every frozen wave has a column of it.")
    ),
}
_PRIVACY: Mapping[PrivacyRole, Message] = {
    PrivacyRole.CONSENT: msg(
        "Whether somebody takes part: the first question, with the answer yes."
    ),
    PrivacyRole.CHILD_AGE: msg("The age of the child, a number."),
    PrivacyRole.GUARDIAN_CONSENT: msg("Whether the guardian agrees, with the answer yes."),
    PrivacyRole.ABOUT_CHILD: msg("Asked only with the guardian's consent, or from 14 years on."),
    PrivacyRole.ANONYMOUS_VISIT: msg("Whether an observer of a venue stayed unknown, with yes."),
}
_ENDS: Mapping[SectionExit, Message] = {
    SectionExit.REFUSED: msg("The interview ends after this group: nobody took part."),
    SectionExit.SCREENED_OUT: msg("The interview ends after this group: not who is asked."),
}


@dataclass(frozen=True, slots=True)
class SpecialName:
    """Name in a column of the sheet `survey`, and what the platform does with it."""

    column: str
    name: str
    meaning: Message


def list_special_names() -> Iterator[SpecialName]:
    """Yield every name that has a meaning of its own, by column of the sheet `survey`."""
    for column, names in (
        ("name", _QUESTIONS), ("privacy", _PRIVACY), ("ends", _ENDS), ("specials", SPECIAL_NAMES)
    ):  # fmt: skip
        for name, meaning in names.items():
            yield SpecialName(column, str(name), meaning)
