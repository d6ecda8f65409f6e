"""Bytes of the tables of the large wave and of each index."""

from sqlalchemy import Connection, text

from benchmarks.large_wave.filling import LargeWave
from survey.store.engine import engine_for

_TABLES = text(
    "SELECT relname, pg_table_size(oid) AS rows, pg_indexes_size(oid) AS indexes,"
    " greatest(reltuples, 0)::bigint AS count"
    " FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND pg_total_relation_size(oid) > 8 << 20 ORDER BY pg_total_relation_size(oid) DESC"
)
_INDEXES = text(
    "SELECT relname, indexrelname, pg_relation_size(indexrelid) AS size"
    " FROM pg_stat_user_indexes WHERE pg_relation_size(indexrelid) > 8 << 20"
    " ORDER BY relname, size DESC"
)


def print_sizes(url: str, wave: LargeWave) -> None:
    """Print megabytes of what is larger than 8 MB, and bytes for one interview."""
    with engine_for(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
        count = connection.execute(
            text("SELECT count(*) FROM response WHERE wave_id = :wave"), {"wave": wave.id}
        ).scalar_one()
        print(f"{count:,} interviews; megabytes and bytes an interview:")
        _print_lines(connection, count)


def _print_lines(connection: Connection, interviews: int) -> None:
    for row in connection.execute(_TABLES):
        print(
            f"  {row.relname[:24]:24} {row.count:>10,} rows {row.rows / 1e6:8,.0f} MB"
            f" ({row.rows / interviews:6.0f} B), indexes {row.indexes / 1e6:8,.0f} MB"
            f" ({row.indexes / interviews:6.0f} B)"
        )
    for row in connection.execute(_INDEXES):
        print(f"    {row.relname[:20]:20} {row.indexrelname[:52]:52} {row.size / 1e6:8,.0f} MB")
