"""The one gate between estimates and eyes."""
