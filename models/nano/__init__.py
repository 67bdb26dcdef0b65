"""rm-nano: a model of five million parameters that follows subroutines, trained from scratch."""
