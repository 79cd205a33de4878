# SPDX-License-Identifier: Apache-2.0
"""The types of columns that hold many values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
