"""What the user sees as a whole: chat, reader, sessions, help."""
