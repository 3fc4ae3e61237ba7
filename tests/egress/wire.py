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
# gRPC goes on trying while the next row is asked, so each row has a port of its own for its target: C-core's rules
# never look at it.
OWN_PORTS = 20000
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

    def __init__(self, names, ports):
        self.names, self.changed = names, threading.Condition()
        self.host, self.port, self.seen = None, None, None
        for port in ports:
            listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
            threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def start(self, host, port):
        with self.changed:
            self.host, self.port, self.seen = host, port, None

    def tell(self, port, what):
        """Something was asked on behalf of the row with that port."""
        with self.changed:
            if port == self.port:
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
                self.tell(*self.way(address.removeprefix("::ffff:"), port, head))

    def way(self, address, port, head):
        host = "localhost" if self.host == "localhost" and address in ("127.0.0.1", "::1") else address
        host = self.names.of_address.get(host, host).lower()
        if host == self.host and not head.startswith(b"CONNECT "):
            return port, "direct"
        if head[:1] in (b"\x04", b"\x05"):
            return self.port, "socks"
        bracketed = f"[{host}]" if ":" in host else host
        if head[:1] == b"\x16":
            return self.port, f"https://{bracketed}:{port}"
        asked_for = head.split(b" ")[1].decode("latin-1") if head.startswith(b"CONNECT ") else f":{self.port}"
        credentials = ""
        for line in head.decode("latin-1").split("\r\n"):
            if line.lower().startswith("proxy-authorization:"):
                credentials = base64.b64decode(line.split()[-1]).decode() + "@"
        return int(asked_for.rpartition(":")[2]), f"http://{credentials}{bracketed}:{port}"


def read_head(connection):
    """A request's head, or the first bytes of anything else."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 65536:
        more = connection.recv(4096)
        head += more
        if not more or head[:1] not in (b"C", b"G") or head.startswith(b"PRI "):
            break
    return head


def ask_curl(row, port, watch):
    environment = {**row["environment"], "PATH": os.environ["PATH"]}
    command = ["curl", "--disable", "--silent", "--max-time", str(LIMIT), "--globoff", row["url"]]
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    watch.tell(port, "nobody")


def ask_grpc(row, port, watch):
    import grpc

    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ.update(row["environment"])
    host = f"[{row['host']}]" if ":" in row["host"] else row["host"]

    def heard(state):
        if state == grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            watch.tell(port, "nobody")

    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"dns:///{host}:{port}", options=options) as channel:
        channel.subscribe(heard, try_to_connect=True)
        watch.wait()


def main():
    rows = json.load(sys.stdin)
    if sys.argv[1] == "curl":
        ask, ports = ask_curl, [row["port"] for row in rows]
    else:
        ask, ports = ask_grpc, range(OWN_PORTS, OWN_PORTS + len(rows))
    every_address_is_local()
    watch = Watch(Names(), sorted({*PORTS, *ports}))
    ways = []
    for row, port in zip(rows, ports):
        watch.start(row["host"], port)
        ask(row, port, watch)
        ways.append(watch.wait())
    print(json.dumps(ways))


main()
