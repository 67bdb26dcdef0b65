"""Training problems for rm-small, worded as people ask, and questions to measure models with."""
