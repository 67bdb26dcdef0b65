"""The app's screens: chat, reader, sessions, help."""
