"""Tabs of a questionnaire: difference to another version, translations, paper form."""

from functools import partial

import pandas as pd
import streamlit as st

from survey.figures.figure_table import csv_bytes
from survey.kit.download_button import PDF, File, draw_csv_button, draw_download_button, name_file
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown, render_text_table
from survey.kit.url_state import pick, pick_by_button
from survey.locale import label_text
from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.translations import (
    TEXT_PART_NAMES,
    TranslatedText,
    count_missing,
    list_texts,
)
from survey.questionnaire.version_difference import (
    COMPARABILITY_NAMES,
    ITEM_CHANGE_NAMES,
    Comparability,
    IndicatorComparison,
    ItemChange,
    ItemDifference,
    compare_indicators,
    compare_versions,
)
from survey.reports.paper_form_pdf import LARGE_PRINT, paper_form_pdf
from survey.waves.questionnaires import (
    Questionnaire,
    QuestionnaireSummary,
    choose_predecessor,
    get_questionnaire,
    read_pictures,
)


def draw_paper(page: PageContext, instrument: Instrument, file_stem: str) -> None:
    """Draw the choice of language and size, and the download of the printable questionnaire."""
    t = page.t
    st.markdown(
        t(
            "A printable questionnaire on A4. Questions and answers carry the numbers that the "
            "page for paper entry counts by, and routes are said in words, so what is filled in "
            "can be keyed without thinking. Write the number of the sheet on the first page."
        )
    )
    names = {language.code: language.name for language in instrument.languages}
    sizes = {
        "usual": t("Usual print"),
        "large": t("Large print, at least {points} pt", points=f"{LARGE_PRINT.small:g}"),
    }
    preferred = page.language if page.language in names else instrument.default_language
    with st.container(horizontal=True, vertical_alignment="bottom"):
        language = pick_by_button(
            page, t("Language of the paper"), "paper_language", names, default=preferred
        )
        size = pick_by_button(page, t("Size of print"), "print", sizes)
    large = size == "large"
    name = "-".join([file_stem, language, *(["large"] if large else [])])
    draw_download_button(
        page,
        t("Paper questionnaire (PDF)"),
        File(
            name_file(page, name, "pdf"),
            PDF,
            partial(_build_paper, page, instrument, language=language, large=large),
        ),
        key=f"questionnaires/paper/{name}",
        type="primary",
        icon=":material/print:",
    )


def _build_paper(page: PageContext, instrument: Instrument, *, language: str, large: bool) -> bytes:
    with page.read() as work:
        pictures = read_pictures(work, instrument=instrument)
    return paper_form_pdf(instrument, pictures, language=language, large=large)


_HEIGHT = 560


def draw_translations(page: PageContext, instrument: Instrument) -> None:
    """Draw all texts of a questionnaire in its languages, and how many are missing."""
    t = page.t
    if len(instrument.languages) == 1:
        st.caption(
            t(
                "This questionnaire is in one language: {name}.",
                name=escape_markdown(instrument.languages[0].name),
            )
        )
    missing = {code: count for code, count in count_missing(instrument).items() if count}
    names = {language.code: language.name for language in instrument.languages}
    if missing:
        listed = t(", ").join(f"{names[code]}: {count:,}" for code, count in missing.items())
        st.warning(t("Missing texts: {listed}", listed=escape_markdown(listed)))
    else:
        st.markdown(t("No text is missing."))
    only_missing = bool(missing) and st.toggle(
        t("Missing texts only"), key="questionnaires/missing"
    )
    texts = [
        text
        for text in list_texts(instrument)
        if not only_missing or any(text.is_missing(code) for code in names)
    ]
    st.dataframe(
        _build_texts_table(page, instrument, texts),
        hide_index=True,
        height=_HEIGHT,
        alt=t("Texts of the questionnaire"),
    )

    def make() -> bytes:
        return csv_bytes(_build_texts_table(page, instrument, list(list_texts(instrument))))

    draw_csv_button(page, t("All texts (CSV)"), "texts", make, key="questionnaires/texts")


def _build_texts_table(
    page: PageContext, instrument: Instrument, texts: list[TranslatedText]
) -> pd.DataFrame:
    t = page.t
    absent = t("(missing)")
    columns: dict[str, list[str]] = {
        t("Short name"): [text.item for text in texts],
        t("Part"): [t(TEXT_PART_NAMES[text.part]) for text in texts],
    }
    for language in instrument.languages:
        columns[f"{language.name} ({language.code})"] = [
            absent if text.is_missing(language.code) else text.texts[language.code]
            for text in texts
        ]
    return pd.DataFrame(columns)


_NONE = "none"


def draw_differences(
    page: PageContext, chosen: QuestionnaireSummary, summaries: tuple[QuestionnaireSummary, ...]
) -> None:
    """Draw the choice of another version, and what differs from it in the chosen one."""
    t = page.t
    others = {each.key: each for each in summaries if each.key != chosen.key}
    if not others:
        draw_notice(
            t("There is no other version to compare with"),
            t("The difference appears here as soon as a second one is stored."),
        )
        return
    usual = choose_predecessor(summaries, chosen)
    choices = {_NONE: t("Please choose")}
    choices |= {
        key: f"{label_text(each.title, page.language)} · {each.name} {each.version}"
        for key, each in others.items()
    }
    default = usual.key if usual else _NONE
    key = pick(page, t("Compared with version"), "before", choices, default=default)
    if key not in others:
        return
    with page.read() as work:
        before, after = (
            get_questionnaire(work, instrument_id=each.id) for each in (others[key], chosen)
        )
    draw_difference(page, before, after, key=f"questionnaires/difference/{chosen.key}/{key}")


def draw_difference(
    page: PageContext, before: Questionnaire, after: Questionnaire, *, key: str
) -> None:
    """Draw how comparable `before` and `after` are by indicator, then each differing question."""
    t = page.t
    differences = compare_versions(before.instrument, after.instrument)
    verdicts = compare_indicators(
        before.instrument, after.instrument, before_tree=before.tree, after_tree=after.tree
    )
    _draw_verdicts(page, verdicts)
    st.subheader(t("Questions"), anchor=False)
    if not differences:
        st.markdown(t("No question differs."))
        return
    counts = {change: sum(change in each.changes for each in differences) for change in ItemChange}
    st.markdown(
        page.t(", ").join(
            f"{page.t(ITEM_CHANGE_NAMES[change])} {count:,}"
            for change, count in counts.items()
            if count
        )
    )
    table = _build_difference_table(page, differences, before.instrument, after.instrument)
    shown = table.map(escape_markdown).rename(columns=escape_markdown)
    st.table(shown, hide_index=True, border="horizontal", alt=t("Questions that differ"))
    make = partial(csv_bytes, table)
    draw_csv_button(page, t("Difference (CSV)"), "difference", make, key=f"{key}/file")


def _draw_verdicts(page: PageContext, verdicts: tuple[IndicatorComparison, ...]) -> None:
    t = page.t
    st.subheader(t("Comparisons over the years"), anchor=False)
    if not verdicts:
        st.markdown(t("No question is scored, so no indicator is compared."))
        return
    affected = [each for each in verdicts if each.verdict is not Comparability.SAME]
    if not affected:
        st.markdown(t("All {count} indicators stay comparable.", count=f"{len(verdicts):,}"))
        return
    st.markdown(
        t(
            "{same} of {count} indicators stay comparable. These do not, or only with caution:",
            same=f"{len(verdicts) - len(affected):,}",
            count=f"{len(verdicts):,}",
        )
    )
    rows = [
        (
            each.code,
            label_text(each.name, page.language) if each.level else t("Composite satisfaction"),
            t(COMPARABILITY_NAMES[each.verdict]),
            t(each.reason) if each.reason else "",
        )
        for each in affected
    ]
    heads = (t("Code"), t("Indicator"), t("Over the years"), t("Reason"))
    st.html(render_text_table(heads, rows))


def _build_difference_table(
    page: PageContext,
    differences: tuple[ItemDifference, ...],
    before: Instrument,
    after: Instrument,
) -> pd.DataFrame:
    t = page.t
    return pd.DataFrame(
        [
            (
                each.name,
                t(", ").join(t(ITEM_CHANGE_NAMES[change]) for change in each.changes),
                _describe_item(page, each, each.before),
                _describe_item(page, each, each.after),
            )
            for each in differences
        ],
        columns=[
            t("Short name"),
            t("Change"),
            t("Before ({version})", version=before.version),
            t("Now ({version})", version=after.version),
        ],
    )


def _describe_item(page: PageContext, difference: ItemDifference, item: Item | None) -> str:
    """Return, in one line, a question's label and its parts that changed; `–` if `item` is None."""
    if item is None:
        return "–"
    words = [label_text(item.label, page.language, item.name)]
    changes = set(difference.changes)
    if ItemChange.SCALE in changes:
        words.append(f"{item.minimum or 0:g}–{item.maximum or 0:g}")
    if ItemChange.INDICATOR in changes:
        words.append(item.indicator or "–")
    if ItemChange.CHOICES in changes:
        words.append(
            " / ".join(label_text(each.label, page.language, each.name) for each in item.choices)
        )
    if ItemChange.RULES in changes:
        words.append(item.constraint or item.calculation or "")
    if ItemChange.ROUTE in changes:
        words.append(item.relevant or "")
    return " · ".join(filter(None, words))
