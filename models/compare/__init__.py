"""Two plans compared on the questions of the repository, pair by pair, by rules stated in code."""
