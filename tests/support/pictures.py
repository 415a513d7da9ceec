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


def packed_zeros(size):
    """What zlib makes of so many zeros: a thousandth. Quick, as one piece is packed and repeated."""
    piece, rest = 1 << 20, zlib.compressobj(9, zlib.DEFLATED, -15)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(piece)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = rest.compress(bytes(size % piece)) + rest.flush()
    return b"\x78\x9c" + block * (size // piece) + end + struct.pack(">HH", size % 65521, 1)


def flat_png(width, height, bits=1, colour=0, interlaced=False):
    """A PNG of one colour, as small as it gets. Interlaced ones are whole in the memory of a decoder."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    adam7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    size = 0
    for x, y, right, down in adam7 if interlaced else [(0, 0, 1, 1)]:
        columns, rows = -(-(width - x) // right), -(-(height - y) // down)
        size += rows * (1 + (columns * channels * bits + 7) // 8)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", packed_zeros(size)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def endless_gif(frames, size=(200, 200), frame_size=(1, 1)):
    """One pixel, very often."""
    frame = b"\x21\xf9\x04\x00\x0a\x00\x00\x00,\0\0\0\0" + struct.pack("<HH", *frame_size) + b"\0\2\2D\1\0"
    return b"GIF89a" + struct.pack("<HH", *size) + b"\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


def text_bomb():
    """A PNG with a compressed text that unpacks to a gigabyte."""
    small = encoded(photo(300, 300), "PNG")
    end = small.index(b"IDAT") - 4
    return small[:end] + chunk(b"zTXt", b"Comment\0\0" + packed_zeros(1 << 30)) + small[end:]
