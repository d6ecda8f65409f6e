"""Evidence from outside the survey, shown beside the score: published series."""
