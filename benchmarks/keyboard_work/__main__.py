"""People at desks: a reviewer by keys, and a typist of paper, in a real browser.

    python -m benchmarks.keyboard_work [--reviews 60] [--sheets 6] [--keys-per-second 4]

Reviews: the next interview is on the screen before the following key is pressed, so what is timed
is the machine's part of a review: from the key until the next interview can be read. The reviewer's
reading comes on top of it. Of ten interviews eight are approved, one is sent back with a note and
one is taken out, and every fifth time the reviewer leafs on and back first.

Sheets: a complete paper questionnaire, typed at a steady rate, from its number to the receipt.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, TimeoutError, sync_playwright
from sqlmodel import select

from benchmarks.arguments import parse_arguments
from benchmarks.live_server import Server, serving, small_demo
from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.collection.paper.keying import check_sheet
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.questionnaire.model import Instrument, ItemKind
from survey.review.quality.assessment import assess_wave
from survey.settings import current_settings
from survey.store.china_time import china_date
from survey.store.engine import session_scope
from survey.store.tables import Mode, Response, ResponseRevision, SamplingPoint, Status, now
from survey.waves.instruments import load_instrument
from survey.waves.waves import get_wave
from tests.browser_program import find_browser

WAVE, CITY = "main-2026", "420500"
DONE = "[data-testid=stApp][data-test-script-state=notRunning]"
GOAL = 200
"""Reviews an hour."""
TIMEOUT_MS = 60_000
LOST_MS, ATTEMPTS = 5_000, 6
"""A page that looks ready may still be drawn, and lose a key; milliseconds until that is clear."""
NOTE = "请核对年龄"


def add_interviews(url: str, count: int) -> Instrument:
    """Interviews of the visitor's city that wait for review."""
    with session_scope(url) as session:
        wave = get_wave(session=session, key=WAVE)
        answers = session.exec(
            select(ResponseRevision.answers)
            .join(Response)
            .where(Response.wave_id == wave.id, Response.status == Status.SUBMITTED)
        ).all()
        point = session.exec(
            select(SamplingPoint).where(
                SamplingPoint.wave_id == wave.id, SamplingPoint.city_code == CITY
            )
        ).first()
        assert point is not None
        rows = [
            FinishedResponse(
                client_uuid=uuid4(),
                city_code=CITY,
                mode=Mode.ASSISTED,
                status=Status.SUBMITTED,
                submitted_at=now() - timedelta(minutes=place),
                started_at=now() - timedelta(minutes=place + 7),
                duration_seconds=400.0,
                answers=answers[place % len(answers)],
                point_id=point.id,
            )
            for place in range(count)
        ]
        write_responses(Work(session, OPERATOR, now(), current_settings()), wave=wave, rows=rows)
        assess_wave(Work(session, OPERATOR, now(), current_settings()), wave_key=WAVE)
        return load_instrument(session=session, instrument_id=wave.instrument_id)


def wait_until_ready(page: Page, key: str) -> None:
    page.locator(DONE).wait_for()
    page.locator(f"html[data-survey-keys*={key}]").wait_for(state="attached")


def press_key(page: Page, key: str) -> None:
    """A key that shows another interview, until that can be read; pressed again if it was lost."""
    before = page.url
    for _ in range(ATTEMPTS):
        page.keyboard.press(key)
        with suppress(TimeoutError):
            page.wait_for_function(
                "before => location.href !== before", arg=before, timeout=LOST_MS
            )
            break
    else:
        raise SystemExit(f"The key {key} does nothing.")
    page.locator(DONE).wait_for()


def give_reason(page: Page, key: str) -> int:
    """Send back or take out: the letter, the note, and the button by the keyboard."""
    before = page.url
    page.keyboard.press(key)
    note = page.locator("textarea").first
    note.wait_for()
    note.press_sequentially(NOTE)
    page.locator("[class*=st-key-review-confirm-] button").press("Enter")
    page.wait_for_function("before => location.href !== before", arg=before)
    page.locator(DONE).wait_for()
    return 2 + len(NOTE)


def review(page: Page, server: Server, count: int) -> None:
    page.request.post(f"http://127.0.0.1:{server.port}/auth/demo", form={"role": "supervisor"})
    page.goto(f"http://127.0.0.1:{server.port}/review?wave={WAVE}")
    wait_until_ready(page, "j")
    press_key(page, "j")
    spent: list[float] = []
    keys, leafed = 0, 0
    cpu = server.cpu()
    for number in range(count):
        wait_until_ready(page, "a")
        started = time.perf_counter()
        if number % 5 == 4:
            press_key(page, "j")
            wait_until_ready(page, "k")
            press_key(page, "k")
            wait_until_ready(page, "a")
            keys, leafed = keys + 2, leafed + 2
        match number % 10:
            case 3:
                keys += give_reason(page, "r")
            case 7:
                keys += give_reason(page, "v")
            case _:
                press_key(page, "a")
                keys += 1
        spent.append(time.perf_counter() - started)
    cpu = server.cpu() - cpu
    median, worst = statistics.median(spent), statistics.quantiles(spent, n=20)[-1]
    print(
        f"reviews: {count}, the machine's part {median:.2f} s (p95 {worst:.2f}, mean "
        f"{statistics.fmean(spent):.2f}); {1000 * cpu / count:.0f} ms of server CPU and "
        f"{keys / count:.1f} keys a review (with {leafed} leafings and notes of {len(NOTE)} "
        f"characters)\n         at {GOAL} an hour a review has {3600 / GOAL:.0f} s, which leaves "
        f"{3600 / GOAL - statistics.fmean(spent):.1f} s for reading",
        flush=True,
    )


def sheet_answers(instrument: Instrument) -> dict[str, Any]:
    """A woman without a complaint, who was asked 45 questions."""
    from tests.journeys.test_paper_entry_by_keys import WOMAN

    answers = dict(WOMAN)
    for item in instrument.items():
        if item.kind is ItemKind.RATING:
            answers[item.name] = 8
        elif item.choices and item.name not in answers:
            first = item.choices[0].name
            answers[item.name] = [first] if item.kind is ItemKind.SELECT_MULTIPLE else first
    checked = check_sheet(instrument, answers, (), day=china_date(now()))
    assert not checked.problems, checked.problems
    return {name: value for name, value in answers.items() if name in checked.answers}


def key_sheets(
    page: Page, server: Server, instrument: Instrument, count: int, per_second: float
) -> None:
    from tests.journeys.test_paper_entry_by_keys import strokes_of

    page.request.post(f"http://127.0.0.1:{server.port}/auth/demo", form={"role": "typist"})
    page.goto(f"http://127.0.0.1:{server.port}/paper")
    page.locator(".sp-here .sp-field").wait_for()
    page.locator(DONE).wait_for()
    strokes, items = strokes_of(instrument, sheet_answers(instrument))
    spent, lengths = [], []
    first = random.randrange(100, 900)
    for serial in map(str, range(first, first + count)):
        keys = [*serial, "Enter", *strokes, "Enter"]
        started = time.perf_counter()
        for place, key in enumerate(keys):
            page.keyboard.press(key)
            rest = started + (place + 1) / per_second - time.perf_counter()
            time.sleep(max(rest, 0))
        page.locator("div.sp-news").get_by_text(serial).first.wait_for()
        spent.append(time.perf_counter() - started)
        lengths.append(len(keys))
        page.locator(DONE).wait_for()
    print(
        f"sheets: {count} of {items} questions, {statistics.median(lengths):.0f} keys and "
        f"{statistics.median(spent):.1f} s each at {per_second:g} keys a second, of which the "
        f"machine took {statistics.median(spent) - statistics.median(lengths) / per_second:.1f} s; "
        f"at most 60 s from {statistics.median(lengths) / 60:.2f} keys a second on",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="A reviewer and a typist in a real browser.")
    parser.add_argument("--reviews", type=int, default=60)
    parser.add_argument("--sheets", type=int, default=6)
    parser.add_argument("--keys-per-second", type=float, default=4.0)
    parser.add_argument("--data", type=Path, help="data folder of a demo that may be changed")
    chosen = parse_arguments(parser, reviews=2, sheets=1, keys_per_second=40.0)
    browser_file = find_browser()
    if browser_file is None:
        raise SystemExit("No Chromium was found (Debian: apt install chromium).")
    with tempfile.TemporaryDirectory(prefix="survey-office-") as folder:
        if chosen.data is not None:
            measure(chosen.data, chosen, browser_file)
            return
        with small_demo(Path(folder)) as data:
            measure(data, chosen, browser_file)


def measure(data: Path, chosen: argparse.Namespace, browser_file: str) -> None:
    url = f"sqlite:///{data}/survey.db"
    instrument = add_interviews(url, chosen.reviews + 20)
    with serving(url, data, demo=True) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_file, args=["--no-sandbox"], env=dict(os.environ)
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        page.set_default_timeout(TIMEOUT_MS)
        review(page, server, chosen.reviews)
        key_sheets(page, server, instrument, chosen.sheets, chosen.keys_per_second)
        browser.close()


if __name__ == "__main__":
    main()
