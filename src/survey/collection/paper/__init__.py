"""Paper entry: keying sheets, double keying, adjudication, typist errors."""
