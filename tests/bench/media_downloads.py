#!/usr/bin/python3
"""Downloads of media against nginx serving the same file in the same run, and what a thumbnail costs.

    tests/bench/media_downloads.py --server build-release/beffroi

Needs a release build, curl and Debian's nginx-light. Prints throughput and CPU seconds per GB of both, each
round one after the other, and time and peak memory of the thumbnailer for a photograph of 12 megapixels.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from bad_pictures import decode  # noqa: E402
from client import Client  # noqa: E402
from homeserver import Beffroi, free_port  # noqa: E402
from media import DOWNLOAD, split_mxc, upload  # noqa: E402
from pictures import encoded, photo  # noqa: E402

BYTES = 5_000_000
CONCURRENT = 100
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


class Nginx:
    def __init__(self, directory):
        self.directory, self.port = pathlib.Path(directory), free_port()
        self.url = f"http://127.0.0.1:{self.port}/file"
        config = self.directory / "nginx.conf"
        config.write_text(
            f"daemon off; worker_processes auto; pid {directory}/pid; error_log {directory}/log;\n"
            f"events {{ worker_connections 1024; }}\nhttp {{ access_log off; sendfile on; tcp_nopush on;\n"
            f"server {{ listen 127.0.0.1:{self.port}; root {directory}; }} }}\n"
        )
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-c", str(config)])
        time.sleep(1)

    def pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]


def download_all(directory, url, count, token=None):
    """Seconds for so many downloads, a hundred at a time; every one is checked for its size."""
    plan = pathlib.Path(directory) / "plan"
    plan.write_text(f'url = "{url}"\noutput = "/dev/null"\n' * count)
    command = ["curl", "-sS", "-Z", "--parallel-immediate", "--parallel-max", str(CONCURRENT), "-K", str(plan)]
    command += ["-w", "%{http_code} %{size_download}\n"]
    command += ["-H", f"Authorization: Bearer {token}"] if token else []
    started = time.monotonic()
    out = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout
    seconds = time.monotonic() - started
    assert out.splitlines() == [f"200 {BYTES}"] * count, out[:500]
    return seconds


def measure(label, directory, url, count, pids, token=None):
    before = cpu_seconds(pids)
    seconds = download_all(directory, url, count, token)
    gigabytes = BYTES * count / 1e9
    result = gigabytes / seconds, (cpu_seconds(pids) - before) / gigabytes
    print(f"{label:8} {result[0]:6.2f} GB/s {result[1]:6.3f} CPU seconds per GB", flush=True)
    return result


def compare(server, token, url, options):
    with tempfile.TemporaryDirectory() as directory:
        content = pathlib.Path(directory) / "file"
        content.write_bytes(options.content)
        pathlib.Path(directory).chmod(0o755)
        nginx = Nginx(directory)
        try:
            rounds = [
                (measure("nginx", directory, nginx.url, options.downloads, nginx.pids()),
                 measure("beffroi", directory, url, options.downloads, [server.process.pid], token))
                for _ in range(options.rounds)
            ]  # fmt: skip
        finally:
            nginx.process.terminate()
            nginx.process.wait()
    ratio = statistics.median(ours[0] / theirs[0] for theirs, ours in rounds)
    print(f"throughput, ours to nginx's: {ratio:.2f} (median of {len(rounds)} rounds)")
    print(f"CPU seconds per GB: nginx {statistics.median(r[0][1] for r in rounds):.3f}, "
          f"beffroi {statistics.median(r[1][1] for r in rounds):.3f}")  # fmt: skip
    print(f"resident memory of the server: {server.resident_bytes() / 1e6:.0f} MB")


def thumbnail(binary):
    picture = encoded(photo(4000, 3000), "JPEG", quality=90)
    program = pathlib.Path(binary).resolve().parent / "beffroi-thumbnailer"
    with tempfile.TemporaryDirectory() as directory:
        status, peak, cpu, seconds, _ = decode(program, picture, pathlib.Path(directory), "800", "600", "scale", "0")
    assert status == 10, status
    print(f"12-megapixel JPEG ({len(picture) / 1e6:.1f} MB) to 800x600: {seconds * 1000:.0f} ms, "
          f"{cpu:.2f} CPU seconds, peak {peak / 2**20:.0f} MiB")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="the binary to measure")
    parser.add_argument("--downloads", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    options.content = os.urandom(BYTES)
    thumbnail(options.server)
    os.environ["BEFFROI_BINARY"] = os.path.abspath(options.server)
    server = Beffroi().prepare()
    try:
        user = Client(server.start().base_url).register("bench")
        url = server.base_url + DOWNLOAD.format(*split_mxc(upload(user, options.content)))
        compare(server, user.token, url, options)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
