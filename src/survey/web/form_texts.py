"""Translated texts of the browser forms, by key and language of the questionnaire."""

from collections.abc import Mapping
from functools import lru_cache

from survey.locale import DEFAULT_LANGUAGE, LANGUAGES, translator


def screen_language(code: str, default: str = DEFAULT_LANGUAGE) -> str:
    """Return the screen language for a form in language `code`: the same, English or `default`.

    A questionnaire without named languages is taken to be in the default language.
    """
    primary = code.lower().partition("-")[0]
    if primary in LANGUAGES:
        return primary
    return "en" if len(primary) in {2, 3} and primary.isalpha() else default


def form_texts(language: str) -> dict[str, str]:
    """Return `key -> text` of the interview form in a language; the browser fills in the `{…}`."""
    t = translator(language)
    return {
        "next": t("Continue"),
        "back": t("Back"),
        "submit": t("Submit"),
        "finish": t("Finish"),
        "end_and_send": t("End here and send"),
        "optional": t("(optional)"),
        "choose": t("Please choose"),
        "clear": t("Clear this answer"),
        "special_dk": t("Don't know"),
        "special_na": t("Not experienced"),
        "special_refused": t("Prefer not to say"),
        "list_comma": t(", "),
        "language": t("Language"),
        "large_text": t("Large text"),
        "read_aloud": t("Read aloud"),
        "read_this": t("Read this question to me"),
        "progress": t("Progress"),
        "demo": t("Demo"),
        "saved": t("Saved on this device"),
        "not_kept": t("This browser cannot keep a draft. Please finish without closing the page."),
        "resumed": t("Your earlier answers are here. You can carry on."),
        "start_over": t("Start over"),
        "withdraw": t("Leave and delete my answers"),
        "forget_sure": t("Delete the answers on this device? This cannot be undone."),
        "forget_yes": t("Delete"),
        "forget_no": t("Keep them"),
        "withdrawn": t("Your answers have been deleted"),
        "withdrawn_text": t("Nothing was sent. Thank you for your time."),
        "begin_again": t("Begin again"),
        "next_interview": t("Start the next interview"),
        "pending_one": t("1 interview waiting to be sent"),
        "pending_many": t("{count} interviews waiting to be sent"),
        "send_now": t("Send now"),
        "sending": t("Sending …"),
        "kept_here": t("Saved on this device, not sent yet"),
        "kept_here_text": t(
            "Your answers are safe here and are sent by themselves as soon as there is a network. "
            "Please do not clear the data of this browser."
        ),
        "received": t("Received. Thank you!"),
        "received_text": t("Your answers help to make shopping better in this city."),
        "ended_text": t("Thank you for your time."),
        "quota_title": t("Thank you, that is all we need"),
        "quota_text": t(
            "Enough people in a situation like yours have taken part in this city, so we need not "
            "take more of your time."
        ),
        "quota_kept": t(
            "Your answers are kept. While you were answering, the last interview needed from "
            "people in a situation like yours in this city came in, so yours does not count "
            "towards the score. Thank you all the same."
        ),
        "parked": t("Handed to the supervisor"),
        "parked_text": t(
            "Your answers arrived, but too late to count by themselves. A supervisor of this city "
            "decides about them. You need not do anything more. Thank you!"
        ),
        "receipt_code": t("Receipt {code}"),
        "may_close": t("You may close this page now."),
        "code_text": t(
            "This code withdraws your answers until the results are computed, at {address}. It "
            "is also kept on this device."
        ),
        "code_aloud": t(
            "Please give the respondent this code, read aloud or on paper. It withdraws their "
            "answers, at {address}, until the results are computed."
        ),
        "phone_text": t(
            "May we call you to check that this interview took place? You need not. The number is "
            "kept apart, encrypted, and deleted soon."
        ),
        "phone_label": t("Telephone number"),
        "phone_leave": t("Leave this number"),
        "phone_kept": t("Thank you. Your number is kept for a check call only."),
        "phone_failed": t("The number could not be sent. You may try again or leave it."),
        "refused": t("These answers could not be accepted"),
        "refused_text": t("Please show this page to the surveyor who gave you the link."),
        "problem_required": t("Please answer this question."),
        "problem_integer": t("Please enter a whole number, for example 35."),
        "problem_number": t("Please enter a number, for example 12.5."),
        "problem_range": t("Please enter a number from {min} to {max}."),
        "problem_min": t("Please enter {min} or more."),
        "problem_max": t("Please enter {max} or less."),
        "problem_rank": t("Please give every answer a place of its own."),
        "problem_choice": t("This answer does not go with an earlier one. Please choose again."),
        "problem_constraint": t("This answer does not seem right. Please check it."),
        "problems_count": t("Questions that need your attention: {count}"),
    }


def photo_texts(language: str) -> dict[str, str]:
    """Return `key -> text` of photo questions, which only observers of venues are asked."""
    t = translator(language)
    return {
        "photo_faces": t(
            "Please keep faces, number plates and names out of the picture. Place and time that "
            "the camera notes are removed."
        ),
        "photo_place": t("For this photo place and time of the camera are kept beside it."),
        "photo_alt": t("The photo that was taken"),
        "photo_remove": t("Remove this photo"),
        "photo_preparing": t("The photo is being made smaller …"),
        "photo_sending": t("The photo is being sent …"),
        "photo_arrived": t("The photo has arrived."),
        "photo_kept": t(
            "The photo has not arrived yet. It is kept on this device and is sent by itself as "
            "soon as there is a network."
        ),
        "photo_in_memory": t(
            "The photo has not arrived yet, and this browser keeps it only as long as this page is "
            "open. Please do not close it."
        ),
        "photo_not_here": t(
            "This photo is not on this device. If it did not arrive, you are told when you send."
        ),
    }


def preview_texts(language: str) -> dict[str, str]:
    """Return `key -> text` that replaces the form's when a questionnaire is only tried out."""
    t = translator(language)
    nothing = t("This was a trial. Nothing was stored.")
    return {
        "received": t("End of the trial"),
        "received_text": nothing,
        "ended_text": nothing,
        "saved": t("Trial: nothing is stored"),
        "next_interview": t("Try it again"),
    }


def paper_texts(language: str) -> dict[str, str]:
    """Return `key -> text` that the grid for keying paper sheets has besides the form's texts."""
    t = translator(language)
    return {
        "paper_serial": t("Number of the sheet"),
        "paper_point": t("Sampling point"),
        "paper_surveyor": t("Surveyor"),
        "paper_day": t("Day of the interview"),
        "paper_end": t("Hand in this sheet and go on to the next"),
        "paper_settle": t("Settle this sheet"),
        "paper_empty": t("empty"),
        "paper_blank": t("left blank"),
        "paper_not_asked": t("not asked"),
        "paper_second": t("Second keying"),
        "paper_keys_move": t("Enter: next line; arrow up or Shift+Tab: back; 0 is 10"),
        "paper_keys_codes": t(
            "B or /: don't know; M or *: not experienced; J or -: prefers not to say; "
            "Q or .: left blank; Esc: clear the sheet"
        ),
        "paper_keys_pick": t("1 or 2: the keying that agrees with the paper; 0: key it anew"),
        "paper_help_serial": t("Key the number printed on the sheet, then Enter. No zeros needed."),
        "paper_help_end": t("Enter hands the sheet in. Arrow up goes back."),
        "paper_pick_first": t("1 first keying"),
        "paper_pick_second": t("2 second keying"),
        "paper_pick_other": t("0 neither: key what the paper says"),
        "paper_phone": t(
            "This page is made for an office keyboard. It also works here, but slowly."
        ),
        "paper_serial_wrong": t("Please key the number printed on the sheet."),
        "paper_finish_first": t("Hand in or clear this sheet before you open another one."),
        "paper_unlock": t("Press Enter to correct the number."),
        "paper_no_such_key": t("{key} means nothing here."),
        "paper_discard": t("Press Esc again to clear this sheet, any other key to keep it."),
        "paper_look_again": t("Some answers need another look."),
        "paper_trouble": t(
            "Sheet {serial} was not accepted: {reason} Key its number to open it again."
        ),
        "paper_trouble_problems": t(
            "Some answers of sheet {serial} need another look. Key its number to open it again."
        ),
        "paper_now_settled": t("Sheet {serial} has been handed in."),
        "paper_now_second": t("Sheet {serial} is kept and waits to be keyed again by a colleague."),
        "paper_now_verdict": t("Sheet {serial} is kept; it differs and waits for a third person."),
        "problem_decisive": t(
            "Without this answer there is no interview. Please set the sheet aside."
        ),
    }


@lru_cache(maxsize=64)
def texts_for(
    languages: tuple[str, ...], default: str = DEFAULT_LANGUAGE
) -> Mapping[str, dict[str, str]]:
    """Return `language code -> (key -> text)` of the form; English or `default` for other codes."""
    return {code: form_texts(screen_language(code, default)) for code in languages}
