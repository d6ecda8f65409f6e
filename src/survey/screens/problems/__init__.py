"""Problem lists of cities on screen: the tab of a city, one entry, and all lists of an area."""
