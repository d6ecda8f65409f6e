"""Attacks on what is published, by somebody who has all of it and knows how it was made."""
