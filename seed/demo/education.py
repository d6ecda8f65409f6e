"""Registers of consumer education of invented associations in the year of the newest survey."""

from datetime import date, datetime
from pathlib import Path

import numpy as np
from faker import Faker
from sqlmodel import Session, select

from seed.demo.experience_check import CITIES, EDUCATION_PICTURE, draw_clean_photo
from seed.demo.random_streams import random_stream
from seed.survey_provider import inventor
from survey.access.principal import Principal
from survey.access.roles import NATION, Role, demo_login
from survey.access.work import Work
from survey.education.registers import (
    ACTIVITIES,
    BASES,
    RULE_WORK,
    STATIONS,
    EntryPhoto,
    add_entry,
    add_visit,
)
from survey.settings import current_settings
from survey.store.tables import Account, EducationActivity
from survey.store.tables.registers import (
    ActivityData,
    BaseData,
    RuleWorkData,
    StationData,
    VisitData,
)

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


_BASES = (
    ("hall", "消费教育体验馆", "city", True, True),
    ("school", "青少年消费教育基地", "province", False, True),
    ("community", "老年人防骗课堂", "county", True, False),
    ("laboratory", "商品鉴别实验室", "national", True, True),
)
"""Kind, end of the name, who named it, for older people, for children."""
_FOUND = (
    "展板按时更换，讲解员在岗，当月接待记录完整。",
    "开放时间与公示的一致；适老设施齐全，建议增加大字版资料。",
    "当天未按公示时间开放，已请管理单位两周内说明。",
    "互动设备有一台停用，其余正常；课程安排已上墙。",
)
_STATIONS = (
    ("association", "office", "消费者协会", None),
    ("station", "mall", "消费维权服务站", "mall"),
    ("station", "market", "消费维权服务站", "market"),
    ("station", "scenic", "消费维权服务站", "scenic"),
    ("point", "community", "消费维权联络点", "compound"),
    ("point", "village", "消费维权联络点", "village"),
)
"""Kind, kind of place, end of the name, and the invented place that it begins with."""
_RULE_WORK = (
    (
        "law",
        3,
        "预付式消费管理办法（征求意见稿）",
        "建议写明经营者停业前三十日公告并退还余额。",
        "partly",
    ),
    ("law", 5, "消费者权益保护法实施条例（修订意见）", "建议明确自动续费须提前五日提醒。", "open"),
    ("standard_opinion", 6, "智能家电适老化设计规范", "建议增加语音提示音量下限。", "adopted"),
    ("standard", 9, "消费教育基地建设与管理规范", "参与起草基地开放与评价两章。", "published"),
    ("unfair_terms", 4, "健身服务合同", "“会员卡一经售出概不退款”。", "mended"),
    ("unfair_terms", 10, "校外培训服务合同", "“因个人原因退课不退费”。", "referred"),
)
"""Kind, month, subject, text, outcome."""


def store_education(*, session: Session, photo_dir: Path, seed: int, now: datetime) -> None:
    """Store the registers, once; a third of the activities and every second visit has a photo."""
    if session.exec(select(EducationActivity)).first() is not None:
        return
    login = demo_login(Role.NATIONAL_OFFICIAL)
    account = session.exec(select(Account).where(Account.login == login)).one()
    official = Principal(account.id, account.name, Role.NATIONAL_OFFICIAL, NATION, is_demo=True)
    work = Work(session, official, now, current_settings())
    photo = EntryPhoto(draw_clean_photo(EDUCATION_PICTURE), photo_dir)
    stream = random_stream("education", seed=seed)
    for city in CITIES:
        _store_activities(work, city, photo, stream)
    stream, invented = random_stream("registers", seed=seed), inventor(seed)
    for city in CITIES:
        _store_bases(work, city, photo, stream, invented)
        _store_stations(work, city, stream, invented)
    _store_rule_work(work)


def _store_activities(
    work: Work, city: str, photo: EntryPhoto, stream: np.random.Generator
) -> None:
    for number, (title, place, form, audience, people, yuan) in enumerate(_KINDS):
        for month in sorted(stream.choice(12, size=3, replace=False).tolist()):
            add_entry(
                work,
                register=ACTIVITIES,
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
                photo=photo if (number + month) % 3 == 0 else None,
            )


def _store_bases(
    work: Work, city: str, photo: EntryPhoto, stream: np.random.Generator, invented: Faker
) -> None:
    for number, (kind, ending, level, elderly, minors) in enumerate(_BASES):
        place = invented.place("scenic", stream)
        base_id = add_entry(
            work,
            register=BASES,
            data=BaseData(
                area=city,
                name=f"{place}{ending}（演示）",
                kind=kind,
                named_by=level,
                named_on=date(YEAR - 1 - number, 3, 15),
                standard="消费教育基地建设与管理规范（演示）",
                address=f"{place}旁（演示）",
                for_elderly=elderly,
                for_minors=minors,
                hours="周二至周日 9:00–17:00",
                contact="消费者协会教育部 12315",
            ),
        )
        for visit in range(int(stream.integers(0, 3))):
            add_visit(
                work,
                data=VisitData(
                    area=city,
                    base_id=base_id,
                    visited_on=date(YEAR, 5 + 5 * visit, int(stream.integers(1, 28))),
                    found=_FOUND[int(stream.integers(len(_FOUND)))],
                ),
                photo=photo if visit else None,
            )


def _store_stations(work: Work, city: str, stream: np.random.Generator, invented: Faker) -> None:
    for kind, place, ending, invented_kind in _STATIONS:
        where = invented.place(invented_kind, stream) if invented_kind else "本市"
        people = int(stream.integers(2, 9)) * (5 if kind == "association" else 1)
        for year in (YEAR - 1, YEAR):
            add_entry(
                work,
                register=STATIONS,
                data=StationData(
                    area=city,
                    name=f"{where}{ending}（演示）",
                    year=year,
                    kind=kind,
                    place=place,
                    address=f"{where}服务台（演示）",
                    contact="12315",
                    mediators=people,
                    training_hours=people * int(stream.integers(4, 17)),
                    settled=people * int(stream.integers(8, 41)),
                ),
            )


def _store_rule_work(work: Work) -> None:
    for kind, month, subject, text, outcome in _RULE_WORK:
        add_entry(
            work,
            register=RULE_WORK,
            data=RuleWorkData(
                area=NATION,
                kind=kind,
                done_on=date(YEAR, month, 15),
                subject=f"{subject}（演示）",
                text=text,
                outcome=outcome,
                source="演示资料",
            ),
        )
