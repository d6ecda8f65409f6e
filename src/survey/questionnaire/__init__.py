"""What is asked: items, sections, routing, validation, indicator tree."""
