"""Chat templates, rendered in a separate process because their authors are not trusted."""
