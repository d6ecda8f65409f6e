"""Line on every page of a demonstration while its waves are still being made."""

import streamlit as st

from survey.health.demo_progress import find_demo_progress
from survey.locale import Translator
from survey.settings import Settings

EVERY_SECONDS = 3.0


def draw_demo_progress(settings: Settings, t: Translator) -> None:
    """Say how many waves are there, as long as some are missing; the line goes by itself."""
    if find_demo_progress(settings) is not None:
        _draw_line(settings, t)


@st.fragment(run_every=EVERY_SECONDS)
def _draw_line(settings: Settings, t: Translator) -> None:
    progress = find_demo_progress(settings)
    if progress is None:
        # The page as it is with all waves, and without this line.
        st.rerun()
    icon = ":material/error:" if progress.failed else ":material/hourglass_top:"
    st.caption(f"{icon} {t(progress.message)}")
