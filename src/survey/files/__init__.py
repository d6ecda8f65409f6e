"""Files for others to compute with: rows, codebook, published tables."""
