#!/usr/bin/python3
"""The port libraries of Python, as the benchmarks use them.

python_ports.py LIBRARY serve    answers each line "take" with a port; "return PORT" gives it back
python_ports.py LIBRARY first    takes one port
python_ports.py LIBRARY none     takes none
python_ports.py LIBRARY time N   takes N ports and prints the seconds that one takes

LIBRARY is socket_helper (CPython's test.support) or portpicker, which asks the portserver named by
PORTSERVER_ADDRESS if there is one.
"""

import sys
import time


def library(name):
    """Returns its functions that take a port and give it back."""
    if name == "socket_helper":
        from test.support.socket_helper import find_unused_port

        return find_unused_port, lambda port: None
    import portpicker

    return portpicker.pick_unused_port, portpicker.return_port


def serve(take, give_back):
    for line in sys.stdin:
        verb, *port = line.split()
        if verb == "take":
            print(take(), flush=True)
        else:
            give_back(int(port[0]))


def main():
    name, mode, *count = sys.argv[1:]
    if mode == "none":
        return
    take, give_back = library(name)
    if mode == "serve":
        serve(take, give_back)
    elif mode == "first":
        take()
    else:
        start = time.perf_counter()
        for _ in range(int(count[0])):
            take()
        print((time.perf_counter() - start) / int(count[0]))


main()
