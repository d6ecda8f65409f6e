"""Pages of the platform, the action that each requires, and the menu that leads to them."""

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
    EDUCATION = "education"
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
    PageInfo(PageKey.COMPLAINTS, "complaints", msg("Complaints and opinion"), Action.READ_RESULTS),
    PageInfo(
        PageKey.EDUCATION, "consumer-education", msg("Consumer education"), Action.READ_RESULTS
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
        msg("Forms and indicators"),
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


@dataclass(frozen=True)
class MenuEntry:
    """Entry of the menu: a page, or several of one subject that link to each other.

    `action` is what it takes to have the entry, beside the right to open one of its pages.
    """

    title: Message
    pages: tuple[PageInfo, ...]
    action: Action | None = None


@dataclass(frozen=True)
class MenuSection:
    """Heading of the menu, None above the start page, with the entries below it."""

    heading: Message | None
    entries: tuple[MenuEntry, ...]


def _build_entry(
    first: PageKey, *others: PageKey, title: Message | None = None, action: Action | None = None
) -> MenuEntry:
    """Return the entry of these pages; its title is that of the first page unless given."""
    pages = tuple(PAGES_BY_KEY[key] for key in (first, *others))
    return MenuEntry(title or pages[0].title, pages, action)


_MENU: tuple[MenuSection, ...] = (
    MenuSection(None, (_build_entry(PageKey.HOME),)),
    MenuSection(
        msg("Results"),
        (
            _build_entry(PageKey.OVERVIEW),
            _build_entry(PageKey.CITY),
            _build_entry(PageKey.SPECIAL_GROUPS, PageKey.URBAN_RURAL),
            _build_entry(PageKey.TRENDS, PageKey.CROSSTAB),
            _build_entry(
                PageKey.COMPLAINTS,
                PageKey.EDUCATION,
                PageKey.EXPERIENCE_CHECKS,
                PageKey.COMPARATIVE_TESTS,
                PageKey.RECTIFICATION,
                PageKey.OUTSIDE_DATA,
                title=msg("Beside the score"),
            ),
        ),
    ),
    MenuSection(
        msg("In the field"),
        (
            _build_entry(PageKey.TASKS, PageKey.INTERVIEW),
            _build_entry(PageKey.PROGRESS, PageKey.SIGN_IN_CODES),
            _build_entry(PageKey.REVIEW, PageKey.BACK_CHECK),
            _build_entry(PageKey.PAPER, PageKey.BULK_IMPORT, title=msg("Paper entry and import")),
        ),
    ),
    MenuSection(
        msg("Organisation"),
        (
            _build_entry(PageKey.PLAN),
            _build_entry(PageKey.QUESTIONNAIRES),
            _build_entry(PageKey.USERS),
        ),
    ),
    MenuSection(
        msg("Publication"),
        (
            _build_entry(PageKey.RELEASES, action=Action.RELEASE),
            _build_entry(PageKey.EXPORT, PageKey.RELEASES),
            _build_entry(PageKey.METHOD),
            _build_entry(PageKey.AUDIT),
        ),
    ),
)


def list_menu(principal: Principal | None) -> tuple[MenuSection, ...]:
    """Return the menu of a principal: every page that may be opened, in one entry each."""
    placed: set[PageKey] = set()
    sections = []
    for section in _MENU:
        entries = []
        for entry in section.entries:
            has_right = entry.action is None or (principal and principal.may(entry.action))
            pages = tuple(
                page
                for page in entry.pages
                if has_right and page.key not in placed and may_open(page, principal)
            )
            placed.update(page.key for page in pages)
            if pages:
                title = entry.title if len(pages) > 1 else pages[0].title
                entries.append(MenuEntry(title, pages))
        if entries:
            sections.append(MenuSection(section.heading, tuple(entries)))
    return tuple(sections)


def list_neighbours(key: PageKey, principal: Principal | None) -> tuple[PageInfo, ...]:
    """Return the pages in the menu entry of page `key`, itself among them; none if it is alone.

    An interview is opened from a task, not from the menu.
    """
    if key in {PageKey.TASKS, PageKey.INTERVIEW}:
        return ()
    pages = next(
        (
            entry.pages
            for section in list_menu(principal)
            for entry in section.entries
            if any(page.key is key for page in entry.pages)
        ),
        (),
    )
    return pages if len(pages) > 1 else ()


def landing_page(role: Role) -> PageInfo:
    """Return the page that an account with this role sees first after sign-in."""
    return PAGES_BY_KEY[PageKey(ROLES[role].first_page)]
