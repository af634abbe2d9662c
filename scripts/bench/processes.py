"""Whole processes against the programs they replace: trace, verify, checksum; one thread where nothing else is said."""

import random
from functools import partial

from measure import BERTJIT, MINILM, OUT, PEER_PYTHON, PEERS, ROOT, Row, bert_base, compare_processes, run_once

SCRIPT = "Python, torch and transformers"
START_UP_RUNS = 300


def trace_row(name, source, needs=()):
    def measure(runs):
        checkpoint = source()
        ours = [BERTJIT, "trace", checkpoint, "-o", OUT / "ours.pt", "--threads", 1]
        theirs = [PEER_PYTHON, PEERS / "trace.py", checkpoint, OUT / "theirs.pt"]
        return [compare_processes(name, SCRIPT, ours, theirs, runs, aim=1 / 5, memory_aim=1 / 2)]

    return Row(name, measure, list(needs))


def verify_row(name, source, needs=()):
    def measure(runs):
        checkpoint, traced, shapes = source(), OUT / "verified.pt", ["1x7", "8x32", "2x128"]
        run_once([BERTJIT, "trace", checkpoint, "-o", traced])
        checks = ["--only", "grad-mode,roundtrip,check-inputs", "--check-shapes", ",".join(shapes), "--threads", 1]
        ours = [BERTJIT, "verify", traced, "--source", checkpoint, *checks]
        theirs = [PEER_PYTHON, PEERS / "verify.py", traced, checkpoint, *shapes]
        return [compare_processes(name, SCRIPT, ours, theirs, runs, aim=1 / 4, memory_aim=1 / 2)]

    return Row(name, measure, list(needs))


def trace_file_row(file, function):
    """A name that its file traces: checked by both sides, with the inputs that the file writes."""
    path = ROOT / "testdata" / "source" / file
    name = f"trace, {path.name}:{function}"

    def measure(runs):
        ours = [BERTJIT, "trace", f"{path}:{function}", "-o", OUT / "ours.pt", "--threads", 1]
        theirs = [PEER_PYTHON, PEERS / "trace_file.py", path, function, OUT / "theirs.pt"]
        return [compare_processes(name, "Python and torch", ours, theirs, runs, aim=1 / 5, memory_aim=1 / 2)]

    return Row(name, measure)


def random_file(megabytes):
    path = OUT / f"{megabytes}MB.bin"
    if not path.exists() or path.stat().st_size != megabytes * 1_000_000:
        with open(path, "wb") as file:
            for _ in range(megabytes):
                file.write(random.randbytes(1_000_000))
    return path


def many_files():
    part = random_file(100)
    names = [OUT / "40x100MB" / f"{number:02}.bin" for number in range(40)]
    names[0].parent.mkdir(exist_ok=True)
    for name in names:
        name.unlink(missing_ok=True)
        name.hardlink_to(part)
    return names


def start_up(name, _):
    small = OUT / "1kB.bin"
    small.write_bytes(bytes(range(256)) * 4)
    ours = [BERTJIT, "checksum", small]
    return [compare_processes(name, "sha512sum", ours, ["sha512sum", small], START_UP_RUNS, aim=3)]


def one_large_file(name, peer, command, aim, runs):
    large = random_file(440)
    return [compare_processes(name, peer, [BERTJIT, "checksum", large], [*command, large], min(runs, 3), aim)]


def files_side_by_side(name, runs):
    def command(threads):
        return [BERTJIT, "checksum", "--threads", threads, *files]

    files = many_files()
    return [compare_processes(name, "itself on 1 thread", command(2), command(1), min(runs, 2), aim=1 / 1.9)]


def rows():
    """Rates are the inverse of times, so an aim of 0.97 of openssl's rate is one of 1 / 0.97 of its time."""
    start, large, many = "checksum of 1 kB", "checksum of 440 MB", "checksum of 40 x 100 MB, 2 threads"
    openssl = ("openssl", ["openssl", "dgst", "-sha512"], 1 / 0.97)
    return [
        trace_row("trace, BERT-base size", bert_base),
        trace_row("trace, MiniLM", lambda: MINILM, [MINILM]),
        trace_file_row("mixing/trace_cell.py", "traced_cell"),
        trace_file_row("mixing/rnn_loop.py", "traced"),
        verify_row("verify, BERT-base size", bert_base),
        verify_row("verify, MiniLM", lambda: MINILM, [MINILM]),
        Row(start, partial(start_up, start)),
        Row(large, lambda runs: one_large_file(large, *openssl, runs)),
        Row(large, lambda runs: one_large_file(large, "sha512sum", ["sha512sum"], 1 / 1.3, runs)),
        Row(many, partial(files_side_by_side, many)),
    ]
