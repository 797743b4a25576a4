"""FRR's pim6d, which Debian's package of FRR leaves out: built from Debian's own source package.

The source has the version of the frr that is installed, so zebra and vtysh are the package's; this
vtysh knows the commands of pim6d. Only pim6d is built, with libfrr inside. It takes 1 to 3 minutes,
once; the program stays in the cache and nothing is installed. The system's sources and lists of
packages are left alone: apt works on a copy that asks for sources.
"""

import os
import re
import subprocess
from pathlib import Path

from .packages import cached, update
from .world import LabError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
BUILD_PACKAGES = ("autoconf", "automake", "bison", "dpkg-dev", "flex", "libcap-dev", "libelf-dev",
                  "libjson-c-dev", "libreadline-dev", "libtool", "libyang2-dev", "python3-dev")
DAEMONS = ("babeld", "bfdd", "bgpd", "eigrpd", "fabricd", "isisd", "ldpd", "nhrpd", "ospf6d",
           "ospfd", "pathd", "pbrd", "pimd", "ripd", "ripngd", "staticd", "vrrpd", "watchfrr",
           "zebra")
# --enable-vtysh is the default and must stay: without it libfrr does not link.
CONFIGURE = ("--prefix=/usr", "--sysconfdir=/etc/frr", "--localstatedir=/var/run/frr",
             "--enable-user=frr", "--enable-group=frr", "--enable-vty-group=frrvty",
             "--enable-multipath=256", "--enable-static", "--enable-static-bin",
             "--disable-dependency-tracking", "--disable-doc", "--disable-ospfapi",
             "--disable-ospfclient", "--disable-protobuf", "--disable-zeromq", "--enable-pim6d",
             *[f"--disable-{name}" for name in DAEMONS], "CFLAGS=-O1")


def _installed(package):
    """The version of an installed package; empty without it."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", package],
                          capture_output=True, text=True)
    status, _, version = done.stdout.partition(" ")
    return version.strip() if status.startswith("ii") else ""


def _run(folder, what, *argv, timeout=120):
    """One step; its output is in the error, as far as an error needs it."""
    done = subprocess.run(["nice", "-n", "19", *map(str, argv)], cwd=folder, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", env={**os.environ, "LC_ALL": "C"})
    if done.returncode != 0:
        raise LabError(f"pim6d could not be built, {what} failed:\n" +
                       "\n".join(done.stdout.splitlines()[-15:]))
    return done.stdout


def _deb_src():
    """Debian's archives that this machine uses, as lines of a list of sources."""
    argv = ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages", "Origin: Debian"]
    found = subprocess.run(argv, capture_output=True, text=True).stdout.split("\n")
    signed = f" [signed-by={KEYRING}]" if KEYRING.exists() else ""
    return sorted({f"deb-src{signed} {line}" for line in found if line})


def _source_of(version, known):
    """The installed version's source, or that of another revision of the same release."""
    release = version.rpartition("-")[0]
    for each in (version, *sorted(known, reverse=True)):
        if each in known and each.rpartition("-")[0] == release:
            return each
    raise LabError(f"pim6d could not be built: frr {version} is installed, Debian has the source "
                   f"of {', '.join(sorted(set(known))) or 'none'}: upgrade frr")


def _fetch(folder, version):
    """Unpacks the source package with Debian's patches; returns its folder."""
    lines = _deb_src()
    if not lines:
        update()
        lines = _deb_src()
    for name in ("lists/partial", "cache/archives/partial", "source"):
        (folder / name).mkdir(parents=True)
    sources = folder / "sources.list"
    sources.write_text("\n".join([*lines, ""]))
    apt = ["apt-get", "-q", "-o", f"Dir::Etc::SourceList={sources}",
           "-o", "Dir::Etc::SourceParts=/dev/null", "-o", f"Dir::State::Lists={folder}/lists",
           "-o", f"Dir::Cache={folder}/cache", "-o", "APT::Sandbox::User=root"]
    _run(folder, "apt-get update", *apt, "update", timeout=300)
    shown = _run(folder, "apt-cache showsrc", "apt-cache", *apt[2:], "showsrc", "frr")
    wanted = _source_of(version, re.findall(r"^Version: (\S+)", shown, re.M))
    _run(folder / "source", "apt-get source", *apt, "source", f"frr={wanted}", timeout=300)
    return next(path for path in (folder / "source").iterdir() if path.is_dir())


def _build(folder, version):
    missing = [name for name in BUILD_PACKAGES if not _installed(name)]
    if missing:
        raise LabError(f"pim6d cannot be built without {' '.join(missing)}: "
                       "scripts/setup --all installs what is missing")
    work = folder / "work"
    work.mkdir()
    source = _fetch(work, version)
    build = work / "build"
    build.mkdir()
    _run(source, "autoreconf", "autoreconf", "-i", timeout=300)
    # By a relative path: the build puts it together with others.
    _run(build, "configure", Path("..") / source.relative_to(work) / "configure", *CONFIGURE,
         timeout=600)
    # Its `all` makes generated headers first; of the programs only this one is wanted.
    _run(build, "make", "make", f"-j{os.cpu_count()}", "all", "PROGRAMS=pimd/pim6d", timeout=1800)
    _run(build, "strip", "strip", "-o", folder / "pim6d", "pimd/pim6d")
    _run(folder, "cleaning up", "rm", "-rf", work)


def pim6d():
    """The program, of the same version as the installed frr."""
    version = _installed("frr")
    if not version:
        raise LabError("frr is not installed: run scripts/setup")
    return cached(f"pim6d-{version}", f"building FRR's pim6d {version}, 1 to 3 minutes",
                  lambda folder: _build(folder, version)) / "pim6d"
