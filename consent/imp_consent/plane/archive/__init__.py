"""The event archive: immutable Parquet files, each registered by a row of the ledger database.

A file is written outside the archive, fsynced, renamed into it and its folder fsynced *before* the transaction that
names it, so that a crash leaves at worst a file that no row names. Its own name tells batch and version and has a tail
of its own: `b00000001-v0-3f9a0c1d22ee.parquet`. Only intake, view, remove, retention, subject and audit.verify may
import this package: it is the only door to people's data.
"""

from imp_consent.plane.archive.files import (
    BatchFile,
    CheckedFile,
    WrittenFile,
    checked_path,
    find_source,
    insert_batch,
    live_batches,
    next_batch,
    sha256_of,
    sha256_of_file,
)
from imp_consent.plane.archive.live import (
    LiveFile,
    Named,
    RewrittenFile,
    cancel_leases,
    format_listing,
    group_files,
    live_files,
    named_batches,
    named_versions,
    replace_files,
)
from imp_consent.plane.archive.read import (
    checked_live,
    read_checked,
    read_columns,
    read_live,
    rows_by_batch,
    rows_without_name,
    scan,
)
from imp_consent.plane.archive.rewrite import (
    discard,
    remove_orphans,
    renumber_without,
    rewrite_where,
    rewrite_without,
    rewritten,
)
from imp_consent.plane.archive.schema import FORMAT, SCHEMA, arrow_rows
from imp_consent.plane.archive.writer import ArchiveWriter

__all__ = [
    "FORMAT",
    "SCHEMA",
    "ArchiveWriter",
    "BatchFile",
    "CheckedFile",
    "LiveFile",
    "Named",
    "RewrittenFile",
    "WrittenFile",
    "arrow_rows",
    "cancel_leases",
    "checked_live",
    "checked_path",
    "discard",
    "find_source",
    "format_listing",
    "group_files",
    "insert_batch",
    "live_batches",
    "live_files",
    "named_batches",
    "named_versions",
    "next_batch",
    "read_checked",
    "read_columns",
    "read_live",
    "remove_orphans",
    "renumber_without",
    "replace_files",
    "rewrite_where",
    "rewrite_without",
    "rewritten",
    "rows_by_batch",
    "rows_without_name",
    "scan",
    "sha256_of",
    "sha256_of_file",
]
