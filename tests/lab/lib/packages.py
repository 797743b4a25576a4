"""What labs need of Debian and cannot be installed beside the rest: fetched by apt into the user's
cache and made there, once. Nothing of it is installed."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from .world import LabError


def cached(name, what, fill):
    """The folder `name` of the cache. `fill(folder)` makes what is in it, when it is not there."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hotpair"
    base.mkdir(parents=True, exist_ok=True)
    folder = base / name
    if folder.exists():
        return folder
    with open(base / f"{name}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"  waiting for another lab: {what}", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            print(f"  {what}, into {folder}", flush=True)
            fresh = base / f"{name}.new"
            shutil.rmtree(fresh, ignore_errors=True)  # of one that was killed
            fresh.mkdir()
            try:
                fill(fresh)
                fresh.rename(folder)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _download(name, folder):
    done = subprocess.run(["apt-get", "-q", "download", name], cwd=folder, capture_output=True,
                          text=True, timeout=180)
    return next(folder.glob("*.deb"), None), done.stderr.strip()


def update():
    """The system's own lists of packages, as `apt-get update` does."""
    subprocess.run(["apt-get", "-q", "update"], capture_output=True, timeout=180)


def unpack(name, folder):
    """The package's files, in their places below the folder. `name`: a package, or a function that
    looks it up and returns None when the lists do not have it."""
    package, said = None, "apt's lists do not have it"
    for refresh in (False, True):
        if refresh:
            update()
        wanted = name() if callable(name) else name
        if wanted:
            package, said = _download(wanted, folder)
        if package:
            subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
            package.unlink()
            return
    raise LabError(f"the package for {folder.stem} could not be fetched: {said}")


def unpacked(name):
    """The folder that has the package's files in their places."""
    return cached(f"package-{name}", f"fetching Debian's {name}",
                  lambda folder: unpack(name, folder))
