"""Keep freed memory for the next step: on Linux, glibc gives large blocks back to the kernel when they are freed, and the
next step pays for getting (and zeroing) the same pages again. PyTorch frees every activation every step.

The peers do not do this; `benchmarks/train.py` measures what it gives.
"""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # <malloc.h>


def keep_freed_memory() -> bool:
    """Ask glibc's allocator to take large blocks from its heap and never shrink that; False where there is no glibc.

    For the rest of the process; it decides nothing but speed and how much memory stays reserved.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
