"""Page on which waves are planned, opened, closed, frozen and released."""
