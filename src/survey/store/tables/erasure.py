"""What is left of an interview that is withdrawn, by table and column.

A test goes through every table and column there is: each is named here as deleted, erased, kept or
about no interview, so that a new one cannot be forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import SQLModel

from survey.store.tables import (
    AuditMember,
    BackCheck,
    CodedAnswer,
    Invitation,
    PaperKeying,
    PaperSheet,
    ParkedInterview,
    Photo,
    Response,
    ResponseContact,
    ResponseFlag,
    ResponseRevision,
    ResponseRisk,
    VenueVisit,
)


@dataclass(frozen=True)
class Erasure:
    """Columns of a table that are kept, emptied at once or later when a respondent withdraws."""

    kept: frozenset[str]
    erased: Mapping[str, Any] = field(default_factory=dict)
    """Column -> what it holds from then on."""
    erased_later: Mapping[str, Any] = field(default_factory=dict)
    """As `erased`, by the schedule of `survey.collection.retention`."""


DELETED_WITH_INTERVIEW: tuple[type[SQLModel], ...] = (
    ResponseFlag,
    ResponseRisk,
    ResponseContact,
    Photo,
    CodedAnswer,
)
"""Tables whose rows about an interview are deleted; each names it as `response_id`."""

ERASURES: Mapping[type[SQLModel], Erasure] = {
    # Which interview it was, and that consent was given and withdrawn.
    Response: Erasure(
        kept=frozenset(
            {
                "id", "client_uuid", "wave_id", "city_code", "instrument_id", "invitation_id",
                "mode", "status", "language", "submitted_at", "lock_version", "is_demo",
                "withdrawn_at",
            }
        ),
        erased={
            "quota_cell_id": None, "reason": "", "started_at": None, "duration_seconds": None,
            "dropped_answers": 0, "given_weight": None,
        },
        erased_later={"point_id": None, "surveyor_id": None, "withdrawal_sha256": None},
    ),
    ResponseRevision: Erasure(
        kept=frozenset(
            {"id", "wave_id", "response_id", "number", "is_current", "author_id", "created_at"}
        ),
        erased={"answers": {}, "timings": {}, "reason": ""},
    ),
    # Response rates count invitations; nothing here is of the person who opened it.
    Invitation: Erasure(
        kept=frozenset(
            {
                "id", "token_sha256", "wave_id", "city_code", "point_id", "surveyor_id",
                "issued_at", "expires_at", "opened_at", "used_at", "other_device_at",
                "ready_made", "sheet_id", "serial", "voided_at",
            }
        ),
        erased={"device_sha256": None},
    ),
    # That somebody was called, and what came of it, is work of the checker and the surveyor.
    BackCheck: Erasure(
        kept=frozenset(
            {
                "id", "draw_id", "response_id", "wave_id", "city_code", "surveyor_id",
                "instrument_id", "chosen_by", "outcome", "channel", "attempts", "revision",
                "checked_by", "checked_at", "lock_version",
            }
        ),
        erased={"answers": {}, "note": ""},
    ),
    PaperSheet: Erasure(
        kept=frozenset(
            {
                "id", "wave_id", "city_code", "serial", "keyed_twice", "state", "response_id",
                "created_at",
            }
        )
    ),
    PaperKeying: Erasure(
        kept=frozenset(
            {
                "id", "sheet_id", "number", "client_uuid", "account_id", "point_id",
                "surveyor_id", "interview_on", "seconds", "strokes", "fields", "errors",
                "created_at",
            }
        ),
        erased={"answers": {}},
    ),
    VenueVisit: Erasure(kept=frozenset({"response_id", "point_id", "observer_id", "round"})),
    # Erased with every decision; the whole row goes by schedule.
    ParkedInterview: Erasure(
        kept=frozenset(
            {
                "id", "client_uuid", "invitation_id", "wave_id", "city_code", "point_id",
                "surveyor_id", "mode", "why", "instrument_id", "language", "stopped",
                "withdrawal_sha256", "parked_at", "decision", "decided_by", "decided_at",
                "response_id",
            }
        ),
        erased={"answers": {}, "timings": {}, "started_at": None, "duration_seconds": None},
    ),
    AuditMember: Erasure(kept=frozenset({"response_id", "entry_id"})),
}  # fmt: skip

ABOUT_NO_INTERVIEW = frozenset(
    {
        "account", "answer_archive", "api_key", "assignment", "audit_entry", "audit_head",
        "back_check_draw", "background_run", "base_visit", "chosen_peer", "city", "city_target",
        "closed_month", "coding_frame", "coding_round", "comparative_test",
        "comparative_test_erratum", "complaint_amount", "complaint_count", "complaint_summary",
        "complaint_week",
        "consumer_station", "credential", "delivery", "delivery_revision", "education_activity",
        "education_base", "evidence_release", "exact_row_request", "import_mapping",
        "imported_file", "indicator_tree_version", "instrument_version", "left_out_city",
        "login_session", "maker_reply", "mode_experiment", "opinion_count",
        "outside_identity", "paper_plan",
        "point_draw", "posting", "problem", "problem_evidence", "product_grade",
        "product_measurement", "product_sample", "publication", "publication_erratum",
        "publication_day_change", "publication_key", "publication_logo", "publication_opening",
        "publication_reader", "published_table", "sample_photo",
        "questionnaire_picture", "quota_cell", "quota_margin", "reader_answer_count",
        "recovery_code", "review_rule",
        "row_export", "rule_work", "sampling_point", "schema_floor", "setup_link", "sign_in_code",
        "sign_in_step", "sign_in_tries", "snapshot", "surveyor_note", "trader_hearing",
        "trader_list", "trader_rule", "trader_total", "transparency_checkpoint",
        "transparency_cosignature", "transparency_entry", "venue_check", "venue_reply",
        "venue_revisit", "wave", "wave_overlap", "wave_plan", "wave_release", "wave_request",
        "wave_statement",
    }
)  # fmt: skip
"""Tables that hold nothing that was said or left by a respondent. Some are of people who work here
(docs/accounts.md); what staff write there is stored masked, because nothing in it is erased."""
