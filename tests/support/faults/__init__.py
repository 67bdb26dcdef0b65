"""Helpers of tests and campaigns that damage stores, count steps and kill processes at a step."""
