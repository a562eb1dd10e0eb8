"""Which addresses a test may reach: this machine's."""

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1", "", None}


def is_local(address: object) -> bool:
    if not isinstance(address, tuple):  # a pipe's, or a local socket's
        return True
    host = address[0]
    return (host.decode() if isinstance(host, bytes) else host) in LOCAL_HOSTS
