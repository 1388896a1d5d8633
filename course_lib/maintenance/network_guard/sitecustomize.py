"""Refuse every connection but loopback; Python imports this file at start where it is on the path.

Validation puts this folder on PYTHONPATH, so that no notebook, nor a process that it starts, can
depend on a network.
"""

import ipaddress
import socket

_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex
_sendto, _getaddrinfo, _gethostbyname = socket.socket.sendto, socket.getaddrinfo, socket.gethostbyname


class NetworkBlockedError(ConnectionRefusedError):
    """A connection was tried while notebooks are validated."""


def _refuse_unless_loopback(host) -> None:
    if host in (None, "", "localhost", b"localhost", socket.gethostname()):
        return
    try:
        if ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback:
            return
    except ValueError:
        pass
    raise NetworkBlockedError(
        f"The network is closed while notebooks are validated, and {host!r} was wanted."
    )


def _guarded(original):
    def connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_unless_loopback(address[0])
        return original(self, address)

    return connect


def _guarded_getaddrinfo(host, *arguments, **named):
    _refuse_unless_loopback(host)
    return _getaddrinfo(host, *arguments, **named)


def _guarded_gethostbyname(host):
    _refuse_unless_loopback(host)
    return _gethostbyname(host)


def _guarded_sendto(self, *arguments):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        _refuse_unless_loopback(arguments[-1][0])
    return _sendto(self, *arguments)


socket.socket.connect = _guarded(_connect)
socket.socket.connect_ex = _guarded(_connect_ex)
socket.getaddrinfo = _guarded_getaddrinfo
socket.gethostbyname = _guarded_gethostbyname
socket.socket.sendto = _guarded_sendto
