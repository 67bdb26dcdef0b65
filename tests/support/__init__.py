"""Helpers of the tests: fake engines and runtimes, made-up models, stores and damage."""
