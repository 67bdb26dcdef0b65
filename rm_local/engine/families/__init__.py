"""Describes how models think: chat-template families, their markers, the parser of their output."""
