"""Type aliases of numpy arrays, shared by many modules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""A float32 array of vectors, usually of shape (n, d): n vectors of d components."""

Ids = NDArray[np.int64]
"""An int64 array (n,) of entry ids, row numbers, positions or counts."""

Bytes = NDArray[np.uint8]
"""A uint8 array: packed bits, or the bytes of a file."""

Flags = NDArray[np.bool_]
"""A bool array (n,): whether a condition holds, for each of n rows."""
