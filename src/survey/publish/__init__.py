"""From protected cells to what people read: views, charts, tables, files."""
