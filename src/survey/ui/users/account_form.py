"""Form fields of an account: name, role, area, last day, e-mail."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import streamlit as st

from survey.access.accounts import AccountData
from survey.access.principal import POINT_SEPARATOR, area_scope_of, city_of_area
from survey.access.roles import NATION, ROLES, AreaScope, Role
from survey.locale import Message, msg
from survey.publish.views.display_names import DisplayNames
from survey.sample.city_frame import shipped_cities
from survey.ui.page_runner import PageContext

LEVEL_NAMES: Mapping[AreaScope, Message] = {
    AreaScope.NATION: msg("Whole nation"),
    AreaScope.PROVINCE: msg("One province"),
    AreaScope.CITY: msg("One city"),
    AreaScope.POINT: msg("One sampling point"),
}
MAX_VALID_YEARS = 10


def area_name(page: PageContext, area: str) -> str:
    """Return the name of an area."""
    city, mark, point = area.partition(POINT_SEPARATOR)
    name = DisplayNames(page.language, None).area(city)
    return f"{name} · {point}" if mark else name


def entry_fields(
    page: PageContext, key: str, before: AccountData | None, today: date
) -> AccountData:
    """Draw the fields of an account; not in an `st.form`, as the areas follow the role."""
    t = page.t
    # The browser knows an option by its label, so each language needs widgets of its own.
    key = f"{key}/{page.language}"
    name = st.text_input(
        t("Full name"), value=before.name if before else "", max_chars=80, key=f"{key}/name"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        roles = list(Role)
        role = st.selectbox(
            t("Role"), roles, key=f"{key}/role", format_func=lambda option: t(ROLES[option].name),
            index=roles.index(before.role) if before else 0,
        )  # fmt: skip
        area = _draw_area(page, key, role, before.area if before else "")
    if ROLES[role].requires_factor:
        st.caption(t("This role signs in with a second factor, set up at the first sign-in."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        last_day = st.date_input(
            t("Last day (empty: for good)"), value=before.last_day if before else None,
            min_value=min(today, before.last_day or today) if before else today,
            max_value=today + timedelta(days=365 * MAX_VALID_YEARS), key=f"{key}/until",
        )  # fmt: skip
        email = st.text_input(
            t("E-mail (optional)"), value=before.email if before else "", max_chars=255,
            key=f"{key}/email",
            help=t("Only needed to sign in through an outside provider."),
        )  # fmt: skip
    return AccountData(name, role, area, _to_date(last_day), email)


def _draw_area(page: PageContext, key: str, role: Role, before: str) -> str:
    t, levels = page.t, ROLES[role].area_scopes
    known = area_scope_of(before)
    start = levels.index(known) if known in levels else 0
    level = st.selectbox(
        t("Area of work"), levels, index=start, key=f"{key}/level/{role}",
        format_func=lambda option: t(LEVEL_NAMES[option]),
    )  # fmt: skip
    if level is AreaScope.NATION:
        return NATION
    names, city = DisplayNames(page.language, None), city_of_area(before)
    if level is AreaScope.PROVINCE:
        provinces = list(
            dict.fromkeys(shipped_city.province_code for shipped_city in shipped_cities())
        )
        return _pick(t("Province"), provinces, names, city[:2], f"{key}/province")
    cities = [shipped_city.code for shipped_city in shipped_cities()]
    chosen = _pick(t("City"), cities, names, city, f"{key}/city")
    if level is AreaScope.CITY:
        return chosen
    point = before.partition(POINT_SEPARATOR)[2]
    code = st.text_input(
        t("Code of the sampling point"), value=point, max_chars=60, key=f"{key}/point"
    )
    return f"{chosen}{POINT_SEPARATOR}{code.strip()}"


def _pick(label: str, options: list[str], names: DisplayNames, before: str, key: str) -> str:
    start = options.index(before) if before in options else 0
    return st.selectbox(
        label, options, index=start, format_func=names.area, key=key, filter_mode="contains"
    )


def _to_date(chosen: object) -> date | None:
    if isinstance(chosen, datetime):
        return chosen.date()
    return chosen if isinstance(chosen, date) else None
