"""What supervisors look at: review queue, decisions, quality, progress, back-checks."""
