"""Row 10: a way out, or in. Somebody does listen on CANARY_PORT outside."""

from attacks.attack import TD, ZEROS, Attack, cells


def _cell(name: str, example: str, code: str) -> Attack:
    return Attack(name, 10, example, cells({"gae": ZEROS}, behind={"gae": code}), TD)


ATTACKS = (
    _cell(
        "a10-connects",
        "connecting anywhere",
        """
        for family, place in (
            (socket.AF_INET, ("127.0.0.1", CANARY_PORT)),
            (socket.AF_INET, ("192.0.2.1", 80)),
            (socket.AF_INET6, ("::1", CANARY_PORT)),
        ):
            try:
                with socket.socket(family) as line:
                    line.settimeout(0.5)
                    line.connect(place)
                    line.sendall(b"rlcore-attack")
                    leak(place)
            except OSError as error:
                print(error)
        """,
    ),
    _cell(
        "a10-datagrams",
        "connecting anywhere: datagrams, which need no connection",
        """
        for place in (("127.0.0.1", CANARY_PORT), ("255.255.255.255", CANARY_PORT)):
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                    line.sendto(b"rlcore-attack", place)
            except OSError as error:
                print(error)
        """,
    ),
    _cell(
        "a10-raw",
        "connecting anywhere: raw sockets",
        """
        for family in (socket.AF_PACKET, socket.AF_INET):
            try:
                socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMP)
                leak(family)
            except OSError as error:
                print(error)
        """,
    ),
    _cell(
        "a10-machine-around",
        "connecting anywhere: sockets that no network namespace holds",
        """
        for family in (40, 38, 17, 31, 30, 29):
            try:
                socket.socket(family, socket.SOCK_STREAM)
                leak(family)
            except OSError as error:
                print(error)
        """,
    ),
    _cell(
        "a10-listens",
        "listening",
        """
        for place in ("127.0.0.1", "0.0.0.0"):
            try:
                line = socket.create_server((place, 0))
                print("listening in a network of its own", len(line.getsockname()))
            except OSError as error:
                print(error)
        if os.fork() == 0:
            os.setsid()
            line = socket.create_server(("0.0.0.0", 47613))
            line.settimeout(30)
            try:
                line.accept()
            finally:
                os._exit(0)
        """,
    ),
    _cell(
        "a10-abstract-sockets",
        "abstract sockets",
        """
        try:
            line = socket.socket(socket.AF_UNIX)
            line.connect("\\0rlcore-canary-CANARY_PORT")
            leak("abstract")
        except OSError as error:
            print(error)
        line = socket.socket(socket.AF_UNIX)
        line.bind("\\0rlcore-attack")
        line.listen()
        """,
    ),
    _cell(
        "a10-paths",
        "abstract sockets, and those with a path",
        """
        for path in ("CANARY_FOLDER/socket", "/run/docker.sock", "/run/dbus/system_bus_socket"):
            try:
                socket.socket(socket.AF_UNIX).connect(path)
                leak(path)
            except OSError as error:
                print(error)
        """,
    ),
    _cell(
        "a10-names",
        "name look-ups",
        """
        for name in ("example.invalid", "localhost.example.invalid"):
            try:
                leak(socket.getaddrinfo(name, 80))
            except OSError as error:
                print(error)
        """,
    ),
)
