"""Evidence beside the score and never inside it: published figures, complaint statistics, tests."""
