#!/usr/bin/python3
"""Peak memory and time of the thumbnailer for the pictures that are made to do harm: 96x96, animated.

usage: tests/bench/bad_pictures.py [--thumbnailer build-release/beffroi-thumbnailer]
"""

import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from bad_pictures import REFUSED, STRANGE, TOO_LARGE, decode  # noqa: E402
from pictures import encoded, photo  # noqa: E402

ORDINARY = {
    "(for comparison) JPEG of 12 megapixels": lambda: encoded(photo(4000, 3000), "JPEG"),
    "(for comparison) WebP of 12 megapixels": lambda: encoded(photo(4000, 3000), "WEBP"),
}
OUTCOMES = {1: "refused", 10: "JPEG", 11: "PNG", 12: "animated WebP", 20: "small enough as it is", 21: "too large"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--thumbnailer", default="build-release/beffroi-thumbnailer")
    program = pathlib.Path(parser.parse_args().thumbnailer).resolve()
    print("| picture | bytes | outcome | peak MiB | CPU s | s |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        for name, make in {**ORDINARY, **REFUSED, **TOO_LARGE, **STRANGE}.items():
            content = make()
            measured = decode(program, content, pathlib.Path(directory), "96", "96", "scale", "1")
            status, peak, cpu, seconds, _ = measured
            outcome = OUTCOMES.get(status, f"status {status}")
            print(f"| {name} | {len(content):,} | {outcome} | {peak / 2**20:.0f} | {cpu:.2f} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
