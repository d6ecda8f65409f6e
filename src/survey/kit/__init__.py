"""What pages are made of whatever they show: frame, forms, filters, messages, downloads."""
