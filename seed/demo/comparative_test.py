"""A comparative test of twelve invented rice cookers, whose true values are known.

The laboratory's values are the true ones with an error as large as its uncertainty allows. One
cooker is unsafe beyond doubt, one lies so close to the limit that no measurement could tell, and
one was better in the retest that its maker asked for.
"""

import io
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from PIL import Image, ImageDraw
from sqlmodel import Session, select

from seed.demo.random_streams import random_stream
from survey.access.principal import Principal
from survey.access.roles import NATION, Role, demo_login
from survey.access.work import Seen, Work
from survey.comparative_tests.grading import Measurement
from survey.comparative_tests.hearings import ReplyData
from survey.comparative_tests.maker_replies import record_maker_reply, send_results_to_makers
from survey.comparative_tests.measured_values import add_measured_values
from survey.comparative_tests.plan import (
    advance_comparative_test,
    create_comparative_test,
    set_grading_rules,
)
from survey.comparative_tests.product_samples import add_product_samples, check_digit
from survey.comparative_tests.released_grades import (
    confirm_erratum,
    propose_erratum,
    sign_comparative_test,
)
from survey.comparative_tests.rules import GradingRules, parse_rules
from survey.comparative_tests.sample_photos import SIDE_PIXELS, attach_sample_photo
from survey.comparative_tests.value_list import ValueData
from survey.compute.photo_cleaning import CleanPhoto, shrink_photo
from survey.settings import current_settings
from survey.store.china_time import china_date
from survey.store.tables import ComparativeTest, ComparativeTestState, MeasurementRound, ReplyStance
from survey.store.tables.evidence import ComparativeTestPlan, SampleData

DEMO_TEST = "demo-rice-cooker"
UNSAFE, BORDERLINE, RETESTED, MISREAD = "S05", "S09", "S03", "S11"
"""Samples whose story the demonstration tells."""
_STANDARD = "GB 4706.19-2008"
_STARS = (("five", "五星", "five stars", 90), ("four", "四星", "four stars", 80),
          ("three", "三星", "three stars", 70), ("two", "二星", "two stars", 60),
          ("one", "一星", "one star", 0))  # fmt: skip


def _build_characteristic(
    key: str, zh: str, en: str, group: str, unit: str, weight: int, **rest: Any
) -> dict[str, Any]:
    rest.setdefault("method", _STANDARD)
    return {
        "key": key,
        "name": {"zh": zh, "en": en},
        "group": group,
        "unit": unit,
        "weight": weight,
        **rest,
    }


def _build_marks(*points: tuple[int | str, int]) -> list[dict[str, Any]]:
    return [{"value": value, "mark": mark} for value, mark in points]


def demo_rules() -> GradingRules:
    """Return the rules of the test."""
    return parse_rules(
        {
            "characteristics": [
                _build_characteristic(
                    "leakage", "泄漏电流", "leakage current", "安全", "mA", 0,
                    limit_standard=_STANDARD, upper="0.75",
                ),
                _build_characteristic(
                    "efficiency", "热效率", "thermal efficiency", "能效", "%", 25,
                    method="GB 12021.6-2017", limit_standard="GB 12021.6-2017", lower=73,
                    points=_build_marks((73, 40), (90, 100)),
                ),
                _build_characteristic(
                    "cooking", "煮饭时间", "cooking time", "性能", "min", 20,
                    method="QB/T 4099-2010", points=_build_marks((25, 100), (45, 60), (70, 0)),
                ),
                _build_characteristic(
                    "evenness", "米饭均匀度", "evenness of the rice", "性能", "", 30,
                    method="QB/T 4099-2010", points=_build_marks((50, 20), (95, 100)),
                ),
                _build_characteristic(
                    "noise", "噪声", "noise", "使用", "dB(A)", 15,
                    method="GB/T 4214.1-2017", points=_build_marks((35, 100), (60, 30), (70, 0)),
                ),
                _build_characteristic(
                    "standby", "待机功率", "standby power", "能效", "W", 10,
                    method="GB 12021.6-2017", limit_standard="GB 12021.6-2017", upper=2,
                    points=_build_marks(("0.2", 100), (2, 40)),
                ),
            ],
            "devaluations": [
                {
                    "key": "unsafe", "name": {"zh": "不安全只得一星", "en": "unsafe: one star"},
                    "characteristic": "leakage", "trigger": "fails", "effect": "cap",
                    "amount": "59.9",
                },
                {
                    "key": "wasteful", "name": {"zh": "能效不足扣分", "en": "wasteful"},
                    "characteristic": "efficiency", "trigger": "mark_below", "threshold": 50,
                    "effect": "deduct", "amount": 5,
                },
                {
                    "key": "uneven", "name": {"zh": "煮不好饭不能高分", "en": "bad rice"},
                    "characteristic": "evenness", "trigger": "mark_below", "threshold": 60,
                    "effect": "cap_at_characteristic", "amount": 10,
                },
            ],
            "grades": [
                {"key": key, "name": {"zh": zh, "en": en}, "from_mark": mark}
                for key, zh, en, mark in _STARS
            ],
        }
    )  # fmt: skip


TRUE_VALUES: Mapping[str, tuple[float, ...]] = {
    "S01": (0.21, 86.4, 31, 88, 44, 0.6),
    "S02": (0.32, 81.0, 36, 82, 47, 1.1),
    "S03": (0.28, 79.5, 28, 90, 41, 0.8),
    "S04": (0.44, 76.2, 42, 74, 52, 1.6),
    UNSAFE: (1.05, 82.1, 33, 85, 45, 0.9),
    "S06": (0.19, 88.0, 27, 93, 38, 0.4),
    "S07": (0.36, 74.6, 48, 61, 55, 1.8),
    "S08": (0.25, 83.7, 39, 79, 43, 0.7),
    BORDERLINE: (0.75, 84.9, 30, 87, 42, 0.5),
    "S10": (0.41, 78.8, 52, 69, 49, 1.3),
    MISREAD: (0.30, 80.3, 35, 84, 46, 1.0),
    "S12": (0.23, 85.2, 44, 77, 40, 0.6),
}
"""True value of each characteristic, in the order of the rules."""
UNCERTAINTIES = (0.04, 0.8, 0.5, 3.0, 1.0, 0.05)
"""Expanded uncertainty of the laboratory, with k = 2."""
_DIGITS = (2, 1, 1, 0, 1, 2)
_BRANDS = (
    "禾味",
    "灶边",
    "云炊",
    "粒香",
    "北仓",
    "小满",
    "谷丰",
    "田园记",
    "厨乐多",
    "明釜",
    "和稻",
    "一锅",
)
_MAKERS = tuple(f"演示{name}电器有限公司" for name in ("甲", "乙", "丙", "丁", "戊", "己"))
_PLACES = (("online", "演示网购平台"), ("supermarket", "演示超市"), ("mall", "演示百货"))


def store_comparative_test(
    *, session: Session, accounts: Mapping[str, UUID], seed: int, now: datetime
) -> None:
    """Store the test with everything that happened to it, released a month ago; once."""
    if session.exec(select(ComparativeTest.id).where(ComparativeTest.key == DEMO_TEST)).first():
        return
    login = demo_login(Role.NATIONAL_OFFICIAL)
    person = Principal(accounts[login], login, Role.NATIONAL_OFFICIAL, NATION, is_demo=True)
    _DemoTest(session, person, now - timedelta(120)).run(seed)


def _draw_cooker(code: str) -> CleanPhoto:
    """Return a drawing in the place of a photo: no product is shown that exists."""
    picture = Image.new("RGB", (640, 480), "#e9e6df")
    drawing = ImageDraw.Draw(picture)
    drawing.rounded_rectangle((150, 140, 490, 400), 60, fill="#c9c4b8", outline="#55524b", width=6)
    drawing.ellipse((170, 105, 470, 195), fill="#dedad0", outline="#55524b", width=6)
    drawing.rectangle((270, 290, 370, 350), fill="#55524b")
    drawing.text((286, 312), f"DEMO {code}", fill="#ffffff")
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=90)
    return shrink_photo(content.getvalue(), SIDE_PIXELS)


class _DemoTest:
    """The test, taken through its states by the services that the page calls."""

    def __init__(self, session: Session, person: Principal, started_at: datetime) -> None:
        self._session, self._person, self._now = session, person, started_at
        self._id = create_comparative_test(
            Work(session, person, started_at, current_settings()),
            draft=ComparativeTestPlan(
                key=DEMO_TEST,
                area=NATION,
                title_zh="电饭煲比较试验",
                title_en="Comparative test of rice cookers",
                purpose="比较常见价位电饭煲的安全、能效、煮饭效果和使用情况，为消费者选购提供参考。",
                funder="协会工作经费，未接受企业资助",
                laboratory="演示家电检测中心",
                accreditation="CNAS L0000（演示）",
                publishes_photos=True,
            ),
        )

    def run(self, seed: int) -> None:
        state, rules = ComparativeTestState, demo_rules()
        self._take_step(set_grading_rules, 1, rules=rules)
        self._take_step(add_product_samples, 20, samples=list(self._iter_samples()))
        for code in (UNSAFE, RETESTED):
            photo, folder = _draw_cooker(code), current_settings().photo_dir
            self._take_step(attach_sample_photo, 0, folder=folder, sample=code, photo=photo)
        self._take_step(advance_comparative_test, 1, to=state.BOUGHT)
        self._take_step(advance_comparative_test, 3, to=state.AT_LABORATORY)
        values = list(self._measure(seed, TRUE_VALUES))
        first = {"occasion": MeasurementRound.FIRST, "reason": ""}
        self._take_step(add_measured_values, 25, values=self._add_mistakes(values), **first)
        self._take_step(advance_comparative_test, 1, to=state.RESULTS_IN)
        self._take_step(send_results_to_makers, 1, due_on=china_date(self._now) + timedelta(11))
        self._hear_makers(values)
        self._take_step(advance_comparative_test, 4, to=state.MAKERS_HEARD)
        self._take_step(sign_comparative_test, 3)
        right = next(v for v in values if (v.sample, v.characteristic) == (MISREAD, "noise"))
        self._take_step(
            propose_erratum, 12, value=right, reason="实验室复核发现抄录有误，原值多记 10 dB。"
        )
        self._take_step(confirm_erratum, 1)

    def _take_step(self, service: Any, days: int, **given: Any) -> None:
        self._now += timedelta(days)
        version = self._session.get_one(ComparativeTest, self._id).lock_version
        service(
            Work(self._session, self._person, self._now, current_settings()),
            Seen(self._id, version),
            **given,
        )

    def _iter_samples(self) -> Iterable[SampleData]:
        for number, code in enumerate(TRUE_VALUES):
            # Numbers that begin with 2 are for use within a company; no product carries them.
            digits = f"20{number:010}"
            channel, place = _PLACES[number % len(_PLACES)]
            yield SampleData(
                code=code,
                brand=_BRANDS[number],
                model=f"DEMO-{40 + number}",
                gtin=f"{digits}{check_digit(digits)}",
                batch=f"{self._now:%Y}{number + 1:02d}",
                maker=_MAKERS[number % len(_MAKERS)],
                channel=channel,
                place=place,
                bought_on=china_date(self._now),
                price_fen=(199 + 50 * number) * 100,
                receipt=f"演示-{1000 + number}",
                is_anonymous=True,
            )

    def _measure(self, seed: int, truth: Mapping[str, tuple[float, ...]]) -> Iterable[ValueData]:
        stream = random_stream("comparative test", seed=seed)
        keys = [each.key for each in demo_rules().characteristics]
        for code, true_values in truth.items():
            for key, true, half, digits in zip(
                keys, true_values, UNCERTAINTIES, _DIGITS, strict=True
            ):
                measured = round(true + float(stream.normal(0, half / 2)), digits)
                number = Decimal(f"{measured:.{digits}f}")
                measurement = Measurement(number, Decimal(str(half)), Decimal(2))
                yield ValueData(code, key, measurement, china_date(self._now))

    def _add_mistakes(self, values: Iterable[ValueData]) -> list[ValueData]:
        """Return the values as first reported: one cooker measured too slow, one misread."""
        wrong = {(RETESTED, "cooking"): Decimal(12), (MISREAD, "noise"): Decimal(10)}
        return [
            ValueData(
                each.sample,
                each.characteristic,
                Measurement(
                    each.measurement.value
                    + wrong.get((each.sample, each.characteristic), Decimal()),
                    each.measurement.uncertainty,
                    each.measurement.coverage,
                ),
                each.measured_on,
            )
            for each in values
        ]

    def _hear_makers(self, values: Iterable[ValueData]) -> None:
        replies = (
            (_MAKERS[2], ReplyStance.WANTS_RETEST, "煮饭时间与本公司测试差异较大，请求复测。",
             "已在同一实验室复测，采用复测值。"),
            (_MAKERS[4], ReplyStance.OBJECTS, "泄漏电流不合格可能系个别样品。",
             "试验结果只对所购样品负责；已建议企业核查同批次产品。"),
            (_MAKERS[0], ReplyStance.AGREES, "认可试验结果。", ""),
        )  # fmt: skip
        for maker, stance, text, answer in replies:
            received = china_date(self._now) + timedelta(2)
            data = ReplyData(stance, text, answer, received)
            self._take_step(record_maker_reply, 2, maker=maker, data=data)
        again = next(v for v in values if (v.sample, v.characteristic) == (RETESTED, "cooking"))
        retest = {"occasion": MeasurementRound.RETEST, "reason": "企业请求复测。"}
        self._take_step(add_measured_values, 3, values=[again], **retest)
