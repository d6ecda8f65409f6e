"""What can be wrong with a backup or with the store it should go into."""

from survey.locale import SurveyError, msg


class BackupDamagedError(SurveyError):
    """The file is cut off, was changed, or is no backup at all."""

    code = "backup_damaged"


class BackupLockedError(SurveyError):
    """The file is encrypted and the right passphrase or key was not given."""

    code = "backup_locked"


class BackupTooNewError(SurveyError):
    """A newer version of the software made the file."""

    code = "backup_too_new"


class StoreOccupiedError(SurveyError):
    """The store to restore into holds data, or somebody is using it."""

    code = "store_in_the_way"


class StoreNotFoundError(SurveyError):
    """There is no store, or it has another shape than this version of the software knows."""

    code = "nothing_to_back_up"


def truncated_error() -> BackupDamagedError:
    return BackupDamagedError(
        msg("The backup is cut off: its end is missing. Nothing was restored.")
    )


def checksum_error(part: str) -> BackupDamagedError:
    return BackupDamagedError(
        msg(
            "The backup was changed or damaged after it was made ({part}). Nothing was restored.",
            part=part,
        )
    )


def authentication_error() -> BackupDamagedError:
    return BackupDamagedError(
        msg("The backup is cut off or was changed after it was made. Nothing was restored.")
    )
