"""Open answers: codes of a question, two coders blind to each other, shares of codes."""
