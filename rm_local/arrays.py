"""Type names of the numpy arrays that many modules share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""Vectors, mostly an array (n, d) of n rows."""

Ids = NDArray[np.int64]
"""An array (n,) of entry ids, row numbers, positions or counts."""

Bytes = NDArray[np.uint8]
"""Packed bits, or the content of a file."""

Flags = NDArray[np.bool_]
"""An array (n,) of one condition for each row."""
