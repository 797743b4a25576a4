"""The seeds' configuration files with a lab's own lines on top."""

from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
DEVICE = {"a": "DeviceA", "b": "DeviceB"}
SEED = {"ipv4": "seed003", "ipv6": "seed004"}

FAST = {"hello_ms": 20, "multiplier": 5, "revert_s": 5, "grace_s": 10}
VENDOR = {"hello_ms": 1000, "multiplier": 20, "revert_s": 120, "grace_s": 10}

MLD_OVER_003 = {  # seed 003 with seed 004's MLD, addresses and RP added
    "a": ("2001:DB8:15::1/64", "2001:DB8:10::1/64", "GigabitEthernet0/1/3", "2001:DB8:20::1/64",
          "2001:DB8:11::11/64"),
    "b": ("2001:DB8:35::3/64", "2001:DB8:10::2/64", "GigabitEthernet0/1/2", "2001:DB8:30::1/64",
          "2001:DB8:33::33/64"),
}


def seed_text(family, node):
    """The file as the seed prints it."""
    return (GOLDEN / SEED[family] / f"Device{node.upper()}.conf").read_text(encoding="utf-8")


def overlay(text, *sections):
    """Adds sections (a header and its lines) in front of the closing `return`."""
    head, separator, tail = text.rpartition("#\nreturn")
    if not separator:
        raise ValueError("the configuration does not end with 'return'")
    body = "".join("#\n" + "\n".join([section[0], *(f" {line}" for line in section[1:])]) + "\n"
                   for section in sections)
    return head + body + separator + tail


def timers(values):
    lines = [f"timer hello-ms {values['hello_ms']}",
             f"timer hold-on-failure multiplier {values['multiplier']}",
             f"timer revert delay {values['revert_s']}",
             f"timer restart-grace {values['grace_s']}"]
    return ("e-trunk 1", *lines)


def both_families(node):
    trunk, link, uplink_name, uplink, loopback = MLD_OVER_003[node]
    six = ["ipv6 enable"]
    return [("multicast ipv6 routing-enable",),
            ("remote-backup-profile profile1", "service-type mld"),
            ("interface Eth-Trunk1", *six, f"ipv6 address {trunk}", "pim ipv6 sm", "mld enable"),
            ("interface GigabitEthernet0/1/1", *six, f"ipv6 address {link}", "pim ipv6 sm"),
            (f"interface {uplink_name}", *six, f"ipv6 address {uplink}", "pim ipv6 sm"),
            ("interface Loopback0", *six, f"ipv6 address {loopback}"),
            ("pim-ipv6", "static-rp 2001:DB8:22::22")]


def configs(family, values=None, extra=()):
    """Texts for both nodes. `family`: ipv4, ipv6 or both; `values`: timers, or the seed's own."""
    result = {}
    for node in DEVICE:
        sections = [timers(values)] if values else []
        if family == "both":
            sections += both_families(node)
        result[node] = overlay(seed_text("ipv6" if family == "ipv6" else "ipv4", node),
                               *sections, *extra)
    return result
