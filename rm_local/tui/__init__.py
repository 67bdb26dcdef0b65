"""The Textual app: it draws itself from the one stream of events that `Runtime.solve` gives."""
