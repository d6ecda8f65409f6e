"""What the store tells of errors: rates and points by hand, and reasons where it tells nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from survey.access.principal import OPERATOR
from survey.collection.paper.keying import TypistErrors
from survey.results import error_evidence
from survey.results.error_evidence import collect_error_evidence
from survey.results.method import EvidenceLine
from survey.results.method_sheets import ERRORS, OBSTACLE_SENTENCES
from survey.store.engine import session_scope
from survey.store.tables import Mode, Response, ResponseRisk, Status
from tests.small_waves import SmallWave, small_wave
from tests.work_of import work_of

NOW = datetime(2026, 5, 1, 2, tzinfo=UTC)
CITIES = ("110000", "310000")


def add(
    wave: SmallWave,
    count: int,
    status: Status,
    *,
    city: str = CITIES[0],
    mean: float | None = None,
    risk: int = 0,
    mode: Mode = Mode.SELF,
    hour: int = 2,
) -> None:
    """Interviews of one kind, with the mean score that the detectors kept."""
    with session_scope(wave.settings.store_url) as session:
        stored = wave.read(session)
        for _ in range(count):
            row = Response(
                client_uuid=uuid4(),
                wave_id=stored.id,
                city_code=city,
                instrument_id=stored.instrument_id,
                mode=mode,
                status=status,
                started_at=NOW + timedelta(hours=hour),
                submitted_at=NOW,
            )
            session.add(row)
            session.flush()
            if mean is not None:
                session.add(
                    ResponseRisk(
                        response_id=row.id,
                        score=risk,
                        mean_score=mean,
                        detected_at=NOW,
                        detector_version="4",
                    )
                )


def evidence_of(wave: SmallWave) -> dict[str, EvidenceLine]:
    with session_scope(wave.settings.store_url) as session:
        lines = collect_error_evidence(work_of(session, OPERATOR, NOW), wave.read(session))
    assert {line.line for line in lines} <= set(ERRORS.lines)
    assert {line.obstacle for line in lines} - {""} <= set(OBSTACLE_SENTENCES)
    return {line.line: line for line in lines}


def test_a_wave_without_checks_says_of_each_line_why_nothing_is_known(tmp_path: Path) -> None:
    wave = small_wave(tmp_path)
    add(wave, 3, Status.APPROVED)
    found = evidence_of(wave)
    assert {name: line.obstacle for name, line in found.items()} == {
        "back_check": "no_back_checks",
        "double_entry": "no_double_entry",
        "refusals_r": "no_refusals",
        "removed": "not_assessed",
    }


def test_removed_interviews_move_the_score_by_their_weight(tmp_path: Path) -> None:
    wave = small_wave(tmp_path)
    add(wave, 30, Status.APPROVED, mean=80)
    add(wave, 10, Status.VOID, mean=40, risk=90)
    # Neither void for another reason nor a suspicion that review did not share.
    add(wave, 5, Status.VOID, mean=0, risk=10)
    add(wave, 20, Status.APPROVED, city=CITIES[1], mean=70)
    removed = evidence_of(wave)["removed"]
    assert removed.measured == pytest.approx(10 / 60)
    # Ten of forty at 40 take 80 down to 70 in the first city; the second stays.
    beijing, shanghai = 21_893_095, 24_870_895
    assert removed.size_nation == pytest.approx(-10 * beijing / (beijing + shanghai), rel=1e-3)
    assert removed.size_city == pytest.approx(5)


def test_few_removed_interviews_tell_nothing(tmp_path: Path) -> None:
    """The mean of nine people would be told by the shift that they cause."""
    wave = small_wave(tmp_path)
    add(wave, 30, Status.APPROVED, mean=80)
    add(wave, 9, Status.VOID, mean=40, risk=90)
    assert evidence_of(wave)["removed"].obstacle == "few_removed"


def test_refusals_that_fall_on_one_hour_are_unlike(tmp_path: Path) -> None:
    wave = small_wave(tmp_path)
    for hour, refused in ((0, 0), (8, 60)):
        add(wave, 100 - refused, Status.APPROVED, hour=hour)
        add(wave, refused, Status.REFUSED, hour=hour)
    found = evidence_of(wave)
    assert found["refusals_r"].measured == pytest.approx(1 - 2 * 0.3, abs=0.02)
    assert found["refusals_cv"].measured == pytest.approx(0.3 / 0.7, abs=0.03)
    assert found["refusals_by_hour"].measured == pytest.approx(0.3, abs=0.02)
    assert found["refusals_by_city"].measured == 0
    assert found["refusals_by_age"].obstacle == "not_recorded"


@pytest.mark.parametrize(("refused", "mode"), [(9, Mode.SELF), (60, Mode.IMPORT)])
def test_few_refusals_and_imported_waves_have_no_r_indicator(
    tmp_path: Path, refused: int, mode: Mode
) -> None:
    wave = small_wave(tmp_path)
    add(wave, 50, Status.APPROVED, mode=mode)
    add(wave, refused, Status.REFUSED)
    assert evidence_of(wave)["refusals_r"].obstacle == "no_refusals"


@pytest.mark.parametrize(("people", "expected"), [(0, "no_double_entry"), (2, "few_people")])
def test_the_rate_of_one_or_two_typists_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: int, expected: str
) -> None:
    wave = small_wave(tmp_path)
    # Who keyed one sheet alone was compared with nobody.
    alone = TypistErrors("alone", "alone", 1, 0, 0, 0, None, None, None)
    typists = [TypistErrors(f"t{n}", f"t{n}", 9, 9, 900, 9, 0.01, 0, 1) for n in range(3)]
    keyed = {wave.key: [*typists[:people], alone]}
    monkeypatch.setattr(error_evidence, "list_typist_errors", lambda _, wave_key: keyed[wave_key])
    assert evidence_of(wave)["double_entry"].obstacle == expected
    keyed[wave.key] = [*typists, alone]
    assert evidence_of(wave)["double_entry"].measured == pytest.approx(27 / 2_700)


def test_few_removed_in_one_of_few_cities_are_not_told_apart(tmp_path: Path) -> None:
    wave = small_wave(tmp_path)
    add(wave, 30, Status.APPROVED, mean=80)
    add(wave, 10, Status.VOID, mean=40, risk=90)
    add(wave, 20, Status.APPROVED, city=CITIES[1], mean=70)
    add(wave, 1, Status.VOID, city=CITIES[1], mean=30, risk=90)
    removed = evidence_of(wave)["removed"]
    assert removed.size_nation is not None
    assert removed.size_city is None


def test_lines_are_counted_on_both_databases(store_url: str, tmp_path: Path) -> None:
    wave = small_wave(tmp_path, url=store_url)
    for hour, refused in ((0, 0), (8, 20)):
        add(wave, 50 - refused, Status.APPROVED, hour=hour, mean=80)
        add(wave, refused, Status.REFUSED, hour=hour)
    add(wave, 10, Status.VOID, mean=40, risk=90)
    found = evidence_of(wave)
    assert found["refusals_by_hour"].measured > 0.1
    assert found["removed"].measured == pytest.approx(1 / 9)
