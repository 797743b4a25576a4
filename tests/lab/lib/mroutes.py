"""What the kernel forwards: `ip mroute`, both families."""

import re

ENTRY = re.compile(r"\((\S+?),\s*(\S+?)\)\s+Iif:\s+(\S+)\s*(?:Oifs:\s+(.*?))?\s*(?:State:.*)?$")


def mroutes(namespace, family="ipv4", table=None):
    """(source, group) -> (incoming device, set of outgoing devices) of resolved entries.
    `table`: of a VRF, by its number."""
    six = ["-6"] if family == "ipv6" else []
    found = {}
    of = ["table", str(table)] if table else []
    for line in namespace.run("ip", *six, "mroute", "show", *of).splitlines():
        entry = ENTRY.match(line)
        if entry:
            source, group, incoming, outgoing = entry.groups()
            found[source, group] = (incoming, set((outgoing or "").split()))
    return found
