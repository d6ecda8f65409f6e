"""Quality of the interviews: detectors raise flags, people decide about them."""
