"""Public form, JSON API, sign-in routes and health, in the same process as the pages."""
