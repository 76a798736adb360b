"""A worker that is none. Its arguments are INBOUND OUTBOUND STATUS FIRST THEN.

It writes the bytes FIRST (given as hexadecimal), waits until the host says something, writes the bytes THEN, and exits
with STATUS, or stays where that is -1.
"""

from __future__ import annotations

import os
import select
import sys


def main(inbound: int, outbound: int, status: int, first: bytes, then: bytes) -> None:
    """Says its two parts."""
    write_all(outbound, first)
    if then and os.read(inbound, 1):
        write_all(outbound, then)
    if status >= 0:
        os._exit(status)
    while os.read(inbound, 65536):
        select.select([inbound], [], [])
    os._exit(0)


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of it, or as much as the host takes."""
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:4]), *(bytes.fromhex(text) for text in sys.argv[4:6]))  # type: ignore[arg-type]
