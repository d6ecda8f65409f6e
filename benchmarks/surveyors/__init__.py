"""Two hundred surveyors on one process, and what a submitted page interview costs."""
