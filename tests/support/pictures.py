"""Pictures, good and bad, made on the spot."""

import io
import struct
import zlib

from PIL import Image


def encoded(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def decoded(content):
    return Image.open(io.BytesIO(content))


def photo(width, height):
    """A picture with some detail, the same each time."""
    return Image.radial_gradient("L").resize((width, height)).convert("RGB")


def animation(frames, size=(200, 100)):
    """A GIF whose frames differ."""
    colours = [((n * 7) % 256, (n * 13) % 256, (n * 29) % 256) for n in range(frames)]
    pictures = [Image.new("RGB", size, colour) for colour in colours]
    return encoded(pictures[0], "GIF", save_all=True, append_images=pictures[1:], duration=50)


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def empty_png(width, height):
    """A PNG of one colour, as small as it gets: zeros that compress a thousandfold."""
    row = (width + 7) // 8 + 1
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(row * 1000)) for _ in range(0, height, 1000)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def endless_gif(frames):
    """One pixel, very often."""
    frame = b"\x21\xf9\x04\x00\x0a\x00\x00\x00,\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


def text_bomb():
    """A PNG with a compressed text that unpacks to a gigabyte."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()
    small = encoded(photo(300, 300), "PNG")
    end = small.index(b"IDAT") - 4
    return small[:end] + chunk(b"zTXt", b"Comment\0\0" + data) + small[end:]
