"""The file: connections, tables, metadata, write-ahead log. Translates SQLite errors."""
