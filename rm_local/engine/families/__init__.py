"""Describes the chat formats of model families, and splits models' output at their markers."""
