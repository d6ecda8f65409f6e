"""Activities of consumer education of invented associations in the year of the newest survey."""

from datetime import date, datetime
from pathlib import Path

from sqlmodel import Session, select

from seed.demo.experience_check import CITIES, draw_clean_photo
from seed.demo.random_streams import random_stream
from survey.access.principal import Principal
from survey.access.roles import NATION, Role, demo_login
from survey.access.work import Work
from survey.education.activities import add_activity
from survey.settings import current_settings
from survey.store.tables import Account, EducationActivity
from survey.store.tables.evidence import ActivityData

YEAR = 2024
_KINDS = (
    ("社区防骗讲座", "社区活动室", "talk", "elderly", 60, 1_200),
    ("3·15 街头咨询", "中心广场", "stall", "everybody", 800, 6_500),
    ("送教进村", "村委会", "visit", "rural", 90, 1_800),
    ("校园理性消费课", "第二中学", "school", "minors", 240, 900),
    ("网络直播：预付卡怎么办", "协会直播间", "online", "everybody", 21_000, 8_000),
    ("广播消费提示", "市广播电台", "media", "everybody", 150_000, 20_000),
)
"""Title, place, form, audience, typical participants, typical cost in yuan."""


def store_education(*, session: Session, photo_dir: Path, seed: int, now: datetime) -> None:
    """Store the activities, once; a third of them with a photo."""
    if session.exec(select(EducationActivity)).first() is not None:
        return
    stream = random_stream("education", seed=seed)
    login = demo_login(Role.NATIONAL_OFFICIAL)
    account = session.exec(select(Account).where(Account.login == login)).one()
    official = Principal(account.id, account.name, Role.NATIONAL_OFFICIAL, NATION, is_demo=True)
    picture = draw_clean_photo(9)
    for city in CITIES:
        for number, (title, place, form, audience, people, yuan) in enumerate(_KINDS):
            for month in sorted(stream.choice(12, size=3, replace=False).tolist()):
                with_photo = (number + month) % 3 == 0
                add_activity(
                    Work(session, official, now, current_settings()),
                    data=ActivityData(
                        area=city,
                        held_on=date(YEAR, month + 1, int(stream.integers(1, 28))),
                        title=f"{title}（演示）",
                        place=place,
                        form=form,
                        audience=audience,
                        participants=max(1, round(people * float(stream.uniform(0.6, 1.5)))),
                        cost_fen=round(yuan * float(stream.uniform(0.7, 1.4))) * 100,
                    ),
                    photo=picture if with_photo else None,
                    photo_dir=photo_dir,
                    is_demo=True,
                )
