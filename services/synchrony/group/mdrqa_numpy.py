#!/usr/bin/python3
"""Multidimensional recurrence in NumPy, to compare with.

    mdrqa_numpy.py PEOPLE SAMPLES RADIUS

Standardises, takes all Euclidean distances at once and counts the lines of the diagonals, in two
forms. Prints `LOOP_US WHOLE_US POINTS LINES`: the best time of one call of each form, the
recurrent points and the lines of at least two.

The data are those of group_bench.cc (same generator), so the counts must agree. Exit code 3: NumPy
is not installed (Debian: python3-numpy).
"""

import sys
import time

try:
    import numpy
except ImportError:
    sys.exit(3)


def people(count, samples):
    """As in group_bench.cc: 64-bit congruential numbers, smoothed twice."""
    state = 1
    table = numpy.empty((samples, count))
    for i in range(count):
        level = slow = 0.0
        for t in range(samples):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            level = 0.9 * level + (state >> 33) / 2.0**30 - 1
            slow = 0.8 * slow + 0.2 * level
            table[t, i] = 850 + 40 * slow
    return table


def closeness(table, radius):
    z = (table - table.mean(axis=0)) / table.std(axis=0)
    squared = numpy.zeros((len(z), len(z)))
    for column in z.T:
        squared += (column[:, None] - column[None, :]) ** 2
    return numpy.sqrt(squared) < radius


def loop(table, radius):
    """Distances at once, then a loop over the diagonals: as the peers do it."""
    close = closeness(table, radius)
    lengths = {}
    for lag in range(1, len(close)):
        padded = numpy.zeros(len(close) - lag + 2, dtype=numpy.int8)
        padded[1:-1] = close.diagonal(lag)
        edges = (padded[1:] != padded[:-1]).nonzero()[0]
        for length in (edges[1::2] - edges[::2]).tolist():
            lengths[length] = lengths.get(length, 0) + 1
    return (
        sum(length * number for length, number in lengths.items()),
        sum(number for length, number in lengths.items() if length >= 2),
    )


def whole(table, radius):
    """Nothing in Python but whole arrays: diagonals become the columns of a slanted view."""
    close = closeness(table, radius)
    n = len(close)
    flat = numpy.zeros(n * (n + 1), dtype=numpy.int8)
    flat[: n * n] = numpy.triu(close, 1).ravel()
    slanted = numpy.lib.stride_tricks.as_strided(flat, shape=(n, n), strides=(n + 1, 1))
    padded = numpy.zeros((n, n + 2), dtype=numpy.int8)
    padded[:, 1:-1] = slanted.T
    edges = numpy.flatnonzero(padded.ravel()[1:] != padded.ravel()[:-1])
    lengths = edges[1::2] - edges[::2]
    return int(lengths.sum()), int((lengths >= 2).sum())


def best_us(function, table, radius):
    best = None
    for _ in range(30 if len(table) <= 300 else 5):
        began = time.perf_counter()
        function(table, radius)
        took = time.perf_counter() - began
        best = took if best is None else min(best, took)
    return best * 1e6


def main():
    count, samples, radius = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    table = people(count, samples)
    points, lines = loop(table, radius)
    if (points, lines) != whole(table, radius):
        sys.exit("the two forms disagree")
    print(
        f"{best_us(loop, table, radius):.1f} {best_us(whole, table, radius):.1f} {points} {lines}"
    )


main()
