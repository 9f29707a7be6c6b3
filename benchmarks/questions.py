"""One peer on one instance: initiation intervals upwards, every schedule verified."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from exported import Exports
from instances import Instance
from peer_process import Ended, Peer, Worker

from twill_ilp import verify
from twill_ilp.files import write_text
from twill_ilp.schedule import Schedule

__all__ = ["Answer", "ask", "disagreements", "report_disagreement"]


@dataclass
class Answer:
    """What one peer says of one instance.

    Attributes:
        verdicts: II to ``feasible``, ``infeasible`` or ``unknown``.
        length: smallest L at the first feasible II, where it was asked for and is proven.
        work: CPU seconds from the questions to the answers: reading, building and solving.
        solve: those within the solver; ``None`` for the search, which mixes both.
        process: CPU seconds of the whole process; ``None`` if it answers other questions too.
    """

    verdicts: dict[int, str] = field(default_factory=dict)
    length: int | None = None
    schedule: Schedule | None = None
    work: float = 0.0
    solve: float | None = 0.0
    process: float | None = None
    version: str = ""
    levels: dict[str, Any] = field(default_factory=dict)
    why: str = ""

    @property
    def ii(self) -> int | None:
        """The smallest feasible II, if it is proven."""
        if "unknown" in self.verdicts.values():
            return None
        return next((ii for ii, says in self.verdicts.items() if says == "feasible"), None)

    @property
    def decided(self) -> bool:
        """Whether nothing is open."""
        return bool(self.verdicts) and "unknown" not in self.verdicts.values()

    def complete(self, instance: Instance) -> bool:
        """Whether all that the instance asks for is proven: II, and L for the modulo problem."""
        asks_length = instance.stage == "modulo" and self.ii is not None
        levels = [certainty for _, certainty in self.levels.values()]
        return (
            self.decided
            and not (asks_length and self.length is None)
            and not (self.ii is not None and {"found", "unknown"} & set(levels))
        )


def ask(
    worker: Worker,
    peer: Peer,
    instance: Instance,
    exports: Exports,
    *,
    seconds: float | None = None,
    threads: int = 1,
    seed: int = 0,
    levels: tuple[str, ...] = ("ii",),
) -> Answer:
    """Put an instance to a peer.

    Args:
        seconds: wall seconds for each II (for the search: in all).
        levels: what the search minimises; the others decide II, and L for the modulo problem.

    Raises:
        InvalidScheduleError: the peer's schedule is none.
    """
    answer = Answer(version=worker.version)
    common = {"threads": threads, "seed": seed, "seconds": seconds}
    try:
        if peer.worker == "search":
            _ask_search(worker, instance, answer, common, levels)
        else:
            _ascend(worker, peer, instance, exports, answer, common)
    except Ended as reason:
        decided = list(answer.verdicts)
        answer.verdicts[max(decided, default=instance.mii - 1) + 1] = "unknown"
        answer.why = str(reason)
    if answer.schedule is not None:
        problem = instance.problem
        verify(problem.graph, problem.machine, answer.schedule, instance.rules)
    return answer


def _ask_search(
    worker: Worker, instance: Instance, answer: Answer, common: Any, levels: tuple[str, ...]
) -> None:
    asked = levels if instance.stage == "joint" else ("ii", "length")
    says = worker.ask(_as_data(instance) | common | {
        "first_ii": instance.mii, "last_ii": instance.last_ii, "levels": asked,
    })  # fmt: skip
    answer.verdicts = {int(ii): verdict for ii, verdict in says["verdicts"].items()}
    answer.work, answer.solve, answer.why = says["work"], None, says["why"]
    answer.levels = says["levels"]
    if says["start"] is not None:
        first = next(ii for ii, verdict in answer.verdicts.items() if verdict == "feasible")
        answer.schedule = _schedule(instance, first, says)
    if asked == ("ii", "length") and says["levels"]["length"][1] == "proven":
        answer.length = says["levels"]["length"][0]


def _ascend(
    worker: Worker, peer: Peer, instance: Instance, exports: Exports, answer: Answer, common: Any
) -> None:
    data = {} if peer.exported else _as_data(instance)
    for ii in range(instance.mii, instance.last_ii + 1):
        if peer.exported:
            path = exports.path(ii)
            if path is None:
                answer.verdicts[ii] = "infeasible"
                continue
            says = worker.ask(common | {"path": str(path)})
        else:
            says = worker.ask(data | common | {"ii": ii})
        _count(answer, says)
        answer.verdicts[ii] = says["verdict"]
        if says["verdict"] == "feasible":
            if not peer.exported:
                answer.schedule = _schedule(instance, ii, says)
            else:
                answer.schedule = exports.schedule(ii, None, says["values"])
                if instance.stage == "modulo":
                    _shorten(worker, exports, answer, ii, common)
            if instance.stage == "modulo" and not peer.exported:
                answer.length = answer.schedule.length
        if says["verdict"] != "infeasible":
            return


def _count(answer: Answer, says: Mapping[str, Any]) -> None:
    answer.work += says["work"]
    answer.solve = (answer.solve or 0.0) + says["solve"]


def _shorten(worker: Worker, exports: Exports, answer: Answer, ii: int, common: Any) -> None:
    """L minimised among the schedules no longer than the one at hand."""
    assert answer.schedule is not None
    longest = answer.schedule.length
    try:
        says = worker.ask(common | {"path": str(exports.path(ii, longest))})
    except Ended as reason:
        answer.why = f"L is open: {reason}"
        return
    _count(answer, says)
    if says["verdict"] == "feasible":
        answer.schedule = exports.schedule(ii, longest, says["values"])
        answer.length = answer.schedule.length


def disagreements(answers: Mapping[str, Answer]) -> list[str]:
    """Contradictions between proven verdicts, one line each."""
    found = []
    for ii in sorted({ii for answer in answers.values() for ii in answer.verdicts}):
        says = {name: answer.verdicts.get(ii) for name, answer in answers.items()}
        if {"feasible", "infeasible"} <= set(says.values()):
            found.append(f"II {ii}: " + ", ".join(f"{k} says {v}" for k, v in says.items() if v))
    lengths = {name: a.length for name, a in answers.items() if a.length is not None}
    if len(set(lengths.values())) > 1 and not found:
        found.append("L: " + ", ".join(f"{name} says {value}" for name, value in lengths.items()))
    return found


def report_disagreement(
    instance: Instance, found: list[str], answers: Mapping[str, Answer], folder: Path
) -> Path:
    """Print the contradiction, and write the instance with all answers for a bug report."""
    path = folder / f"disagreement-{instance.name.replace(' ', '_')}.json"
    data = _as_data(instance) | {
        "found": found,
        "answers": {
            name: {"verdicts": a.verdicts, "length": a.length, "why": a.why,
                   "start": dict(a.schedule.start) if a.schedule else None,
                   "group": dict(a.schedule.group) if a.schedule else None}
            for name, a in answers.items()
        },
    }  # fmt: skip
    write_text(path, json.dumps(data, indent=1) + "\n")
    print(f"DISAGREEMENT on {instance.name}: {'; '.join(found)}; see {path}", flush=True)
    return path


def _as_data(instance: Instance) -> dict[str, Any]:
    rules = instance.rules
    return {
        "problem": instance.problem.to_dict(),
        "stage": instance.stage,
        "rules": {"families": rules.families, "readings": asdict(rules.readings),
                  "max_groups": rules.max_groups},
    }  # fmt: skip


def _schedule(instance: Instance, ii: int, says: Mapping[str, Any]) -> Schedule:
    problem = instance.problem
    return Schedule(problem.graph, problem.machine, ii, says["start"], says["group"]).normalized()
