"""Codes of open questions, entered by a list; each change is a new version."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Work
from survey.frame.plan_workbook import read_table_file
from survey.frame.workbook_io import CellChecker, CellError, WorkbookSheet, sheet_of_record
from survey.locale import NotFoundError, RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import CodingFrame
from survey.store.tables.open_answers import CodeData

MIN_CODES, MAX_CODES = 2, 30
CODE_SHEET: WorkbookSheet = sheet_of_record("codes", CodeData)
_REFUSED = "coding_refused"


@dataclass(frozen=True)
class CodeList:
    """Codes read from a file, and the problems found in its cells."""

    codes: tuple[CodeData, ...]
    errors: tuple[CellError, ...]


def read_code_file(work: Work, *, name: str, content: bytes) -> CodeList:
    """Return the codes in an uploaded list, and its problems; store nothing.

    Raises:
        WorkbookError, RefusedError: the file as a whole.
    """
    work.require(Action.LEAD_CODING)
    today = china_date(work.now)
    listed = read_table_file(name, content, CODE_SHEET)

    def read(check: CellChecker) -> CodeData | None:
        values = check.read_record(CodeData, today)
        return CodeData(**values) if check.is_clean() else None

    codes = listed.read(read)
    listed.require_rows("code", None)
    return CodeList(codes, listed.problems())


def save_coding_frame(work: Work, *, question: str, codes: tuple[CodeData, ...]) -> UUID:
    """Store the codes of a question as its next version and return the version's id."""
    work.require(Action.LEAD_CODING)
    work.principal.require_changes_allowed()
    today = china_date(work.now)
    clean = [each.checked(_REFUSED, today).model_dump() for each in codes]
    if not MIN_CODES <= len({each["code"] for each in clean}) == len(clean) <= MAX_CODES:
        raise RefusedError(
            _REFUSED,
            msg(
                "Please give {least} to {most} codes, each of them once.",
                least=MIN_CODES,
                most=MAX_CODES,
            ),
        )
    before = find_coding_frame(work, question=question)
    frame = CodingFrame(
        question=question,
        version=before.version + 1 if before else 1,
        codes=clean,
        created_by=actor_id(work.principal),
        created_at=work.now,
    )
    detail = {"question": question, "version": frame.version, "codes": len(clean)}
    work.add(frame, AuditEvent.CODING_FRAME_SAVED, frame.id, detail)
    return frame.id


def find_coding_frame(work: Work, *, question: str) -> CodingFrame | None:
    """Return the newest version of the codes of a question; None if it has none."""
    work.require(Action.LEAD_CODING)
    query = select(CodingFrame).where(CodingFrame.question == question)
    return work.session.exec(query.order_by(col(CodingFrame.version).desc())).first()


def get_coding_frame(work: Work, *, question: str) -> CodingFrame:
    """Return the newest version of the codes of a question. Raises `NotFoundError`."""
    frame = find_coding_frame(work, question=question)
    if frame is None:
        raise NotFoundError(
            "coding_frame_unknown", msg("This question has no codes yet. Please bring them first.")
        )
    return frame
