"""rm-local: Reasoning Memory, offline, in a terminal."""

__version__ = "0.1.0"
