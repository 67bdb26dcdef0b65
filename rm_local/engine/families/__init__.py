"""How models think: chat-template families, their markers, and the parser of their output."""
