"""Archive of the answers of released waves: out of the database into a file, and back."""
