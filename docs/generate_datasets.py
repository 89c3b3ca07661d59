"""Writes the figures of `docs/datasets.md`: each block between `<!-- figures: NAME -->` and `<!-- end -->`.

`uv run python docs/generate_datasets.py DATA` takes the folder of the data sets; the words around the blocks are
written by hand. `tests/end_to_end/test_real_data.py` makes the same blocks and holds the page to them.
"""

from __future__ import annotations

import contextlib
import csv
import math
import re
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import duckdb
from click.testing import CliRunner

from imp_core.cli import cli
from imp_core.context import Context
from imp_experiments.design.factorial import Factor, factorial
from imp_experiments.measure.moments import Summary
from imp_experiments.stats.factor_effect import CellSummary
from imp_experiments.stats.factorial import analyze_factorial
from imp_experiments.stats.multiplicity import adjust
from imp_experiments.stats.srm import sample_ratio
from imp_experiments.stats.welch import welch

PAGE: Final = Path(__file__).with_name("datasets.md")
BLOCK: Final = re.compile(r"(<!-- figures: (\w+) -->\n)(.*?)(<!-- end -->)", re.S)
ALPHA: Final = 0.05
# year and week, as the file counts them, of the tests that the archive's owners warn of
BROKEN: Final = (201325, 201401)


def analysis(data: Path, file: str, words: str) -> str:
    """What the command line shows, as a block."""
    command = f"imp experiment analyze {file} {words}"
    with contextlib.closing(Context(environ={}, directory=data)) as context:
        done = CliRunner().invoke(cli, shlex.split(command)[1:], obj=context, env={"COLUMNS": "120"})
    if done.exit_code:
        raise SystemExit(done.output)
    said = re.sub(r"as of \S+;", "as of …;", done.stdout).rstrip()
    return f"```console\n$ {command}\n{said}\n```\n"


def rows(head: str, body: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    lines = [head, "|" + " --- |" * (head.count("|") - 1)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in body)]) + "\n"


def ask(sql: str, **paths: Path) -> list[tuple[Any, ...]]:
    """Rows of a query; `{name}` is a file."""
    with duckdb.connect() as connection:
        return connection.execute(sql.format(**{name: f"'{path}'" for name, path in paths.items()})).fetchall()


def cookie_cats(data: Path) -> str:
    """Retention, rounds and their median, by the command line."""
    words = "--variant version --control gate_30 --proportion retention_1 --proportion retention_7"
    return analysis(
        data, "cookie_cats/cookie_cats.csv.gz", f"{words} --mean sum_gamerounds --quantile sum_gamerounds:0.5"
    )


def cookie_cats_outlier(data: Path) -> str:
    """The mean of rounds with the largest value and without."""
    counted = "SELECT count(*), avg(sum_gamerounds), var_samp(sum_gamerounds), max(sum_gamerounds) FROM {file}"
    body = []
    for name, most in (("all players", 10**9), ("without the largest", 49_853)):
        sides = []
        for version in ("gate_30", "gate_40"):
            where = f" WHERE version = '{version}' AND sum_gamerounds <= {most}"
            sides.append(ask(counted + where, file=data / "cookie_cats" / "cookie_cats.csv.gz")[0])
        control, variant = (Summary(*side[:3]) for side in sides)
        effect = welch(variant, control).absolute
        if effect is None:
            raise SystemExit("no effect")
        interval = f"{effect.estimate:+.3f} [{effect.low:+.3f}, {effect.high:+.3f}]"
        body.append(
            (name, f"{max(side[3] for side in sides):,}", f"{sides[0][1]:.2f}", interval, f"{effect.p_value:.4f}")
        )
    return rows("| rounds of | largest | mean, gate_30 | gate_40 - gate_30 | p |", body)


def udacity(data: Path) -> str:
    """Users instead of rows, by the command line."""
    words = "--variant group --control control --unit user_id --proportion converted"
    return analysis(data, "udacity_ab/ab_data.csv.gz", words)


def udacity_rows(data: Path) -> str:
    """Which rows disagree with themselves."""
    file = data / "udacity_ab" / "ab_data.csv.gz"
    (all_rows, users, old, new), *_ = ask(
        "SELECT count(*), count(DISTINCT user_id),"
        " count(*) FILTER (\"group\" = 'treatment' AND landing_page = 'old_page'),"
        " count(*) FILTER (\"group\" = 'control' AND landing_page = 'new_page') FROM {file}",
        file=file,
    )
    ((both,),) = ask(
        'SELECT count(*) FROM (SELECT user_id FROM {file} GROUP BY user_id HAVING count(DISTINCT "group") > 1)',
        file=file,
    )
    ((again,),) = ask(
        "SELECT count(*) FROM (SELECT user_id FROM {file} GROUP BY user_id HAVING count(*) > 1 AND"
        ' count(DISTINCT "group") = 1)',
        file=file,
    )
    ((pages,),) = ask(
        "SELECT count(*) FROM (SELECT user_id FROM {file} GROUP BY user_id HAVING count(DISTINCT landing_page) > 1 AND"
        ' count(DISTINCT "group") = 1)',
        file=file,
    )
    body = [
        ("rows", all_rows),
        ("users", users),
        ("rows of the treatment that show the old page", old),
        ("rows of control that show the new page", new),
        ("rows in which group and page disagree", old + new),
        ("users with more than one row", both + again),
        ("of these, in both groups (excluded)", both),
        ("of these, in one group (counted once)", again),
        ("of those in one group, shown both pages", pages),
    ]
    return rows("| what | how many |", ((name, f"{n:,}") for name, n in body))


def upworthy(data: Path) -> str:
    """Tests that fail the sample ratio, in the weeks that the archive's owners warn of and in the others."""
    found = ask(
        "SELECT min(test_week), list(impressions ORDER BY index) FROM {file} GROUP BY clickability_test_id",
        file=data / "upworthy_exploratory" / "upworthy_exploratory.parquet",
    )
    groups: dict[str, list[float]] = {
        "25 June 2013 to 10 January 2014 (weeks 201325 to 201401)": [],
        "all other weeks": [],
    }
    broken, sound = groups.values()
    for week, counts in found:
        observed = {str(place): count for place, count in enumerate(counts)}
        ratio = sample_ratio(observed, dict.fromkeys(observed, 1 / len(observed)))
        if ratio.p_value is not None:
            (broken if BROKEN[0] <= week <= BROKEN[1] else sound).append(ratio.p_value)
    body = []
    for name, p_values in groups.items():
        failed, below = (sum(p < level for p in p_values) for level in (0.001, 0.05))
        n = len(p_values)
        body.append((name, f"{n:,}", f"{failed:,} ({failed / n:.1%})", f"{below:,} ({below / n:.1%})"))
    return rows("| weeks | tests | p < 0.001: mismatch | p < 0.05 |", body)


def asos(data: Path) -> str:
    """Comparisons that are significant at the end, at some look, and after a correction."""
    found = ask(
        "SELECT experiment_id, variant_id, metric_id, list((count_t, mean_t, variance_t, count_c, mean_c, variance_c)"
        " ORDER BY time_since_start) FROM {file} GROUP BY ALL ORDER BY ALL",
        file=data / "asos" / "asos_digital_experiments_dataset.parquet",
    )
    p_values: list[list[float]] = []
    for *_, looks in found:
        each = (welch(_summary(*look[:3]), _summary(*look[3:])).absolute for look in looks)
        p_values.append([effect.p_value for effect in each if effect is not None])
    with_p = [looks for looks in p_values if looks]
    ends = [looks[-1] for looks in with_p]
    adjusted = [p for p in adjust(ends, "benjamini_hochberg") if p is not None]
    body = [
        ("experiments", len({row[0] for row in found}), ""),
        ("comparisons (experiment, treatment, metric)", len(found), ""),
        ("of these, with a p", len(with_p), ""),
        ("p < 0.05 at the last look", *_share(sum(p < ALPHA for p in ends), len(ends))),
        ("p < 0.05 at some look", *_share(sum(min(looks) < ALPHA for looks in with_p), len(ends))),
        (
            "p < 0.05 at some look, but not at the last",
            *_share(sum(min(looks) < ALPHA <= looks[-1] for looks in with_p), len(ends)),
        ),
        ("at the last look after Benjamini-Hochberg", *_share(sum(p < ALPHA for p in adjusted), len(ends))),
    ]
    return rows("| what | how many | share |", body)


def _summary(n: float | None, mean: float | None, variance: float | None) -> Summary:
    units = 0 if n is None or math.isnan(n) else round(n)
    known = [None if units == 0 or value is None or math.isnan(value) else value for value in (mean, variance)]
    return Summary(units, *known)


def _share(count: int, total: int) -> tuple[int, str]:
    return count, f"{count / total:.1%}"


def creditcard(data: Path) -> str:
    """Main effects and two-way interactions of the sixteen cells, averaged over the other factors."""
    names = {"x1": "annual fee", "x2": "opening fee", "x3": "initial rate", "x4": "long-term rate"}
    design = factorial([Factor(name=name, levels=("-1", "1")) for name in names])
    with (data / "creditcard_factorial" / "creditcard_cells.csv").open(encoding="utf-8", newline="") as file:
        cells = []
        for row in csv.DictReader(file):
            n, share = int(row["mailed"]), int(row["orders"]) / int(row["mailed"])
            levels = {name: row[name] for name in names}
            cells.append(CellSummary(levels=levels, n=n, mean=share, variance=share * (1 - share) * n / (n - 1)))
    body = []
    for effect in analyze_factorial(design, cells, order=2).effects:
        one = effect.absolute
        if one is None:
            raise SystemExit("no effect")
        figures = f"{100 * one.estimate:+.3f} pp [{100 * one.low:+.3f}, {100 * one.high:+.3f}]"
        p = "< 0.0001" if one.p_value < 1e-4 else f"{one.p_value:.4f}"  # noqa: PLR2004 (digits shown)
        body.append((" × ".join(f"{name} ({names[name]})" for name in effect.term), figures, p))
    return rows("| effect | on the response rate | p |", body)


def hillstrom(data: Path) -> str:
    """Visits, spend and spend per visit, adjusted for last year's, by the command line."""
    words = '--variant segment --control "No E-Mail" --proportion visit --mean spend --ratio spend/visit'
    return analysis(data, "hillstrom/hillstrom.csv.gz", f"{words} --covariate history")


def gotv(data: Path) -> str:
    """People who were reached by telephone against those who were not."""
    words = "--variant PHN.C --control 0 --proportion VOTED98 --proportion VOTE96.1 --mean AGE"
    return analysis(data, "gotv_phone/gerber_green_imai.csv.gz", words)


BLOCKS: Final[dict[str, Callable[[Path], str]]] = {
    one.__name__: one
    for one in (cookie_cats, cookie_cats_outlier, udacity, udacity_rows, upworthy, asos, creditcard, hillstrom, gotv)
}


def main() -> None:
    """Write every block anew."""
    data = Path(sys.argv[1])
    text = PAGE.read_text(encoding="utf-8")
    # a transcript needs the data sets: documents are run without them, so that each is marked to be skipped
    made = BLOCK.sub(lambda found: f"{found[1]}{block(data, found[2])}{found[4]}", text)
    PAGE.write_text(made, encoding="utf-8")


def block(data: Path, name: str) -> str:
    """A block as it stands between its comments."""
    text = BLOCKS[name](data)
    skip = "<!-- skip: next -->\n" if text.startswith("```console") else ""
    return f"\n{skip}\n{text}\n" if skip else f"\n{text}\n"


if __name__ == "__main__":
    main()
