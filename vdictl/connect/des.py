"""The two uses that VNC makes of DES: answering a challenge, and a password file for native viewers."""

from __future__ import annotations

from vdictl.contract.errors import NotConfigured
from vdictl.contract.model import Secret

#: The key that every VNC program uses for its password file (`vncpasswd`): obfuscation, not encryption.
_FILE_KEY = bytes((23, 82, 107, 6, 35, 78, 88, 7))


def response(password: Secret, challenge: bytes) -> bytes:
    """What proves the password to a VncAuth server. Only the first eight bytes of a password count.

    Raises:
        NotConfigured: no DES on this machine.
    """
    return _encrypt(_eight(password), challenge)


def password_file(password: Secret) -> bytes:
    """The eight bytes that `vncpasswd -f` would write. Whoever reads them knows the password: mode 0600."""
    return _encrypt(_FILE_KEY, _eight(password))


def _eight(password: Secret) -> bytes:
    return password.reveal().encode()[:8].ljust(8, b"\0")


def _encrypt(key: bytes, data: bytes) -> bytes:
    try:
        from Crypto.Cipher import DES  # lazily: only VNC needs it, and it costs start-up time
    except ImportError as error:
        raise NotConfigured(
            "VNC's password check needs DES, which Python lacks.",
            details=str(error),
            advice="pip install 'vdictl[local]'",
        ) from error
    # VNC takes the bits of each byte of the key in the other order.
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in key)
    done: bytes = DES.new(mirrored, DES.MODE_ECB).encrypt(data)  # noqa: S304 - the protocol has no other
    return done
