#!/usr/bin/python3
"""Runs one lab: tests/lab/run.py NAME [--json F] [--keep] [--quick] [--bin DIR]."""

import argparse
import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

from lib.world import Interrupted, LabError, MachinePaused, World, forget_files  # noqa: E402


def labs():
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != "run")


def load(name):
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def describe():
    for name in labs():
        text = (HERE / f"{name}.py").read_text(encoding="utf-8").split('"""')[1]
        print(f"{name:18} {text.strip().splitlines()[0]}")


def parse():
    parser = argparse.ArgumentParser(prog="scripts/lab",
                                     description="runs one lab and says if it is ok")
    parser.add_argument("name", nargs="?", help="one of those that --list shows")
    parser.add_argument("--list", action="store_true", help="names and first lines of all labs")
    parser.add_argument("--json", metavar="FILE", help="write the result there")
    parser.add_argument("--keep", action="store_true", help="leave all in place at the end")
    parser.add_argument("--quick", action="store_true", help="2 runs of each event")
    parser.add_argument("--all", action="store_true", help="also the parts that take long")
    parser.add_argument("--runs", type=int, help="that many runs of each event")
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin", help="the programs")
    args = parser.parse_args()
    if not args.list and args.name not in labs():
        parser.error(f"no lab '{args.name}'; there are: {', '.join(labs())}")
    args.runs = args.runs or (2 if args.quick else 10)
    args.probe = args.bin / "hotpair-probe"
    args.root = ROOT
    return args


def run_undisturbed(args):
    """Runs the lab; all of it again if the machine stood still where nothing can be set aside."""
    for _ in range(2):
        try:
            return load(args.name).main(args)
        except MachinePaused as pause:
            print(f"  {args.name} starts over: {pause}", flush=True)
    return load(args.name).main(args)


def main():
    args = parse()
    if args.list:
        describe()
        return 0
    print(f"lab {args.name}", flush=True)
    good = False
    try:
        good = run_undisturbed(args)
    except (LabError, MachinePaused) as error:
        print(f"{args.name}: FAILED: {error}", file=sys.stderr)
    except Interrupted as error:
        print(f"{args.name}: ended by {error}", file=sys.stderr)
    if good and not args.keep:
        forget_files()
    else:
        print("logs: " + " ".join(map(str, World.used_dirs)), file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
