"""The demo: whole waves with a known truth, reproducible from a seed.

`generate_wave` is pure and needs no database; `build` fills a store with everything a visitor sees.
"""

from seed.demo.back_checks import store_back_checks
from seed.demo.build import OPEN_WAVE, build, store_unfinished, store_waves
from seed.demo.complaints import build_complaint_deliveries, store_complaints
from seed.demo.education import store_education
from seed.demo.experience_check import draw_photos, store_experience_checks
from seed.demo.interviews import DemoWave, generate_wave
from seed.demo.open_answers import store_open_answers
from seed.demo.opinion import YEARS as OPINION_YEARS
from seed.demo.opinion import store_opinion
from seed.demo.problems import LAST_WAVE, THIS_WAVE, store_problem_lists
from seed.demo.traders import store_traders
from seed.demo.wave_plans import PLANS, WavePlan

__all__ = [
    "LAST_WAVE",
    "OPEN_WAVE",
    "OPINION_YEARS",
    "PLANS",
    "THIS_WAVE",
    "DemoWave",
    "WavePlan",
    "build",
    "build_complaint_deliveries",
    "draw_photos",
    "generate_wave",
    "store_back_checks",
    "store_complaints",
    "store_education",
    "store_experience_checks",
    "store_open_answers",
    "store_opinion",
    "store_problem_lists",
    "store_traders",
    "store_unfinished",
    "store_waves",
]
