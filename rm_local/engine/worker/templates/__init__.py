"""Chat templates, rendered in a process of their own as they come from strangers."""
