"""Bytes on disk for each message, by table and index: `tests/bench/disk_per_message.py [--messages N]`, release build.

The messages are those of `beffroi bench send`, 100 people in 100 rooms. VACUUM and CHECKPOINT come before each count.
"""

import argparse

from compare_servers import Ours

# A table's size is without its indexes, which are relations of their own.
SIZES = "SELECT relname, pg_table_size(oid) FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace"


def sizes(server):
    server.database_bytes()
    with server.database() as database:
        return dict(database.execute(SIZES).fetchall())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=50000)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--connections", type=int, default=100)
    options = parser.parse_args()
    server = Ours()
    try:
        server.prepare()
        server.start()
        population = ["--population", server.directory / "population.json"]
        send = ["send", "--users", 100, "--rooms", options.rooms, "--connections", options.connections, *population]
        server.run_bench([*send, "--count", options.rooms], 300)
        before = sizes(server)
        report = server.run_bench([*send, "--count", options.messages], 900)
        after = sizes(server)
    finally:
        server.remove()
    grown = {name: (size - before.get(name, 0)) / options.messages for name, size in after.items()}
    for name, size in sorted(grown.items(), key=lambda item: -item[1]):
        if size >= 0.5:
            print(f"{size:8.1f} B  {name}")
    print(f"{sum(grown.values()):8.1f} B  a message in all")
    for name, entry in report["figures"].items():
        print(f"{entry['value']:12.1f} {entry['unit']}  {name}")


if __name__ == "__main__":
    main()
