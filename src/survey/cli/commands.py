"""Commands of the program: where each of them is, and its line in the help.

The help names all commands without importing what they need, which is most of the platform.
"""

from types import MappingProxyType
from typing import NamedTuple


class CommandEntry(NamedTuple):
    """Name and place of a command or group of commands, and the first paragraph of its help."""

    name: str
    target: str
    summary: str


_IN_HELP = (
    CommandEntry(
        "init",
        "survey.cli.demo_data:init",
        "Create or upgrade the store; load cities, indicator trees and shipped questionnaires.",
    ),
    CommandEntry(
        "demo",
        "survey.cli.serve:demo",
        "Make demo data, if there are none, in a database of their own; everything is marked demo.",
    ),
    CommandEntry(
        "serve", "survey.cli.serve:serve", "Serve pages, public form and health in one process."
    ),
    CommandEntry(
        "doctor",
        "survey.cli.audit:doctor",
        "Check store, clock, disk, snapshots, engine, backups, keys and addresses; say what to do.",
    ),
    CommandEntry("form", "survey.cli.form:app", "Check, import, export and list questionnaires."),
    CommandEntry(
        "import",
        "survey.cli.import_answers:import_answers",
        "Import answers collected elsewhere as a wave.",
    ),
    CommandEntry(
        "freeze",
        "survey.cli.wave:freeze",
        "Freeze the approved responses of a wave and compute every estimate.",
    ),
    CommandEntry(
        "recompute",
        "survey.cli.wave:recompute",
        "Compute the tables of frozen waves again, after an update of the software.",
    ),
    CommandEntry(
        "wave", "survey.cli.wave:app", "Answers of a released wave: into a file, and back."
    ),
    CommandEntry(
        "disclosure", "survey.cli.disclosure:app", "What published figures tell of hidden ones."
    ),
    CommandEntry(
        "quota",
        "survey.cli.wave:quota",
        "Let full quotas stop interviews at the door, or go on counting.",
    ),
    CommandEntry(
        "estimate",
        "survey.cli.estimate:estimate",
        "Print the estimates of a frozen wave with interval, n and design effect.",
    ),
    CommandEntry(
        "quality",
        "survey.cli.quality:quality",
        "Assess every finished interview of a wave, then print the flags per kind and city.",
    ),
    CommandEntry(
        "quality-new",
        "survey.cli.quality:quality_new",
        "Look at new interviews of open waves, as the running platform does every few minutes.",
    ),
    CommandEntry(
        "one-person-review",
        "survey.cli.wave:one_person_review",
        "Let one person give both approvals of review in a small wave; usually two are needed.",
    ),
    CommandEntry("audit", "survey.cli.audit:app", "Check the audit trail, export it."),
    CommandEntry(
        "release",
        "survey.cli.release:app",
        "Signed releases, from the calendar to the published files.",
    ),
    CommandEntry(
        "verify",
        "survey.cli.verify:verify",
        "Check whether published files are genuine. Exit code 0: all are; 1: one is not, and why.",
    ),
    CommandEntry(
        "reproduce",
        "survey.cli.verify:reproduce",
        "Build every file of a release again from its snapshot, and say what differs in words.",
    ),
    CommandEntry(
        "user",
        "survey.cli.user:app",
        "Accounts: create, list, change, close, and help people who cannot sign in.",
    ),
    CommandEntry(
        "export",
        "survey.cli.export:app",
        "Write files of a frozen wave, in the format of the file's name.",
    ),
    CommandEntry("report", "survey.cli.report:app", "Reports of a wave: Word, PDF, slides."),
    CommandEntry(
        "api-key",
        "survey.cli.api_key:app",
        "Keys with which programs read released results or deliver data (docs/api.md).",
    ),
    CommandEntry(
        "rows",
        "survey.cli.trace_rows:app",
        "Exact files of rows: ask for one, decide, take it (docs/row-export.md).",
    ),
    CommandEntry(
        "trace-rows",
        "survey.cli.trace_rows:trace_rows",
        "Find the exports whose rows or sampling points are named in a copy, most matches first.",
    ),
    CommandEntry(
        "backup",
        "survey.cli.backup:backup",
        "Write the whole store and its snapshots into one file, while the platform is running.",
    ),
    CommandEntry(
        "restore",
        "survey.cli.backup:restore",
        "Put a backup in the place of the present store and its snapshots, or nothing at all.",
    ),
    CommandEntry(
        "keys",
        "survey.cli.personal_data:keys",
        "Keys by which telephone numbers, second factors and backups are encrypted.",
    ),
    CommandEntry(
        "retention",
        "survey.cli.personal_data:retention",
        "Retention: what is deleted by schedule (docs/privacy.md).",
    ),
)
"""In the order of the help."""
COMMANDS = MappingProxyType({entry.name: entry for entry in _IN_HELP})
