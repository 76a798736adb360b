"""The cells of a session that have ended, at rest until somebody asks for one.

Whatever a cell said stays readable as long as its session lives, and a session may live for days. So a small cell is
kept as a string of bytes, and a large one in a temporary file without a name, which is gone with the session or its
process.
"""

from __future__ import annotations

import logging
import math
import os
import pickle
import tempfile
from typing import IO

from codemode.host.cell import Cell
from codemode.host.output import TokenCount

_log = logging.getLogger("codemode")

_ROOM_BYTES = 4096
"""A cell that comes back has often grown a little: its room in the file is so many bytes, or a multiple."""


class Archive:
    """Keeps cells. What it reads it has written itself, into a file that nobody else can open.

    Args:
        max_in_memory_bytes: of one cell; a larger one is kept on disk. By default what a small script leaves.
    """

    def __init__(self, max_in_memory_bytes: int = 2048) -> None:
        self._max_in_memory_bytes = max_in_memory_bytes
        self._places: dict[str, bytes | slice | Cell] = {}
        """By cell id the cell itself, or where it stands in the file."""
        self._rooms: dict[str, slice] = {}
        """By cell id what it may fill of the file, also while it is not at rest."""
        self._file: IO[bytes] | None = None
        self.file_bytes = 0
        """How much of the disk it has."""

    def __len__(self) -> int:
        """How many cells are at rest."""
        return len(self._places)

    def put(self, cell: Cell) -> None:
        """Lays a cell to rest. The object is not to be used any more."""
        try:
            data = pickle.dumps(cell, pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # the program has put something of its own into a block that it was given
            _log.warning("the ended cell %s is kept as it is: %s", cell.cell_id, error)
            self._places[cell.cell_id] = cell
            return
        is_small = len(data) <= self._max_in_memory_bytes
        self._places[cell.cell_id] = data if is_small else self._written(cell.cell_id, data)

    def take(self, cell_id: str, count: TokenCount) -> Cell | None:
        """The cell, which is at rest no longer; None where none of that id is.

        Args:
            cell_id: it.
            count: what counts the tokens of its output.
        """
        place = self._places.pop(cell_id, None)
        if place is None or isinstance(place, Cell):
            return place
        cell: Cell = pickle.loads(self._read(place) if isinstance(place, slice) else place)
        cell.count_with(count)
        return cell

    def close(self) -> None:
        """Forgets them all."""
        self._places.clear()
        self._rooms.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _written(self, cell_id: str, data: bytes) -> bytes | slice:
        """Where it stands in the file; itself where no file can be had, or its disk is full."""
        room = self._rooms.get(cell_id, slice(0, 0))
        if len(data) > room.stop - room.start:
            rooms = math.ceil(len(data) / _ROOM_BYTES)
            room = slice(self.file_bytes, self.file_bytes + rooms * _ROOM_BYTES)
        place = slice(room.start, room.start + len(data))
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - `close` closes it
            written = 0
            while written < len(data):
                written += os.pwrite(self._file.fileno(), data[written:], place.start + written)
        except OSError as error:
            _log.warning("an ended cell is kept in memory: %s", error)
            return data
        self._rooms[cell_id] = room
        self.file_bytes = max(self.file_bytes, room.stop)
        return place

    def _read(self, place: slice) -> bytes:
        assert self._file is not None, "what has a place in the file was written"
        data = b""
        while len(data) < place.stop - place.start:
            data += os.pread(self._file.fileno(), place.stop - place.start - len(data), place.start + len(data))
        return data
