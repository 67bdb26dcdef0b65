"""The only limit of time in the tests. It ends what hangs, and no test measures anything by it."""

from __future__ import annotations

HANG_SECONDS = 600.0
"""What is not there after so long will not come, however slow or busy the machine is."""
