"""The commands. `main` has the group; every command is a module of its own name.

A command's module is imported when the command runs, so that `--help` stays fast. No other room
imports from here.
"""
