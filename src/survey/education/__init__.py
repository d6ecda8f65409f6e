"""Consumer education: its registers, and what reaching a consumer costs.

It stands beside the score and never enters it.
"""
