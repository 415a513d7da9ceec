"""Compares what our code and Synapse's make of random events: redaction, hashes, event IDs.

    run_events.py ORACLE                        replay tests/vectors/events.jsonl, then compare new
                                                random events with Synapse
    run_events.py ORACLE --seed 7 --count 5000  other events
    run_events.py ORACLE --write-vectors        make the file of vectors anew

Synapse is installed by tests/support/synapse.py, or is that of the Python that BEFFROI_SYNAPSE_PYTHON
names.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors" / "events.jsonl"
VECTOR_SEED, VECTOR_COUNT = 1, 120

sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import random_events  # noqa: E402
import synapse  # noqa: E402  tests/support/synapse.py


def synapse_python():
    """The Python that can import Synapse."""
    named = os.environ.get("BEFFROI_SYNAPSE_PYTHON")
    return named or str(synapse.virtual_environment(HERE / "synapse-requirements.txt"))


def ask(command, questions):
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    result = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=100)
    if result.returncode != 0:
        sys.exit(f"Bail out! {command[0]} ended with status {result.returncode}: {result.stderr[-2000:]}")
    return [json.loads(line) for line in result.stdout.split("\n") if line]  # U+2028 ends no line


def ask_synapse(questions):
    return ask([synapse_python(), str(HERE / "reference_events.py")], questions)


def report(number, name, questions, ours, expected):
    """One TAP line; the first differences as diagnostics."""
    wrong = [triple for triple in zip(questions, ours, expected) if triple[1] != triple[2] or "error" in triple[2]]
    if len(ours) != len(expected):
        wrong.append(("number of answers", len(ours), len(expected)))
    print(f"{'not ok' if wrong else 'ok'} {number} - {name}: {len(questions)} events")
    for question, our_answer, expected_answer in wrong[:3]:
        print(f"# event    {json.dumps(question)}\n# ours     {our_answer}\n# expected {expected_answer}")
    return not wrong


def write_vectors():
    questions = random_events.questions(VECTOR_SEED, VECTOR_COUNT)
    answers = ask_synapse(questions)
    lines = [json.dumps({**question, "answer": answer}) for question, answer in zip(questions, answers)]
    VECTORS.write_text("\n".join(lines) + "\n")


def replay_vectors(oracle):
    vectors = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    ours = ask([oracle], vectors)
    return report(1, "known answers", vectors, ours, [vector["answer"] for vector in vectors])


def compare_live(oracle, seed, count):
    questions = random_events.questions(seed, count)
    pairs = list(zip(questions, ask_synapse(questions)))
    known = [pair for pair in pairs if "unknown_version" not in pair[1]]  # by an older Synapse
    questions, expected = [pair[0] for pair in known], [pair[1] for pair in known]
    return report(2, f"random events, seed {seed}", questions, ask([oracle], questions), expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oracle")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--write-vectors", action="store_true")
    arguments = parser.parse_args()
    if arguments.write_vectors:
        write_vectors()
    print("1..2")
    results = [replay_vectors(arguments.oracle), compare_live(arguments.oracle, arguments.seed, arguments.count)]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
