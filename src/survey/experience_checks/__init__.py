"""Experience checks of venues: two blind observers each, agreement, scores, replies, revisits.

They stand beside the score and never enter it.
"""
