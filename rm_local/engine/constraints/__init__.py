"""Constraints on answers: GBNF grammars, and the translation of JSON schemas to grammars."""
