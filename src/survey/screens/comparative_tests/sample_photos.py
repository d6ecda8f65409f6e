"""Photos of the samples of a test on its page: shown, attached, withdrawn."""

from uuid import UUID

import streamlit as st

from survey.comparative_tests.reading import ComparativeTestDetail
from survey.comparative_tests.sample_photos import (
    MAX_PHOTOS_PER_SAMPLE,
    attach_sample_photo,
    withdraw_sample_photo,
)
from survey.compute.photo_cleaning import PhotoRefusedError, clean_photo
from survey.kit.cases import change_case
from survey.kit.feedback import show_feedback
from survey.kit.page_runner import PageContext
from survey.kit.response_html import render_photo
from survey.store.tables import ComparativeTestState

_ATTACHING, _WITHDRAWING = "comparative-test/photo/attach", "comparative-test/photo/withdraw"


def draw_sample_photos(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw the photos that the reader may see; for managers the forms that add and withdraw one."""
    t = page.t
    photos = {
        str(photo): f"{each.data.brand} {each.data.model} ({each.data.code}) · {number}"
        for each in test.samples
        for number, photo in enumerate(each.photos, start=1)
    }
    if photos:
        st.subheader(t("Photos of the samples"), anchor=False)
        st.html("".join(render_photo(photo, name) for photo, name in photos.items()))
    if not test.summary.may_manage or not test.samples:
        return
    published = (
        t("The plan says that photos are published with the results.")
        if test.plan.publishes_photos
        else t("The plan says that photos are not published: only those who run the test see them.")
    )
    st.caption(published)
    if test.summary.state is not ComparativeTestState.RELEASED:
        with st.expander(t("Attach a photo of a sample")):
            _draw_attaching(page, test)
    if photos:
        with st.expander(t("Withdraw a photo")):
            _draw_withdrawing(page, test, photos)


def _draw_attaching(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t
    with st.form(f"{_ATTACHING}/{test.version}", border=False, enter_to_submit=False):
        names = {
            each.data.code: f"{each.data.brand} {each.data.model} ({each.data.code})"
            for each in test.samples
            if len(each.photos) < MAX_PHOTOS_PER_SAMPLE
        }
        sample = st.selectbox(t("Sample"), list(names), format_func=names.__getitem__)
        sent = st.file_uploader(
            t("Photo"),
            type=["jpg", "jpeg", "png", "webp"],
            help=t(
                "Of the product as it was bought, without people or receipts. It is encoded anew: "
                "nothing of the camera, its place or time is kept."
            ),
        )
        show_feedback(page, _ATTACHING)
        if not st.form_submit_button(t("Attach it")) or sent is None or sample is None:
            return
    try:
        photo = clean_photo(sent.getvalue())
    except PhotoRefusedError as refusal:
        st.error(t(refusal.message))
        return
    change_case(
        page, test.seen, attach_sample_photo, t("The photo is attached."), _ATTACHING,
        folder=page.settings.photo_dir, sample=sample, photo=photo,
    )  # fmt: skip
    st.rerun()


def _draw_withdrawing(
    page: PageContext, test: ComparativeTestDetail, photos: dict[str, str]
) -> None:
    t = page.t
    with st.form(f"{_WITHDRAWING}/{test.version}", border=False, enter_to_submit=False):
        photo = st.selectbox(t("Photo"), list(photos), format_func=photos.__getitem__)
        reason = st.text_input(t("Reason"), max_chars=500)
        st.caption(
            t(
                "It is shown nowhere afterwards, and its file is deleted. Signed files that hold "
                "it have to be signed anew."
            )
        )
        show_feedback(page, _WITHDRAWING)
        if not st.form_submit_button(t("Withdraw it")) or photo is None:
            return
    change_case(
        page, test.seen, withdraw_sample_photo, t("The photo is withdrawn."), _WITHDRAWING,
        photo_id=UUID(photo), reason=reason,
    )  # fmt: skip
    st.rerun()
