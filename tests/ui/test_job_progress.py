"""Text beside the progress of a job."""

from survey.kit.background_job import BackgroundJob, progress_text
from survey.locale import msg, translator


def _told(job: BackgroundJob[str], language: str = "zh") -> str:
    return progress_text(translator(language), job, lambda job: f"{job.done}/{job.total}")


def test_a_job_has_its_name_until_it_counts_and_says_so_once_it_is_cancelled() -> None:
    job = BackgroundJob[str](msg("Reports of all cities"))
    assert _told(job) == "全部城市的报告"
    job.done, job.total = 0, 100
    assert _told(job) == "0/100"
    job.cancel()
    assert _told(job) == "正在取消……"
    assert _told(job, "en") == "Cancelling …"
