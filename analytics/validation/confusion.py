"""Seconds by what was true and what was said, and the figures that are made of them.

The figures are scikit-learn's. Their intervals need them of thousands of draws at once, for which the
same are computed here from sums (`*_of`); the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    recall_score,
)

from analytics.validation.bootstrap import Estimate, Floats, divided, estimate, mean_over_people

Codes = NDArray[np.integer]
Metric = Callable[..., float]


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Seconds, (people, true, found). ``found`` begins with all of ``true``; the rest is never right."""

    people: tuple[str, ...]
    true: tuple[str, ...]
    found: tuple[str, ...]
    seconds: Floats

    @property
    def total(self) -> Floats:
        """Of all people, (true, found)."""
        return np.asarray(self.seconds.sum(axis=0))

    def accuracy(self) -> Estimate:
        """Share of seconds that were said right."""
        value = _scored(accuracy_score, self.total)
        return estimate(accuracy_of, self.seconds, value)

    def accuracy_by_person(self) -> dict[str, float]:
        """The same of each person alone."""
        return dict(zip(self.people, accuracy_of(self.seconds).tolist(), strict=True))

    def mean_accuracy(self) -> Estimate:
        """The mean of the people's accuracies: each counts the same, however long the recording."""
        return mean_over_people(accuracy_of(self.seconds))

    def f1(self) -> dict[str, Estimate]:
        """Of each true label."""
        values = self._f1_values()
        found = {}
        for k, name in enumerate(self.true):

            def one(sums: Floats, k: int = k) -> Floats:
                return np.asarray(f1_of(sums)[..., k])

            found[name] = estimate(one, self.seconds, values[k])
        return found

    def macro_f1(self) -> Estimate:
        """The mean F1 of the true labels that occur."""
        values = np.array(self._f1_values())
        known = values[np.isfinite(values)]
        value = float(known.mean()) if known.size else float("nan")
        return estimate(macro_f1_of, self.seconds, value)

    def balanced_accuracy(self) -> Estimate:
        """The mean share said right of each true label."""
        occurring = np.flatnonzero(self.total.sum(axis=1))
        value = _scored(recall_score, self.total, labels=occurring, average="macro")
        return estimate(balanced_accuracy_of, self.seconds, value)

    def only(self, true: Sequence[str]) -> Confusion:
        """Only the seconds whose truth is one of these; whatever they were called."""
        order = [*true, *(name for name in self.found if name not in true)]
        rows = [self.true.index(name) for name in true]
        columns = [self.found.index(name) for name in order]
        seconds = self.seconds[:, rows][:, :, columns]
        return Confusion(self.people, tuple(true), tuple(order), seconds)

    def with_as(self, name: str, other: str) -> Confusion:
        """``other``, where it was said, counted as if ``name`` had been."""
        seconds = self.seconds.copy()
        to, of = self.found.index(name), self.found.index(other)
        seconds[:, :, to] += seconds[:, :, of]
        seconds[:, :, of] = 0.0
        return Confusion(self.people, self.true, self.found, seconds)

    def mistakes(self, person: str, most: int) -> list[tuple[str, str, int]]:
        """(true, said, seconds) of a person's mistakes, most seconds first."""
        counts = self.seconds[self.people.index(person)]
        wrong = [
            (true, said, int(counts[i, j]))
            for i, true in enumerate(self.true)
            for j, said in enumerate(self.found)
            if i != j and counts[i, j]
        ]
        return sorted(wrong, key=lambda row: -row[2])[:most]

    def _f1_values(self) -> list[float]:
        labels = list(range(len(self.true)))
        total = self.total
        if not total.sum():
            return [float("nan")] * len(labels)
        true, found = np.nonzero(total)
        values = f1_score(
            true,
            found,
            labels=labels,
            average=None,
            sample_weight=total[true, found],
            zero_division=np.nan,
        )
        return [float(value) for value in values]


def confusion(
    people: Sequence[str],
    pairs: Sequence[tuple[Codes, Codes]],
    true: Sequence[str],
    found: Sequence[str],
) -> Confusion:
    """From (true, found) codes of each person's seconds, which index ``found``.

    Seconds whose truth is none of ``true`` are left out.
    """
    labels = list(range(len(found)))
    stack = []
    for true_code, found_code in pairs:
        counted = true_code < len(true)
        if not counted.any():
            stack.append(np.zeros((len(true), len(found))))
            continue
        whole = confusion_matrix(true_code[counted], found_code[counted], labels=labels)
        stack.append(whole[: len(true)].astype(np.float64))
    seconds = np.array(stack).reshape(len(stack), len(true), len(found))
    return Confusion(tuple(people), tuple(true), tuple(found), seconds)


def accuracy_of(sums: Floats) -> Floats:
    """Of (..., true, found) seconds."""
    return divided(_right(sums).sum(axis=-1), sums.sum(axis=(-2, -1)))


def f1_of(sums: Floats) -> Floats:
    """(..., true) of (..., true, found) seconds; NaN of a label neither true nor said."""
    said = sums.sum(axis=-2)[..., : sums.shape[-2]]
    return divided(2.0 * _right(sums), sums.sum(axis=-1) + said)


def macro_f1_of(sums: Floats) -> Floats:
    """Mean of :func:`f1_of` over the labels that it is known of."""
    f1 = f1_of(sums)
    known = np.isfinite(f1)
    return divided(np.where(known, f1, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def balanced_accuracy_of(sums: Floats) -> Floats:
    """Mean share right of the true labels that occur."""
    recall = divided(_right(sums), sums.sum(axis=-1))
    known = np.isfinite(recall)
    return divided(np.where(known, recall, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def _right(sums: Floats) -> Floats:
    """(..., true) seconds said right."""
    return np.asarray(np.diagonal(sums, axis1=-2, axis2=-1))


def _scored(metric: Metric, total: Floats, **how: object) -> float:
    """A metric of scikit-learn of a confusion matrix; NaN of an empty one."""
    true, found = np.nonzero(total)
    if not true.size:
        return float("nan")
    return float(metric(true, found, sample_weight=total[true, found], **how))
