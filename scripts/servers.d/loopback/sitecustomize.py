"""Loaded by Python before LocalEmu, for this machine alone.

LocalEmu leaves the host of its address away when it listens.
"""

import socket

bind = socket.socket.bind


def bind_here(self, address):
    if self.family == socket.AF_INET and address[0] in ("", "0.0.0.0"):
        address = ("127.0.0.1", *address[1:])
    return bind(self, address)


socket.socket.bind = bind_here
