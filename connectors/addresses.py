"""Which network addresses this process may call on a user's word: the guard against SSRF.

The table is our own: `ipaddress.is_global` of Python 3.11 calls addresses global that lead inside,
such as 64:ff9b::a9fe:a9fe (NAT64 of the cloud's metadata service).
Source: IANA special-purpose address registries (RFC 6890 and updates).
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

PRIVATE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)
"""Inside: this machine and private networks. May be allowed by a setting."""

NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
"""Link-local (a cloud's metadata), tunnels, documentation, multicast: no receiver lives there."""

UNICAST = ip_network("2000::/3")
"""All of IPv6 that is routed; what lies outside embeds or translates other addresses."""


def allowed(address: str, *, allow_private: bool) -> bool:
    """Returns whether the address, as the resolver gave it, may be called.

    >>> allowed("93.184.216.34", allow_private=False), allowed("127.0.0.1", allow_private=False)
    (True, False)
    """
    found = ip_address(address)
    if any(found in network for network in PRIVATE if network.version == found.version):
        return allow_private
    if any(found in network for network in NEVER if network.version == found.version):
        return False
    return _routed(found)


def _routed(address: IPv4Address | IPv6Address) -> bool:
    return isinstance(address, IPv4Address) or address in UNICAST
