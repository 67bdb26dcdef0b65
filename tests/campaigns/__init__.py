"""Campaigns against the store: long runs of damage, kills and a full disk, as commands for anyone.

`docs/design/faults.md` describes them. Their helpers are in `tests/support/faults`.
"""
