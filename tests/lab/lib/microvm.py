"""A small virtual machine with Debian's own kernel, for what this machine's kernel does not have.

Software emulation (qemu, TCG): /dev/kvm is there on machines whose guests hang. The kernel package
is unpacked in the user's cache and never installed. The whole guest is an initramfs: busybox, a few
modules and one script; its console is its first serial port, it is asked through the second.
"""

import contextlib
import json
import shutil
import socket
import subprocess
import threading
from pathlib import Path

from .packages import cached, unpack
from .world import LabError, now_ns, poll

QEMU, BUSYBOX = "qemu-system-x86_64", "/bin/busybox"
META_PACKAGE = "linux-image-cloud-amd64"
MEMORY_MB = 192
BOOT_S = 60
DONE = "=done="

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
{modules}
. /setup
stty -F /dev/ttyS1 raw -echo
exec </dev/ttyS1 >/dev/ttyS1 2>&1
echo {done}
while read -r line; do eval "$line"; echo {done}; done
poweroff -f
"""


def _newest_kernel():
    """The newest kernel package of the distribution."""
    shown = subprocess.run(["apt-cache", "depends", META_PACKAGE], capture_output=True, text=True)
    return next((line.split()[-1] for line in shown.stdout.splitlines()
                 if "Depends: linux-image-" in line), None)


def guest_kernel():
    """(kernel image, folder of modules) of a kernel in the cache; fetched when there is none."""
    cache = cached("guest-kernel", f"fetching the guest's kernel ({META_PACKAGE})",
                   lambda folder: unpack(_newest_kernel, folder))
    image = next(iter(sorted(cache.glob("boot/vmlinuz-*"))), None)
    modules = next(iter(sorted(cache.glob("lib/modules/*/kernel"))), None)
    if image is None or modules is None:
        raise LabError(f"no kernel in {cache}: remove this folder")
    return image, modules


def _initramfs(path, modules, names, setup):
    root = path.with_suffix(".root")
    for folder in ("bin", "dev", "modules", "proc", "sys"):
        (root / folder).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    for name in names:
        shutil.copy(modules / f"{name}.ko", root / "modules")
    loaded = [f"insmod /modules/{Path(name).name}.ko {words}" for name, words in names.items()]
    (root / "init").write_text(INIT.format(modules="\n".join(loaded), done=DONE))
    (root / "init").chmod(0o755)
    (root / "setup").write_text(setup)
    files = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
    with open(path, "wb") as out:
        subprocess.run([BUSYBOX, "cpio", "-o", "-H", "newc"], cwd=root, input=files, stdout=out,
                       stderr=subprocess.DEVNULL, check=True)
    shutil.rmtree(root)


class Console(threading.Thread):
    """Every line of the guest's console with the time (ns) at which it came."""

    def __init__(self, path, log):
        super().__init__(daemon=True)
        self._socket = _connected(path)
        self._log = log
        self.lines = []

    def run(self):
        with self._socket.makefile(errors="replace") as stream, open(self._log, "w") as log:
            for line in stream:
                self.lines.append((now_ns(), line.rstrip()))
                log.write(f"{self.lines[-1][0]} {line}")
                log.flush()

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.join(2)


def _connected(path):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if not poll(lambda: _try_connect(one, path), 10):
        raise LabError(f"qemu does not listen on {path}")
    return one


def _try_connect(one, path):
    try:
        one.connect(str(path))
    except OSError:
        return False
    return True


class MicroVm:
    """One guest in a namespace. `taps`: names of tap devices there, which become eth0, eth1 ...

    `modules`: paths below the kernel's module folder and their parameters, in the order of loading;
    `setup`: a shell script that the guest runs before it listens.
    """

    def __init__(self, world, namespace, taps, modules, setup):
        for program, package in ((QEMU, "qemu-system-x86"), (BUSYBOX, "busybox-static")):
            if shutil.which(program) is None:
                raise LabError(f"{program} is missing: scripts/setup --all installs {package}")
        self.dir = world.dir / f"vm-{namespace.name}"
        self.dir.mkdir()
        image, folder = guest_kernel()
        initramfs = self.dir / "initramfs"
        _initramfs(initramfs, folder, modules, setup)
        argv = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-machine", "q35,usb=off", "-accel", "tcg", "-cpu", "qemu64", "-smp", "1",
                "-m", str(MEMORY_MB), "-kernel", image, "-initrd", initramfs, "-append",
                "console=ttyS0 panic=-1 nokaslr mitigations=off random.trust_cpu=on loglevel=8"]
        for name in ("console", "control"):
            argv += ["-chardev", f"socket,id={name},path={self.dir}/{name},server=on,wait=off",
                     "-serial", f"chardev:{name}"]
        argv += ["-qmp", f"unix:{self.dir}/qmp,server=on,wait=off"]
        for number, tap in enumerate(taps):
            argv += ["-netdev", f"tap,id={tap},ifname={tap},script=no,downscript=no,vhost=off",
                     "-device", f"virtio-net-pci,netdev={tap},id=nic-{tap},addr={4 + number:#x},"
                     f"mac=52:54:00:00:00:{number + 1:02x},speed=1000,duplex=full,romfile="]
        self.process = world.start(namespace, *argv, log=f"qemu-{namespace.name}")
        self._qmp_lock = threading.Lock()
        try:
            self.console = Console(self.dir / "console",
                                   world.dir / f"console-{namespace.name}.log")
            self._guest = _connected(self.dir / "control")
            self._control = self._guest.makefile("rw", errors="replace")
            self._qmp = _connected(self.dir / "qmp").makefile("rw")
        except LabError as error:
            raise LabError(f"{error}\n{self.process.tail()}") from error
        self.console.start()
        world.on_close(self.console.close)
        self._qmp.readline()
        self.qmp("qmp_capabilities")

    def booted(self):
        """Waits until the guest listens."""
        self._answer(BOOT_S)

    def qmp(self, command, **arguments):
        with self._qmp_lock:
            self._qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
            self._qmp.flush()
            while True:
                line = self._qmp.readline()
                if not line:
                    raise LabError(f"qemu ended: {self.process.tail()}")
                answer = json.loads(line)
                if "error" in answer:
                    raise LabError(f"qemu: {command}: {answer['error']}")
                if "return" in answer:
                    return answer["return"]

    def run(self, line, timeout=10):
        """Runs a line of shell in the guest; returns what it prints."""
        self._control.write(line + "\n")
        self._control.flush()
        return self._answer(timeout)

    def _answer(self, timeout):
        said = []
        self._guest.settimeout(timeout)
        try:
            while True:
                line = self._control.readline()
                if not line:
                    raise LabError(f"the guest ended: {self._tail()}")
                if line.strip() == DONE:
                    return "\n".join(said)
                said.append(line.rstrip())
        except TimeoutError as error:
            raise LabError(f"the guest is silent for {timeout} s: {self._tail()}") from error

    def _tail(self):
        return "\n".join(text for _, text in self.console.lines[-15:])
