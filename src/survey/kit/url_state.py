"""Filters kept in the address, so that a view can be shared and bookmarked.

Streamlit's own binding writes the *label* of an option into the address, which changes with the
language; here the address holds the stable code. A link never grants access: pages check first.
"""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

Label = Callable[[str], str]
Tab = tuple[str, Callable[[], None]]
"""Label of a tab, and the function that draws it."""
_REPLACE = """export default ({ data }) => {
  const address = new URL(window.location.href);
  for (const [name, value] of Object.entries(data ?? {})) address.searchParams.set(name, value);
  window.history.replaceState(window.history.state, "", address);
};"""


def read_parameter(name: str, options: Sequence[str], default: str) -> str:
    """Return the code in the address; the default if it is missing or unknown."""
    value = st.query_params.get(name, default)
    return value if value in options else default


def write_parameter(name: str, value: str, default: str) -> None:
    """Write the code into the address; the default leaves it clean."""
    if value != default:
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def pick(
    label: str,
    name: str,
    options: Sequence[str],
    *,
    show: Label,
    language: str,
    default: str | None = None,
    explanation: str | None = None,
    as_buttons: bool = False,
    is_searched: bool = False,
) -> str:
    """Let the reader choose one option; the choice is in the address as `?name=code`.

    Args:
        is_searched: Typed letters need not follow each other, so that initials find an option.
    """
    otherwise = default if default is not None and default in options else options[0]
    # The browser knows an option by its label, so each language needs a widget of its own.
    key, memory = f"{name}/{language}", f"{name}/url"
    arrived = read_parameter(name, options, otherwise)
    moved = st.session_state.get(memory) != arrived
    if moved or st.session_state.get(key) not in options:
        st.session_state[key] = arrived
    chosen = (
        _draw_choice(label, key, options, show, explanation, as_buttons, is_searched) or otherwise
    )
    if chosen != arrived:
        # Written only when the reader chose: the browser keeps each change of the address as a
        # page to go back to, so that tidying an address would take the first press of Back.
        write_parameter(name, chosen, otherwise)
    st.session_state[memory] = chosen
    return chosen


def keep_in_address(query: Mapping[str, str]) -> None:
    """Name the parameters in the address of the page as it is.

    The browser does it without a new page to go back to, which `st.query_params` would make.
    """
    if any(st.query_params.get(name) != value for name, value in query.items()):
        replace = st.components.v2.component("survey_address", js=_REPLACE)
        replace(key=f"address/{'+'.join(query)}", data=dict(query))


def pick_pinned(
    label: str,
    name: str,
    options: Sequence[str],
    *,
    show: Label,
    language: str,
    default: str | None = None,
    first: str | None = None,
    explanation: str | None = None,
) -> str | None:
    """Let the reader choose one option that stays in the address until they choose another.

    The options may come in another order at the next run, or be more or fewer: nothing but the
    reader changes the choice. An address that names none of them chooses none.

    Args:
        default: Chosen by an address that names nothing; else the last choice in this session.
        first: Chosen by such an address while nothing was chosen in this session.
    """
    key, memory = f"{name}/{language}", f"{name}/pinned"
    wished = default, st.session_state.get(memory), first
    otherwise = next((code for code in wished if code and code in options), options[0])
    arrived: str = st.query_params.get(name) or otherwise
    if st.session_state.get(memory) != arrived or st.session_state.get(key) not in options:
        st.session_state[key] = arrived if arrived in options else None
    chosen: str | None = st.selectbox(
        # Without a default the field could be emptied.
        label,
        options,
        index=0 if arrived in options else None,
        format_func=show,
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


def draw_tabs(tabs: Mapping[str, Tab], *, language: str, name: str = "part") -> None:
    """Draw tabs, of which the address names the open one; only that one is computed.

    Args:
        tabs: Label and drawing function of each tab by its code; the first one is open to begin
            with.
    """
    first = next(iter(tabs))
    labels = {code: label for code, (label, _) in tabs.items()}
    # The browser knows a tab by its label, so each language needs a widget of its own.
    key, memory = f"{name}/{language}/tabs", f"{name}/url"
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


def _draw_choice(
    label: str,
    key: str,
    options: Sequence[str],
    show: Label,
    explanation: str | None,
    as_buttons: bool,
    is_searched: bool,
) -> str | None:
    if as_buttons:
        return st.segmented_control(
            label, options, format_func=show, key=key, help=explanation, required=True
        )
    return st.selectbox(
        label,
        options,
        format_func=show,
        key=key,
        help=explanation,
        filter_mode="fuzzy" if is_searched else "contains",
    )
