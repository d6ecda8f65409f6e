"""Problem lists of the demo: last wave's put right and accepted, this wave's in every state."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from seed.demo.comparative_test import DEMO_TEST
from seed.demo.experience_check import DEMO_CHECK
from survey.access.principal import Principal
from survey.access.roles import DEMO_CITY, DEMO_PROVINCE, NATION, ROLES, Role, demo_login
from survey.access.work import Work
from survey.collection.submission_envelope import FIRST_ROUND
from survey.figures.views.view_context import ViewContext
from survey.frame.city_frame import shipped_cities
from survey.locale import translator
from survey.rectification.problem_changes import (
    ProblemDraft,
    ProblemText,
    add_problems,
    edit_problem,
    give_evidence,
    move_problem,
)
from survey.rectification.problem_records import ProblemFigure, ProblemRecord, key_of, list_problems
from survey.rectification.proposals import build_proposals
from survey.results import WaveResults, open_results
from survey.settings import Settings, current_settings
from survey.store.china_time import china_date
from survey.store.tables import (
    Account,
    ComparativeTest,
    EvidenceKind,
    ProblemBasis,
    ProblemState,
    Wave,
)

LAST_WAVE, THIS_WAVE = "main-2023", "main-2024"
PROVINCES = (DEMO_PROVINCE, DEMO_CITY[:2])
MAX_LISTED = 5
UNITS = ("市场监督管理局", "商务局", "文化和旅游局", "城市管理局", "交通运输局", "民政局")
MEASURES = (
    "公示收费和退换货规则，设立现场投诉点",
    "开展专项检查，约谈投诉集中的经营者",
    "培训一线服务人员，每季度回访消费者",
    "补齐无障碍和适老设施，更新指示标识",
)
EVIDENCE = "已完成主要场所的整改，照片和检查记录存档（演示数据）"
CITED_STATEMENTS: Mapping[EvidenceKind, str] = {
    EvidenceKind.COMPLAINTS: "同期投诉数据显示问题主要在售后环节，已列为整改重点（演示数据）",
    EvidenceKind.EXPERIENCE_CHECK: "消费体察也看到同样的问题，已向农贸市场经营者通报（演示数据）",
    EvidenceKind.COMPARATIVE_TEST: "已要求销售比较试验中一星级产品的商家下架（演示数据）",
}
"""What is said with each kind of figure that a problem cites."""
CITED_COMPLAINTS = "2024/nature/after_sales"
RESTS_ON = ProblemFigure(reference=key_of(EvidenceKind.COMPLAINTS, "2023/nature/after_sales"))
"""Figure from beside the score on which a problem of last wave rests; later years measure again."""
RESTS_ON_WORDING = "售后服务类投诉占比高（演示数据）"
RETURNED = "部分区县尚未完成，请补充佐证（演示数据）"
_AGO, _STEP = timedelta(days=300), timedelta(days=10)
_STATES = (
    ProblemState.IN_PROGRESS,
    ProblemState.DONE,
    ProblemState.PROPOSED,
    ProblemState.REOPENED,
    ProblemState.ACCEPTED,
)


def store_problem_lists(*, settings: Settings, session: Session, now: datetime) -> int:
    """Store the lists of the cities of two provinces, by the services; return how many problems."""
    query = select(Account.login, Account.id).where(
        col(Account.login).in_([demo_login(Role.CITY_OFFICIAL), demo_login(Role.PROVINCE_OFFICIAL)])
    )
    accounts = dict(session.exec(query).all())
    waves = {key: open_results(settings, session, key) for key in (LAST_WAVE, THIS_WAVE)}
    cited = list_cited_keys(session)
    stored = 0
    for city in shipped_cities():
        if city.code.startswith(PROVINCES):
            office = _Office(session, accounts, city.code, cited)
            stored += office.keep(waves[LAST_WAVE], now - _AGO, _choose_accepted)
            stored += office.keep(waves[THIS_WAVE], now - 8 * _STEP, _choose_any_state)
    return stored


def list_cited_keys(session: Session) -> tuple[tuple[str, str], ...]:
    """Return key and statement of one figure of each kind: evidence of this wave's problems."""
    check = session.exec(select(Wave.id).where(Wave.key == DEMO_CHECK)).one()
    test = session.exec(select(ComparativeTest.id).where(ComparativeTest.key == DEMO_TEST)).one()
    references = {
        EvidenceKind.COMPLAINTS: CITED_COMPLAINTS,
        EvidenceKind.EXPERIENCE_CHECK: f"{check}/{FIRST_ROUND}/{NATION}/market",
        EvidenceKind.COMPARATIVE_TEST: str(test),
    }
    return tuple((key_of(kind, ref), CITED_STATEMENTS[kind]) for kind, ref in references.items())


def _choose_accepted(number: int) -> ProblemState:
    return ProblemState.ACCEPTED if number % 4 != 3 else ProblemState.IN_PROGRESS


def _choose_any_state(number: int) -> ProblemState:
    return _STATES[number % len(_STATES)]


class _Office:
    """Officials of a city and its province, at work on the city's lists."""

    def __init__(
        self,
        session: Session,
        accounts: Mapping[str, UUID],
        city: str,
        cited: Sequence[tuple[str, str]],
    ) -> None:
        self.session, self.city, self.cited = session, city, cited
        self.official = _get_official(accounts, Role.CITY_OFFICIAL, city)
        self.province = _get_official(accounts, Role.PROVINCE_OFFICIAL, city[:2])

    def keep(
        self, results: WaveResults, start: datetime, state_of: Callable[[int], ProblemState]
    ) -> int:
        """List what a wave proposes, and bring each problem into a state."""
        drafts = [
            ProblemDraft(each.basis, each.figure, each.wording)
            for each in build_proposals(ViewContext(results, self.official, "zh"), city=self.city)
        ][:MAX_LISTED]
        if results.wave.key == LAST_WAVE:
            drafts.append(ProblemDraft(ProblemBasis.CHOSEN, RESTS_ON, RESTS_ON_WORDING))
        added = add_problems(
            Work(self.session, self.official, start, current_settings()),
            results=results,
            city_code=self.city,
            drafts=drafts,
        )
        problems = [each for each in self._list_problems() if each.wave_key == results.wave.key]
        for number, problem in enumerate(problems):
            place = number + int(self.city[2:4])
            self._follow_up(problem, place, state_of(place), start)
        return added

    def _list_problems(self) -> tuple[ProblemRecord, ...]:
        return list_problems(
            Work(self.session, self.official, datetime.now(UTC), current_settings()),
            city_code=self.city,
        )

    def _follow_up(
        self, problem: ProblemRecord, place: int, state: ProblemState, start: datetime
    ) -> None:
        """Take the steps that lead to a state, ten days apart."""
        if state is ProblemState.PROPOSED:
            return
        days = (75, 90, 140)[place % 3]
        text = ProblemText(
            problem.wording,
            MEASURES[place % len(MEASURES)],
            UNITS[place % len(UNITS)],
            china_date(start) + timedelta(days=days),
        )
        at, version = start + _STEP, problem.version
        edit_problem(
            Work(self.session, self.official, at, current_settings()),
            problem_id=problem.id,
            expected_version=version,
            text=text,
        )
        version = self._move(problem, version + 1, ProblemState.IN_PROGRESS, at)
        if state is ProblemState.IN_PROGRESS:
            return
        version = self._give_evidence(problem, version, EVIDENCE, "", at + _STEP)
        if problem.wave_key == THIS_WAVE:
            cites, statement = self.cited[place % len(self.cited)]
            version = self._give_evidence(problem, version, statement, cites, at + _STEP)
        version = self._move(problem, version, ProblemState.DONE, at + _STEP)
        if state is not ProblemState.DONE:
            self._move(problem, version, state, at + 2 * _STEP)

    def _give_evidence(
        self, problem: ProblemRecord, version: int, statement: str, cites: str, at: datetime
    ) -> int:
        give_evidence(
            Work(self.session, self.official, at, current_settings()),
            problem_id=problem.id,
            expected_version=version,
            statement=statement,
            cites=cites,
        )
        return version + 1

    def _move(self, problem: ProblemRecord, version: int, to: ProblemState, at: datetime) -> int:
        decided = to in {ProblemState.ACCEPTED, ProblemState.REOPENED}
        move_problem(
            Work(self.session, self.province if decided else self.official, at, current_settings()),
            problem_id=problem.id,
            expected_version=version,
            to=to,
            note=RETURNED if to is ProblemState.REOPENED else "",
        )
        return version + 1


def _get_official(accounts: Mapping[str, UUID], role: Role, area: str) -> Principal:
    """Return the demo account of a role, at work in another area of the demo."""
    name = translator("zh")(ROLES[role].name)
    return Principal(accounts[demo_login(role)], f"演示{name}", role, area, is_demo=True)
