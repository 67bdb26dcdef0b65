"""What rm-local ships, and the code that makes it. None of this is in the wheel but the files."""
