"""This package's search and other solvers on the same instances, side by side in one run.

    python benchmarks/peers.py SET [FILE ...] [--peers NAME,...] [--repeat N]
                               [--cpu-limit S] [--out FOLDER]

SET is ``modulo`` or ``files`` (with problem files), ``forward``, ``groups``, ``ablations`` or
``random``.  Every peer runs in a process of its own, one after the other on each instance, and
that N times over; seconds are medians.  Writes ``SET.csv``, ``SET.png`` and ``SET.md`` into FOLDER.
Exit code 1 if two proven answers contradict each other: the instance goes to a file there.

``ortools`` and ``pyscipopt`` (``requirements-peers.txt``) may be in environments of their own:
``TWILL_PEERS_ORTOOLS=/path/to/python`` and ``TWILL_PEERS_PYSCIPOPT``.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use("Agg")

import pandas as pd
from exported import Exports
from instances import SETS, Instance, instances
from peer_process import PEERS, Worker, available, default_python
from performance import plot_performance
from questions import Answer, ask, disagreements, report_disagreement

from twill_ilp.errors import OptionError
from twill_ilp.files import check_writable, write_text

COLUMNS = ("work", "solve", "process")


@dataclass
class Run:
    """What a run is asked to do; see ``--help``."""

    peers: list[str]
    repeat: int
    cpu_limit: float
    threads: int
    levels: tuple[str, ...]


def one_peer(name: str, instance: Instance, exports: Exports, run: Run, seed: int) -> Answer:
    """One peer on one instance, in a new process, measured until it has ended."""
    worker = Worker(PEERS[name], default_python(name), run.cpu_limit)
    try:
        answer = ask(worker, PEERS[name], instance, exports, threads=run.threads, seed=seed,
                     levels=run.levels)  # fmt: skip
    finally:
        seconds = worker.close()
    answer.process = seconds
    return answer


def compare(instance: Instance, run: Run) -> tuple[dict[str, list[Answer]], float]:
    """The answers of every peer, interleaved, and CPU seconds per export of the models."""
    answers: dict[str, list[Answer]] = {name: [] for name in run.peers}
    with tempfile.TemporaryDirectory() as folder:
        exports = Exports(instance, Path(folder))
        for seed in range(run.repeat):
            for name in run.peers:
                answers[name].append(one_peer(name, instance, exports, run, seed))
    return answers, exports.seconds


def row(instance: Instance, answers: dict[str, list[Answer]], export: float) -> dict[str, object]:
    """One line of the table; a peer's seconds are empty unless it decided in every repetition."""
    ii = {a.ii for tries in answers.values() for a in tries if a.decided}
    length = {a.length for tries in answers.values() for a in tries if a.length is not None}
    decided = any(a.decided for tries in answers.values() for a in tries)
    result: dict[str, object] = {
        "instance": instance.name,
        "operations": len(instance.problem.graph),
        "mii": instance.mii,
        "last_ii": instance.last_ii,
        "ii": (ii.pop() or "none") if decided else "open",
        "length": length.pop() if length else "",
        "export": round(export, 3),
    }
    for name, tries in answers.items():
        done = all(a.complete(instance) for a in tries)
        for column in COLUMNS:
            seconds = [getattr(a, column) for a in tries]
            known = done and None not in seconds
            result[f"{name}_{column}"] = round(median(seconds), 3) if known else None
        result[f"{name}_open"] = sum(not a.complete(instance) for a in tries)
    return result


def shown(line: dict[str, object], peers: Sequence[str]) -> str:
    parts = [f"{line['instance']!s:34} II {line['ii']!s:>5}"]
    for name in peers:
        seconds = line[f"{name}_work"]
        parts.append(f"{name} {'open' if seconds is None else f'{seconds:.2f}'}")
    return "  ".join(parts)


def summary(table: pd.DataFrame, peers: Sequence[str]) -> str:
    """A Markdown table: decided, total and median per peer."""
    lines = [
        "| peer | decided | work, total s | work, median s | solve, total s | process, total s |",
        "|---|---|---|---|---|---|",
    ]
    for name in peers:
        work = table[f"{name}_work"].dropna()
        sums = [table[f"{name}_{column}"].sum(min_count=1) for column in COLUMNS]
        totals = ["-" if pd.isna(total) else f"{total:.1f}" for total in sums]
        middle = f"{work.median():.2f}" if len(work) else "-"
        lines.append(
            f"| {PEERS[name].what} | {len(work)} of {len(table)} | {totals[0]} | {middle} "
            f"| {totals[1]} | {totals[2]} |"
        )
    return "\n".join(lines)


def page(name: str, run: Run, versions: dict[str, str], table: pd.DataFrame) -> str:
    """What was run, and its summary."""
    command = shlex.join(["python", "benchmarks/peers.py", *map(_public, sys.argv[1:])])
    rows = [("date", date.today().isoformat()), ("machine", f"{platform.machine()}, Python "
            f"{platform.python_version()}, {run.threads} thread(s) per solver"),
            ("CPU limit", f"{run.cpu_limit:g} s per instance and peer"),
            ("repetitions", str(run.repeat)), *versions.items()]  # fmt: skip
    facts = "\n".join(f"| {key} | {value} |" for key, value in rows)
    return (
        f"# Peers on the set `{name}`\n\n```\n{command}\n```\n\n| | |\n|---|---|\n{facts}\n\n"
        f"{summary(table, run.peers)}\n\nTotals are over what the peer decided. `work` is CPU "
        "seconds from the question to the answer; `process` adds the start of the interpreter and "
        f"of the libraries. Every row is in `{name}.csv`; the profile in `{name}.png`.\n"
    )


def _public(argument: str) -> str:
    """Files by their names alone: the page does not say where they were."""
    return Path(argument).name if "/" in argument and argument.endswith(".json") else argument


def arguments() -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("files", type=Path, nargs="*", help="problem files (modulo, files)")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"from {', '.join(PEERS)}")
    parser.add_argument("--count", type=int, default=500, help="random loops (default 500)")
    parser.add_argument("--skip", type=int, default=0, help="instances to leave out at first")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cpu-limit", type=float, default=60.0, help="seconds (default 60)")
    parser.add_argument("--threads", type=int, default=1, help="of the peers' solvers")
    parser.add_argument("--levels", default="ii", help="of the search (joint problem)")
    parser.add_argument("--out", type=Path, help="folder for the table and the figure")
    given = parser.parse_args()
    if given.set in ("modulo", "files") and not given.files:
        parser.error(f"set {given.set} needs problem files")
    if given.repeat < 1 or given.count < 1 or given.cpu_limit < 1 or given.threads < 1:
        parser.error("--repeat, --count, --cpu-limit and --threads are at least 1")
    unknown = [name for name in given.peers.split(",") if name not in PEERS]
    if unknown:
        parser.error(f"no peer {unknown[0]}; choose from {', '.join(PEERS)}")
    if given.out:
        try:
            given.out.mkdir(parents=True, exist_ok=True)
            check_writable(given.out / f"{given.set}.csv")
        except (OSError, OptionError) as reason:
            parser.error(f"{given.out}: {reason}")
    return parser, given


def main() -> int:
    parser, given = arguments()
    peers = []
    for name in given.peers.split(","):
        if available(PEERS[name], default_python(name)):
            peers.append(name)
        else:
            print(f"{name}: no {PEERS[name].module} in {default_python(name)}; left out")
    if not peers:
        parser.error("no peer is installed")
    run = Run(peers, given.repeat, given.cpu_limit, given.threads, tuple(given.levels.split(",")))
    chosen = instances(given.set, given.files, given.count)[given.skip :]
    lines, versions, contradictions = [], {}, 0
    for instance in chosen:
        answers, export = compare(instance, run)
        versions |= {PEERS[name].what: tries[0].version for name, tries in answers.items()}
        each = {f"{k} {i}": a for k, tries in answers.items() for i, a in enumerate(tries)}
        if found := disagreements(each):
            contradictions += 1
            report_disagreement(instance, found, each, given.out or Path())
        lines.append(row(instance, answers, export))
        print(shown(lines[-1], peers), flush=True)
        if given.out:
            finish(given.out, given.set, run, versions, pd.DataFrame(lines))
    print(summary(pd.DataFrame(lines), peers))
    print(f"{len(lines)} instances, {contradictions} disagreements")
    return 1 if contradictions else 0


def finish(out: Path, name: str, run: Run, versions: dict[str, str], table: pd.DataFrame) -> None:
    """Write what is known so far: a run that is stopped leaves its table."""
    table.to_csv(out / f"{name}.csv", index=False)
    write_text(out / f"{name}.md", page(name, run, versions, table))
    seconds = {
        PEERS[p].what: [None if pd.isna(t) else float(t) for t in table[f"{p}_work"]]
        for p in run.peers
    }
    figure = plot_performance(seconds).figure
    figure.savefig(out / f"{name}.png", dpi=150, bbox_inches="tight")  # type: ignore[union-attr]
    matplotlib.pyplot.close("all")


if __name__ == "__main__":
    sys.exit(main())
