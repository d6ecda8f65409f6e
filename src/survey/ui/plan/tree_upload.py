"""Upload of an indicator tree: template, wrong rows, and storing it."""

import codecs
from functools import partial
from pathlib import PurePath

import pandas as pd
import streamlit as st

from survey.access.work import Work
from survey.fieldwork.instruments import add_tree
from survey.instrument.indicator_tree import IndicatorTree, TreeError, read_tree_content
from survey.settings import PROJECT_ROOT
from survey.ui.download_button import CSV, File, draw_download_button
from survey.ui.feedback import perform
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext

_SHOWN = 100
_TEMPLATE = PROJECT_ROOT / "seed" / "tree_template.csv"


def draw_tree_upload(page: PageContext) -> None:
    """Draw the template and the upload of a tree; the caller checks the right to plan."""
    t = page.t
    st.subheader(t("An indicator tree of your own"), anchor=False)
    st.caption(
        t(
            "A questionnaire names its tree in its settings. Weights under one parent add up to 1. "
            "A tree that is stored never changes: give a changed one a new name."
        )
    )
    draw_download_button(
        page,
        t("Template (CSV)"),
        File("indicator-tree.csv", CSV, _read_template),
        key="plan-tree-template",
        icon=":material/table:",
    )
    given = st.file_uploader(t("Indicator tree (CSV)"), type=["csv"], key="plan-tree-file")
    if given is None:
        return
    name = st.text_input(
        t("Name of the tree"),
        PurePath(given.name).stem,
        max_chars=80,
        key=f"plan-tree-name/{given.file_id}",
        help=t("What the settings of a questionnaire call it."),
    ).strip()
    if not name:
        draw_notice(t("The name is missing."), t("Nothing was stored."))
        return
    try:
        tree = read_tree_content(given.getvalue(), file_name=given.name, name=name)
    except TreeError as error:
        draw_tree_faults(page, error, t("Nothing was stored. Mend the file and upload it again."))
        return
    st.write(t("{count} indicators are right.", count=f"{len(tree.indicators):,}"))
    st.button(
        t("Store this tree"),
        type="primary",
        key="plan-tree-store",
        on_click=partial(store_tree, page, tree),
    )


def _read_template() -> bytes:
    """Return the template with a byte-order mark, so that spreadsheets read it as UTF-8."""
    return codecs.BOM_UTF8 + _TEMPLATE.read_bytes()


def draw_tree_faults(page: PageContext, error: TreeError, advice: str) -> None:
    """Draw every wrong row of a tree, and what to do about them."""
    t = page.t
    draw_notice(t("This tree cannot be used."), advice)
    faults = pd.DataFrame(
        [(str(fault.row or "–"), fault.column or "–", t(fault.text)) for fault in error.all],
        columns=[t("Row"), t("Column"), t("Reason")],
    )
    st.table(faults.head(_SHOWN), hide_index=True, border="horizontal", alt=t("Wrong rows"))
    if len(faults) > _SHOWN:
        st.caption(t("The first {shown} of {count}.", shown=_SHOWN, count=f"{len(faults):,}"))


def store_tree(page: PageContext, tree: IndicatorTree) -> None:
    """Store a tree under its name, and say so."""

    def add(work: Work) -> None:
        add_tree(work, tree=tree)

    done = page.t(
        "The indicator tree {name} is stored: {count} indicators, version {version}.",
        name=tree.name,
        count=f"{len(tree.indicators):,}",
        version=tree.sha256[:12],
    )
    perform(page, add, done=done)
