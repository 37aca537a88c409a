"""What an address says: whether it leads to this machine alone, and how it is shown to people."""

from __future__ import annotations

import ipaddress
import re


def is_loopback(host: str) -> bool:
    """Whether an address leads to this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def hidden(text: str) -> str:
    """A text with the passwords of addresses in it left out."""
    text = re.sub(r"(\bredi[\w+]*://|\bunix://)\S*@", r"\1***@", text)  # a password may hold any sign
    return re.sub(r"(\w[\w+.-]*://)[^/\s@]*@", r"\1***@", text)
