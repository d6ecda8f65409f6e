"""Photos: checked by content, made anew without EXIF and place, stored as files by their hash."""
