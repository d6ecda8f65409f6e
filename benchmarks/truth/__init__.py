"""Do intervals and tests hold as they say? Samples whose truth is known, on a grid of cases."""
