"""Names for the arrays that many modules pass around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""Vectors, mostly (n, d)."""

Ids = NDArray[np.int64]
"""Ids of entries, row numbers, positions or counts, (n,)."""

Bytes = NDArray[np.uint8]
"""Packed bits, or the content of a file."""

Flags = NDArray[np.bool_]
"""A condition for each row, (n,)."""
