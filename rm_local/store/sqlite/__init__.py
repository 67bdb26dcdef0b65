"""The SQLite file of a store: connections, tables, metadata, write-ahead log, errors."""
