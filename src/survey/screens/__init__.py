"""Bodies of the pages, each module or package named like what its page shows."""
