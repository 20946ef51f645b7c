#!/usr/bin/python3
"""The port libraries of Python, as the benchmarks use them.

python_ports.py LIBRARY serve START   answers each line "take" with a port, and the number of
                                      processes started by then; "return PORT" gives it back
python_ports.py LIBRARY first         takes one port
python_ports.py LIBRARY none          takes none
python_ports.py LIBRARY time N        takes N ports and prints the seconds that one takes

LIBRARY is socket_helper (CPython's test.support) or portpicker, which asks the portserver named by
PORTSERVER_ADDRESS if there is one. START is how another thread starts processes all the while:
none, fork, posix_spawn, subprocess or system.
"""

import os
import subprocess
import sys
import threading
import time

PROGRAM = "/bin/true"


def fork():
    child = os.fork()
    if child == 0:
        os.execv(PROGRAM, [PROGRAM])
    os.waitpid(child, 0)


WAYS_TO_START = {
    "fork": fork,
    "posix_spawn": lambda: os.waitpid(os.posix_spawn(PROGRAM, [PROGRAM], os.environ), 0),
    "subprocess": lambda: subprocess.run([PROGRAM]),
    "system": lambda: os.system(PROGRAM),
}


class Starter(threading.Thread):
    """Starts processes, one after another, until the program ends."""

    def __init__(self, way):
        super().__init__(daemon=True)
        self.way = way
        self.started = 0

    def run(self):
        while self.way != "none":
            WAYS_TO_START[self.way]()
            self.started += 1


def library(name):
    """Returns its functions that take a port and give it back."""
    if name == "socket_helper":
        from test.support.socket_helper import find_unused_port

        return find_unused_port, lambda port: None
    import portpicker

    return portpicker.pick_unused_port, portpicker.return_port


def serve(take, give_back, start):
    starter = Starter(start)
    starter.start()
    for line in sys.stdin:
        verb, *port = line.split()
        if verb == "take":
            print(take(), starter.started, flush=True)
        else:
            give_back(int(port[0]))


def main():
    name, mode, *rest = sys.argv[1:]
    if mode == "none":
        return
    take, give_back = library(name)
    if mode == "serve":
        serve(take, give_back, *rest)
    elif mode == "first":
        take()
    else:
        count = int(rest[0])
        start = time.perf_counter()
        for _ in range(count):
            take()
        print((time.perf_counter() - start) / count)


main()
