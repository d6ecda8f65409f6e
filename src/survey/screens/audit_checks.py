"""Buttons of the audit page: check the trail, check a backup, delete what is due."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from survey.access.audit_verify import ChainReport, record_verification, verify
from survey.access.principal import Principal
from survey.access.work import Work
from survey.collection.retention import build_retention_rules, count_due_rows, delete_expired
from survey.kit.background_job import BackgroundJob
from survey.kit.feedback import run_change, set_feedback, set_problem, show_feedback, show_problems
from survey.kit.page_runner import PageContext, open_dialog, page_fragment
from survey.locale import Message, Translator, msg
from survey.operations.backup_checks import (
    BackupFile,
    check_listed_backup,
    list_backups,
    record_backup_check,
)
from survey.store.backup.manifest import BackupManifest
from survey.store.china_time import format_china_minute
from survey.store.engine import read_scope
from survey.store.tables import now

_JOB, _REPORT, _DONE = "audit/job", "audit/report", "audit/dialog-done"
_MESSAGES, _IN_DIALOG = "checks", "check-dialog"
_WORD = "audit/retention-word"
_EVERY_SECONDS = 1.0
_MAX_FINDINGS = 20


@dataclass(frozen=True)
class _Check:
    """Background job that checks the trail or a backup; `collect` is called with its result."""

    job: BackgroundJob[Any]
    collect: Callable[[Any], None]


def draw_checks(page: PageContext) -> None:
    """Draw buttons to check audit trail or backup, or to delete expired data, and the results."""
    t = page.t
    st.session_state.pop(_DONE, None)
    _collect_check(page)
    show_feedback(page, _MESSAGES)
    _draw_report(page)
    running: _Check | None = st.session_state.get(_JOB)
    if running is not None:
        _draw_progress(page, running)
    with st.container(horizontal=True, key="audit-checks"):
        st.button(
            t("Check the trail"),
            key="audit-verify",
            icon=":material/verified_user:",
            disabled=running is not None,
            on_click=_start_verification,
            args=(page,),
        )
        _draw_dialog_button(page, msg("Check a backup"), "audit-backup", _draw_backup_dialog)
        _draw_dialog_button(page, msg("Delete by schedule"), "audit-retention", _draw_retention)


def _draw_dialog_button(
    page: PageContext, label: Message, key: str, body: Callable[[PageContext], None]
) -> None:
    def draw() -> None:
        if st.session_state.pop(_DONE, False):
            st.rerun()
        show_feedback(page, _IN_DIALOG)
        with show_problems(page.t):
            body(page)

    if st.button(f"{page.t(label)} …", key=key):
        open_dialog(page, page.t(label), draw)


def _start_check(
    page: PageContext,
    name: Message,
    work: Callable[[Principal, Callable[[int, int], None]], Any],
    collect: Callable[[Any], None],
    slot: str = _MESSAGES,
) -> bool:
    """Start job `work` unless one runs; `collect` takes its result; return whether it began."""
    current = None
    if _JOB not in st.session_state:
        current = run_change(page, lambda work: work.principal, slot=slot)
    if current is None:
        return False
    principal = current.value
    job = BackgroundJob[Any](name)
    job.start(lambda tick: work(principal, tick))
    st.session_state[_JOB] = _Check(job, collect)
    st.session_state.pop(_REPORT, None)
    return True


def _collect_check(page: PageContext) -> None:
    """Take the result of a check that has ended, or keep the message why it failed."""
    running: _Check | None = st.session_state.get(_JOB)
    if running is None or running.job.running:
        return
    del st.session_state[_JOB]
    if running.job.problem is not None:
        set_problem(page, page.t(running.job.problem), slot=_MESSAGES)
    else:
        running.collect(running.job.result)


@page_fragment(run_every=_EVERY_SECONDS)
def _draw_progress(page: PageContext, running: _Check) -> None:
    job, t = running.job, page.t
    if not job.running:
        st.rerun()
    done = (
        t(
            "{name}: {done} of {total}",
            name=t(job.name),
            done=f"{job.done:,}",
            total=f"{job.total:,}",
        )
        if job.total
        else t(job.name)
    )
    st.progress(min(job.share, 1.0), text=done)


def _start_verification(page: PageContext) -> None:
    url = page.settings.store_url

    def work(principal: Principal, tick: Callable[[int, int], None]) -> ChainReport:
        with read_scope(url, long_running=True) as session:
            return verify(Work(session, principal, now(), page.settings), tick=tick)

    def collect(report: ChainReport) -> None:
        if run_change(page, partial(record_verification, report=report), slot=_MESSAGES):
            st.session_state[_REPORT] = report

    _start_check(page, msg("Checking the trail"), work, collect)


def _draw_report(page: PageContext) -> None:
    """Draw the sentences on the last check of the audit trail in this session, if there was one."""
    report: ChainReport | None = st.session_state.get(_REPORT)
    if report is None:
        return
    t = page.t
    read = t(
        "{rows} entries were read and {count} stored answers compared with them.",
        rows=f"{report.rows:,}",
        count=f"{report.answers.compared:,}",
    )
    if report.is_intact:
        st.success(t("The trail is whole.") + " " + read)
    else:
        lines = [
            t("Entry {number}: {finding}", number=f"{finding.first:,}", finding=t(finding.text))
            if finding.first
            else t(finding.text)
            for finding in report.findings[:_MAX_FINDINGS]
        ]
        st.error(t("The trail is NOT whole: {wrong} places.", wrong=f"{report.wrong:,}"))
        st.markdown("\n".join(f"- {line}" for line in lines))
        st.caption(read)
    if report.answers.without_place:
        st.caption(
            t(
                "City, point and quota cell of {count} interviews were not compared: their entries "
                "are of an earlier version. To enter them as they are now: survey audit adopt",
                count=f"{report.answers.without_place:,}",
            )
        )
    if report.keyed_from is None:
        st.caption(
            t("No entry is sealed with a key: whoever owns the database could rewrite all of them.")
        )


def _draw_backup_dialog(page: PageContext) -> None:
    t = page.t
    files = list_backups(settings=page.settings, principal=page.principal)
    if not files:
        st.info(
            t(
                "There is no backup to check here. SURVEY_BACKUP_DIR names the folder of the "
                "backups on the server; it is to be readable for the platform."
            )
        )
        return
    names = {file.name: file for file in files}
    chosen = st.selectbox(
        t("Backup"),
        list(names),
        key="audit/backup",
        format_func=lambda name: _format_backup_label(t, names[name]),
    )
    file = names[chosen]
    if file.needs_key_file:
        st.info(t("This backup opens with a key file only. Check it where the key is."))
        return
    if file.needs_passphrase:
        st.text_input(t("Passphrase"), key="audit/passphrase", type="password")
    st.caption(t("Every table and file is read and compared with the manifest; nothing changes."))
    st.button(
        t("Check this backup"),
        key="audit-backup-start",
        type="primary",
        on_click=_start_backup_check,
        args=(page,),
    )


def _format_backup_label(t: Translator, file: BackupFile) -> str:
    size = f"{file.size / 1e6:,.1f} MB"
    return f"{file.name} · {format_china_minute(t, file.modified_at)} · {size}"


def _start_backup_check(page: PageContext) -> None:
    name: str = st.session_state["audit/backup"]
    passphrase = st.session_state.pop("audit/passphrase", "") or ""

    def work(principal: Principal, _tick: Callable[[int, int], None]) -> BackupManifest:
        return check_listed_backup(
            settings=page.settings, principal=principal, name=name, passphrase=passphrase
        )

    def collect(manifest: BackupManifest) -> None:
        enter = partial(record_backup_check, name=name, manifest=manifest)
        whole = page.t(
            "The backup {name} is whole: {tables} tables, {rows} rows, {files} snapshot files, "
            "made {when}.",
            name=name,
            tables=len(manifest.tables),
            rows=f"{manifest.rows:,}",
            files=len(manifest.files),
            when=format_china_minute(page.t, manifest.made_at),
        )
        run_change(page, enter, done=whole, slot=_MESSAGES)

    if _start_check(page, msg("Checking the backup"), work, collect, slot=_IN_DIALOG):
        st.session_state[_DONE] = True


def _draw_retention(page: PageContext) -> None:
    t, moment = page.t, now()
    with page.read() as work:
        due = count_due_rows(work, at=moment)
    rules = build_retention_rules(page.settings, moment)
    st.markdown(
        "\n".join(
            "- "
            + t(
                "{name}: {count} older than {days} days",
                name=t(rules[key].name),
                count=f"{count:,}",
                days=rules[key].days,
            )
            for key, count in due.items()
        )
    )
    if not any(due.values()):
        st.info(t("Nothing is due."))
        return
    st.warning(t("What is deleted cannot be brought back, except from a backup."))
    word = t("delete")
    st.text_input(t("Type {word} to confirm", word=word), key=_WORD)
    st.button(
        t("Delete now"),
        key="audit-retention-run",
        type="primary",
        on_click=_run_retention,
        args=(page, word),
    )


def _run_retention(page: PageContext, word: str) -> None:
    if (st.session_state.get(_WORD) or "").strip() != word:
        set_problem(page, page.t("Type {word} to confirm", word=word), slot=_IN_DIALOG)
        return

    deleted = run_change(page, lambda work: delete_expired(work, at=now()), slot=_IN_DIALOG)
    if deleted is not None:
        st.session_state[_DONE] = True
        count = sum(deleted.value.values())
        text = page.t("{count} rows were deleted or blanked.", count=f"{count:,}")
        set_feedback(page, text, slot=_MESSAGES)
