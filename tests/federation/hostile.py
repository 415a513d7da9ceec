"""Answers that no server means well with: functions for `peer.answers` that write to the connection themselves."""

import json
import time
import zlib

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS_BYTES = 200 * 1024 * 1024  # what a server takes is far less


def endless_body(handler):
    """A member that never ends, in chunks."""
    handler.wfile.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n1\r\n\"\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    for _ in range(ENDLESS_BYTES // 65536):
        handler.wfile.write(chunk)


def endless_head(handler):
    handler.wfile.write(HEAD)
    line = b"X-More: " + b"x" * 8000 + b"\r\n"
    for _ in range(ENDLESS_BYTES // 8000):
        handler.wfile.write(line)


def gzip_bomb(handler):
    """Half a megabyte that becomes half a gigabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b'{"a":"')]
    piece = b" " * (1 << 20)
    for _ in range(512):
        parts.append(packer.compress(piece))
    bomb = b"".join([*parts, packer.compress(b'"}'), packer.flush()])
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    handler.wfile.write(head + bomb)


def too_short(handler):
    """Less than its length says, and then the end."""
    handler.wfile.write(HEAD + b"Content-Length: 1000\r\n\r\n{}")


def too_long(handler):
    """More than its length says."""
    handler.wfile.write(HEAD + b"Content-Length: 2\r\n\r\n{}" + b"x" * 1000)


def drip(seconds):
    """A byte now and then."""

    def write(handler):
        handler.wfile.write(HEAD + b"Content-Length: 100000\r\n\r\n")
        for _ in range(seconds):
            handler.wfile.write(b" ")
            time.sleep(1)

    return write


def redirect(target):
    def write(handler):
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: " + target.encode() + b"\r\nContent-Length: 0\r\n\r\n")

    return write


def text(content, kind="text/html"):
    data = content if isinstance(content, bytes) else content.encode()

    def write(handler):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
        handler.wfile.write(head.encode() + data)

    return write


NOT_JSON = {
    "nothing": b"",
    "HTML": b"<!DOCTYPE html><html><body>Welcome</body></html>",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a list": b"[]",
    "deep": b'{"a":' * 100000,
    "half": b'{"a":',
    "not UTF-8": b'{"a":"\xff\xfe"}',
    "NaN": b'{"a":NaN}',
    "a large number": b'{"a":' + b"9" * 100000 + b"}",
    "zeros": b"\0" * 1000,
    "two objects": json.dumps({}).encode() * 2,
}
