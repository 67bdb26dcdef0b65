"""The prompt of a turn, and the policies for a full context."""
