"""Makes change_points.json: where MongoDB's own E-divisive cuts histories.

    python3 -m venv venv
    venv/bin/pip install signal-processing-algorithms==2.1.6
    venv/bin/python tests/data/stats/change_points.py > tests/data/stats/change_points.json

Run by hand; the tests read what it wrote. `Nile` is the yearly flow of the Nile
at Aswan, 1871 to 1970 (Cobb 1978, https://doi.org/10.1093/biomet/65.2.243, where
the change is placed at 1898), as `datasets` of R has it.
"""

import json
import sys

import numpy as np
from signal_processing_algorithms.energy_statistics.energy_statistics import e_divisive

rng = np.random.default_rng(5)
np.random.seed(5)

NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020,
    960, 1180, 799, 958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840,
    874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120,
    1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865,
    845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874,
    848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170,
    912, 746, 919, 718, 714, 740,
]  # fmt: skip


def levels(*spans):
    return np.round(
        np.concatenate([rng.normal(mean, spread, length) for mean, spread, length in spans]), 6
    ).tolist()


HISTORIES = {
    "Nile": NILE,
    "no change": levels((100, 3, 80)),
    "one step up": levels((100, 3, 40), (110, 3, 25)),
    "up and back": levels((50, 1, 30), (56, 1, 20), (50, 1, 30)),
    "three steps of different noise": levels((10, 0.2, 25), (12, 0.2, 25), (12.8, 0.2, 30)),
}

json.dump(
    [
        {
            "name": name,
            "values": values,
            "cuts": sorted(int(at) for at in e_divisive(values, pvalue=0.01, permutations=999)),
        }
        for name, values in HISTORIES.items()
    ],
    sys.stdout,
)
print()
