"""Two experience checks of invented venues: one released, whose truth is known, and one open.

What is there at a venue is drawn with the share of its type; each of the two blind observers notes
it with probability `COPIES`, and otherwise guesses with the same share. So within one type and item
Cohen's κ and Krippendorff's α are `COPIES` squared, and over types and items α follows by formula.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import numpy as np
from PIL import Image, ImageDraw
from sqlmodel import Session, col, select

from seed.demo.field_plan import surveyor_login
from seed.demo.random_streams import random_stream
from survey.access.principal import OPERATOR, Principal
from survey.access.roles import DEMO_CITY, NATION, Role, demo_login
from survey.access.work import Seen, Work
from survey.collection.photos.photo_storage import save_photo
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.collection.submission_envelope import FIRST_ROUND, SECOND_ROUND
from survey.comparative_tests.hearings import ReplyData
from survey.compute.photo_cleaning import CleanPhoto, clean_photo
from survey.experience_checks.plan import (
    ExperienceCheckPlan,
    close_experience_check,
    create_experience_check,
    open_experience_check,
)
from survey.experience_checks.release import sign_experience_check
from survey.experience_checks.replies import order_revisit, record_venue_reply, send_to_venues
from survey.experience_checks.venues import VenueList, assign_observers, draw_venues
from survey.frame.sampling_plan import ListedPoint
from survey.settings import current_settings
from survey.store.china_time import china_date
from survey.store.tables import (
    Account,
    Assignment,
    Mode,
    Photo,
    ReplyStance,
    SamplingPoint,
    Status,
    VenueCheck,
    VenueVisit,
    Wave,
    new_id,
)
from survey.waves.instruments import instrument_id_by_name

DEMO_CHECK, DEMO_OPEN_CHECK = "demo-dining-check", "demo-market-visits"
CITIES = (DEMO_CITY, "320500", "320200")
LISTED, DRAWN, OBSERVERS_PER_CITY = 30, 12, 4
COPIES = 0.85
"""Probability that an observer notes what is there; else the share of the type is guessed."""
ITEMS = ("price_shown", "price_kept", "labels", "receipt", "channel", "no_pressure", "clean")
SHARES: Mapping[str, tuple[float, ...]] = {
    "market": (0.55, 0.90, 0.45, 0.40, 0.50, 0.92, 0.60),
    "restaurant": (0.80, 0.92, 0.70, 0.75, 0.45, 0.85, 0.80),
    "supermarket": (0.95, 0.95, 0.92, 0.95, 0.75, 0.95, 0.92),
    "hotel": (0.85, 0.93, 0.80, 0.92, 0.55, 0.75, 0.93),
}
"""Share of venues of each type where an item of `ITEMS` is as it should be."""
STAFF: Mapping[str, float] = {"market": 3.1, "restaurant": 3.6, "supermarket": 3.8, "hotel": 4.1}
REVISITED, KNOWN = 12, 3
_PICTURES, EDUCATION_PICTURE = range(4), 9
_TYPE_ZH = {"market": "农贸市场", "restaurant": "餐馆", "supermarket": "超市", "hotel": "酒店"}
_CITY_ZH = {DEMO_CITY: "宜昌", "320500": "苏州", "320200": "无锡"}
_NAMESPACE = UUID("5ab1c5f2-1d39-4e4b-8f2f-9d8d3c6a7e10")


def store_experience_checks(*, session: Session, photo_dir: Path, seed: int, now: datetime) -> None:
    """Store both checks, once."""
    if session.exec(select(VenueCheck)).first() is not None:
        return
    _DemoChecks(session, photo_dir, seed, now).store()


class _DemoChecks:
    """The checks as the services make them; only answers and photos are written directly."""

    def __init__(self, session: Session, photo_dir: Path, seed: int, now: datetime) -> None:
        self._session, self._photo_dir, self._now = session, photo_dir, now
        self._seed, self._rng = seed, random_stream("experience check", seed=seed)
        login = demo_login(Role.NATIONAL_OFFICIAL)
        account = session.exec(select(Account).where(Account.login == login)).one()
        self._official = Principal(
            account.id, account.name, Role.NATIONAL_OFFICIAL, NATION, is_demo=True
        )
        self._instrument = instrument_id_by_name(session=session, name="venue-check", version=None)
        self._pictures = [draw_clean_photo(number) for number in _PICTURES]

    def store(self) -> None:
        self._store_released()
        self._store_open()

    def _create_check(self, key: str, zh: str, en: str, days: int) -> UUID:
        today = china_date(self._now)
        plan = ExperienceCheckPlan(
            key=key,
            area=NATION,
            title_zh=zh,
            title_en=en,
            scenario="以普通消费者身份到店，购买约20元的商品或服务，付款后索要小票，查看标价和投诉公示，"
            "不表明身份，停留不超过20分钟。",
            instrument_id=self._instrument,
            opens_on=today - timedelta(days),
            closes_on=today + timedelta(30),
        )
        return create_experience_check(
            Work(self._session, self._official, self._now, current_settings()),
            draft=plan,
            is_demo=True,
        )

    def _take_step(self, wave_id: UUID, service: Any, *, days_ago: int = 0, **given: Any) -> Any:
        version = self._session.get_one(VenueCheck, wave_id).lock_version
        return service(
            Work(
                self._session, self._official, self._now - timedelta(days_ago), current_settings()
            ),
            Seen(wave_id, version),
            **given,
        )

    def _store_released(self) -> None:
        wave_id = self._create_check(
            DEMO_CHECK, "餐饮零售消费体察（演示）", "Dining and retail check", 60
        )
        venues = VenueList(tuple(_list_venues(CITIES, SHARES, LISTED)), ())
        self._take_step(wave_id, draw_venues, listed=venues, per_type=DRAWN, seed=self._seed)
        logins = [
            surveyor_login(city, number) for city in CITIES for number in range(OBSERVERS_PER_CITY)
        ]
        self._take_step(wave_id, assign_observers, logins=logins, seed=self._seed)
        self._take_step(wave_id, open_experience_check)
        points = self._list_points(wave_id)
        truth = {point.id: self._draw_truth(point.stratum) for point in points}
        self._write_visits(wave_id, points, truth, FIRST_ROUND)
        self._take_step(
            wave_id, send_to_venues, days_ago=12, due_on=china_date(self._now) - timedelta(2)
        )
        worst = sorted(points, key=lambda point: float(truth[point.id][: len(ITEMS)].mean()))
        again = worst[:REVISITED]
        for point in again:
            self._take_step(
                wave_id, order_revisit, venue=point.code, reason="首次体察问题较多，复核整改。"
            )
        improved = {
            point.id: np.maximum(truth[point.id], self._draw_truth("hotel")) for point in again
        }
        self._write_visits(wave_id, again, improved, SECOND_ROUND)
        for point, stance, text, answer in (
            (worst[0], ReplyStance.AGREES, "已张贴投诉渠道并补齐价签。", "已安排回访核实。"),
            (worst[1], ReplyStance.OBJECTS, "当日打印机故障，平时均提供小票。",
             "记录只反映到访当时的情况。"),
        ):  # fmt: skip
            self._take_step(
                wave_id,
                record_venue_reply,
                venue=point.code,
                data=ReplyData(stance, text, answer, china_date(self._now) - timedelta(3)),
            )
        self._take_step(wave_id, close_experience_check)
        self._take_step(wave_id, sign_experience_check)

    def _store_open(self) -> None:
        """Store a check in the field: the visitor observes, the other observer was at a venue."""
        wave_id = self._create_check(
            DEMO_OPEN_CHECK, "农贸市场体察（进行中，演示）", "Market visits", 5
        )
        venues = VenueList(tuple(_list_venues((DEMO_CITY,), {"market": ()}, 6)), ())
        self._take_step(wave_id, draw_venues, listed=venues, per_type=3, seed=self._seed)
        logins = [demo_login(Role.SURVEYOR), surveyor_login(DEMO_CITY, 0)]
        self._take_step(wave_id, assign_observers, logins=logins, seed=self._seed)
        self._take_step(wave_id, open_experience_check)
        first = self._list_points(wave_id)[0]
        other = self._session.exec(
            select(Account.id).where(Account.login == surveyor_login(DEMO_CITY, 0))
        ).one()
        truth = {first.id: self._draw_truth("market")}
        self._write_visits(
            wave_id, [first], truth, FIRST_ROUND, status=Status.SUBMITTED, observers=(other,)
        )

    def _list_points(self, wave_id: UUID) -> list[SamplingPoint]:
        query = select(SamplingPoint).where(SamplingPoint.wave_id == wave_id)
        return list(self._session.exec(query.order_by(SamplingPoint.code)))

    def _draw_truth(self, kind: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return what is there: an entry for each item, and the level of the staff."""
        there = (self._rng.random(len(ITEMS)) < np.array(SHARES[kind])).astype(float)
        staff = np.clip(np.rint(self._rng.normal(STAFF[kind], 0.8)), 1, 5)
        return np.append(there, staff)

    def _draw_observation(
        self, kind: str, truth: np.ndarray[Any, np.dtype[np.float64]]
    ) -> dict[str, int]:
        guess = self._draw_truth(kind)
        noted = np.where(self._rng.random(len(truth)) < COPIES, truth, guess)
        return dict(zip((*ITEMS, "staff"), noted.astype(int).tolist(), strict=True))

    def _write_visits(
        self,
        wave_id: UUID,
        points: list[SamplingPoint],
        truth: Mapping[UUID, np.ndarray[Any, np.dtype[np.float64]]],
        round_: int,
        *,
        status: Status = Status.APPROVED,
        observers: tuple[UUID, ...] = (),
    ) -> None:
        wave = self._session.get_one(Wave, wave_id)
        rows, visits, photos = [], [], []
        known = 0
        for point in points:
            people = observers or tuple(
                self._session.exec(
                    select(Assignment.account_id)
                    .where(Assignment.point_id == point.id)
                    .order_by(col(Assignment.id))
                )
            )
            for place, observer in enumerate(people):
                photo = self._save_photo(point, observer)
                minutes = int(self._rng.integers(600))
                at = self._now - timedelta(hours=30 - 6 * round_, minutes=minutes)
                is_known = place == 1 and known < KNOWN and status is Status.APPROVED
                is_known &= round_ == FIRST_ROUND
                known += is_known
                row = FinishedResponse(
                    client_uuid=uuid5(_NAMESPACE, f"{point.id}/{observer}/{round_}"),
                    city_code=point.city_code,
                    mode=Mode.ASSISTED,
                    status=status,
                    submitted_at=at,
                    started_at=at - timedelta(minutes=18),
                    duration_seconds=1080.0,
                    point_id=point.id,
                    surveyor_id=observer,
                    answers={
                        "anonymous": "no" if is_known else "yes",
                        **self._draw_observation(point.stratum, truth[point.id]),
                        "photo_price": str(photo.id),
                    },
                )
                rows.append(row)
                photos.append((photo, row.id))
                visits.append(
                    VenueVisit(
                        response_id=row.id, point_id=point.id, observer_id=observer, round=round_
                    )
                )
        write_responses(
            Work(self._session, OPERATOR, self._now, current_settings()), wave=wave, rows=rows
        )
        for photo, response_id in photos:
            photo.response_id = response_id
            self._session.add(photo)
        self._session.add_all(visits)
        self._session.flush()

    def _save_photo(self, point: SamplingPoint, observer: UUID) -> Photo:
        photo = self._pictures[int(self._rng.integers(len(self._pictures)))]
        photo_id = new_id()
        person = Principal(observer, "", Role.SURVEYOR, point.city_code, is_demo=True)
        save_photo(
            Work(self._session, person, self._now, current_settings()),
            folder=self._photo_dir,
            photo_id=photo_id,
            photo=photo,
            point_id=point.id,
        )
        return self._session.get_one(Photo, photo_id)


def _list_venues(
    cities: tuple[str, ...], types: Mapping[str, Any], count: int
) -> Iterator[ListedPoint]:
    for city in cities:
        for kind in types:
            for number in range(1, count + 1):
                name = f"{_CITY_ZH[city]}演示{_TYPE_ZH[kind]}{number:02d}号"
                yield ListedPoint(f"{city}-{kind}-{number:02d}", city, name, kind, kind)


def draw_photos() -> None:
    """Draw and clean all photos of the demo: each takes a process, and a transaction would wait."""
    for number in (*_PICTURES, EDUCATION_PICTURE):
        draw_clean_photo(number)


@lru_cache
def draw_clean_photo(number: int) -> CleanPhoto:
    """Return a drawn picture as a cleaned photo that counts as sent in this very form."""
    photo = clean_photo(draw_picture(number))
    return replace(photo, sent_sha256=hashlib.sha256(photo.content).hexdigest())


def draw_picture(number: int) -> bytes:
    """Return an invented price board: coloured tags without any word or person."""
    picture = Image.new("RGB", (800, 600), (238, 234, 226))
    pencil = ImageDraw.Draw(picture)
    for row in range(4):
        for column in range(3):
            left, top = 40 + 250 * column, 30 + 140 * row
            shade = (150 + 25 * ((row + column + number) % 4), 60 + 40 * column, 50 + 30 * row)
            tag, length = (left, top, left + 220, top + 110), 40 + 35 * ((row + number) % 4)
            pencil.rectangle(tag, fill="white", outline=shade, width=6)
            pencil.rectangle((left + 20, top + 65, left + 20 + length, top + 85), fill=shade)
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=80)
    return target.getvalue()
