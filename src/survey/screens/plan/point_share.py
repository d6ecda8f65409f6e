"""Parts of a plan by chance: fields of share and seed, and the withdrawal of what was declared."""

import secrets
from collections.abc import Callable

import streamlit as st

from survey.access.work import Work
from survey.kit.feedback import change_wave_on_click
from survey.kit.page_runner import PageContext
from survey.waves.planning.point_shares import MAX_SEED
from survey.waves.planning.wave_overview import WaveOverview


def draw_share_and_seed(
    page: PageContext, prefix: str, label: str, *, bounds: tuple[float, float], usual: int
) -> tuple[float, int]:
    """Draw the fields of a share of the points and of a seed; return what is in them.

    Args:
        bounds: least and greatest share.
        usual: per cent to begin with.
    """
    st.session_state.setdefault(f"{prefix}/seed", secrets.randbelow(10**9))
    least, most = (round(100 * bound) for bound in bounds)
    percent = st.number_input(label, least, most, usual, key=f"{prefix}/share")
    seed = st.number_input(page.t("Seed of the draw"), 0, MAX_SEED, key=f"{prefix}/seed")
    return int(percent) / 100, int(seed)


def draw_change_button(
    page: PageContext,
    sheet: WaveOverview,
    label: str,
    change: Callable[[Work], object],
    *,
    done: str,
    key: str,
) -> None:
    """Draw a button that changes wave `sheet`, and says `done` after it."""
    st.button(label, key=key, on_click=change_wave_on_click, args=(page, sheet, change, done))
