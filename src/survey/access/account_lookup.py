"""Look-up of an account by its login, for commands and services that act on or for it."""

from sqlmodel import Session, select

from survey.locale import SurveyError, msg
from survey.store.tables import Account


class AccountNotFoundError(SurveyError):
    """Raised when no account has the login."""

    code = "account_unknown"

    def __init__(self) -> None:
        super().__init__(msg("There is no such account."))


def get_account_by_login(session: Session, login: str) -> Account:
    """Return the account, locked; raises `AccountNotFoundError`."""
    query = select(Account).where(Account.login == login).with_for_update()
    account = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    if account is None:
        raise AccountNotFoundError
    return account
