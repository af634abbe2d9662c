"""What is measured, and how: samples of two sides that take turns."""

import json
import os
import shlex
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "build" / "bench"
BERTJIT = ROOT / "build" / "bertjit"
PEER_PYTHON = ROOT / ".deps" / "peers" / "bin" / "python"
PEERS = ROOT / "scripts" / "peers"
SHARED = ROOT.parent / "shared"
MINILM = SHARED / "models" / "minilm-mrpc"
MRPC = SHARED / "data" / "mrpc" / "dev.tsv"


@dataclass
class Side:
    """One of the two: its samples in seconds, and where it is said what it takes in memory and on the disk."""

    seconds: list[float]
    memory_bytes: float | None = None
    size_bytes: float | None = None

    @property
    def median(self):
        return statistics.median(self.seconds)

    @property
    def spread(self):
        """The middle half of the samples over their median."""
        if len(self.seconds) < 2:
            return None
        lower, _, upper = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return (upper - lower) / self.median


@dataclass
class Figure:
    """A line of the page: ours, theirs, and the greatest ratio of the medians that we aim for."""

    name: str
    peer: str
    ours: Side
    theirs: Side
    aim: float | None = None
    memory_aim: float | None = None
    note: str = ""

    @property
    def ratio(self):
        return self.ours.median / self.theirs.median

    @property
    def memory_ratio(self):
        both = (self.ours.memory_bytes, self.theirs.memory_bytes)
        return None if None in both else both[0] / both[1]


@dataclass
class Row:
    """Something to measure: gives figures, or is left out where what it `needs` is absent."""

    name: str
    measure: Callable[[int], list[Figure]]
    needs: list[Path] = field(default_factory=list)

    @property
    def absent(self):
        return next((path for path in self.needs if not path.exists()), None)


def as_json(figure):
    return asdict(figure) | {"ratio": figure.ratio, "memory_ratio": figure.memory_ratio}


def from_json(document):
    fields = {key: value for key, value in document.items() if key not in ("ratio", "memory_ratio")}
    return Figure(**fields | {side: Side(**fields[side]) for side in ("ours", "theirs")})


def fail(command, exit_code, text):
    raise SystemExit(f"bench: exit {exit_code} from: {shlex.join(command)}\n{text}")


def run_once(command, stdin=os.devnull):
    """Seconds and greatest resident set (bytes) of one process, its output thrown away.

    The resident set is never below this driver's own: the kernel counts the memory a process is born with.
    """
    words = [str(word) for word in command]
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    log = OUT / "stderr.log"
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, str(stdin), os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
    ]
    program = shutil.which(words[0])
    begin = time.perf_counter()
    process = os.posix_spawn(program, words, environment, file_actions=streams)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - begin
    exit_code = os.waitstatus_to_exitcode(status)
    if exit_code != 0:
        fail(words, exit_code, log.read_text())
    return seconds, usage.ru_maxrss * 1024


def text_of(command, text=""):
    """What a command prints."""
    words = [str(word) for word in command]
    environment = dict(os.environ, OMP_NUM_THREADS="1", TRANSFORMERS_VERBOSITY="error")
    done = subprocess.run(words, env=environment, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        fail(words, done.returncode, done.stderr)
    return done.stdout


def json_of(command):
    return json.loads(text_of(command))


def compare_processes(name, peer, ours, theirs, runs, aim, memory_aim=None):
    """Alternates two commands, so that a slow spell of the machine meets both. The first round warms the caches."""
    samples = {"ours": [], "theirs": []}
    for number in range(runs + 1):
        for side, command in (("ours", ours), ("theirs", theirs)):
            sample = run_once(command)
            if number > 0:
                samples[side].append(sample)
    sides = {}
    for side, values in samples.items():
        seconds, memory = zip(*values)
        sides[side] = Side(list(seconds), statistics.median(memory) if memory_aim else None)
    return Figure(name, peer, sides["ours"], sides["theirs"], aim, memory_aim)


def bert_base():
    """A checkpoint of BERT-base's size, made once."""
    folder = OUT / "bert-base"
    if not (folder / "vocab.txt").exists():
        vocabulary = ROOT / "testdata" / "tiny-bert" / "vocab.txt"
        text_of([PEER_PYTHON, PEERS / "make_bert_base.py", vocabulary, folder])
    return folder
