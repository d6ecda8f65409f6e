"""Pages of the platform and the actions that open them."""

from dataclasses import dataclass
from enum import StrEnum

from survey.access.principal import Principal
from survey.access.roles import ROLES, Action, Role
from survey.locale import Message, msg


class PageKey(StrEnum):
    HOME = "home"
    TASKS = "tasks"
    INTERVIEW = "interview"
    OVERVIEW = "overview"
    CITY = "city"
    SPECIAL_GROUPS = "special_groups"
    URBAN_RURAL = "urban_rural"
    TRENDS = "trends"
    CROSSTAB = "crosstab"
    RECTIFICATION = "rectification"
    COMPARATIVE_TESTS = "comparative_tests"
    EXPERIENCE_CHECKS = "experience_checks"
    COMPLAINTS = "complaints"
    PROGRESS = "progress"
    REVIEW = "review"
    BACK_CHECK = "back_check"
    BULK_IMPORT = "bulk_import"
    OUTSIDE_DATA = "outside_data"
    PAPER = "paper"
    PLAN = "plan"
    QUESTIONNAIRES = "questionnaires"
    METHOD = "method"
    EXPORT = "export"
    RELEASES = "releases"
    SIGN_IN_CODES = "sign_in_codes"
    USERS = "users"
    AUDIT = "audit"


@dataclass(frozen=True)
class PageInfo:
    """Page of the platform: `path` is its file, `url` its permanent address.

    `action` is what it takes to open the page.
    """

    key: PageKey
    url: str
    title: Message
    action: Action | None

    @property
    def path(self) -> str:
        return f"pages/{self.key}.py"


PAGES: tuple[PageInfo, ...] = (
    PageInfo(PageKey.HOME, "", msg("Start page"), None),
    PageInfo(PageKey.TASKS, "tasks", msg("My tasks"), Action.INTERVIEW),
    PageInfo(PageKey.INTERVIEW, "interview", msg("Interview"), Action.INTERVIEW),
    PageInfo(PageKey.OVERVIEW, "overview", msg("National overview"), Action.READ_RESULTS),
    PageInfo(PageKey.CITY, "city", msg("City profile"), Action.READ_RESULTS),
    PageInfo(PageKey.SPECIAL_GROUPS, "special-groups", msg("Special groups"), Action.READ_RESULTS),
    PageInfo(PageKey.URBAN_RURAL, "urban-rural", msg("Town and countryside"), Action.READ_RESULTS),
    PageInfo(PageKey.TRENDS, "trends", msg("Trends and comparisons"), Action.READ_RESULTS),
    PageInfo(PageKey.CROSSTAB, "crosstab", msg("Crosstabs"), Action.READ_RESULTS),
    PageInfo(PageKey.RECTIFICATION, "rectification", msg("Rectification"), Action.READ_PROBLEMS),
    PageInfo(
        PageKey.COMPARATIVE_TESTS,
        "comparative-tests",
        msg("Comparative tests"),
        Action.READ_RESULTS,
    ),
    PageInfo(
        PageKey.EXPERIENCE_CHECKS,
        "experience-checks",
        msg("Experience checks"),
        Action.READ_RESULTS,
    ),
    PageInfo(
        PageKey.COMPLAINTS,
        "complaints",
        msg("Rights protection and consumer education"),
        Action.READ_RESULTS,
    ),
    PageInfo(PageKey.PROGRESS, "progress", msg("Fieldwork progress"), Action.FOLLOW_FIELDWORK),
    PageInfo(PageKey.REVIEW, "review", msg("Review"), Action.REVIEW),
    PageInfo(PageKey.BACK_CHECK, "back-check", msg("Back-check"), Action.BACK_CHECK),
    PageInfo(PageKey.BULK_IMPORT, "bulk-import", msg("Bulk import"), Action.IMPORT),
    PageInfo(PageKey.OUTSIDE_DATA, "outside-data", msg("Outside data"), Action.DELIVER_EVIDENCE),
    PageInfo(PageKey.PAPER, "paper", msg("Paper entry"), Action.SETTLE_PAPER),
    PageInfo(PageKey.PLAN, "plan", msg("Waves and sampling"), Action.READ_PLAN),
    PageInfo(
        PageKey.QUESTIONNAIRES,
        "questionnaires",
        msg("Questionnaires and indicators"),
        Action.READ_QUESTIONNAIRES,
    ),
    PageInfo(PageKey.METHOD, "method", msg("Method"), Action.READ_METHOD),
    PageInfo(PageKey.EXPORT, "export", msg("Reports and exports"), Action.SEE_EXPORTS),
    PageInfo(PageKey.RELEASES, "releases", msg("Release register"), Action.READ_RESULTS),
    PageInfo(PageKey.SIGN_IN_CODES, "sign-in-codes", msg("Sign-in codes"), Action.HAND_OUT_CODES),
    PageInfo(PageKey.USERS, "users", msg("Users and rights"), Action.ADMINISTER),
    PageInfo(PageKey.AUDIT, "audit", msg("Audit"), Action.ADMINISTER),
)
PAGES_BY_KEY = {page.key: page for page in PAGES}


def may_open(page: PageInfo, principal: Principal | None) -> bool:
    """Return whether the principal may open the page."""
    if page.action is None:
        return True
    return principal is not None and principal.may(page.action)


def menu_for(principal: Principal | None) -> tuple[PageInfo, ...]:
    """Return the pages in the menu of a principal, in order."""
    return tuple(page for page in PAGES if may_open(page, principal))


def landing_page(role: Role) -> PageInfo:
    """Return the page where a role starts after sign-in."""
    return PAGES_BY_KEY[PageKey(ROLES[role].first_page)]
