"""Page of the questionnaires and their indicators."""
