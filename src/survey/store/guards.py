"""Rules that the database itself keeps, whoever sends the SQL: triggers on both databases.

States move along known ways, a plan is fixed once its wave has begun, stored answers and the audit
trail are only added to. Whoever changes a rule here writes a migration for stores that are there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

RESPONSE_MOVES = (
    ("draft", "submitted"),
    ("draft", "screened_out"),
    ("draft", "refused"),
    ("draft", "quota_full"),
    ("submitted", "returned"),
    ("submitted", "city_approved"),
    ("submitted", "void"),
    ("returned", "submitted"),
    ("returned", "city_approved"),
    ("returned", "approved"),
    ("returned", "void"),
    ("city_approved", "submitted"),
    ("city_approved", "returned"),
    ("city_approved", "approved"),
    ("city_approved", "void"),
    ("approved", "city_approved"),
    ("approved", "returned"),
    ("approved", "frozen"),
    ("approved", "void"),
    ("void", "submitted"),
    ("void", "returned"),
    ("void", "city_approved"),
    ("void", "approved"),
)
WAVE_MOVES = (
    ("planned", "open"),
    ("planned", "closed"),
    ("open", "closed"),
    ("closed", "open"),
    ("closed", "frozen"),
    ("frozen", "released"),
    ("released", "frozen"),
)
PLAN_IS_FIXED = "the state of the wave does not allow this change of its plan"
BELOW_COLLECTED = "a target cannot be lowered below what was collected"
ANSWERS_KEPT = "stored answers are neither changed nor removed"
TRAIL_KEPT = "entries of the audit trail are neither changed nor removed"
MEMBERS_KEPT = "members of audit entries are only added"
HEAD_FORWARD = "the head of the audit trail only moves forward"
LOG_KEPT = "entries of the transparency log are neither changed nor removed"
LOG_TABLE = "transparency_entry"
LEFT_OUT_FIXED = "which cities are left out is final once a wave is frozen"
_STATE = "(SELECT state FROM wave WHERE id = {row}.wave_id)"
_FIXED = f"{_STATE} NOT IN ('planned', 'open')"
_COMPUTED = f"{_STATE} IN ('frozen', 'released')"
_COUNTED = "'submitted', 'returned', 'city_approved', 'approved', 'frozen'"


@dataclass(frozen=True)
class Guard:
    """Trigger that refuses a statement under a condition, with the message of the refusal.

    `{row}` in the condition is the new row, or the old one where rows are deleted. `when` is asked
    before the condition, on PostgreSQL without a call of the function.
    """

    name: str
    table: str
    event: str
    condition: str
    refusal: str
    when: str = ""
    function: str = ""
    """Name of the function on PostgreSQL, if it is not that of the guard."""

    def statements(self, dialect: str) -> tuple[str, ...]:
        """Return the SQL statements that create the trigger on a kind of database."""
        row = "OLD" if self.event == "DELETE" else "NEW"
        condition = self.condition.replace("{row}", row)
        if dialect == "sqlite":
            both = " AND ".join(filter(None, (self.when, condition)))
            when = f" WHEN {both}".replace("IS DISTINCT FROM", "IS NOT") if both else ""
            return (
                f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table}{when}\n"
                f"BEGIN SELECT RAISE(ABORT, '{self.refusal}'); END",
            )
        function = self.function or self.name
        refuse = f"RAISE EXCEPTION '{self.refusal}' USING ERRCODE = 'check_violation';"
        if condition:
            refuse = f"IF {condition} THEN\n    {refuse}\n  END IF;\n  RETURN {row};"
        when = f" WHEN ({self.when})" if self.when else ""
        return (
            _build_function(function, refuse),
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW{when} "
            f"EXECUTE FUNCTION {function}()",
        )


def _build_function(name: str, body: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  {body}\nEND $$"
    )


def _list_moves(column: str, moves: tuple[tuple[str, str], ...]) -> str:
    ways = ", ".join(f"'{start}>{to}'" for start, to in moves)
    return f"OLD.{column} <> NEW.{column} AND OLD.{column} || '>' || NEW.{column} NOT IN ({ways})"


def _is_same(*columns: str) -> str:
    return " AND ".join(
        f"coalesce(CAST(NEW.{column} AS TEXT), '') = coalesce(CAST(OLD.{column} AS TEXT), '')"
        for column in columns
    )


def _guard_rows(table: str, condition: str, refusal: str) -> Iterator[Guard]:
    """Yield triggers that refuse INSERT, UPDATE and DELETE on a table under a condition."""
    for event in ("INSERT", "UPDATE", "DELETE"):
        columns = event
        if (table, event) == ("quota_margin", "UPDATE"):  # counting goes on
            columns = "UPDATE OF wave_id, city_code, dimension, category, target, stops"
        yield Guard(f"tr_{table}_{event.lower()}", table, columns, condition, refusal)


def _find_sealed(dialect: str) -> str:
    """Return the SQL condition that the audit trail names the interview of a revision.

    Entries name interviews with hyphens, and in lists of many without.
    """
    if dialect == "postgresql":
        subject, plain = "CAST({0} AS TEXT)", "replace(CAST(OLD.response_id AS TEXT), '-', '')"
    else:
        plain = "OLD.response_id"
        subject = (
            "substr({0}, 1, 8) || '-' || substr({0}, 9, 4) || '-' || substr({0}, 13, 4) || '-' "
            "|| substr({0}, 17, 4) || '-' || substr({0}, 21)"
        )
    found = (
        "EXISTS (SELECT 1 FROM audit_entry WHERE "
        f"subject_id = {subject.format('OLD.response_id')}) "
        "OR EXISTS (SELECT 1 FROM audit_entry WHERE action = 'responses.sealed' "
        f"AND subject_id = {subject.format('OLD.wave_id')} "
        f"AND CAST(detail AS TEXT) LIKE '%' || {plain} || '%')"
    )
    if dialect == "postgresql":
        return found  # archived answers go as a whole part of the table
    archived = "SELECT 1 FROM answer_archive WHERE wave_id = OLD.wave_id AND restored_at IS NULL"
    return f"NOT EXISTS ({archived}) AND ({found})"


def list_guards(dialect: str) -> tuple[Guard, ...]:
    """Return the triggers that refuse changes, for `sqlite` or `postgresql`."""
    blanked = (
        "CAST(NEW.answers AS TEXT) = '{}' AND CAST(NEW.timings AS TEXT) = '{}' "
        "AND NEW.reason = '' AND EXISTS "
        "(SELECT 1 FROM response WHERE id = OLD.response_id AND withdrawn_at IS NOT NULL)"
    )
    entry = _is_same("id", "at", "actor_id", "action", "subject_kind", "subject_id", "detail")
    kept = _is_same("id", "wave_id", "response_id", "number", "author_id", "created_at")
    return (
        Guard("tr_response_move", "response", "UPDATE OF status", "",
              "this change of status is not allowed", _list_moves("status", RESPONSE_MOVES),
              "response_move"),
        Guard("tr_response_computed", "response", "UPDATE OF status", _COMPUTED,
              "the figures of the wave are computed", "OLD.status <> NEW.status"),
        Guard("tr_response_withdrawn", "response", "UPDATE OF status, withdrawn_at", "",
              "a withdrawn interview stays withdrawn",
              "OLD.withdrawn_at IS NOT NULL AND "
              "(NEW.withdrawn_at IS NULL OR NEW.status <> OLD.status)",
              "response_withdrawn"),
        Guard("tr_response_given_weight", "response", "UPDATE OF given_weight", "",
              "the weight of a stored interview is neither changed nor removed",
              "NEW.given_weight IS DISTINCT FROM OLD.given_weight AND NOT "
              "(NEW.given_weight IS NULL AND NEW.withdrawn_at IS NOT NULL)"),
        Guard("tr_response_revision_update", "response_revision", "UPDATE",
              f"NOT ({kept}) OR (NEW.is_current AND NOT OLD.is_current) "
              f"OR NOT (({_is_same('answers', 'timings', 'reason')}) OR ({blanked}))",
              ANSWERS_KEPT),
        Guard("tr_response_revision_delete", "response_revision", "DELETE",
              _find_sealed(dialect), ANSWERS_KEPT),
        Guard("tr_wave_move", "wave", "UPDATE OF state", _list_moves("state", WAVE_MOVES),
              "this change of state is not allowed"),
        Guard("tr_wave_fixed", "wave", "UPDATE OF key, series, instrument_id, tree_id, composite",
              "NEW.key <> OLD.key OR (OLD.state <> 'planned' AND (NEW.series <> OLD.series "
              "OR NEW.instrument_id <> OLD.instrument_id OR NEW.composite <> OLD.composite OR "
              "coalesce(CAST(NEW.tree_id AS TEXT), '') <> coalesce(CAST(OLD.tree_id AS TEXT), '')"
              "))",
              "questionnaire and indicator tree are fixed once a wave is open"),
        *_guard_rows("quota_margin", _FIXED, PLAN_IS_FIXED),
        *_guard_rows("city_target", _FIXED, PLAN_IS_FIXED),
        *_guard_rows("wave_plan", _FIXED, PLAN_IS_FIXED),
        *_guard_rows("left_out_city", _COMPUTED, LEFT_OUT_FIXED),
        Guard("tr_wave_plan_factors", "wave_plan", "UPDATE OF elderly_factor, guardian_factor",
              "(NEW.elderly_factor <> OLD.elderly_factor "
              f"OR NEW.guardian_factor <> OLD.guardian_factor) AND {_STATE} <> 'planned'",
              "oversampling is fixed once a wave is open"),
        Guard("tr_quota_margin_lowered", "quota_margin", "UPDATE OF target",
              "NEW.stops AND NEW.target < OLD.target AND NEW.target < OLD.collected",
              BELOW_COLLECTED),
        Guard("tr_quota_cell_insert", "quota_cell", "INSERT", _FIXED, PLAN_IS_FIXED),
        Guard("tr_quota_cell_target", "quota_cell", "UPDATE OF target",
              f"NEW.target <> OLD.target AND {_FIXED}", PLAN_IS_FIXED),
        Guard("tr_quota_cell_stops", "quota_cell", "UPDATE OF stops",
              f"NEW.stops <> OLD.stops AND {_FIXED}", PLAN_IS_FIXED),
        Guard("tr_quota_cell_lowered", "quota_cell", "UPDATE OF target",
              "NEW.target < OLD.target AND NEW.target < OLD.collected", BELOW_COLLECTED),
        Guard("tr_quota_cell_delete", "quota_cell", "DELETE",
              f"OLD.collected > 0 OR {_FIXED}", PLAN_IS_FIXED),
        Guard("tr_city_target_lowered", "city_target", "UPDATE OF target",
              "NEW.target < OLD.target AND NEW.target < (SELECT coalesce(sum(collected), 0) "
              "FROM quota_cell WHERE wave_id = NEW.wave_id AND city_code = NEW.city_code)",
              BELOW_COLLECTED),
        Guard("tr_sampling_point_insert", "sampling_point", "INSERT", _COMPUTED, PLAN_IS_FIXED),
        Guard("tr_sampling_point_target", "sampling_point", "UPDATE OF target",
              f"NEW.target <> OLD.target AND {_FIXED}", PLAN_IS_FIXED),
        Guard("tr_sampling_point_lowered", "sampling_point", "UPDATE OF target",
              "NEW.target < OLD.target AND NEW.target < (SELECT count(*) FROM response "
              "WHERE wave_id = NEW.wave_id AND city_code = NEW.city_code AND point_id = NEW.id "
              f"AND status IN ({_COUNTED}))",
              BELOW_COLLECTED),
        Guard("tr_sampling_point_delete", "sampling_point", "DELETE", f"{_STATE} <> 'planned'",
              PLAN_IS_FIXED),
        # An entry without a place, written by the version before, may be given one; nothing else.
        Guard("tr_audit_entry_update", "audit_entry", "UPDATE",
              f"NOT (OLD.sequence IS NULL AND NEW.sequence IS NOT NULL AND {entry})",
              TRAIL_KEPT),
        Guard("tr_audit_entry_delete", "audit_entry", "DELETE",
              "OLD.sequence IS NULL OR OLD.sequence > "
              "coalesce((SELECT base_sequence FROM audit_head WHERE id = 1), 0)", TRAIL_KEPT),
        Guard("tr_audit_head_update", "audit_head", "UPDATE",
              "NEW.sequence < OLD.sequence OR NEW.base_sequence < OLD.base_sequence OR "
              "(NEW.base_sequence > OLD.base_sequence AND NEW.base_hash <> coalesce("
              "(SELECT hash FROM audit_entry WHERE sequence = NEW.base_sequence), ''))",
              HEAD_FORWARD),
        Guard("tr_audit_head_delete", "audit_head", "DELETE", "1 = 1", HEAD_FORWARD),
        Guard("tr_transparency_entry_update", LOG_TABLE, "UPDATE", "1 = 1", LOG_KEPT),
        Guard("tr_transparency_entry_delete", LOG_TABLE, "DELETE", "1 = 1", LOG_KEPT),
    )  # fmt: skip


_ON_SQLITE = tuple(
    f"CREATE TRIGGER tr_audit_member_{event} BEFORE {event} ON audit_member\n"
    f"BEGIN SELECT RAISE(ABORT, '{MEMBERS_KEPT}'); END"
    for event in ("update", "delete")
)


def _refuse(function: str, refusal: str) -> str:
    words = f"RAISE EXCEPTION '{refusal}' USING ERRCODE = 'check_violation';"
    return _build_function(function, words)


_EMPTIED = "CREATE TRIGGER tr_{0}_truncate BEFORE TRUNCATE ON {0} EXECUTE FUNCTION {1}()"
# Row triggers come to every part by themselves, that against TRUNCATE does not. ATTACH lets readers
# of other waves go on, where CREATE TABLE ... PARTITION OF would not. Both wait for who writes
# interviews at that moment, and new writers wait behind them: hence the short limit, after which
# the wave is not made and somebody tries again.
_PART_OF_WAVE = """
CREATE FUNCTION response_revision_part() RETURNS trigger LANGUAGE plpgsql
SET lock_timeout = '2s' AS $$
DECLARE
  part text := 'response_revision_' || replace(NEW.id::text, '-', '');
BEGIN
  EXECUTE format('CREATE TABLE %I (LIKE response_revision INCLUDING DEFAULTS)', part);
  EXECUTE format('CREATE TRIGGER tr_response_revision_truncate BEFORE TRUNCATE ON %I '
    'EXECUTE FUNCTION response_revision_not_emptied()', part);
  EXECUTE format(
    'ALTER TABLE response_revision ATTACH PARTITION %I FOR VALUES IN (%L)', part, NEW.id
  );
  RETURN NULL;
END $$
"""
# Writers wait for the head however short their patience for other rows: it is their last lock.
_HEAD_HELD = """
CREATE FUNCTION audit_head_held() RETURNS TABLE (sequence bigint, hash text)
LANGUAGE sql SET lock_timeout = 0
AS 'SELECT sequence, hash::text FROM audit_head WHERE id = 1 FOR UPDATE'
"""
_ON_POSTGRESQL = (
    _refuse("audit_member_kept", MEMBERS_KEPT),
    "CREATE TRIGGER tr_audit_member_update BEFORE UPDATE OR DELETE ON audit_member FOR EACH ROW "
    "EXECUTE FUNCTION audit_member_kept()",
    _EMPTIED.format("audit_member", "audit_member_kept"),
    _refuse("audit_not_emptied", TRAIL_KEPT),
    _EMPTIED.format("audit_entry", "audit_not_emptied"),
    _EMPTIED.format("audit_head", "audit_not_emptied"),
    _refuse("response_revision_not_emptied", ANSWERS_KEPT),
    _EMPTIED.format("response_revision", "response_revision_not_emptied"),
    _PART_OF_WAVE,
    "CREATE TRIGGER tr_wave_part AFTER INSERT ON wave FOR EACH ROW "
    "EXECUTE FUNCTION response_revision_part()",
    _HEAD_HELD,
)


def create_guards(connection: Connection) -> None:
    """Create every guard in a store that has the tables and none of the guards."""
    dialect = connection.dialect.name
    for guard in list_guards(dialect):
        for statement in guard.statements(dialect):
            connection.execute(text(statement))
    for statement in _ON_SQLITE if dialect == "sqlite" else _ON_POSTGRESQL:
        connection.execute(text(statement))
