"""The peer of the pair kernel: all lagged correlations of N people with NumPy, as fast as we can.

Run by `run.py` with Debian's python3 and one thread. Prints one JSON object: microseconds a tick
by formulation. All do what the kernel does - 41 lags, windows of 240 samples, a line removed from
each, r at lag 0, the largest r and its lag of every pair - but for `sgemm_only`, which is given
windows that are normalised already, and only multiplies.
"""

import json
import sys
import time

import numpy as np

LENGTH, MAX_LAG = 240, 20
LAGS = MAX_LAG + 1


def people(count):
    rng = np.random.default_rng(1)
    x = np.cumsum(rng.normal(size=(count, LENGTH + MAX_LAG)), axis=1)
    return np.clip(np.rint(x * 30 - 400), -2047, 2047).astype(np.float32)


def basis():
    """The constant and the centred line, each of length 1."""
    line = np.arange(LENGTH) - (LENGTH - 1) / 2
    both = np.stack([np.full(LENGTH, LENGTH ** -0.5), line / np.sqrt((line * line).sum())])
    return both.astype(np.float32)


BASIS = basis()


def windows(x):
    """[lag, person, sample]: lag k's window ends k samples before the last."""
    view = np.lib.stride_tricks.sliding_window_view(x, LENGTH, axis=1)
    return np.ascontiguousarray(view[:, ::-1, :].transpose(1, 0, 2))


def normalised(past):
    past = past - (past @ BASIS.T) @ BASIS
    past /= np.sqrt(np.einsum("knt,knt->kn", past, past))[:, :, None]
    return past


class Pairs:
    """What can be known before the samples are."""

    def __init__(self, count):
        self.count = count
        i, j = np.triu_indices(count, 1)
        self.forth = i * count + j  # within a flattened [i, j]
        self.back = j * count + i

    def peaks(self, r):
        """r[lag, j, i]: j looked back upon. r at lag 0, the largest r and its lag of i < j."""
        best = r.max(axis=0)
        lag = (r == best).argmax(axis=0).ravel()  # faster than argmax of numbers
        best, zero = best.ravel(), r[0].ravel()
        ahead, behind = best[self.forth], best[self.back]
        return (zero[self.forth], np.maximum(behind, ahead),
                np.where(ahead >= behind, lag[self.forth], -lag[self.back]))

    def stacked(self, x):
        """One multiplication of the windows of all lags, normalised, with the newest."""
        past = normalised(windows(x))
        r = past.reshape(LAGS * self.count, LENGTH) @ past[0].T
        return self.peaks(r.reshape(LAGS, self.count, self.count))

    def batched(self, x):
        """One multiplication a lag."""
        past = normalised(windows(x))
        return self.peaks(past @ past[0].T)

    def projected(self, x):
        """Multiplies what was measured, and takes the projections away from the products."""
        past = windows(x)
        parts = past @ BASIS.T
        squares = np.einsum("knt,knt->kn", past, past) - np.einsum("knp,knp->kn", parts, parts)
        inverse = 1 / np.sqrt(squares)
        r = (past.reshape(LAGS * self.count, LENGTH) @ past[0].T).reshape(
            LAGS, self.count, self.count)
        r -= parts @ parts[0].T
        r *= inverse[:, :, None]
        r *= inverse[0]
        return self.peaks(r)

    def scaled(self, x):
        """The same, scaling the windows and not the products."""
        past = windows(x)
        parts = past @ BASIS.T
        squares = np.einsum("knt,knt->kn", past, past) - np.einsum("knp,knp->kn", parts, parts)
        inverse = (1 / np.sqrt(squares))[:, :, None]
        past *= inverse
        parts *= inverse
        r = (past.reshape(LAGS * self.count, LENGTH) @ past[0].T).reshape(
            LAGS, self.count, self.count)
        r -= parts @ parts[0].T
        return self.peaks(r)

    def widened(self, x):
        """The same in one multiplication: the projections as two samples more, negative on one
        side."""
        past = np.empty((LAGS, self.count, LENGTH + 2), np.float32)
        view = np.lib.stride_tricks.sliding_window_view(x, LENGTH, axis=1)
        past[:, :, :LENGTH] = view[:, ::-1, :].transpose(1, 0, 2)
        parts = past[:, :, :LENGTH] @ BASIS.T
        squares = np.einsum("knt,knt->kn", past[:, :, :LENGTH], past[:, :, :LENGTH])
        squares -= np.einsum("knp,knp->kn", parts, parts)
        past[:, :, LENGTH:] = parts
        past *= (1 / np.sqrt(squares))[:, :, None]
        newest = past[0].copy()
        newest[:, LENGTH:] *= -1
        r = past.reshape(LAGS * self.count, LENGTH + 2) @ newest.T
        return self.peaks(r.reshape(LAGS, self.count, self.count))


def median_us(run, seconds):
    run()
    times = []
    begin = time.thread_time()
    while len(times) < 5 or time.thread_time() - begin < seconds:
        start = time.thread_time()
        run()
        times.append(time.thread_time() - start)
    return 1e6 * sorted(times)[len(times) // 2]


def blas():
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return "OpenBLAS" if "openblas" in maps.read() else "a BLAS that is not OpenBLAS"


def main():
    count, seconds = int(sys.argv[1]), float(sys.argv[2])
    x = people(count)
    pairs = Pairs(count)
    forms = (pairs.stacked, pairs.batched, pairs.projected, pairs.scaled, pairs.widened)
    for form in forms[1:]:  # they must agree, or they would not be peers
        assert all(np.allclose(a, b, atol=2e-3)
                   for a, b in zip(forms[0](x)[:2], form(x)[:2], strict=True))
    ready = normalised(windows(x))
    flat, newest = ready.reshape(LAGS * count, LENGTH), np.ascontiguousarray(ready[0].T)
    result = {form.__name__: median_us(lambda form=form: form(x), seconds) for form in forms}
    print(json.dumps({
        "blas": blas(),
        "best": min(result, key=result.get),
        "best_us": min(result.values()),
        "sgemm_only_us": median_us(lambda: flat @ newest, seconds),
        "us": result,
    }))


if __name__ == "__main__":
    main()
