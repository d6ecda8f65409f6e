"""Table of all commands: the module and function of each, and its line in the help.

The help names all commands without importing what they need, which is most of the platform.
"""

from collections.abc import Mapping
from typing import NamedTuple


class CommandEntry(NamedTuple):
    """Import path of a command or group of commands, and the first paragraph of its help."""

    target: str
    summary: str


COMMANDS: Mapping[str, CommandEntry] = {
    "init": CommandEntry(
        "survey.cli.init:init",
        "Create or upgrade the store; load cities, indicator trees and shipped questionnaires.",
    ),
    "demo": CommandEntry(
        "survey.cli.serve:demo",
        "Make demo data, if there are none, in a database of their own; everything is marked demo.",
    ),
    "serve": CommandEntry(
        "survey.cli.serve:serve", "Serve pages, public form and health in one process."
    ),
    "doctor": CommandEntry(
        "survey.cli.audit:doctor",
        "Check store, clock, disk, snapshots, engine, backups, keys and addresses; say what to do.",
    ),
    "form": CommandEntry("survey.cli.form:app", "Check, import, export and list questionnaires."),
    "import": CommandEntry(
        "survey.cli.import_answers:import_answers", "Import answers collected elsewhere as a wave."
    ),
    "evidence": CommandEntry(
        "survey.cli.evidence:app",
        "Bring in files of counts and test values in any layout, and lists of registers.",
    ),
    "freeze": CommandEntry(
        "survey.cli.wave:freeze",
        "Freeze the approved responses of a wave and compute every estimate.",
    ),
    "recompute": CommandEntry(
        "survey.cli.wave:recompute",
        "Compute the tables of frozen waves again, after an update of the software.",
    ),
    "wave": CommandEntry(
        "survey.cli.wave:app", "Answers of a released wave: into a file, and back."
    ),
    "disclosure": CommandEntry(
        "survey.cli.disclosure:app", "What published figures tell of hidden ones."
    ),
    "quota": CommandEntry(
        "survey.cli.wave:quota", "Let full quotas stop interviews at the door, or go on counting."
    ),
    "estimate": CommandEntry(
        "survey.cli.estimate:estimate",
        "Print the estimates of a frozen wave with interval, n and design effect.",
    ),
    "fairness": CommandEntry(
        "survey.cli.sheets:fairness",
        "Print scores of cities without the effects of who was asked and how.",
    ),
    "mode-experiment": CommandEntry(
        "survey.cli.sheets:mode_experiment",
        "Print what reading the questions aloud changes in the answers, by chance offers.",
    ),
    "measurement": CommandEntry(
        "survey.cli.sheets:measurement",
        "Print whether the questions measure together, and in all groups alike, what they should.",
    ),
    "errors": CommandEntry(
        "survey.cli.sheets:errors",
        "Print the known sources of error of a wave, each with its size in points.",
    ),
    "spread": CommandEntry(
        "survey.cli.sheets:spread",
        "Print median and quartiles of the answers to each question, with intervals.",
    ),
    "association": CommandEntry(
        "survey.cli.sheets:association",
        "Print whether the answers to each question differ between groups of the nation.",
    ),
    "bridge": CommandEntry(
        "survey.cli.sheets:bridge",
        "Print what the questionnaire of a wave gives more than the earlier one, by its overlap.",
    ),
    "quality": CommandEntry(
        "survey.cli.quality:quality",
        "Assess every finished interview of a wave, then print the flags per kind and city.",
    ),
    "quality-new": CommandEntry(
        "survey.cli.quality:quality_new",
        "Look at new interviews of open waves, as the running platform does every few minutes.",
    ),
    "one-person-review": CommandEntry(
        "survey.cli.wave:one_person_review",
        "Let one person give both approvals of review in a small wave; usually two are needed.",
    ),
    "audit": CommandEntry("survey.cli.audit:app", "Check the audit trail, export it."),
    "release": CommandEntry(
        "survey.cli.release:app", "Signed releases, from the calendar to the published files."
    ),
    "verify": CommandEntry(
        "survey.cli.verify:verify",
        "Check whether published files are genuine. Exit code 0: all are; 1: one is not, and why.",
    ),
    "reproduce": CommandEntry(
        "survey.cli.verify:reproduce",
        "Build every file of a release again from its snapshot, and say what differs in words.",
    ),
    "user": CommandEntry(
        "survey.cli.user:app",
        "Accounts: create, list, change, close, and help people who cannot sign in.",
    ),
    "export": CommandEntry(
        "survey.cli.export:app", "Write files of a frozen wave, in the format of the file's name."
    ),
    "report": CommandEntry("survey.cli.report:app", "Reports of a wave: Word, PDF, slides."),
    "api-key": CommandEntry(
        "survey.cli.api_key:app",
        "Keys with which programs read released results or deliver data (docs/api.md).",
    ),
    "rows": CommandEntry(
        "survey.cli.trace_rows:app",
        "Exact files of rows: ask for one, decide, take it (docs/row-export.md).",
    ),
    "trace-rows": CommandEntry(
        "survey.cli.trace_rows:trace_rows",
        "Find the exports whose rows or sampling points are named in a copy, most matches first.",
    ),
    "backup": CommandEntry(
        "survey.cli.backup:backup",
        "Write the whole store and its snapshots into one file, while the platform is running.",
    ),
    "restore": CommandEntry(
        "survey.cli.backup:restore",
        "Put a backup in the place of the present store and its snapshots, or nothing at all.",
    ),
    "keys": CommandEntry(
        "survey.cli.personal_data:keys",
        "Keys by which telephone numbers, second factors and backups are encrypted.",
    ),
    "retention": CommandEntry(
        "survey.cli.personal_data:retention",
        "Retention: what is deleted by schedule (docs/privacy.md).",
    ),
}
"""In the order of the help."""
