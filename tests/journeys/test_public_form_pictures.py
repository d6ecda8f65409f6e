"""A questionnaire with pictures, read from an archive and answered on a phone."""

from pathlib import Path

from playwright.sync_api import Page, Route, expect

from survey.access.principal import OPERATOR
from survey.store.engine import session_scope
from survey.store.tables import now
from survey.waves.instruments import add_instrument
from tests.instrument.test_form_pictures import FILES, picture, read
from tests.server_process import LivePlatform, Respondent, serious_problems
from tests.work_of import work_of

LARGE = picture("JPEG", "navy", (1_600, 1_200))


def test_pictures_are_shown_and_keep_their_place(
    live_server: LivePlatform, page: Page, respondent: Respondent, tmp_path: Path
) -> None:
    imported = read(tmp_path, {**FILES, "sign.jpg": LARGE})
    with session_scope(live_server.settings.store_url) as session:
        work = work_of(session, OPERATOR, now())
        add_instrument(work, instrument=imported.instrument, pictures=imported.pictures)
    page.set_viewport_size({"width": 390, "height": 844})
    answers = []
    page.on("response", lambda got: answers.append(got) if got.url.endswith(".jpg") else None)
    held: list[Route] = []
    page.route("**/*.jpg", lambda route: held.append(route))
    respondent.open(live_server.ask(imported.instrument))
    expect(page.locator("img")).to_have_count(4)
    places = [respondent.item(name).bounding_box() for name in ("mood", "shop")]
    for route in held:
        route.continue_()
    sign = page.get_by_role("img", name="看图")
    expect(sign).to_have_js_property("naturalWidth", 1_280)
    assert [respondent.item(name).bounding_box() for name in ("mood", "shop")] == places
    box = sign.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert abs(box["width"] * 3 - box["height"] * 4) <= 4
    expect(page.get_by_role("radio", name="好", exact=True)).to_be_visible()
    assert serious_problems(page) == []
    respondent.choose("mood", 2)
    headers = answers[-1].headers
    assert headers["content-type"] == "image/jpeg"
    assert "immutable" in headers["cache-control"]
    assert headers["x-content-type-options"] == "nosniff"
    stranger = page.request.get(answers[-1].url.replace(".jpg", "0.jpg"))
    assert stranger.status == 404
