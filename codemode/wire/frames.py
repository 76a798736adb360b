"""Frames: a length, then that many bytes. Knows nothing of what the bytes mean."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from codemode.errors import LocalProtocolError, RemoteProtocolError

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""The greatest payload, in bytes: four times the greatest result or argument (16 MiB), so that a burst
fits."""

Payload = bytes | bytearray
"""The bytes of one frame. Nobody changes them."""

_LENGTH = struct.Struct(">I")
_LONG_BYTES = 1024 * 1024
"""A frame of so much is handed on as it was gathered, not copied: to its reader it then takes its bytes once."""


def encode_frame(payload: bytes, max_frame_bytes: int = MAX_FRAME_BYTES) -> bytes:
    """The payload with its length before it.

    Raises:
        LocalProtocolError: the payload is empty or longer than `max_frame_bytes`.
    """
    if not 0 < len(payload) <= max_frame_bytes:
        raise LocalProtocolError(f"a frame holds 1 to {max_frame_bytes} bytes, not {len(payload)}")
    return _LENGTH.pack(len(payload)) + payload


class FrameDecoder:
    """Cuts a stream of bytes into payloads, however the stream was split on its way.

    Args:
        max_frame_bytes: a frame that announces more is refused as soon as its length is there, and none of it
            is kept.
    """

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._buffer = bytearray()

    def __repr__(self) -> str:
        return f"<FrameDecoder holding {len(self._buffer)} bytes>"

    @property
    def buffered_bytes(self) -> int:
        """Bytes received and not yet taken as payloads."""
        return len(self._buffer)

    def receive_data(self, data: bytes) -> Iterator[Payload]:
        """Keep the bytes, and give the payloads that are whole, in order, one `next_payload` at a time.

        The bytes are kept whether or not the iterator is used: what one iterator did not give, the next one
        gives.
        """
        self._buffer += data
        return iter(self.next_payload, None)

    def next_payload(self) -> Payload | None:
        """Take the next payload, or None while it is not whole.

        Raises:
            RemoteProtocolError: a frame is empty or announces more than the limit. The stream cannot be read
                further: every later call raises again.
        """
        end = self._end_of_frame()
        if end is None or end > len(self._buffer):
            return None
        if len(self._buffer) - end <= end >= _LONG_BYTES:
            whole, self._buffer = self._buffer, self._buffer[end:]
            del whole[end:], whole[: _LENGTH.size]
            return whole
        with memoryview(self._buffer) as view:
            payload = bytes(view[_LENGTH.size : end])
        del self._buffer[:end]
        return payload

    def receive_eof(self) -> None:
        """The stream has ended.

        Raises:
            RemoteProtocolError: in the middle of a frame.
            LocalProtocolError: the last payloads were not taken yet; take them first.
        """
        if not self._buffer:
            return
        end = self._end_of_frame()
        if end is not None and end <= len(self._buffer):
            raise LocalProtocolError("the end of the stream was told before the last payloads were taken")
        raise RemoteProtocolError(f"the stream ended {len(self._buffer)} bytes into a frame")

    def _end_of_frame(self) -> int | None:
        """Where the first frame ends in the buffer, or will end; None while its length is not there."""
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if not 0 < length <= self._max_frame_bytes:
            del self._buffer[_LENGTH.size :]
            raise RemoteProtocolError(f"a frame announces {length} bytes; it may hold 1 to {self._max_frame_bytes}")
        return _LENGTH.size + int(length)
