"""Random joint loops: the search against CP-SAT on the exported model and on a model of its own.

    python benchmarks/agree.py [--count N] [--first SEED] [--out FILE.jsonl]

The verdict on every II from MII to the first feasible one has to be the same, and every schedule
is verified.  With ``--out`` each loop's answers are appended to a file, and a run that was stopped
goes on where it ended.  Every other loop has rules drawn at random: readings, a limit on groups, a
family left out or added.  Exit code 1 if two proven verdicts contradict each other: the loop goes
to a file beside FILE.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from exported import Exports
from instances import Instance, random_instance
from peer_process import PEERS, Worker, available, default_python
from questions import Answer, ask, disagreements, report_disagreement

from twill_ilp.rules import FAMILIES, Readings, Rules
from twill_ilp.structure import hopeless

JUDGES = ("search", "cpsat", "specialist")


def drawn(seed: int) -> Instance:
    """The random loop of a seed, with random rules if the seed is odd."""
    instance = random_instance(seed)
    if seed % 2 == 0:
        return instance
    rng = random.Random(f"rules {seed}")
    readings = Readings(rng.choice(("issue", "cycles")), rng.choice(("issue", "completion")))
    rules = Rules(readings=readings, max_groups=rng.choice((None, None, 2, 3)))
    match rng.randrange(3):
        case 0:
            rules = rules.without(rng.choice(FAMILIES))
        case 1:
            rules = rules.also("no-cross-warp")
    if hopeless(instance.problem, rules):
        return instance
    changed = replace(instance, rules=rules)
    return replace(changed, max_ii=changed.mii + instance.last_ii - instance.mii)


def outcome(answers: dict[str, Answer]) -> str:
    """``feasible``, ``infeasible`` (at MII and above) or ``unknown`` (somebody left it open)."""
    if not all(answer.decided for answer in answers.values()):
        return "unknown"
    ii = {answer.ii for answer in answers.values()}
    return "infeasible" if ii == {None} else "feasible"


def record(seed: int, instance: Instance, answers: dict[str, Answer], found: list[str]) -> Any:
    return {
        "seed": seed,
        "operations": len(instance.problem.graph),
        "mii": instance.mii,
        "outcome": outcome(answers),
        "found": found,
        **{name: {"verdicts": a.verdicts, "work": round(a.work, 3)} for name, a in answers.items()},
    }


def done_before(path: Path | None) -> list[Any]:
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def report(records: list[Any]) -> int:
    """Print what the records say; returns the number of disagreements."""
    outcomes = Counter(r["outcome"] for r in records)
    above = sum(
        "infeasible" in {v for name in JUDGES for v in r.get(name, {"verdicts": {}})
                         ["verdicts"].values()}
        for r in records
    )  # fmt: skip
    wrong = sum(bool(r["found"]) for r in records)
    print(
        f"{len(records)} loops: {outcomes['feasible']} feasible, {outcomes['infeasible']} "
        f"infeasible at every II asked, {outcomes['unknown']} open for somebody; "
        f"{above} infeasible at MII; {wrong} disagreements"
    )
    for name in JUDGES:
        answers = [r[name] for r in records if name in r]
        if answers:
            opened = sum("unknown" in a["verdicts"].values() for a in answers)
            seconds = sum(a["work"] for a in answers)
            print(f"  {PEERS[name].what}: {opened} open, {seconds:.1f} CPU seconds")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each II, or the search")
    parser.add_argument("--peers", default=",".join(JUDGES), help="who is compared")
    parser.add_argument("--out", type=Path, help="append the answers here, and go on from there")
    given = parser.parse_args()
    names = given.peers.split(",")
    for name in names:
        if name not in PEERS or not available(PEERS[name], default_python(name)):
            parser.error(f"{name}: no such peer, or not installed")
    records = done_before(given.out)
    chosen = range(given.first, given.first + given.count)
    seeds = sorted(set(chosen) - {r["seed"] for r in records})
    workers = {name: Worker(PEERS[name], default_python(name)) for name in names}
    for seed in seeds:
        instance = drawn(seed)
        with tempfile.TemporaryDirectory() as folder:
            exports = Exports(instance, Path(folder))
            answers = {
                name: ask(worker, PEERS[name], instance, exports, seconds=given.seconds)
                for name, worker in workers.items()
            }
        found = disagreements(answers)
        if found:
            folder_of = given.out.parent if given.out else Path()
            report_disagreement(instance, found, answers, folder_of)
        records.append(record(seed, instance, answers, found))
        if given.out:
            with given.out.open("a") as lines:
                lines.write(json.dumps(records[-1]) + "\n")
        if sys.stdout.isatty():
            print(f"\r{len(records)} loops", end="", flush=True)
    for worker in workers.values():
        worker.close()
    return 1 if report([r for r in records if r["seed"] in chosen]) else 0


if __name__ == "__main__":
    sys.exit(main())
