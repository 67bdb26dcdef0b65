"""Code that makes the shipped models and the seed store, and the shipped files themselves.

A wheel contains only the files.
"""
