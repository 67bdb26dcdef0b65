"""Renders chat templates, in a separate process because their authors are not trusted."""
