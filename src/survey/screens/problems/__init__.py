"""Problem lists of cities: a tab of the city profile, one problem, and a page of all lists."""
