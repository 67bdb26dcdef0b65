"""What an answer may look like: GBNF grammars, and JSON schemas turned into them."""
