"""Errors of a backup, or of the store that it should be loaded into."""

from survey.locale import SurveyError, msg


class BackupDamagedError(SurveyError):
    """Raised when a file is cut off, was changed, or is no backup at all."""

    code = "backup_damaged"


class BackupLockedError(SurveyError):
    """Raised when a file is encrypted and the right passphrase or key was not given."""

    code = "backup_locked"


class StoreOccupiedError(SurveyError):
    """Raised when the store to restore into holds data or is in use."""

    code = "store_in_the_way"


def truncated_error() -> BackupDamagedError:
    """Return the error of a file that was cut off."""
    return BackupDamagedError(
        msg("The backup is cut off: its end is missing. Nothing was restored.")
    )


def checksum_error(part: str) -> BackupDamagedError:
    """Return the error of a part whose content does not have its checksum."""
    return BackupDamagedError(
        msg(
            "The backup was changed or damaged after it was made ({part}). Nothing was restored.",
            part=part,
        )
    )


def authentication_error() -> BackupDamagedError:
    """Return the error of an encrypted file that was cut off or changed."""
    return BackupDamagedError(
        msg("The backup is cut off or was changed after it was made. Nothing was restored.")
    )
