"""Notes when requests reach a server's port, from the kernel's own stamps of the packets on the loopback device.

    python3 client-wire.py PORT RESULT.jsonl

Prints "ready" when it listens, and ends with SIGTERM. A line for each request whose body is there:
{"id": its x-request-id or null, "arrivedNs": CLOCK_MONOTONIC of its last packet}. Needs the right to read packets
(root, or CAP_NET_RAW). A filter in the kernel lets nothing through but data to the port, so that the events of the
streams, which go the other way, cost nothing here. Packets wait in the kernel until a line on stdin asks for them, and
the answer "read" says that they are in the file: what is measured runs alone.
"""
import ctypes
import json
import os
import re
import signal
import socket
import struct
import sys
import time

PR_SET_PDEATHSIG = 1
ETH_P_IP = 0x0800
SO_TIMESTAMPNS = 35
SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
ETHERNET = 14
ID = re.compile(rb"\r\nx-request-id: ([^\r]+)\r\n", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


def data_to(port):
    """A packet filter: IPv4, TCP, not a fragment, to the port, with data."""
    return [
        (0x28, 0, 0, 12), (0x15, 0, 14, ETH_P_IP),  # the type
        (0x30, 0, 0, 23), (0x15, 0, 12, socket.IPPROTO_TCP),
        (0x28, 0, 0, 20), (0x45, 10, 0, 0x1FFF),  # the fragment's place
        (0xB1, 0, 0, ETHERNET),  # X = length of IP's header
        (0x48, 0, 0, ETHERNET + 2), (0x15, 0, 7, port),
        (0x50, 0, 0, ETHERNET + 12), (0x54, 0, 0, 0xF0), (0x74, 0, 0, 2),  # length of TCP's header
        (0x0C, 0, 0, 0), (0x07, 0, 0, 0),  # X = length of both
        (0x28, 0, 0, 16), (0x2D, 1, 0, 0),  # total length > X
        (0x06, 0, 0, 0), (0x06, 0, 0, 0x40000),
    ]  # fmt: skip


def listen(port):
    program = b"".join(struct.pack("HBBI", *step) for step in data_to(port))
    buffer = ctypes.create_string_buffer(program)
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    steps = len(program) // 8
    packets.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", steps, ctypes.addressof(buffer)))
    packets.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    # Beyond the usual limit: all packets of a run wait there.
    packets.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    packets.bind(("lo", 0))
    return packets


def clock_offset():
    """The time of day less CLOCK_MONOTONIC. What comes between two looks at clocks makes it smaller: the largest is right."""
    return max(time.time_ns() - time.monotonic_ns() for _ in range(5))


def requests_in(packets, open_requests):
    """The requests whose last packet waits in the kernel; `open_requests` keeps what has come of others."""
    while True:
        try:
            packet, extra, _, address = packets.recvmsg(65536, 64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        if address[2] != socket.PACKET_HOST:
            continue  # each packet is seen on its way out, too
        seconds, nanoseconds = struct.unpack("qq", extra[0][2])
        header = ETHERNET + (packet[ETHERNET] & 15) * 4
        source = struct.unpack_from("!H", packet, header)[0]
        total = struct.unpack_from("!H", packet, 16)[0]
        data = packet[header + (packet[header + 12] >> 4) * 4 : ETHERNET + total]
        data = open_requests.pop(source, b"") + data
        head, end, body = data.partition(b"\r\n\r\n")
        length = LENGTH.search(head + b"\r\n")
        if end and length and len(body) < int(length[1]) or not end:
            open_requests[source] = data
        elif data.startswith(b"POST /v1/completions"):
            name = ID.search(head + b"\r\n")
            yield {
                "id": name and name[1].decode(),
                "arrivedNs": seconds * 10**9 + nanoseconds - clock_offset(),
            }


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    packets = listen(port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    print("ready", flush=True)
    open_requests = {}
    with open(path, "w", buffering=1) as file:
        for _ in sys.stdin:
            for request in requests_in(packets, open_requests):
                file.write(json.dumps(request) + "\n")
            print("read", flush=True)


main()
