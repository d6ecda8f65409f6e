"""A questionnaire is uploaded with an error, mended, compared, stored, and printed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from survey.locale import translator
from survey.questionnaire.browser_payload import browser_form
from survey.questionnaire.indicator_tree import read_tree
from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.paper_codes import list_printed_options, number_questions
from survey.questionnaire.xlsform.writer import xlsform_bytes
from survey.settings import PROJECT_ROOT
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Response
from survey.waves.instruments import find_instrument, save_tree
from survey.web.assets import PAPER_PARTS, read_script
from tests.journeys.app_page import upload_file, wait_until_idle
from tests.journeys.staff import sign_in_administrator
from tests.server_process import LivePlatform, serious_problems

zh = translator("zh")


@pytest.fixture
def desk(browser: Browser, live_server: LivePlatform) -> Iterator[Page]:
    """The administrator's computer."""
    with session_scope(live_server.settings.store_url) as session:
        tree = PROJECT_ROOT / "seed" / "trees" / "cca-2023.csv"
        save_tree(session=session, tree=read_tree(tree))
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="zh-CN", accept_downloads=True
    )
    sign_in_administrator(context, live_server.settings, live_server.url)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def _second(instrument: Instrument, **changes: Any) -> Instrument:
    """The next version: the question on quality is worded anew."""

    def change(item: Item) -> Item:
        return item.model_copy(update=changes) if item.name == "quality" else item

    sections = tuple(
        section.model_copy(update={"items": tuple(change(item) for item in section.items)})
        for section in instrument.sections
    )
    return instrument.model_copy(update={"version": "2099.1", "sections": sections})


def test_uploaded_mended_compared_stored_and_printed(
    live_server: LivePlatform, desk: Page, tmp_path: Path
) -> None:
    form, store = live_server.instrument, live_server.settings.store_url
    with read_scope(store) as session:
        answered = len(session.exec(select(Response.id)).all())
    wrong, right = tmp_path / "wrong.xlsx", tmp_path / "right.xlsx"
    wrong.write_bytes(xlsform_bytes(_second(form, indicator="9.9.9")))
    words = {"zh": "您觉得商品质量怎么样？", "en": "How is the quality of goods?"}
    right.write_bytes(xlsform_bytes(_second(form, label=words)))

    desk.goto(f"{live_server.url}/questionnaires?form=new")
    upload_file(desk, wrong)
    expect(desk.get_by_text(zh("This questionnaire cannot be stored yet"))).to_be_visible()
    row = desk.locator("[data-testid=stTable] tr").filter(has_text="9.9.9")
    expect(row).to_contain_text("survey")
    expect(row).to_contain_text("indicator")
    expect(desk.locator(".st-key-questionnaires-store")).to_have_count(0)

    desk.goto(f"{live_server.url}/questionnaires?form=new")
    upload_file(desk, right)
    changed = desk.locator("[data-testid=stTable] tr").filter(has_text=words["zh"])
    expect(changed).to_contain_text(zh("worded anew"))
    # The form that nobody stored yet, tried on a phone; its answers go nowhere.
    desk.locator(".st-key-questionnaires-try-upload label").first.click()
    phone = desk.locator(".st-key-phone-frame")
    phone.locator("label", has_text=form.by_name["consent"].choices[-1].label["zh"]).click()
    phone.locator(".sf-main").click()
    expect(phone.get_by_text(zh("End of the trial"))).to_be_visible()
    kept = "Object.keys(localStorage).filter(key => /^survey:(draft|outbox)/.test(key))"
    assert desk.evaluate(kept) == []
    assert serious_problems(desk, within=".stMainBlockContainer") == []
    desk.locator(".st-key-questionnaires-store button").click()
    stored = zh("{name}, version {version}, is stored.", name=form.name, version="2099.1")
    expect(desk.get_by_text(stored)).to_be_visible()
    with read_scope(store) as session:
        version = find_instrument(session=session, name=form.name)
        assert len(session.exec(select(Response.id)).all()) == answered
    assert version.version == "2099.1"

    desk.goto(f"{live_server.url}/questionnaires?form={form.name}/2099.1&part=paper&print=large")
    wait_until_idle(desk)
    with desk.expect_download() as waiting:
        desk.get_by_role("button", name=zh("Paper questionnaire (PDF)")).click()
    assert waiting.value.suggested_filename.startswith(f"{form.name}-2099.1-zh-large-")
    assert Path(waiting.value.path()).read_bytes().startswith(b"%PDF-")


GRID = """form => {
  const app = { form: SurveyRouting.prepare(form), items: {}, sides: null, decisive: {}, id: "x-",
                text: labels => labels.zh || "", t: key => key };
  app.form.sections.forEach(s => s.items.forEach(i => { app.items[i.name] = i; }));
  return SurveyGridView.buildLines(app).filter(line => line.item).map(line => [
    line.name, Number(line.node.querySelector(".sp-number").textContent),
    SurveyKeyingCodes.isChosen(line.item)
      ? SurveyKeyingCodes.options(line.item).map(option => [option.code, option.value]) : []
  ]);
}"""


def test_paper_and_grid_count_alike(live_server: LivePlatform, page: Page) -> None:
    """The grid's own scripts number the questionnaire, and the paper's numbers are the same."""
    form = live_server.instrument
    page.goto("about:blank")
    page.add_script_tag(content="".join(map(read_script, PAPER_PARTS)) + f"; window.grid = {GRID}")
    lines = page.evaluate("form => window.grid(form)", browser_form(form))
    assert {name: number for name, number, _ in lines} == number_questions(form)
    for name, _, options in lines:
        printed = [
            # On the keyboard a single key stands for ten.
            ["0" if option.value == 10 else option.code, option.value]
            for option in list_printed_options(form.by_name[name])
        ]
        assert options == printed, name
