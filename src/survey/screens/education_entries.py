"""Entries of a register as their keepers see them: forms, lists from a file, changes, visits."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from survey.access.principal import covers_whole_area
from survey.access.roles import NATION
from survey.compute.photo_cleaning import PhotoRefusedError, clean_photo
from survey.education.entry_list import (
    EntryList,
    add_entries,
    build_template,
    propose_entry_mapping,
    read_entry_file,
)
from survey.education.registers import (
    VISITS,
    D,
    E,
    EntryPhoto,
    Register,
    RegisteredEntry,
    add_entry,
    add_visit,
    change_entry,
    list_entries,
    list_entry_steps,
    take_out_entry,
)
from survey.figures.views.display_names import DisplayNames
from survey.frame.city_frame import shipped_cities
from survey.kit.audit_labels import format_action, format_actor, format_detail
from survey.kit.feedback import change_on_click, run_change, run_change_below_button, show_feedback
from survey.kit.list_entry import ListFile, draw_mapped_upload, draw_read_columns
from survey.kit.page_runner import PageContext
from survey.kit.record_form import draw_fields, list_fields
from survey.kit.response_html import render_photo
from survey.kit.text_blocks import MAX_LISTED_ROWS, escape_markdown, render_text_table
from survey.store.china_time import format_china_minute
from survey.store.tables.registers import BaseData, VisitData

_ENTERED, _LISTED = "register/entered", "register/listed"
Entries = Sequence[RegisteredEntry[D]]


def draw_keeping(page: PageContext, register: Register[E, D], own: Entries[D]) -> None:
    """Draw the forms of a register, and one of the entries `own`, which the reader may change."""
    t = page.t
    show_feedback(page)
    with st.expander(t("Enter one")):
        _draw_form(page, register, partial(add_entry, register=register))
    with st.expander(t("Enter a list")):
        _draw_list(page, register)
    if not own:
        return
    names = {str(each.seen.id): _name_entry(page, register, each) for each in own}
    chosen = st.selectbox(
        t("Entry to look at, change or take out"),
        list(names),
        index=None,
        format_func=names.__getitem__,
        key=f"{register.sheet}/entry",
    )
    if chosen is not None:
        entry = next(each for each in own if str(each.seen.id) == chosen)
        _draw_entry(page, register, entry)
        if isinstance(entry.data, BaseData):
            _draw_visits(page, entry)


def _name_entry(page: PageContext, register: Register[E, D], entry: RegisteredEntry[D]) -> str:
    """Return the title of an entry with what tells it from another of the same title."""
    columns = register.data.columns()
    told = [name for name in ("held_on", "visited_on", "done_on", "year") if name in columns]
    before = [text for _, text in list_fields(page.t, entry.data, told)] if told else []
    return " · ".join([*before, entry.title])


def get_own_area(page: PageContext) -> str:
    return page.principal.area or NATION


def _draw_area(page: PageContext, register: Register[E, D]) -> str:
    """Draw the choice of the area of a new entry, where there is one, and return its code."""
    own, names = get_own_area(page), DisplayNames(page.language, None)
    inside = [each.code for each in shipped_cities()]
    areas = [
        own,
        *(each for each in inside if each != own and covers_whole_area(page.principal, each)),
    ]
    if not register.has_areas or len(areas) == 1:
        return own
    return str(st.selectbox(page.t("Area"), areas, format_func=names.area))


def _draw_form(
    page: PageContext, register: Register[E, D], enter: Callable[..., Any], **known: Any
) -> None:
    """Draw the form of a new entry; it is emptied when the entry is stored.

    Args:
        enter: Service that enters it, given the work, `data` and `photo`.
        known: Fields that are not typed; without any the area is chosen.
    """
    t = page.t
    slot, counter = f"{register.sheet}/enter", f"{_ENTERED}/{register.sheet}"
    entered = int(st.session_state.get(counter, 0))
    with st.form(f"{slot}/{entered}", border=False, enter_to_submit=False):
        known = known or {"area": _draw_area(page, register)}
        typed = draw_fields(t, register.data)
        content = _draw_photo_upload(page) if "photo_id" in register.table.model_fields else b""
        show_feedback(page, slot)
        if not st.form_submit_button(t("Enter it"), type="primary"):
            return
    try:
        photo = EntryPhoto(clean_photo(content), page.settings.photo_dir) if content else None
    except PhotoRefusedError as refusal:
        st.error(t(refusal.message))
        return
    data = register.data(**known, **typed)
    added = run_change_below_button(
        page,
        lambda work: enter(work, data=data, photo=photo),
        done=t("It is in the register."),
        slot=slot,
    )
    if added is not None:
        st.session_state[counter] = entered + 1
    st.rerun()


def _draw_photo_upload(page: PageContext) -> bytes:
    t = page.t
    sent = st.file_uploader(
        t("Photo (may stay empty)"),
        type=["jpg", "jpeg", "png", "webp"],
        help=t(
            "Place and device are removed on arrival. Please take none with faces of children, "
            "and others only with their consent."
        ),
    )
    return sent.getvalue() if sent is not None else b""


def _draw_list(page: PageContext, register: Register[E, D]) -> None:
    """Draw the upload of a list, its problems or what it would enter."""
    t, counter = page.t, f"{_LISTED}/{register.sheet}"
    draw_mapped_upload(
        page,
        ListFile(
            register.sheet,
            t("List (XLSX or CSV)"),
            f"{register.sheet}/list/{st.session_state.get(counter, 0)}",
            ("xlsx", "csv"),
        ),
        template=lambda _: build_template(register),
        read=partial(read_entry_file, register=register),
        propose=lambda _, content: propose_entry_mapping(register, content=content),
        confirm=partial(_confirm_list, page, register),
    )


def _confirm_list(page: PageContext, register: Register[E, D], listed: EntryList[D]) -> None:
    """Draw what a list would enter, the question about what seems to be there, and the button."""
    t, count, key = page.t, len(listed.entries), f"{register.sheet}/list"
    st.write(t("{count} rows are right.", count=count))
    draw_read_columns(page, listed.mapping, build_template(register))
    with_repeated = False
    if listed.repeated:
        details: Callable[[Any], Mapping[str, Any]] = register.details
        names = t("; ").join(
            str(details(each)["title"]) for each in listed.repeated[:MAX_LISTED_ROWS]
        )
        st.warning(
            t(
                "{count} of them seem to be in the register already: {names}. They are left out.",
                count=len(listed.repeated),
                names=escape_markdown(names),
            )
        )
        with_repeated = st.checkbox(
            t("Enter them again; they are others of the same name."), key=f"{key}/again"
        )
    count -= 0 if with_repeated else len(listed.repeated)
    if not count or not st.button(
        t("Enter {count} rows", count=count), key=f"{key}/enter", type="primary"
    ):
        return
    added = run_change(
        page,
        partial(add_entries, register=register, listed=listed, with_repeated=with_repeated),
        done=lambda number: t("{count} rows are in the register.", count=number),
    )
    if added is not None:
        counter = f"{_LISTED}/{register.sheet}"
        st.session_state[counter] = int(st.session_state.get(counter, 0)) + 1
    st.rerun()


def _draw_entry(page: PageContext, register: Register[E, D], entry: RegisteredEntry[D]) -> None:
    """Draw an entry of the own area: all its fields, its photo, its changes, and the forms."""
    t = page.t
    key = f"{register.sheet}/{entry.seen.id}/{entry.seen.version}"
    st.html(render_text_table((t("Field"), t("Content")), list_fields(t, entry.data)))
    if entry.photo_id is not None:
        st.html(render_photo(str(entry.photo_id), t("photo")))
    with st.expander(t("Change it")):
        _draw_change(page, register, entry, key)
    with st.expander(t("Take it out")):
        reason = st.text_input(t("Reason"), max_chars=300, key=f"{register.sheet}/reason")
        st.caption(t("It leaves the register for good; it stays stored with the reason."))
        slot = f"{register.sheet}/take-out"
        show_feedback(page, slot)
        change = partial(take_out_entry, seen=entry.seen, register=register, reason=reason)
        st.button(
            t("Take “{title}” out", title=escape_markdown(entry.title)),
            key=slot,
            on_click=change_on_click,
            args=(page, change, t("It is taken out."), slot),
        )
    history = st.expander(t("Changes"), key=f"{key}/steps", on_change="rerun")
    if history.open:
        with history:
            _draw_steps(page, register, entry)


def _draw_change(
    page: PageContext, register: Register[E, D], entry: RegisteredEntry[D], key: str
) -> None:
    t, slot = page.t, f"{register.sheet}/change"
    with st.form(f"{key}/change", border=False, enter_to_submit=False):
        before = {name: getattr(entry.data, name) for name in register.data.columns()}
        typed = draw_fields(t, register.data, **before)
        show_feedback(page, slot)
        if not st.form_submit_button(t("Save the change"), type="primary"):
            return
    data = register.data.of(entry.data, **typed)
    run_change_below_button(
        page,
        lambda work: change_entry(work, entry.seen, register=register, data=data),
        done=t("It is changed."),
        slot=slot,
    )
    st.rerun()


def _draw_steps(page: PageContext, register: Register[E, D], entry: RegisteredEntry[D]) -> None:
    t = page.t
    steps = page.read_late(
        partial(list_entry_steps, register=register, entry_id=entry.seen.id)
    ).value
    rows = [
        (
            format_china_minute(t, each.at),
            format_actor(t, each.actor),
            format_action(t, each.action),
            "; ".join(format_detail(t, each.detail)) if "from" in each.detail else "–",
        )
        for each in reversed(steps)
    ]
    st.html(render_text_table((t("When"), t("Who"), t("What"), t("Before → after")), rows))


def read_visits(page: PageContext, area: str) -> Entries[VisitData]:
    return page.read_late(partial(list_entries, register=VISITS, area=area)).value


def _draw_visits(page: PageContext, base: RegisteredEntry[Any]) -> None:
    """Draw the visits to a base, the form of a new one, and one of them to change."""
    t = page.t
    st.subheader(t("Visits to {name}", name=escape_markdown(base.title)), anchor=False)
    own = [each for each in read_visits(page, base.data.area) if each.data.base_id == base.seen.id]
    if own:
        heads = [label for label, _ in list_fields(t, own[0].data)]
        rows = [[text for _, text in list_fields(t, each.data)] for each in own]
        st.html(render_text_table(heads, rows, whole=(0,)))
    with st.expander(t("Enter a visit")):
        _draw_form(page, VISITS, add_visit, area=base.data.area, base_id=base.seen.id)
    names = {str(each.seen.id): _name_entry(page, VISITS, each) for each in own}
    if not names:
        return
    chosen = st.selectbox(
        t("Visit to look at, change or take out"),
        list(names),
        index=None,
        format_func=names.__getitem__,
        key="visits/entry",
    )
    if chosen is not None:
        _draw_entry(page, VISITS, next(each for each in own if str(each.seen.id) == chosen))
