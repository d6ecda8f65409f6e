"""Page of questionnaires: choice of a version, its facts and tabs, and its indicator tree."""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from survey.access.roles import Action
from survey.figures.figure_table import format_for_screen
from survey.figures.views.method import PROVENANCES
from survey.kit.download_button import (
    XLSX,
    ZIP,
    File,
    draw_csv_button,
    draw_download_button,
    name_file,
)
from survey.kit.feedback import show_feedback
from survey.kit.filters import filter_row
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.results_cache import all_waves, get_results
from survey.kit.text_blocks import escape_markdown
from survey.kit.url_state import draw_tabs, pick
from survey.locale import Message, label_text, msg
from survey.locale.figures import format_score
from survey.questionnaire.checks import describe_figures
from survey.questionnaire.indicator_tree import (
    COLUMNS,
    IndicatorTree,
    Provenance,
    TreeError,
    build_tree,
    sum_weights,
    tree_bytes,
    tree_rows,
)
from survey.questionnaire.model import Instrument, Item, ItemKind, Section
from survey.questionnaire.paper_codes import SPECIAL_NAMES, number_questions
from survey.questionnaire.translations import ConditionText
from survey.questionnaire.xlsform.writer import xlsform_archive, xlsform_bytes
from survey.screens.method import draw_question_quality
from survey.screens.plan.wave_form import draw_tree_faults, store_tree
from survey.screens.questionnaires.differences import (
    draw_differences,
    draw_paper,
    draw_translations,
)
from survey.screens.questionnaires.upload import draw_checks, draw_preview, draw_upload
from survey.store.china_time import format_china_minute
from survey.waves.questionnaires import (
    Questionnaire,
    QuestionnaireSummary,
    get_questionnaire,
    list_questionnaires,
    read_pictures,
)
from survey.waves.waves import STATE_NAMES

ITEM_KIND_NAMES: Mapping[ItemKind, Message] = {
    ItemKind.RATING: msg("rating"),
    ItemKind.SELECT_ONE: msg("one answer"),
    ItemKind.SELECT_MULTIPLE: msg("several answers"),
    ItemKind.RANK: msg("ranking"),
    ItemKind.INTEGER: msg("whole number"),
    ItemKind.DECIMAL: msg("number"),
    ItemKind.TEXT: msg("open text"),
    ItemKind.DATE: msg("date"),
    ItemKind.TIME: msg("time of the day"),
    ItemKind.DATETIME: msg("date and time"),
    ItemKind.PHOTO: msg("photo"),
    ItemKind.NOTE: msg("note"),
    ItemKind.CALCULATE: msg("calculation"),
}


def draw_items(page: PageContext, instrument: Instrument, tree: IndicatorTree | None) -> None:
    """Draw the table of questions with indicators of `tree`; on request, the form as on a phone."""
    t = page.t
    wanted = st.toggle(t("Try it on a phone (nothing is stored)"), key="questionnaires/preview")
    if not wanted:
        st.html(_render_items(page, instrument, tree))
        return
    left, right = st.columns([1.35, 1], gap="large")
    with right:
        draw_preview(page, instrument)
    with left:
        st.html(_render_items(page, instrument, tree))


def _render_items(page: PageContext, instrument: Instrument, tree: IndicatorTree | None) -> str:
    t = page.t
    table = _ItemTable(page, instrument, tree)
    heads = (t("Question no."), t("Question"), t("Answers"), t("Indicator"))
    header = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    rows = "".join(row for section in instrument.sections for row in table.section(section))
    return f'<table class="hcs-items"><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>'


class _ItemTable:
    """Builder of the rows of the table of questions, as HTML."""

    def __init__(
        self, page: PageContext, instrument: Instrument, tree: IndicatorTree | None
    ) -> None:
        self._page, self._instrument, self._tree = page, instrument, tree
        self._numbers = number_questions(instrument)
        self._conditions = ConditionText(instrument, page.t, page.language)

    def section(self, section: Section) -> Iterator[str]:
        """Yield the heading row of a section and a row for each of its items."""
        t = self._page.t
        title = label_text(section.title, self._page.language, section.name)
        note = self._render_condition(section.relevant)
        if section.ends is not None:
            ending = t("The interview ends after this page.")
            note += f"<small>{escape(ending)}</small>"
        yield f'<tr><th colspan="4" scope="colgroup">{escape(title)}{note}</th></tr>'
        for item in section.items:
            yield self._render_item(item)

    def _render_item(self, item: Item) -> str:
        number = self._numbers.get(item.name)
        hints = (label_text(item.hint, self._page.language), self._conditions.write_filter(item))
        words = [
            escape(label_text(item.label, self._page.language, item.name)),
            *(f"<small>{escape(hint)}</small>" for hint in hints if hint),
            self._render_condition(item.relevant),
        ]
        return (
            f"<tr><td>{number or ''}</td><td>{''.join(words)}</td>"
            f"<td>{escape(self._describe_answers(item))}</td>"
            f"<td>{escape(self._format_indicator(item))}</td></tr>"
        )

    def _render_condition(self, source: str | None) -> str:
        if source is None:
            return ""
        words = self._page.t("Only if {condition}:", condition=self._conditions.write(source))
        return f"<small>{escape(words.rstrip(':：'))}</small>"

    def _describe_answers(self, item: Item) -> str:
        t, language = self._page.t, self._page.language
        parts = [t(ITEM_KIND_NAMES[item.kind])]
        if item.kind is ItemKind.RATING and item.minimum is not None and item.maximum is not None:
            parts.append(f"{item.minimum:g}–{item.maximum:g}")
        parts += [label_text(choice.label, language, choice.name) for choice in item.choices]
        parts += [t(SPECIAL_NAMES[special]) for special in item.specials]
        if not item.required and item.name in self._numbers:
            parts.append(t("(optional)"))
        return " · ".join(parts)

    def _format_indicator(self, item: Item) -> str:
        if item.indicator is None:
            return ""
        known = self._tree.by_code.get(item.indicator) if self._tree else None
        name = label_text(known.name, self._page.language) if known else ""
        return f"{item.indicator} {name}".strip()


_HEIGHT = 520
TreeRows = Sequence[Mapping[str, str]]


def draw_indicators(page: PageContext, questionnaire: Questionnaire) -> None:
    """Draw the indicator tree of a questionnaire; planners can change and store a copy."""
    t, tree = page.t, questionnaire.tree
    if tree is None:
        _draw_no_tree(page, questionnaire)
        return
    measured = {item.indicator for item in questionnaire.instrument.scored_items}
    st.caption(
        t(
            "Tree {name}: {count} indicators, {measured} of them measured by a question. Version "
            "{version}.",
            name=escape_markdown(tree.name),
            count=len(tree.indicators),
            measured=len(measured & tree.by_code.keys()),
            version=tree.sha256[:12],
        )
    )
    editing = page.principal.may(Action.PLAN) and st.toggle(
        t("Change a copy of it"), key=f"questionnaires/edit-tree/{tree.name}"
    )
    rows = _draw_table(page, tree, editing=editing)
    _draw_sums(page, rows)
    draw_csv_button(
        page,
        t("Indicator tree (CSV)"),
        tree.name,
        lambda: codecs.BOM_UTF8 + tree_bytes(tree),
        key=f"questionnaires/tree/{tree.name}",
    )
    if editing:
        _draw_store(page, tree, rows)
    _draw_last_measurement(page, tree)


def _draw_last_measurement(page: PageContext, tree: IndicatorTree) -> None:
    """Draw how well the questions of a tree measured together in the newest wave that used it."""
    if not page.principal.may(Action.READ_RESULTS):
        return
    wave = next((wave for wave in all_waves(page) if wave.tree_name == tree.name), None)
    if wave is None:
        return
    title = page.t("Quality of the questions: {wave}", wave=wave.label(page.language))
    with st.expander(escape_markdown(title)):
        draw_question_quality(page, get_results(page, wave))


def _draw_no_tree(page: PageContext, questionnaire: Questionnaire) -> None:
    t, named = page.t, questionnaire.instrument.tree
    figures = describe_figures(questionnaire.instrument)
    if figures is not None:
        draw_notice(t("This questionnaire has no indicators"), t(figures))
        return
    draw_notice(
        t("There is no indicator tree named {name}.", name=named or ""),
        t("Upload it under “Upload a questionnaire …”; until then no wave can be scored."),
    )


def _draw_table(page: PageContext, tree: IndicatorTree, *, editing: bool) -> TreeRows:
    """Draw the tree as a table, to edit or to read, and return its rows as texts."""
    t = page.t
    frame = pd.DataFrame(tree_rows(tree), columns=list(COLUMNS))
    frame["weight"] = frame["weight"].astype(float)
    frame["level"] = frame["level"].astype(int)

    def status(code: object) -> str:
        return t(PROVENANCES[Provenance(str(code))])

    statuses = [provenance.value for provenance in Provenance]
    config = {
        "code": st.column_config.TextColumn(t("Code"), pinned=True, required=True),
        "parent": st.column_config.TextColumn(t("Parent")),
        "level": st.column_config.NumberColumn(t("Level"), min_value=1, max_value=3, step=1),
        "name_zh": st.column_config.TextColumn(t("Name (Chinese)"), width="medium"),
        "name_en": st.column_config.TextColumn(t("Name (English)"), width="medium"),
        "weight": st.column_config.NumberColumn(
            t("Weight"), min_value=0.0, max_value=1.0, format="%.4f",
            help=t("Share of the parent; the weights under one parent add up to 1."),
        ),
        "name_status": st.column_config.SelectboxColumn(
            t("Status of the name"), options=statuses, format_func=status
        ),
        "weight_status": st.column_config.SelectboxColumn(
            t("Status of the weight"), options=statuses, format_func=status
        ),
    }  # fmt: skip
    edited = st.data_editor(
        frame,
        hide_index=True,
        height=_HEIGHT,
        num_rows="dynamic" if editing else "fixed",
        disabled=not editing,
        column_config=config,
        alt=t("Indicators and their weights"),
        key=f"questionnaires/tree-{'editor' if editing else 'table'}/{tree.sha256[:12]}"
        f"/{page.language}",
    )
    return [
        {str(name): _format_cell(str(name), value) for name, value in row.items()}
        for row in edited.to_dict(orient="records")
    ]


def _format_cell(column: str, value: object) -> str:
    """Return a cell as text for `build_tree`; a whole number may arrive as a float."""
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return repr(float(value)) if column == "weight" else f"{value:g}"
    return str(value).strip()


def _draw_sums(page: PageContext, rows: TreeRows) -> None:
    t = page.t
    sums = sum_weights(rows)
    wrong = {parent: total for parent, total in sums.items() if not total.is_right}
    if not wrong:
        st.markdown(
            t("The weights under each of the {count} parents add up to 1.", count=len(sums))
        )
        return
    listed = [
        t(
            "under {parent}: {total}",
            parent=parent or t("first level"),
            total=format_score(total.total, 4),
        )
        for parent, total in wrong.items()
    ]
    st.error(t("Weights that do not add up to 1: {listed}", listed=t(", ").join(listed)))


def _draw_store(page: PageContext, tree: IndicatorTree, rows: TreeRows) -> None:
    """Draw the name field and store button for a changed indicator tree, or the tree's errors."""
    t = page.t
    st.markdown(
        t(
            "A stored tree never changes, so no figure of an earlier wave moves. The copy gets a "
            "name of its own; a questionnaire names it in its settings."
        )
    )
    name = st.text_input(
        t("Name of the tree"),
        f"{tree.name}-2",
        max_chars=80,
        key=f"questionnaires/tree-name/{tree.name}",
    ).strip()
    try:
        changed = build_tree(list(enumerate(rows, start=1)), name=name or tree.name)
    except TreeError as error:
        draw_tree_faults(page, error, t("Nothing was stored. Mend these rows of the table."))
        return
    same = changed.indicators == tree.indicators
    if same:
        st.caption(t("Nothing is changed yet."))
    st.button(
        t("Store this tree"),
        type="primary",
        key="questionnaires/store-tree",
        disabled=same or not name or name == tree.name,
        on_click=partial(store_tree, page, changed),
    )


FORM = "form"
"""Parameter of the address that names a version."""
ALL, NEW = "all", "new"


def draw_questionnaires(page: PageContext) -> None:
    """Draw the list of questionnaires, one version with its tabs, or the upload of a new one."""
    t = page.t
    show_feedback(page)
    with page.read() as work:
        summaries = list_questionnaires(work)
    by_key = {summary.key: summary for summary in summaries}
    choices = {ALL: t("All questionnaires")}
    choices |= {key: _format_title(page, each) for key, each in by_key.items()}
    if page.principal.may(Action.PLAN):
        choices[NEW] = t("Upload a questionnaire …")
    with filter_row():
        chosen = pick(page, t("Questionnaire"), FORM, choices)
    if chosen == ALL and NEW in choices:
        st.button(
            t("Upload a questionnaire"),
            type="primary",
            icon=":material/upload:",
            key="questionnaires/new",
            on_click=partial(_open, NEW),
        )
    if chosen == NEW:
        draw_upload(page, summaries)
    elif chosen == ALL:
        _draw_list(page, summaries)
    else:
        _draw_version(page, by_key[chosen], summaries)


def _open(key: str) -> None:
    st.query_params[FORM] = key


def _format_title(page: PageContext, summary: QuestionnaireSummary) -> str:
    title = label_text(summary.title, page.language, summary.name)
    return f"{title} · {summary.name} {summary.version}"


def _draw_list(page: PageContext, summaries: tuple[QuestionnaireSummary, ...]) -> None:
    t = page.t
    if not summaries:
        draw_notice(
            t("There is no questionnaire yet"),
            t(
                "An administrator uploads one here as an XLSForm workbook; `survey init` brings in "
                "those that come with the platform."
            ),
        )
        return
    st.caption(t("Versions: {count}. A stored version never changes.", count=len(summaries)))
    table = st.dataframe(
        format_for_screen(
            {
                t("Title"): [label_text(each.title, page.language) for each in summaries],
                t("Short name"): [each.name for each in summaries],
                t("Version"): [each.version for each in summaries],
                t("Questions"): [each.items for each in summaries],
                t("Scored"): [each.scored for each in summaries],
                t("Stored on"): [format_china_minute(t, each.added_at) for each in summaries],
                t("By"): [_describe_author(page, each) for each in summaries],
                t("Used in"): [_format_uses(page, each) for each in summaries],
            }
        ),
        hide_index=True, alt=t("All questionnaires"), on_select="rerun",
        selection_mode="single-row", key=f"questionnaires/list/{page.language}",
    )  # fmt: skip
    rows = table["selection"]["rows"]
    if rows and rows[0] < len(summaries):
        st.query_params[FORM] = summaries[rows[0]].key
        st.rerun()


def _describe_author(page: PageContext, summary: QuestionnaireSummary) -> str:
    if summary.added_by == "operator":
        return page.t("operator of the server")
    return summary.added_by or "–"


def _format_uses(page: PageContext, summary: QuestionnaireSummary) -> str:
    shown = [
        f"{label_text(use.title, page.language, use.key)} ({page.t(STATE_NAMES[use.state])})"
        for use in summary.uses
    ]
    return page.t(", ").join(shown) or "–"


def _draw_version(
    page: PageContext, summary: QuestionnaireSummary, summaries: tuple[QuestionnaireSummary, ...]
) -> None:
    t = page.t
    with page.read() as work:
        questionnaire = get_questionnaire(work, instrument_id=summary.id)
    title = label_text(summary.title, page.language, summary.name)
    st.header(escape_markdown(title), anchor=False)
    st.caption(
        t(
            "{name}, version {version} · {items} questions, {scored} of them scored · stored on "
            "{time} · used in: {waves}",
            name=escape_markdown(summary.name),
            version=escape_markdown(summary.version),
            items=summary.items,
            scored=summary.scored,
            time=format_china_minute(t, summary.added_at),
            waves=escape_markdown(_format_uses(page, summary)),
        )
    )
    instrument = questionnaire.instrument
    draw_download_button(
        page,
        t("XLSForm workbook and pictures (.zip)") if instrument.pictures else t("XLSForm workbook"),
        File(
            name_file(page, file_stem(summary), "zip"),
            ZIP,
            partial(_build_archive, page, instrument),
        )
        if instrument.pictures
        else File(
            name_file(page, file_stem(summary), "xlsx"), XLSX, partial(xlsform_bytes, instrument)
        ),
        key=f"questionnaires/xlsform/{summary.key}",
        icon=":material/table:",
    )
    _draw_parts(page, summary, summaries, questionnaire)


def _build_archive(page: PageContext, instrument: Instrument) -> bytes:
    with page.read() as work:
        return xlsform_archive(instrument, read_pictures(work, instrument=instrument))


def _draw_parts(
    page: PageContext,
    summary: QuestionnaireSummary,
    summaries: tuple[QuestionnaireSummary, ...],
    questionnaire: Questionnaire,
) -> None:
    t, instrument = page.t, questionnaire.instrument
    tabs = {
        "items": (t("Questions"), partial(draw_items, page, instrument, questionnaire.tree)),
        "indicators": (t("Indicators"), partial(draw_indicators, page, questionnaire)),
        "differences": (
            t("Difference between versions"), partial(draw_differences, page, summary, summaries)
        ),
        "translations": (t("Translation"), partial(draw_translations, page, instrument)),
        "paper": (
            t("Paper questionnaire"), partial(draw_paper, page, instrument, file_stem(summary))
        ),
        "checks": (t("Check"), partial(draw_checks, page, summary)),
    }  # fmt: skip
    draw_tabs(page, tabs)


def file_stem(summary: QuestionnaireSummary) -> str:
    """Return name and version of a questionnaire as the first part of file names."""
    return re.sub(r"[^\w.-]+", "-", f"{summary.name}-{summary.version}")
