"""Page of experience checks: plan, venues and observers, hearing, scores and agreement."""
