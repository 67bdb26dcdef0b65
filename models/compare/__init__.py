"""Comparison of two plans on the same questions, judged by rules in code, with paired figures."""
