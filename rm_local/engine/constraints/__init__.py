"""Constraints on answers: GBNF grammars, and JSON schemas turned into them."""
