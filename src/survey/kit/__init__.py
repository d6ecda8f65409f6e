"""Parts that all pages share: frame, forms, filters, messages and downloads."""
