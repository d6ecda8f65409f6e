"""Waves: plan, points, staff, quotas, stored questionnaires, and the state a wave is in."""
