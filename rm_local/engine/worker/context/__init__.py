"""The messages and the prompt of a turn, and how room is made in a full context."""
