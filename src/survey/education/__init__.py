"""Consumer education: a register of activities, and what reaching a consumer costs.

It stands beside the score and never enters it.
"""
