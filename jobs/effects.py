"""Effects by name: what a batch does when it is settled, so written that it can be done later, by another process.

    @effect
    def store_vectors(jobs: Sequence[ClaimedJob], data: Any) -> None: ...

    batch.on_settle(bind(store_vectors, {"vectors": vectors}))

A closure works as well while PostgreSQL is there. When it is away, only batches whose every effect has a name can be
kept on disk (`jobs.spool`); the others are done again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.batch import ClaimedJob

EffectFunction = Callable[[Sequence[ClaimedJob], Any], None]
_effects: dict[str, EffectFunction] = {}


class UnknownEffect(LookupError):
    """No effect of that name is declared."""


def effect(function: EffectFunction) -> EffectFunction:
    """Declare a module's function as an effect: it gets the settled jobs, and the data that was bound to it."""
    name = _name_of(function)
    if "<locals>" in name:
        raise ValueError(f"{name} stands inside a function: another process could not find it")
    _effects[name] = function
    return function


@dataclass(frozen=True, slots=True)
class NamedEffect:
    """An effect and its data."""

    name: str
    data: Any

    def __call__(self, jobs: Sequence[ClaimedJob]) -> None:
        """Do it for these jobs."""
        _effects[self.name](jobs, self.data)


def bind(function: EffectFunction, data: Any = None) -> NamedEffect:
    """Return the effect with its data, for `batch.on_settle`. Data is JSON: what comes back from disk is equal to it.

    Raises:
        UnknownEffect: the function is not declared with @effect.
    """
    return named_effect(_name_of(function), data)


def named_effect(name: str, data: Any) -> NamedEffect:
    """Return the effect of that name with its data, or raise UnknownEffect."""
    if name not in _effects:
        raise UnknownEffect(f"no effect is named {name!r}; declare it with @effect")
    return NamedEffect(name, data)


def _name_of(function: EffectFunction) -> str:
    return f"{function.__module__}.{function.__qualname__}"
