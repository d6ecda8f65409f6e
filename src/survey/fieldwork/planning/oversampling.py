"""Who was asked more often than others in a wave: what the weights have to undo."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, select

from survey.sample.special_groups import ELDERLY, GUARDIAN
from survey.store.tables import CityTarget, WavePlan


@dataclass(frozen=True)
class Oversampling:
    """How many times as often people of 60 and over, and guardians, were asked."""

    elderly: float = 1.0
    guardian: float = 1.0
    guardian_share: Mapping[str, float] | None = None
    """Guardians among the population of each city, as planned; by city code."""

    @property
    def boosts(self) -> dict[str, float]:
        """Group -> factor, of the groups that were asked more often."""
        factors = {ELDERLY: self.elderly, GUARDIAN: self.guardian}
        return {group: factor for group, factor in factors.items() if factor > 1}


def oversampling_of(*, session: Session, wave_id: UUID) -> Oversampling | None:
    """The oversampling of a wave's plan; None where everybody was to be asked alike."""
    plan = session.get(WavePlan, wave_id)
    if plan is None or max(plan.elderly_factor, plan.guardian_factor) <= 1:
        return None
    targets = session.exec(select(CityTarget).where(CityTarget.wave_id == wave_id))
    shares = {
        row.city_code: row.guardian_share for row in targets if row.guardian_share is not None
    }
    return Oversampling(plan.elderly_factor, plan.guardian_factor, shares or None)
