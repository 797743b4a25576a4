#!/usr/bin/python3
"""Installs units and examples under a scratch prefix and has systemd judge them.

verify_units.py CMAKE
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNITS = ("hotpaird.service", "hotpair-keeper.service", "hotpair-leave.service")
# The exposure that systemd computes, 0 to 100. Both long-lived ones need the network's raw side.
EXPOSURE_MAX = {"hotpaird.service": 35, "hotpair-keeper.service": 35, "hotpair-leave.service": 20}


def install(cmake, prefix):
    subprocess.run([cmake, f"-DSOURCE={HERE}", f"-DPREFIX={prefix}", "-P", HERE / "install.cmake"],
                   check=True, stdout=subprocess.DEVNULL)


def breaches(cmake, prefix):
    install(cmake, prefix)
    binaries = prefix / "bin"
    binaries.mkdir()
    for name in ("hotpaird", "hotpair-keeper", "hotpair"):
        (binaries / name).symlink_to("/bin/true")
    units = prefix / "lib/systemd/system"
    for unit in UNITS:
        text = (units / unit).read_text(encoding="utf-8")
        if re.search(r"@\w+@", text):
            yield f"{unit}: a path was not filled in"
        # Manual pages are not installed here; everything else that is said counts.
        said = subprocess.run(["systemd-analyze", "verify", "--man=no", units / unit],
                              capture_output=True, text=True, check=False)
        ours = [line for line in said.stderr.splitlines() if "hotpair" in line]
        if said.returncode or ours:
            yield f"{unit}: " + "; ".join(ours or [f"verify answers {said.returncode}"])
        judged = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                                 f"--threshold={EXPOSURE_MAX[unit]}", units / unit],
                                capture_output=True, text=True, check=False)
        if judged.returncode:
            yield f"{unit}: {judged.stdout.strip().splitlines()[-1]} {judged.stderr.strip()}"


def keeps_configuration(cmake, prefix):
    mine = prefix / "etc/hotpair/ports.conf"
    mine.write_text("mine", encoding="utf-8")
    install(cmake, prefix)
    return mine.read_text(encoding="utf-8") == "mine"


def main():
    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder).resolve()
        found = list(breaches(sys.argv[1], prefix))
        if not keeps_configuration(sys.argv[1], prefix):
            found.append("install overwrote a configuration file")
    print("\n".join(found) if found else "units are well")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
