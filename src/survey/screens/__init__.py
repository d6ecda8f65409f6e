"""Bodies of the pages, named like what they show."""
