"""Line of a page that was read from the replica: up to when its data go."""

import streamlit as st

from survey.locale import Translator
from survey.store.china_time import CHINA
from survey.store.read_replica import DataFreshness
from survey.store.tables import now


def draw_freshness(t: Translator, freshness: DataFreshness | None) -> None:
    """Draw up to when the data go; nothing if they were read from the primary, as of now.

    Either way it takes one place of the page: from one run to the next the data may come from the
    other database, and what is open or typed below has to stay.
    """
    place = st.container()
    if freshness is not None:
        place.caption(
            t(
                "Data as of {time} China time, about {seconds} s ago.",
                time=f"{freshness.as_of.astimezone(CHINA):%H:%M:%S}",
                seconds=f"{freshness.seconds_before(now()):,}",
            )
        )
