"""The commands of `rm-local`: `main` is the group, and each command is in a module of its name.

A command's module is imported when the command runs, so that `--help` stays fast. No other package
of rm_local imports from here.
"""
