"""One link with a hotpair router `a` at one end (device ge0-1-1) and FRR at the other (eth0)."""


class Wire:
    """What lib.node.Node needs of a topology. `ours`, `theirs`: device -> addresses with length;
    `routes`: (of ours, of theirs), as `ip route add` takes them."""

    port_names = {}

    def __init__(self, world, ours=None, theirs=None, routes=((), ())):
        self.world = world
        self.nodes = {"a": world.namespace("a"), "frr": world.namespace("frr")}
        near, far = self.nodes["a"], self.nodes["frr"]
        near.ip(f"link add ge0-1-1 type veth peer name eth0 netns {far.full_name}",
                "link set ge0-1-1 up")
        far.ip("link set eth0 up")
        for end, addresses, through in ((near, ours, routes[0]), (far, theirs, routes[1])):
            end.ip(*[f"addr add {each} dev {device} nodad" for device, of_it in
                     (addresses or {}).items() for each in of_it],
                   *[f"route add {route}" for route in through])
