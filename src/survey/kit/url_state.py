"""Filters kept in the address, so that a view can be shared and bookmarked.

Streamlit's own binding writes the *label* of an option into the address, which changes with the
language; here the address holds the stable code. A link never grants access: pages check first.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypedDict, Unpack

import streamlit as st


class HasLanguage(Protocol):
    """Protocol of a page, or other object, with the reader's language."""

    @property
    def language(self) -> str: ...


Tab = tuple[str, Callable[[], None]]
"""Label of a tab, and the function that draws it."""
_REPLACE = """export default ({ data }) => {
  const address = new URL(window.location.href);
  for (const [name, value] of Object.entries(data ?? {})) address.searchParams.set(name, value);
  window.history.replaceState(window.history.state, "", address);
};"""


def read_parameter(name: str, options: Sequence[str], default: str) -> str:
    """Return parameter `name` of the address; the default if it is missing or no option."""
    value = st.query_params.get(name, default)
    return value if value in options else default


def write_parameter(name: str, value: str, default: str) -> None:
    """Write the parameter `name` into the address; remove it if the value is the default."""
    if value != default:
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


class PickOptions(TypedDict, total=False):
    """Options of a choice: the code chosen at first, and the help text beside its label."""

    default: str | None
    explanation: str | None


def pick(
    page: HasLanguage,
    label: str,
    name: str,
    choices: Mapping[str, str],
    **more: Unpack[PickOptions],
) -> str:
    """Draw a select box and return the code chosen, which the address keeps as `?name=code`.

    Args:
        choices: Name on screen of each option, by its code.
    """
    return _pick(page, partial(st.selectbox, label, filter_mode="contains"), name, choices, more)


def pick_by_search(
    page: HasLanguage,
    label: str,
    name: str,
    choices: Mapping[str, str],
    **more: Unpack[PickOptions],
) -> str:
    """Draw a select box for many options, searched by letters in order; return the code chosen."""
    return _pick(page, partial(st.selectbox, label, filter_mode="fuzzy"), name, choices, more)


def pick_by_button(
    page: HasLanguage,
    label: str,
    name: str,
    choices: Mapping[str, str],
    **more: Unpack[PickOptions],
) -> str:
    """Draw a choice among few options, side by side as buttons, and return the code chosen."""
    return _pick(page, partial(st.segmented_control, label, required=True), name, choices, more)


def _pick(
    page: HasLanguage,
    draw: Callable[..., str | None],
    name: str,
    choices: Mapping[str, str],
    more: PickOptions,
) -> str:
    default = more.get("default")
    otherwise = default if default is not None and default in choices else next(iter(choices))
    # The browser knows an option by its label, so each language needs a widget of its own.
    key, memory = f"{name}/{page.language}", f"{name}/url"
    arrived = read_parameter(name, list(choices), otherwise)
    if st.session_state.get(memory) != arrived or st.session_state.get(key) not in choices:
        st.session_state[key] = arrived
    names = choices.__getitem__
    chosen = draw(list(choices), format_func=names, key=key, help=more.get("explanation"))
    chosen = chosen or otherwise
    if chosen != arrived:
        # Written only when the reader chose: the browser keeps each change of the address as a
        # page to go back to, so that tidying an address would take the first press of Back.
        write_parameter(name, chosen, otherwise)
    st.session_state[memory] = chosen
    return chosen


def keep_in_address(query: Mapping[str, str]) -> None:
    """Write the parameters into the address of the page without a new entry in its history.

    The browser does it without a new page to go back to, which `st.query_params` would make.
    """
    if any(st.query_params.get(name) != value for name, value in query.items()):
        replace = st.components.v2.component("survey_address", js=_REPLACE)
        replace(key=f"address/{'+'.join(query)}", data=dict(query))


def pick_pinned(
    page: HasLanguage,
    label: str,
    name: str,
    choices: Mapping[str, str],
    *,
    wished: tuple[str | None, str | None] = (None, None),
    explanation: str | None = None,
) -> str | None:
    """Draw a select box kept as `?name=code`, first `wished`; return its code, None if unknown.

    The options may come in another order at the next run, or be more or fewer: nothing but the
    reader changes the choice. An address that names none of them chooses none.

    Args:
        wished: Options for an address that names none: before the last choice in this session,
            and while nothing was chosen in it.
    """
    key, memory, options = f"{name}/{page.language}", f"{name}/pinned", list(choices)
    known = wished[0], st.session_state.get(memory), wished[1]
    otherwise = next((code for code in known if code and code in options), options[0])
    arrived: str = st.query_params.get(name) or otherwise
    if st.session_state.get(memory) != arrived or st.session_state.get(key) not in options:
        st.session_state[key] = arrived if arrived in options else None
    chosen: str | None = st.selectbox(
        # Without a default the field could be emptied.
        label,
        options,
        index=0 if arrived in options else None,
        format_func=choices.__getitem__,
        key=key,
        help=explanation,
        filter_mode="contains",
        placeholder="–",
    )
    st.session_state[memory] = chosen or arrived
    if chosen is not None and chosen != arrived:
        st.query_params[name] = chosen
    else:
        keep_in_address({name: arrived})
    return chosen


def draw_tabs(page: HasLanguage, tabs: Mapping[str, Tab], name: str = "part") -> None:
    """Draw tabs and compute only the open one, which the address names.

    Args:
        tabs: Label and drawing function of each tab by its code; the first one is open to begin
            with.
    """
    first = next(iter(tabs))
    labels = {code: label for code, (label, _) in tabs.items()}
    # The browser knows a tab by its label, so each language needs a widget of its own.
    key, memory = f"{name}/{page.language}/tabs", f"{name}/url"
    arrived = read_parameter(name, list(tabs), first)
    moved = st.session_state.get(memory) != arrived
    if moved or st.session_state.get(key) not in labels.values():
        st.session_state[key] = labels[arrived]
    drawn = dict(zip(tabs, st.tabs(list(labels.values()), key=key, on_change="rerun"), strict=True))
    chosen = next((code for code, tab in drawn.items() if tab.open), first)
    if chosen != arrived:
        write_parameter(name, chosen, first)
    st.session_state[memory] = chosen
    with drawn[chosen]:
        tabs[chosen][1]()
