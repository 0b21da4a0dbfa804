"""How far scores can be taken at their word: calibration error, reliability, risk against coverage."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from khabar_data.batching import Booleans
from khabar_training.evaluation.measured import Bin, Calibration, Threshold

type Floats = NDArray[np.float64]

N_BINS: Final = 15
MIN_SCORES: Final = tuple(round(0.05 * step, 2) for step in range(20))


def calibration_of(scores: Floats, right: Booleans, temperature: float) -> Calibration:
    """Return how well the scores of answers say which are right; both of shape (n,).

    An answer is right where the gold set of labels holds it; so on sets of many labels the best scores
    look too low. Bins with no answer and thresholds that leave none are left out; with no answers at all
    the error is 0 and the risk area None.
    """
    return Calibration(
        temperature=temperature,
        error=calibration_error(scores, right),
        bins=reliability(scores, right),
        thresholds=thresholds(scores, right),
        risk_area=risk_area(scores, right),
    )


def reliability(scores: Floats, right: Booleans) -> tuple[Bin, ...]:
    """Return the answers in bins of equal width; a score on the border belongs to the bin below it."""
    edges = np.linspace(0, 1, N_BINS + 1)
    numbers = np.searchsorted(edges[1:-1], scores)
    bins = []
    for number in np.unique(numbers):
        inside = numbers == number
        bins.append(
            Bin(
                low=float(edges[number]),
                high=float(edges[number + 1]),
                n=int(inside.sum()),
                confidence=float(scores[inside].mean()),
                accuracy=float(right[inside].mean()),
            )
        )
    return tuple(bins)


def calibration_error(scores: Floats, right: Booleans) -> float:
    """Return the expected calibration error (Naeini et al. 2015) over 15 bins of equal width.

    It is the mean distance of the bins' accuracy from their mean score, each weighed by its answers.
    """
    distances = [one.n * abs(one.accuracy - one.confidence) for one in reliability(scores, right)]
    return sum(distances) / max(len(scores), 1)


def thresholds(scores: Floats, right: Booleans) -> tuple[Threshold, ...]:
    """Return what each ``min_score`` from 0 to 0.95 leaves: an answer below it is not given."""
    found = []
    for min_score in MIN_SCORES:
        given = scores >= min_score
        if given.any():
            risk = float(1 - right[given].mean())
            found.append(Threshold(min_score=min_score, coverage=float(given.mean()), risk=risk))
    return tuple(found)


def risk_area(scores: Floats, right: Booleans) -> float | None:
    """Return the area under the risk-coverage curve (Geifman and El-Yaniv 2017): less is better.

    It is the share of wrong answers among those of at least a score, averaged over the scores; so answers
    of one score stand or fall together. None with no answers.
    """
    if not len(scores):
        return None
    order = np.argsort(-scores)
    wrong = np.cumsum(~right[order])
    n_given = np.searchsorted(-scores[order], -scores, side="right")  # as many have this score or a higher one
    return float((wrong[n_given - 1] / n_given).mean())
