"""Texts of conversations without a problem, of general advice, and of paragraphs of facts."""
