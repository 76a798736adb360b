"""Frames: a length, then that many bytes. Knows nothing of what the bytes mean."""

from __future__ import annotations

import struct

from codemode.errors import LocalProtocolError, RemoteProtocolError

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""The greatest payload, in bytes: four times the greatest result or argument (16 MiB), so that a burst fits."""

_LENGTH = struct.Struct(">I")


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
        max_frame_bytes: a frame that announces more is refused before a byte of it is kept.
    """

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._buffer = bytearray()

    def __repr__(self) -> str:
        return f"<FrameDecoder holding {len(self._buffer)} bytes>"

    @property
    def buffered_bytes(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._buffer)

    def receive_data(self, data: bytes) -> list[bytes]:
        """The payloads that are whole now, in order.

        Raises:
            RemoteProtocolError: a frame is empty or announces more than the limit. The stream cannot be read further.
        """
        buffer = self._buffer
        buffer += data
        payloads: list[bytes] = []
        start, end = 0, len(buffer)
        while end - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, start)
            if not 0 < length <= self._max_frame_bytes:
                raise RemoteProtocolError(
                    f"a frame announces {length} bytes; it may hold 1 to {self._max_frame_bytes}"
                )
            if end - start - _LENGTH.size < length:
                break
            start += _LENGTH.size
            payloads.append(bytes(buffer[start : start + length]))
            start += length
        if start:
            del buffer[:start]
        return payloads

    def receive_eof(self) -> None:
        """The stream has ended.

        Raises:
            RemoteProtocolError: in the middle of a frame.
        """
        if self._buffer:
            raise RemoteProtocolError(f"the stream ended {len(self._buffer)} bytes into a frame")
