#!/usr/bin/python3
"""Runs bench programs and prints their metrics: run.py [NAME] [--json F] [--quick|--all].

A program is build/release/bin/bench_NAME or tests/bench/*/bench_NAME.py. Each writes one JSON
document: {"bench": ..., "metrics": [{"name", "unit", "median", "min", "max", "n"} and, where
compared, "baseline" and "ratio"]}. --quick and --all are handed on to it.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PREFIX = "bench_"
BENCHES = Path(__file__).resolve().parent


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def show(document):
    print(f"{document['bench']}")
    print(f"  {'metric':44} {'median':>12} {'min':>12} {'max':>12} {'n':>6} {'baseline':>12} "
          f"{'ratio':>7} unit")
    for row in document["metrics"]:
        print(f"  {row['name']:44} {number(row['median']):>12} {number(row['min']):>12} "
              f"{number(row['max']):>12} {row['n']:>6} {number(row.get('baseline')):>12} "
              f"{number(row.get('ratio')):>7} {row['unit']}", flush=True)


def find(binaries):
    """name -> program: what was built, and the Python programs here, which start the daemons."""
    built = {path.name.removeprefix(PREFIX): path for path in binaries.glob(f"{PREFIX}*")}
    written = {path.stem.removeprefix(PREFIX): path for path in BENCHES.glob(f"*/{PREFIX}*.py")}
    return dict(sorted({**built, **written}.items()))


def run(program, options, binaries):
    """The document of one program; None when it fails."""
    if program.suffix == ".py":
        options = [*options, "--bin", binaries]
    done = subprocess.run([program, *options], stdout=subprocess.PIPE, text=True, check=False)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = None
    if done.returncode != 0 or document is None or not document.get("metrics"):
        print(f"{program.name}: failed with exit code {done.returncode}", file=sys.stderr)
        return None
    return document


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", help="one bench; all without it")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", metavar="FILE", help="write the result there")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin")
    args = parser.parse_args()
    programs = find(args.bin)
    if args.list:
        print("\n".join(programs))
        return 0
    if args.name is not None and args.name not in programs:
        parser.error(f"no bench '{args.name}'; there are: {', '.join(programs) or 'none'}")
    options = ["--quick"] * args.quick + ["--all"] * args.all
    wanted = [programs[args.name]] if args.name else list(programs.values())
    documents = [run(program, options, args.bin) for program in wanted]
    good = [document for document in documents if document]
    if args.json:
        content = good[0] if args.name and good else {"benches": good}
        Path(args.json).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for document in good:
        show(document)
    return 0 if good and len(good) == len(documents) else 1


if __name__ == "__main__":
    sys.exit(main())
