"""What makers of method sheets read: a wave in parts, its estimates, the decisions of the gate."""

from dataclasses import dataclass

import pandas as pd

from survey.results.wave_estimates import WaveEstimates
from survey.results.wave_parts import WaveParts


@dataclass(frozen=True)
class SheetSource:
    """A wave that is being frozen."""

    figures: WaveEstimates
    cells: pd.DataFrame
    """Protected cells: of the nation every group; of cities everyone and the special groups."""

    @property
    def wave(self) -> WaveParts:
        """Return the wave: `run` maps a function over its `parts`."""
        return self.figures.source
