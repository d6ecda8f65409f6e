"""Time stamps by RFC 3161 from a server that the association names; none by default."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx2
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from survey.locale import SurveyError, msg
from survey.publish.publications.verify import MAX_TIME_STAMP_BYTES
from survey.settings import Settings

MAX_SECONDS = 15.0
_REQUEST_TYPE = "application/timestamp-query"


class TimeStampError(SurveyError):
    """Raised when no valid time stamp could be got, or one does not hold."""

    code = "time_stamp_invalid"


def read_authorities(file: Path) -> list[x509.Certificate]:
    """Return the certificates of a PEM file. Raises `TimeStampError`."""
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise TimeStampError(
            msg(
                "The certificates of the time stamp server cannot be read ({file}).", file=file.name
            )
        ) from error


def request_time_stamp(settings: Settings, message: bytes) -> bytes | None:
    """Return the checked time stamp of a message; None where no server is set.

    Raises:
        TimeStampError: the server does not answer, or with a stamp that does not hold.
    """
    if not settings.time_stamp_url:
        return None
    if settings.time_stamp_certificates is None:
        raise TimeStampError(
            msg("A time stamp server is set without its certificates; set both, or neither.")
        )
    authorities = read_authorities(settings.time_stamp_certificates)
    request = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build()
    stamp = b""
    try:
        with httpx2.stream(
            "POST",
            settings.time_stamp_url,
            content=request.as_bytes(),
            headers={"Content-Type": _REQUEST_TYPE},
            timeout=MAX_SECONDS,
            trust_env=False,
        ) as answer:
            answer.raise_for_status()
            for data in answer.iter_bytes():
                stamp += data
                if len(stamp) > MAX_TIME_STAMP_BYTES:
                    raise TimeStampError(msg("The time stamp does not hold."))
    except httpx2.HTTPError as error:
        raise TimeStampError(
            msg("The time stamp server does not answer. Please try again later.")
        ) from error
    check_time_stamp(stamp, message, authorities, nonce=request.nonce)
    return stamp


def check_time_stamp(
    stamp: bytes, message: bytes, authorities: Sequence[x509.Certificate], nonce: int | None = None
) -> datetime:
    """Return when a message was stamped, in UTC.

    Args:
        nonce: That of the request, right after it; a stored stamp is checked without.

    Raises:
        TimeStampError: the stamp is not one of these authorities, or of another message.
    """
    builder = VerifierBuilder(roots=list(authorities), nonce=nonce)
    try:
        response: TimeStampResponse = decode_timestamp_response(stamp)
        builder.build().verify_message(response, message)
        at = response.tst_info.gen_time
    except (VerificationError, ValueError) as error:
        raise TimeStampError(msg("The time stamp does not hold.")) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
