"""tea-tasting on a Parquet file: for each line on standard input one analysis, its wall and CPU seconds as answer.

python3 -m venv ENVIRONMENTS/tea && ENVIRONMENTS/tea/bin/pip install tea-tasting==1.14.0 'ibis-framework[duckdb]'
ENVIRONMENTS/tea/bin/python benchmarks/peers/tea_speed.py ibis|narwhals units.parquet

The metrics are those of `benchmarks/readout.py`; the file is read anew each time, as there, and the metrics' sums are
one query, as tea-tasting makes it.
"""

from __future__ import annotations

import sys
import time

import duckdb
import ibis
import tea_tasting as tt

EXPERIMENT = tt.Experiment(
    converted=tt.Mean("converted", "revenue_before", use_t=True, equal_var=False),
    revenue=tt.Mean("revenue", "revenue_before", use_t=True, equal_var=False),
    orders_per_session=tt.RatioOfMeans(
        "orders", "sessions", numer_covariate="revenue_before", use_t=True, equal_var=False
    ),
    ratio=tt.SampleRatio(),
)


def analyze(way: str, path: str) -> object:
    """One analysis from the file."""
    if way == "ibis":
        connection = ibis.duckdb.connect()
        found = EXPERIMENT.analyze(connection.read_parquet(path), control="control")
        connection.disconnect()
        return found
    with duckdb.connect() as plain:
        return EXPERIMENT.analyze(plain.read_parquet(path), control="control")


def main() -> None:
    """Answer until standard input ends."""
    way, path = sys.argv[1:]
    for _ in sys.stdin:
        began, busy = time.perf_counter(), time.process_time()
        analyze(way, path)
        print(time.perf_counter() - began, time.process_time() - busy, flush=True)


if __name__ == "__main__":
    main()
