"""Oversampling of special groups in a wave, which weights have to undo."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, select

from survey.sample.special_groups import ELDERLY, GUARDIAN
from survey.store.tables import CityTarget, WavePlan


@dataclass(frozen=True)
class Oversampling:
    """Factors by which people of 60 and over, and guardians, were asked more often."""

    elderly: float = 1.0
    guardian: float = 1.0
    guardian_share: Mapping[str, float] | None = None
    """Guardians among the population of each city, as planned; by city code."""

    @property
    def boosts(self) -> dict[str, float]:
        """Group -> factor, of the oversampled groups."""
        factors = {ELDERLY: self.elderly, GUARDIAN: self.guardian}
        return {group: factor for group, factor in factors.items() if factor > 1}


def oversampling_of(*, session: Session, wave_id: UUID) -> Oversampling | None:
    """Return the oversampling of a wave's plan; None where everybody was asked equally often."""
    plan = session.get(WavePlan, wave_id)
    if plan is None or max(plan.elderly_factor, plan.guardian_factor) <= 1:
        return None
    targets = session.exec(select(CityTarget).where(CityTarget.wave_id == wave_id))
    shares = {
        row.city_code: row.guardian_share for row in targets if row.guardian_share is not None
    }
    return Oversampling(plan.elderly_factor, plan.guardian_factor, shares or None)
