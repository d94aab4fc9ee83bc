"""Makes reference.json: what other people's statistics say of the same numbers.

    python3 -m venv venv
    venv/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 arch==8.0.0 emcee==3.1.6
    venv/bin/python tests/data/stats/reference.py > tests/data/stats/reference.json

Run by hand; the tests read what it wrote.
"""

import json
import sys

import numpy as np
from arch.bootstrap import CircularBlockBootstrap, optimal_block_length
from emcee.autocorr import integrated_time
from scipy import integrate, optimize, signal, special, stats
from statsmodels.stats.power import TTestIndPower
from statsmodels.tsa.stattools import acf

rng = np.random.default_rng(20240229)


def ar1(length, phi):
    noise = rng.standard_normal(length + 200)
    return signal.lfilter([1], [1, -phi], noise)[200:]


def series():
    shapes = {
        "white, a minute": 5000 + 20 * ar1(60, 0.0),
        "half dependent, five minutes": 100 + ar1(300, 0.5),
        "slow, ten minutes": ar1(600, 0.9),
        "alternating, two minutes": 3 + ar1(120, -0.6),
        "long-tailed, an hour": np.exp(ar1(3600, 0.7)),
        "a dozen": ar1(12, 0.3),
    }
    for name, values in shapes.items():
        values = np.round(values, 6)
        # quiet: emcee warns of series shorter than 50 times the time.
        time = float(integrated_time(values, c=5, quiet=True)[0])
        yield {
            "name": name,
            "values": values.tolist(),
            "autocorrelation": acf(values, nlags=10, fft=False).tolist(),
            "integrated_time": time,
            "optimal_block": float(optimal_block_length(values)["circular"].iloc[0]),
        }


def resampled():
    """The variance of a mean and of a 90th percentile under circular blocks."""
    values = np.round(200 + 10 * ar1(240, 0.6), 6)
    block = 12

    def figures(drawn):
        ordered = np.sort(drawn)
        return np.array([drawn.mean(), ordered[int(np.ceil(0.9 * len(drawn))) - 1]])

    bootstrap = CircularBlockBootstrap(block, values, seed=7)
    drawn = bootstrap.apply(figures, 40000)
    wrapped = np.concatenate([values, values])
    means = np.array([wrapped[i : i + block].mean() for i in range(len(values))])
    return {
        "values": values.tolist(),
        "block": block,
        "variance": drawn.var(axis=0).tolist(),
        # All blocks are equally likely and independent: no draws are needed.
        "variance_of_mean": float(means.var() / (len(values) / block)),
    }


def hedges(base, new):
    degrees = len(base) + len(new) - 2
    pooled = np.sqrt(
        ((len(base) - 1) * base.var(ddof=1) + (len(new) - 1) * new.var(ddof=1)) / degrees
    )
    factor = special.gamma(degrees / 2) / (
        np.sqrt(degrees / 2) * special.gamma((degrees - 1) / 2)
    )
    return factor * (new.mean() - base.mean()) / pooled


def fieller(base, new, quantile):
    """The ratios that a t test does not exclude, found by search, less one."""
    errors = [side.var(ddof=1) / len(side) for side in (base, new)]

    def excess(ratio):
        distance = abs(new.mean() - ratio * base.mean())
        return distance / np.sqrt(errors[1] + ratio**2 * errors[0]) - quantile

    best = new.mean() / base.mean()
    low = optimize.brentq(excess, -20, best, xtol=1e-13)
    high = optimize.brentq(excess, best, 50, xtol=1e-13)
    return [low - 1, high - 1]


def pairs():
    shapes = [
        ([10.1, 9.7, 10.4], [10.9, 11.3, 10.6], 0.95),
        ([512.0, 498.5, 530.2, 505.1, 520.9], [470.3, 489.2, 465.8, 481.1], 0.99),
        ([0.0021, 0.0024], [0.0022, 0.0023, 0.00235], 0.95),
        ([1.2e9, 1.25e9, 1.19e9, 1.3e9], [1.5e9, 1.4e9, 1.9e9, 1.2e9], 0.9),
        ([100, 101, 99, 102, 98, 100.5, 99.5], [100, 130, 70, 110, 95, 140, 60, 105, 92, 108], 0.95),
    ]
    for base, new, confidence in shapes:
        b, n = np.array(base, float), np.array(new, float)
        # Student's with equally many runs a side, Welch's with others.
        test = stats.ttest_ind(n, b, equal_var=len(b) == len(n))
        low, high = test.confidence_interval(confidence)
        mean = stats.t.interval(confidence, len(b) - 1, b.mean(), stats.sem(b))
        quantile = stats.t.ppf(0.5 + confidence / 2, test.df)
        yield {
            "base": base,
            "new": new,
            "confidence": confidence,
            "p_value": float(test.pvalue),
            "interval": [float(low), float(high)],
            "base_interval": [float(x) for x in mean],
            "relative": [float(x) for x in fieller(b, n, quantile)],
            "effect": float(hedges(b, n)),
        }


def detectable():
    """Smallest standardised differences, equal numbers and spreads.

    By integration: statsmodels solves with SciPy's noncentral t, which is NaN
    far out (2 runs a side at 99 %) and stops the search at a power of 0.8992.
    """
    for runs in (2, 3, 5, 10, 40):
        degrees = 2 * (runs - 1)
        for power, confidence in ((0.8, 0.95), (0.9, 0.99)):
            critical = stats.t.ppf(0.5 + confidence / 2, degrees)

            def missing(effect):
                shift = effect * np.sqrt(runs / 2)

                def found(scale):
                    tails = stats.norm.cdf(shift - critical * scale)
                    tails += stats.norm.cdf(-shift - critical * scale)
                    root = np.sqrt(degrees)
                    return tails * stats.chi.pdf(scale * root, degrees) * root

                reach = 1 + 12 / np.sqrt(degrees)
                return integrate.quad(found, 0, reach, limit=500, epsabs=1e-12)[0] - power

            effect = optimize.brentq(missing, 1e-3, 100, xtol=1e-10)
            theirs = TTestIndPower().solve_power(
                nobs1=runs, alpha=1 - confidence, power=power, ratio=1.0
            )
            assert abs(np.squeeze(theirs) / effect - 1) < 0.002, (runs, theirs, effect)
            yield {"runs": runs, "power": power, "confidence": confidence, "effect": effect}


json.dump(
    {
        "series": list(series()),
        "resampled": resampled(),
        "pairs": list(pairs()),
        "detectable": list(detectable()),
    },
    sys.stdout,
)
print()
