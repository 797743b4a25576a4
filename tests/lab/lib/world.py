"""One lab's world: namespaces, processes and files that carry a run id and are gone at its end."""

import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from .pauses import PauseWatch

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
BASE = Path("/tmp")
PREFIX = "hotpair-lab-"


class LabError(Exception):
    """The lab itself could not go on: setup failed, a wait ran out of time."""


class MachinePaused(Exception):
    """The machine stood still so long that this run says nothing; it is set aside."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM: clean up and leave."""


def now_ns():
    """CLOCK_MONOTONIC, the clock of every report."""
    return time.monotonic_ns()


def poll(condition, timeout, step=0.02):
    """Polls until condition() is true and returns its value, or the last false one in the end."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(step)


def wait_until(condition, timeout, what, step=0.02):
    """Polls until condition() is true and returns its value; LabError names what did not happen."""
    value = poll(condition, timeout, step)
    if not value:
        raise LabError(f"waited {timeout:g} s in vain for: {what}")
    return value


def answers(path):
    """Somebody listens on the Unix socket: the file alone comes a moment before."""
    with socket.socket(socket.AF_UNIX) as attempt:
        return attempt.connect_ex(str(path)) == 0


def _setns(fd):
    if LIBC.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network namespace; `with namespace:` moves this thread into it."""

    def __init__(self, run, name):
        self.name = name
        self.full_name = f"hp{run}-{name}"
        subprocess.run(["ip", "netns", "add", self.full_name], check=True)
        self.fd = os.open(f"/run/netns/{self.full_name}", os.O_RDONLY | os.O_CLOEXEC)
        self._home = None
        self.ip("link set lo up")

    def __enter__(self):
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _setns(self.fd)
        return self

    def __exit__(self, *_):
        _setns(self._home)
        os.close(self._home)

    def ip(self, *commands, check=True):
        """Runs `ip` commands in one go; with check=False each may fail on its own."""
        batch = "\n".join(commands) + "\n"
        argv = ["ip", "-n", self.full_name] + ([] if check else ["-force"]) + ["-batch", "-"]
        done = subprocess.run(argv, input=batch, text=True, capture_output=True)
        if check and done.returncode != 0:
            raise LabError(f"ip in {self.name}: {done.stderr.strip()} in:\n{batch}")

    def sysctl(self, **values):
        """Dots are written as two underscores: ipv4__conf__all__rp_filter=0."""
        with self:
            for name, value in values.items():
                path = Path("/proc/sys/net") / name.replace("__", "/")
                if path.exists():
                    path.write_text(str(value))

    def run(self, *argv, check=True, timeout=20, **more):
        """Runs a command to its end inside and returns its output."""
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout,
                              preexec_fn=lambda: _setns(self.fd), **more)
        if check and done.returncode != 0:
            raise LabError(f"{' '.join(argv)} in {self.name}: {done.stderr.strip()}")
        return done.stdout

    def pids(self):
        """Every process inside; all of them are this lab's."""
        inode = os.fstat(self.fd).st_ino
        found = []
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            try:
                if os.stat(f"/proc/{entry.name}/ns/net").st_ino == inode:
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def delete(self):
        for pid in self.pids():
            if pid != os.getpid():
                _kill(pid)
        os.close(self.fd)
        subprocess.run(["ip", "netns", "del", self.full_name], check=False)


def _kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Process:
    """A program in a namespace, its output in a file of the run's directory."""

    def __init__(self, namespace, argv, log):
        self.log = log
        self.argv = argv
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, preexec_fn=lambda: self._enter(namespace))
        self.pid = self.popen.pid

    @staticmethod
    def _enter(namespace):
        _setns(namespace.fd)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    def alive(self):
        return self.popen.poll() is None

    def send(self, number):
        if self.alive():
            self.popen.send_signal(number)

    def finish(self, number=signal.SIGINT, timeout=10):
        """Asks it to end and waits; kills it when it does not. Returns its exit code."""
        self.send(number)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self.popen.wait()

    def tail(self, lines=15):
        text = Path(self.log).read_text(errors="replace").splitlines()
        return "\n".join(text[-lines:])


class World:
    """Use as a context manager: whatever happens inside, nothing but log files is left behind."""

    used_dirs = []  # of this process, for the one who decides whether logs are worth keeping

    def __init__(self, keep=False):
        if os.geteuid() != 0:
            raise LabError("labs need root: they make network namespaces")
        remove_leftovers()
        self.keep = keep
        self.run, self.dir = self._new_run()
        World.used_dirs.append(self.dir)
        (self.dir / "owner").write_text(json.dumps(_identity(os.getpid())))
        self.namespaces = []
        self.processes = []
        self._closers = []
        self._signals = {}
        self.pauses = PauseWatch(self.dir)

    @staticmethod
    def _new_run():
        """A run id that no other run has, and its folder; interface names allow four digits."""
        for _ in range(1000):
            run = secrets.token_hex(2)
            try:
                (BASE / f"{PREFIX}{run}").mkdir(mode=0o755)
            except FileExistsError:
                continue
            return run, BASE / f"{PREFIX}{run}"
        raise LabError(f"no free run id: remove old folders {BASE / PREFIX}*")

    def __enter__(self):
        def interrupt(number, _frame):
            raise Interrupted(signal.Signals(number).name)
        for number in (signal.SIGINT, signal.SIGTERM):
            self._signals[number] = signal.signal(number, interrupt)
        return self

    def __exit__(self, kind, error, _trace):
        for number in self._signals:
            signal.signal(number, signal.SIG_IGN)
        if kind is not None and self.keep:
            print(f"{kind.__name__}: {error}", file=sys.stderr)
        if self.keep and kind is not Interrupted:
            self._pause()
        self.close()
        for number, handler in self._signals.items():
            signal.signal(number, handler)
        return False

    def _pause(self):
        """--keep: everything stays until the user ends it."""
        names = " ".join(namespace.full_name for namespace in self.namespaces)
        print(f"kept: namespaces {names}\n      files in {self.dir}\nEnter or SIGTERM ends it",
              file=sys.stderr)
        previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            if not sys.stdin.readline():
                signal.pause()
        except KeyboardInterrupt:
            pass
        signal.signal(signal.SIGTERM, previous)

    def namespace(self, name):
        namespace = Namespace(self.run, name)
        self.namespaces.append(namespace)
        return namespace

    def start(self, namespace, *argv, log=None):
        """Starts a program; its log is named after it and the namespace."""
        name = log or f"{namespace.name}-{Path(str(argv[0])).name}-{len(self.processes)}"
        process = Process(namespace, argv, self.dir / f"{name}.log")
        self.processes.append(process)
        return process

    def on_close(self, action):
        """Runs at the end, newest first, before the namespaces go."""
        self._closers.append(action)

    def close(self):
        self.pauses.stop()
        for process in self.processes:
            process.send(signal.SIGCONT)
            process.send(signal.SIGKILL)
        for process in self.processes:
            process.popen.wait()
        for action in reversed(self._closers):
            try:
                action()
            except Exception as error:  # the rest must go all the same
                print(f"clean-up: {error}", file=sys.stderr)
        for namespace in self.namespaces:
            namespace.delete()
        (self.dir / "owner").unlink(missing_ok=True)


def forget_files():
    """After a lab that was ok its logs are of no use."""
    for path in World.used_dirs:
        shutil.rmtree(path, ignore_errors=True)


def _identity(pid):
    """A pid and when it started, so that a pid used again is told apart."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rsplit(")", 1)[1].split()
    return None if fields[0] in "ZX" else {"pid": pid, "start": fields[19]}  # a zombie is dead


def remove_leftovers():
    """Removes namespaces of labs that were killed before they could clean up."""
    for owner in BASE.glob(f"{PREFIX}*/owner"):
        try:
            identity = json.loads(owner.read_text())
        except (OSError, ValueError):
            continue
        if _identity(identity["pid"]) == identity:
            continue
        run = owner.parent.name.removeprefix(PREFIX)
        for path in Path("/run/netns").glob(f"hp{run}-*"):
            done = subprocess.run(["ip", "netns", "pids", path.name], capture_output=True,
                                  text=True)
            for pid in done.stdout.split():
                _kill(int(pid))
            subprocess.run(["ip", "netns", "del", path.name], check=False)
        subprocess.run(["umount", "-q", *map(str, owner.parent.glob("disk-*"))], check=False,
                       capture_output=True)
        shutil.rmtree(owner.parent, ignore_errors=True)
