"""Estimates of every area, group and indicator of a wave from one pass over its rows."""

from survey.estimate.cube.change import cube_change
from survey.estimate.cube.cube import Cube
from survey.estimate.cube.spec import CubeSpec, DfRule, RatingScale

__all__ = ["Cube", "CubeSpec", "DfRule", "RatingScale", "cube_change"]
