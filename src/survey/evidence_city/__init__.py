"""What stands beside the score of a city: other figures, complaints, opinion."""
