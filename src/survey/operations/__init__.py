"""Running an installation: health, backup and its checks."""
