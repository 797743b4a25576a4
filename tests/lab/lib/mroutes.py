"""What the kernel forwards: `ip mroute`, both families."""

import re

ENTRY = re.compile(r"\((\S+?),\s*(\S+?)\)\s+Iif:\s+(\S+)\s*(?:Oifs:\s+(.*?))?\s*(?:State:.*)?$")


def mroutes(namespace, family="ipv4"):
    """(source, group) -> (incoming device, set of outgoing devices) of resolved entries."""
    six = ["-6"] if family == "ipv6" else []
    found = {}
    for line in namespace.run("ip", *six, "mroute", "show").splitlines():
        entry = ENTRY.match(line)
        if entry:
            source, group, incoming, outgoing = entry.groups()
            found[source, group] = (incoming, set((outgoing or "").split()))
    return found
