"""A check of venues in Suzhou and Wuxi with four observers, taken as far as a test needs."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from PIL import Image
from sqlmodel import Session, select

from seed.survey_provider import inventor
from survey.access.principal import Principal
from survey.access.roles import Role
from survey.access.work import Seen
from survey.collection.photos.photo_storage import save_visit_photo
from survey.collection.submission import SubmissionReceipt, submit
from survey.collection.submission_envelope import Submission
from survey.compute.photo_cleaning import CleanPhoto, clean_photo
from survey.experience_checks.plan import (
    ExperienceCheckPlan,
    create_experience_check,
    open_experience_check,
)
from survey.experience_checks.reading import ExperienceCheckDetail, get_experience_check
from survey.experience_checks.venues import VenueList, assign_observers, draw_venues
from survey.frame.city_frame import shipped_cities, upsert_cities
from survey.frame.sampling_plan import ListedPoint
from survey.questionnaire.model import Instrument
from survey.questionnaire.xlsform.reader import load_bundle
from survey.settings import PROJECT_ROOT
from survey.store.engine import read_scope
from survey.store.tables import Account, SamplingPoint, Status, Wave
from survey.store.transactions import run_in_transaction
from survey.waves.instruments import save_instrument
from survey.waves.lifecycle import transition
from tests.work_of import work_of

START = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
SUZHOU, WUXI, JIANGSU = "320500", "320200", "32"
OBSERVERS = ("an-li", "bo-wu", "cai-he", "du-xu")
RATED = ("price_shown", "price_kept", "labels", "receipt", "channel", "no_pressure", "clean")
SIGHT = {"anonymous": "yes", **dict.fromkeys(RATED, 1), "staff": 4}


@lru_cache(maxsize=1)
def checklist() -> Instrument:
    return load_bundle(PROJECT_ROOT / "seed" / "instruments", "venue-check").instrument


@lru_cache(maxsize=1)
def small_photo() -> bytes:
    target = io.BytesIO()
    Image.effect_noise((120, 90), 50).convert("RGB").save(target, "JPEG")
    return target.getvalue()


def listed(per_type: int = 6) -> VenueList:
    invented = inventor(1)
    return VenueList(
        tuple(
            ListedPoint(f"{city}-{kind}-{number}", city, invented.place(kind), kind, kind)
            for city in (SUZHOU, WUXI)
            for kind in ("market", "restaurant")
            for number in range(per_type)
        ),
        (),
    )


def employ(url: str, role: Role, area: str, name: str) -> Principal:
    """Create an account and return its principal."""

    def store(session: Session) -> UUID:
        account = Account(login=name, name=name, role=role.value, area=area)
        session.add(account)
        session.flush()
        return account.id

    return Principal(run_in_transaction(url, store), name, role, area)


@dataclass(frozen=True)
class RunningCheck:
    """A check with those who take part in it."""

    url: str
    id: UUID
    official: Principal
    observers: dict[str, Principal]
    folder: Path

    def read(self, person: Principal | None = None) -> ExperienceCheckDetail:
        with read_scope(self.url) as session:
            return get_experience_check(work_of(session, person or self.official), wave_id=self.id)

    def do(
        self,
        service: Callable[..., Any],
        *,
        now: datetime = START,
        principal: Principal | None = None,
        seen: Seen | None = None,
        **given: Any,
    ) -> Any:
        """Run a service of the official on the newest version."""
        seen = seen or Seen(self.id, self.read().version)
        person = principal or self.official
        return run_in_transaction(
            self.url, lambda session: service(work_of(session, person, now), seen, **given)
        )

    def venues(self, observer: str | None = None) -> list[SamplingPoint]:
        with read_scope(self.url) as session:
            query = select(SamplingPoint).where(SamplingPoint.wave_id == self.id)
            points = list(session.exec(query.order_by(SamplingPoint.code)))
            session.expunge_all()
        if observer is None:
            return points
        mine = {row.code for row in self.read().venues if observer in row.observers}
        return [point for point in points if point.code in mine]

    def send_photo(self, observer: str, venue: UUID, photo_id: UUID | None = None) -> UUID:
        photo_id = photo_id or uuid4()
        run_in_transaction(
            self.url,
            lambda session: save_visit_photo(
                work_of(session, self.observers[observer], START),
                folder=self.folder,
                photo_id=photo_id,
                point_id=venue,
                item_name="photo_price",
                photo=_cleaned_photo(),
            ),
        )
        return photo_id

    def visit(self, observer: str, venue: UUID, **answers: Any) -> SubmissionReceipt:
        """Send a visit with a photo, unless the answers name one."""
        sent = self.fill_in(observer, venue, **answers)
        return run_in_transaction(
            self.url,
            lambda session: submit(
                session=session, submission=sent, principal=self.observers[observer], now=START
            ),
        )

    def fill_in(self, observer: str, venue: UUID, **answers: Any) -> Submission:
        """Return a visit as the observer's phone sends it."""
        if "photo_price" not in answers:
            answers["photo_price"] = str(self.send_photo(observer, venue))
        return Submission(
            client_uuid=answers.pop("client_uuid", None) or uuid4(),
            point_id=venue,
            answers={**SIGHT, **answers},
            instrument_sha256=checklist().sha256,
            started_at=START - timedelta(minutes=20),
        )

    def approve(self, *responses: UUID) -> None:
        """Approve visits as two people do."""
        for to in (Status.CITY_APPROVED, Status.APPROVED):
            for response in responses:
                run_in_transaction(
                    self.url,
                    lambda session, response=response, to=to: transition(
                        work_of(session, self.reviewers()[to is Status.APPROVED], START),
                        response_id=response,
                        to=to,
                        reason="",
                        expected_version=1 + (to is Status.APPROVED),
                    ),
                )

    def reviewers(self) -> tuple[Principal, Principal]:
        with read_scope(self.url) as session:
            found = {
                account.login: Principal(account.id, account.name, Role(account.role), account.area)
                for account in session.exec(select(Account))
            }
        return found["sun"], self.official


@lru_cache(maxsize=1)
def _cleaned_photo() -> CleanPhoto:
    """Return the small photo, cleaned once: each time takes a process of its own."""
    return clean_photo(small_photo())


def start(url: str, folder: Path, *, per_type: int = 2, opened: bool = True) -> RunningCheck:
    """Plan a check of both cities, draw its venues, assign its observers, and open it."""

    def fill(session: Session) -> UUID:
        upsert_cities(shipped_cities(), session=session)
        return save_instrument(session=session, instrument=checklist())

    instrument = run_in_transaction(url, fill)
    official = employ(url, Role.PROVINCE_OFFICIAL, JIANGSU, "qian")
    observers = {name: employ(url, Role.SURVEYOR, JIANGSU, name) for name in OBSERVERS}
    employ(url, Role.SUPERVISOR, JIANGSU, "sun")
    plan = ExperienceCheckPlan(
        key="check-2026",
        area=JIANGSU,
        title_zh="餐饮和农贸市场体察",
        title_en="Restaurants and markets",
        scenario="Buy something for about 20 yuan and ask for a receipt.",
        instrument_id=instrument,
        opens_on=date(2026, 5, 1),
        closes_on=date(2026, 6, 30),
    )
    wave_id = run_in_transaction(
        url, lambda session: create_experience_check(work_of(session, official, START), draft=plan)
    )
    check = RunningCheck(url, wave_id, official, observers, folder)
    check.do(draw_venues, listed=listed(), per_type=per_type, seed=7)
    check.do(assign_observers, logins=OBSERVERS, seed=7)
    if opened:
        check.do(open_experience_check)
    return check


def wave_of(check: RunningCheck) -> Wave:
    with read_scope(check.url) as session:
        wave = session.get_one(Wave, check.id)
        session.expunge(wave)
        return wave
