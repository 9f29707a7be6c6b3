"""Models as this package exports them, and how to read another solver's answer back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from instances import Instance

from twill_ilp.export import WRITERS
from twill_ilp.ilp import (
    FORMULATIONS,
    Formulation,
    add_length_objective,
    build_joint_model,
    build_model,
    joint_families,
    reduce_loop,
    timeline,
    windows_any_length,
    windows_for_length,
)
from twill_ilp.modulo import chosen_formulation
from twill_ilp.options import SearchOptions
from twill_ilp.rules import effective_graph
from twill_ilp.schedule import Schedule

__all__ = ["Exports"]


@dataclass
class Exports:
    """The models of one instance, each written once, on demand.

    Attributes:
        folder: where the MPS files go.
        seconds: CPU seconds that building and writing took so far.
    """

    instance: Instance
    folder: Path
    seconds: float = 0.0
    _models: dict[tuple[int, int | None], Formulation | None] = field(default_factory=dict)

    def path(self, ii: int, length: int | None = None) -> Path | None:
        """The MPS file of one II; ``None`` if bounds alone say that there is no schedule.

        Args:
            length: for the modulo problem, an upper bound on L, which is then minimised.
        """
        began = time.process_time()
        path = self.folder / f"{self.instance.name.replace(' ', '_')}-{ii}-{length or 'any'}.mps"
        if (ii, length) not in self._models:
            joint = self.instance.stage == "joint"
            model = self._joint(ii) if joint else self._modulo(ii, length)
            self._models[ii, length] = model
            if model is not None:
                WRITERS[".mps"](model.lp, str(path))
        self.seconds += time.process_time() - began
        return None if self._models[ii, length] is None else path

    def schedule(self, ii: int, length: int | None, values: Mapping[str, float]) -> Schedule:
        """The schedule that a solution of the exported model stands for, not verified yet."""
        model = self._models[ii, length]
        assert model is not None
        problem = self.instance.problem
        starts = model.read_starts(values)
        if self.instance.stage == "modulo":
            start = model.core.expand(starts)
            return Schedule(problem.graph, problem.machine, ii, start).normalized()
        start = dict(zip([op.name for op in problem.graph], starts, strict=True))
        group = model.read_groups(values)  # type: ignore[attr-defined]
        return Schedule(problem.graph, problem.machine, ii, start, group).normalized()

    def _joint(self, ii: int) -> Formulation | None:
        problem, rules = self.instance.problem, self.instance.rules
        line = timeline(effective_graph(problem.graph, rules), problem.machine, rules, ii)
        if line.conflict:
            return None
        return build_joint_model(line, problem.machine, joint_families(rules))

    def _modulo(self, ii: int, length: int | None) -> Formulation:
        problem = self.instance.problem
        core = reduce_loop(problem.graph, ii)
        families = FORMULATIONS[chosen_formulation(core, SearchOptions())]
        if length is None:
            return build_model(core, problem.machine, windows_any_length(core), families)
        windows = windows_for_length(core, length)
        assert windows is not None
        return build_model(core, problem.machine, windows, (*families, add_length_objective))
