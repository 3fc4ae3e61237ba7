"""Says which way curl or gRPC C-core goes under each row's environment, by watching whom it really asks.

`wire.py curl|grpc`, in a network namespace of its own (`unshare --net`): every address is made local there, every name
has an address that this script gave it, so whatever the program asks is this script, and nothing leaves the machine.
Rows come as JSON on standard input, answers go as JSON to standard output: `direct`, `nobody`,
`http://[user:password@]host:port`, `https://host:port` or `socks`.
"""
import base64
import json
import os
import socket
import subprocess
import sys
import threading

PORTS = (80, 443, 1080, 3128, 8443)
LIMIT = 20  # seconds; a row takes a few milliseconds


def every_address_is_local():
    for command in ("link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)


class Names:
    """A resolver that has an IPv4 address for every name, and knows the name again."""

    def __init__(self):
        self.of_address = {}
        servers = ["127.0.0.1"]
        with open("/etc/resolv.conf", encoding="utf-8") as lines:
            servers += [line.split()[1] for line in lines if line.startswith("nameserver")]
        for server in dict.fromkeys(servers):
            udp = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind((server, 53))
            threading.Thread(target=self.serve, args=(udp,), daemon=True).start()

    def serve(self, udp):
        while True:
            query, peer = udp.recvfrom(4096)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode())
                at += query[at] + 1
            question = query[12 : at + 5]
            record = b""
            if question[-4:-2] == b"\x00\x01":
                record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04" + self.address(".".join(labels))
            counts = b"\x00\x01" + (b"\x00\x01" if record else b"\x00\x00") + b"\x00" * 4
            udp.sendto(query[:2] + b"\x81\x80" + counts + question + record, peer)

    def address(self, name):
        known = {n: a for a, n in self.of_address.items()}.get(name)
        address = known or f"192.0.2.{len(self.of_address) + 1}"
        self.of_address[address] = name
        return socket.inet_aton(address)


class Watch:
    """What the row under way has asked first."""

    def __init__(self, names):
        self.names, self.changed, self.host, self.seen = names, threading.Condition(), None, None
        for port in PORTS:
            listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
            threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def start(self, host):
        with self.changed:
            self.host, self.seen = host, None

    def tell(self, what):
        with self.changed:
            self.seen = self.seen or what
            self.changed.notify_all()

    def wait(self):
        with self.changed:
            self.changed.wait_for(lambda: self.seen, timeout=LIMIT)
            return self.seen or "nobody"

    def accept(self, listener):
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(LIMIT)
                address, port = connection.getsockname()[:2]
                try:
                    head = read_head(connection)
                except OSError:
                    head = b""
                self.tell(self.way(address.removeprefix("::ffff:"), port, head))

    def way(self, address, port, head):
        host = "localhost" if self.host == "localhost" and address in ("127.0.0.1", "::1") else address
        host = self.names.of_address.get(host, host).lower()
        if host == self.host and not head.startswith(b"CONNECT "):
            return "direct"
        if head[:1] in (b"\x04", b"\x05"):
            return "socks"
        bracketed = f"[{host}]" if ":" in host else host
        if head[:1] == b"\x16":
            return f"https://{bracketed}:{port}"
        credentials = ""
        for line in head.decode("latin-1").split("\r\n"):
            if line.lower().startswith("proxy-authorization:"):
                credentials = base64.b64decode(line.split()[-1]).decode() + "@"
        return f"http://{credentials}{bracketed}:{port}"


def read_head(connection):
    """A request's head, or the first bytes of anything else."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 65536:
        more = connection.recv(4096)
        head += more
        if not more or head[:1] not in (b"C", b"G") or head.startswith(b"PRI "):
            break
    return head


def ask_curl(row, url, watch):
    environment = {**row["environment"], "PATH": os.environ["PATH"]}
    command = ["curl", "--disable", "--silent", "--max-time", str(LIMIT), "--globoff", url]
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    watch.tell("nobody")


def ask_grpc(row, url, watch):
    import grpc

    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ.update(row["environment"])
    place = url.split("//")[1].removesuffix("/")
    if place.count(":") == 0 or place.endswith("]"):
        place += f":{row['port']}"

    def heard(state):
        if state == grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            watch.tell("nobody")

    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"dns:///{place}", options=options) as channel:
        channel.subscribe(heard, try_to_connect=True)
        watch.wait()


def main():
    ask = {"curl": ask_curl, "grpc": ask_grpc}[sys.argv[1]]
    rows = json.load(sys.stdin)
    every_address_is_local()
    watch = Watch(Names())
    ways = []
    for row in rows:
        watch.start(row["host"])
        ask(row, row["url"], watch)
        ways.append(watch.wait())
    print(json.dumps(ways))


main()
