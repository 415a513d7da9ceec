"""Pictures that are made to do harm, or are none, and what becomes of their thumbnails."""

import functools
import gzip
import json
import os
import subprocess

from PIL import Image

from pictures import animation, encoded, endless_gif, flat_png, photo, text_bomb

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
XML_BOMB = b'<!DOCTYPE a [<!ENTITY b "cccccccc">]><svg xmlns="http://www.w3.org/2000/svg">&b;</svg>'
MVG = b"push graphic-context\nviewbox 0 0 640 480\nimage over 0,0 0,0 'https://127.0.0.1/x'\npop graphic-context"
HTML = b"<html><script>alert(1)</script></html>"


@functools.cache
def plain(kind, **options):
    return encoded(photo(500, 500), kind, **options)


def animated(kind, frames, size, **options):
    """The frames after the first are all the same, so that it is made quickly."""
    pictures = [Image.new("RGB", size, colour) for colour in ("red", *["navy", "olive"] * (frames // 2))][:frames]
    return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=50, **options)


def long_gif(frames, size):
    """Whole frames, of which the second is repeated."""
    two = animated("GIF", 2, size)
    second = two[two.rindex(b"\x21\xf9\x04") : -1]
    return two[:-1] + second * (frames - 2) + b";"


def many_scans(scans):
    """A progressive JPEG that draws its last scan again and again."""
    jpeg = plain("JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[last:-2] * scans + jpeg[-2:]


def webp_canvas(width, height):
    """An animated WebP that tells another size in its first header."""
    small = bytearray(animated("WEBP", 3, (40, 40)))
    at = small.index(b"VP8X") + 12
    small[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(small)


def sized(content, at, size):
    return content[:at] + size + content[at + len(size) :]


# How the bytes are made, by name. No thumbnail of these: M_UNKNOWN.
REFUSED = {
    "empty file": lambda: b"",
    "HTML": lambda: HTML,
    "SVG": lambda: SVG,
    "SVG with entities": lambda: XML_BOMB,
    "SVG, packed": lambda: gzip.compress(SVG),
    "ImageMagick script": lambda: MVG,
    "PostScript": lambda: b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n",
    "PDF": lambda: b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>",
    "TIFF": lambda: plain("TIFF"),
    "BMP": lambda: plain("BMP"),
    "ICO": lambda: encoded(photo(64, 64), "ICO"),
    "AVIF's first bytes": lambda: b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(64),
    "only a JPEG's beginning": lambda: plain("JPEG")[:20],
    "only a PNG's beginning": lambda: plain("PNG")[:40],
    "only a WebP's beginning": lambda: plain("WEBP")[:24],
    "PNG with a broken checksum": lambda: plain("PNG")[:20] + b"\xff" + plain("PNG")[21:],
    "GIF of no frames": lambda: b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
    "WebP of nothing": lambda: b"RIFF\x10\x00\x00\x00WEBPVP8 \x00\x00\x00\x00",
    "WebP that is a video": lambda: b"RIFF\x10\x00\x00\x00AVI LIST\x00\x00\x00\x00",
}

# Nor of these: M_TOO_LARGE.
TOO_LARGE = {
    "PNG of 60,000 x 60,000": lambda: flat_png(60000, 60000),
    "GIF with frames of 60,000 x 60,000": lambda: endless_gif(3, (200, 200), (60000, 60000)),
    "PNG of 12,000 x 12,000": lambda: flat_png(12000, 12000),
    "JPEG that says 65,500 x 65,500": lambda: plain("JPEG").replace(
        b"\x00\x11\x08\x01\xf4\x01\xf4", b"\x00\x11\x08\xff\xdc\xff\xdc"
    ),
}

# Of these a thumbnail or none, but for little.
STRANGE = {
    "JPEG cut in the middle": lambda: plain("JPEG")[: len(plain("JPEG")) // 2],
    "PNG cut in the middle": lambda: plain("PNG")[: len(plain("PNG")) // 2],
    "GIF cut in the middle": lambda: animation(40)[:3000],
    "WebP cut in the middle": lambda: plain("WEBP")[: len(plain("WEBP")) // 2],
    "animated WebP cut in the middle": lambda: animated("WEBP", 20, (300, 300))[:900],
    "animated WebP whose canvas is 16,000,000 wide": lambda: webp_canvas(16000000, 1),
    "animated WebP whose canvas is 11,000 x 11,000": lambda: webp_canvas(11000, 11000),
    "animated WebP with 1,000 frames": lambda: animated("WEBP", 1000, (200, 200)),
    "WebP that says 16,383 x 16,383": lambda: sized(
        encoded(photo(80, 80), "WEBP", lossless=True), 21, (16382 | 16382 << 14).to_bytes(4, "little")
    ),
    "PNG with a web page behind it": lambda: plain("PNG") + HTML,
    "GIF that is a script": lambda: b"GIF89a/*" + animation(2)[8:] + b"*/=1;alert(1)",
    "JPEG that is a ZIP, too": lambda: plain("JPEG") + b"PK\x05\x06" + bytes(18),
    "GIF with 100,000 frames": lambda: endless_gif(100000),
    "GIF with 199 frames of 800 x 800": lambda: long_gif(199, (800, 800)),
    "GIF whose screen is 65,535 x 65,535": lambda: endless_gif(3, (65535, 65535)),
    "GIF with frames of 11,000 x 11,000": lambda: endless_gif(3, (200, 200), (11000, 11000)),
    "PNG with a gigabyte of text": text_bomb,
    "progressive JPEG of 9 megapixels": lambda: encoded(photo(3000, 3000), "JPEG", progressive=True),
    "progressive JPEG that draws 5,000 times": lambda: many_scans(5000),
    "PNG of 11,000 x 11,000, one bit": lambda: flat_png(11000, 11000),
    "PNG of 11,000 x 11,000, 64 bits": lambda: flat_png(11000, 11000, 16, 6, False),
    "interlaced PNG of 11,000 x 11,000, 32 bits": lambda: flat_png(11000, 11000, 8, 6, True),
}

# Starts the program from a process that is small: a child counts its parent's memory until it is another program.
MEASURE = """
import json, os, sys, time
began = time.monotonic()
opened = [(os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0),
          (os.POSIX_SPAWN_OPEN, 1, sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
pid = os.posix_spawn(sys.argv[3], sys.argv[3:], os.environ, file_actions=opened)
_, status, usage = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss << 10, usage.ru_utime + usage.ru_stime,
                  time.monotonic() - began]))
"""


def decode(program, content, directory, *arguments):
    """Runs the thumbnailer alone: (status, peak bytes, CPU seconds, seconds, result)."""
    source, result = directory / "picture", directory / "thumbnail"
    source.write_bytes(content)
    command = ["/usr/bin/python3", "-I", "-S", "-c", MEASURE, source, result, program, *arguments]
    measured = subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=os.environ)
    return *json.loads(measured.stdout), result.read_bytes()
