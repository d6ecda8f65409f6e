"""Page of experience checks: plan, venues, observers, hearing, scores and agreement."""
