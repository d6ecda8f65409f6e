"""Problem lists of cities: what is listed, by whom, what became of it, and whether it shrank."""
