"""Renders chat templates, in a separate process, because templates are programs of strangers."""
