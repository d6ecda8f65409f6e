"""Trial links: a questionnaire tried out in a browser, apart from every real wave."""

from dataclasses import replace
from datetime import timedelta

from sqlmodel import Session, select

from survey.access.principal import Principal
from survey.access.roles import Action, Role
from survey.access.work import Work
from survey.collection.invitations import IssuedInvitation, issue_invitation
from survey.questionnaire.model import Instrument
from survey.store.tables import Account, Assignment, PointKind, SamplingPoint, Wave
from survey.waves.instruments import save_instrument
from survey.waves.waves import TRIAL_SERIES, NewWave, create_wave, open_wave

TRIAL_LIFETIME = timedelta(days=1)


def open_trial(work: Work, *, instrument: Instrument, city_code: str) -> IssuedInvitation:
    """Issue an invitation, valid for a day, to the trial wave of this questionnaire version.

    The wave is marked as demo and belongs to a series of its own, so no answer given there can
    reach a published estimate.
    """
    work.require(Action.ADMINISTER)
    session = work.session
    key = f"trial-{instrument.sha256[:12]}"
    wave = session.exec(select(Wave).where(Wave.key == key)).one_or_none()
    if wave is None:
        wave = _create_trial_wave(work, instrument, key)
    surveyor, point = _ensure_surveyor(session, city_code), _ensure_point(session, wave, city_code)
    assigned = select(Assignment).where(
        Assignment.account_id == surveyor.id, Assignment.point_id == point.id
    )
    if session.exec(assigned).one_or_none() is None:
        session.add(Assignment(account_id=surveyor.id, point_id=point.id))
        session.flush()
    principal = Principal(surveyor.id, surveyor.name, Role.SURVEYOR, city_code, is_demo=True)
    return issue_invitation(
        replace(work, principal=principal), wave_key=key, point_id=point.id, lifetime=TRIAL_LIFETIME
    )


def _create_trial_wave(work: Work, instrument: Instrument, key: str) -> Wave:
    fallback = instrument.title.get(instrument.default_language, instrument.name)
    plan = NewWave(
        key=key,
        series=TRIAL_SERIES,
        year=work.now.year,
        title_zh=instrument.title.get("zh", fallback),
        title_en=instrument.title.get("en", fallback),
        instrument_id=save_instrument(session=work.session, instrument=instrument),
        is_demo=True,
    )
    create_wave(work, plan=plan)
    return open_wave(work, key=key)


def _ensure_surveyor(session: Session, city_code: str) -> Account:
    login = f"trial-{city_code}"
    account = session.exec(select(Account).where(Account.login == login)).one_or_none()
    if account is None:
        account = Account(
            login=login, name=login, role=Role.SURVEYOR, area=city_code, is_demo=True, active=False
        )
        session.add(account)
        session.flush()
    return account


def _ensure_point(session: Session, wave: Wave, city_code: str) -> SamplingPoint:
    code = f"{city_code}-trial"
    query = select(SamplingPoint).where(
        SamplingPoint.wave_id == wave.id, SamplingPoint.code == code
    )
    point = session.exec(query).one_or_none()
    if point is None:
        point = SamplingPoint(
            wave_id=wave.id,
            city_code=city_code,
            code=code,
            name=code,
            kind=PointKind.COMPOUND,
            stratum="urban",
            target=0,
        )
        session.add(point)
        session.flush()
    return point
