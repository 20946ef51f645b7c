#!/usr/bin/env python3
"""Runs the benchmarks and writes docs/benchmarks.md, with its plots.

Everything that is compared is run side by side in the one run. The measurements are kept beside the
programs, in results.json, from which --render writes the page again.

With --smoke, runs the first five parts for a moment and fails unless every one of portpool's
promises holds. It looks at no time.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import shlex
import statistics
import subprocess
import sys
import time

import report

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # for which Debian packages portpicker
THREADS = 4
PROCESSES = 16  # of the storm, where their number is not what is compared


class Size:
    """How much of everything is run."""

    def __init__(self, smoke):
        self.repetitions = 2 if smoke else 30
        self.seconds_each = 0.01 if smoke else 0.1
        self.occupied = [0, 99] if smoke else [0, 50, 90, 99]
        self.first_ports = 2 if smoke else 400
        # tests of the storm, by number of processes
        self.storm = {1: 200, 4: 800, 16: 3200} if smoke else {
            1: 50_000, 4: 200_000, 16: 384_000, 64: 384_000}
        # tests of the storm for each way of starting processes, by source
        self.starts = {"portpool": 24_000} if smoke else {
            "portpool": 80_000, "bind-zero": 24_000, "random-probe": 24_000,
            "pysys-probe": 24_000}
        self.peer_first_ports = 50
        self.peer_storm = 50_000
        self.peer_starts = 8_000
        self.peer_allocations = 2_000
        self.requests = 4_000  # of the 10,000 ports that a portserver has
        self.request_runs = 5
        self.suite_runs = 3
        self.compilations = 60


def say(text):
    print(f"-- {text}", flush=True)


def undisturbed(measured):
    """The tenth percentile: what takes longer on a shared machine is often somebody else's."""
    return statistics.quantiles(measured, n=10, method="inclusive")[0]


def processor_time_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def output_of(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


class Benchmarks:
    def __init__(self, build, size):
        self.build = build
        self.programs = build / "bench"
        self.size = size

    def program(self, name):
        return str(self.programs / name)

    # ---- 1 and 2: an allocation ------------------------------------------------------------------

    @contextlib.contextmanager
    def occupied(self, percent):
        """Other programs that have so many of the ports; yields their number."""
        with contextlib.ExitStack() as running:
            # One may not open so many sockets.
            occupiers = [running.enter_context(subprocess.Popen(
                [self.program("occupy"), str(first), str(min(first + 25, percent))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
                for first in range(0, percent, 25)]
            yield sum(int(occupier.stdout.readline()) for occupier in occupiers)

    def allocation(self, percent):
        """Each benchmark's nanoseconds, and the counters of the first pass."""
        say(f"allocations, {percent} % of the ports occupied")
        blocks = "|block/4" if percent <= 90 else ""  # of which there are none at 99 %
        wanted = "." if percent == 0 else f"^(floor|allocate|first_pass/iterations:1{blocks})$"
        with self.occupied(percent) as occupied:
            runs = json.loads(output_of(
                self.program("allocation_benchmark"), "--benchmark_format=json",
                f"--benchmark_filter={wanted}", f"--benchmark_min_time={self.size.seconds_each}",
                f"--benchmark_repetitions={self.size.repetitions}",
                "--benchmark_enable_random_interleaving=true", stderr=subprocess.DEVNULL))
        by_name = {}
        for run in runs["benchmarks"]:
            if run["run_type"] == "iteration":
                by_name.setdefault(run["name"], []).append(run)
        # Threads disturb each other: there the usual time is what counts.
        times = {name: (statistics.median if named[0]["threads"] > 1 else undisturbed)(
            [run["real_time"] for run in named]) for name, named in by_name.items()}
        first_pass = min(by_name["first_pass/iterations:1"], key=lambda run: run["busy"])
        return {"occupied": occupied, "ns": times, "free": first_pass["free"],
                "busy": first_pass["busy"]}

    # ---- 3: the first port of a process ----------------------------------------------------------

    def process_times(self, commands, count):
        """The seconds of each command, run in turns as whole processes, so often."""
        times = {name: [] for name in commands}
        for _ in range(count):
            for name, (environment, command) in commands.items():
                start = time.perf_counter()
                pid = os.posix_spawn(command[0], command, {**os.environ, **environment})
                _, status = os.waitpid(pid, 0)
                times[name].append(time.perf_counter() - start)
                if status != 0:
                    sys.exit(f"{command} failed")
        return {name: undisturbed(seconds) for name, seconds in times.items()}

    def first_port(self):
        say("the first port of a process")
        program = self.program("first_port")
        return self.process_times({"none": ({}, [program, "0"]), "first": ({}, [program, "1"])},
                                  self.size.first_ports)

    # ---- 4: the storm ----------------------------------------------------------------------------

    def storm(self, processes, tests, *options, environment=None):
        """The sums of what so many processes count."""
        command = [self.program("storm"), *options, "--threads", str(THREADS), "--tests",
                   str(tests // processes)]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                    env={**os.environ, **(environment or {})})
                   for _ in range(processes)]
        counts = [json.loads(process.communicate()[0] or "{}") for process in running]
        if any(process.returncode != 0 for process in running):
            sys.exit(f"a process of the storm failed: {command}")
        sums = {key: sum(count[key] for count in counts) for key in counts[0] if key != "seconds"}
        sums["seconds"] = max(count["seconds"] for count in counts)
        return sums

    def storms(self):
        results = {source: {} for source in report.SOURCES}
        for processes, tests in self.size.storm.items():
            for source in report.SOURCES:
                say(f"storm: {source}, {processes} x {THREADS} tests at a time")
                results[source][str(processes)] = self.storm(processes, tests, "--source", source)
        return results

    # ---- 5: the storm while processes are started ------------------------------------------------

    def storm_of_starts(self, tests, *options, environment=None):
        """A storm without a pause, in which a new process could lose its copies of the sockets."""
        return self.storm(PROCESSES, tests, *options, "--pause", "0", environment=environment)

    def starts(self):
        results = {source: {} for source in self.size.starts}
        for source, tests in self.size.starts.items():
            for way in report.WAYS:
                say(f"storm: {source}, processes started by: {way}")
                results[source][way] = self.storm_of_starts(tests, "--source", source,
                                                            "--start", way)
        return results

    # ---- 6: what people use ----------------------------------------------------------------------

    PORTSERVER = [PYTHON, "/usr/bin/portserver", "--portserver_address"]

    @contextlib.contextmanager
    def port_server(self, *command):
        """A port server, with its address for the last argument; yields the address."""
        address = f"@portpool-benchmarks-{os.getpid()}"
        listening = "00010000"  # among the flags of a socket
        server = subprocess.Popen([*command, address], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            while not any(listening in line and line.endswith(address) for line in
                          pathlib.Path("/proc/net/unix").read_text().splitlines()):
                if server.poll() is not None:
                    sys.exit(f"{command} does not start")
                time.sleep(0.01)
            yield address
        finally:
            server.terminate()
            server.wait()

    def peers(self):
        python = [PYTHON, str(HERE / "peers" / "python_ports.py")]
        # Node looks for a package above the program's own folder.
        node_program = self.build / "peers" / "get_port.mjs"
        node_program.write_bytes((HERE / "peers" / "get_port.mjs").read_bytes())
        node = [output_of("sh", "-c", "command -v node").strip(), str(node_program)]
        with self.port_server(*self.PORTSERVER) as address:
            asking = {"PORTSERVER_ADDRESS": address}
            peers = {
                "socket_helper": ({}, [*python, "socket_helper"]),
                "portpicker": ({}, [*python, "portpicker"]),
                "portpicker, portserver": (asking, [*python, "portpicker"]),
                "get-port": ({}, node),
            }
            results = {name: {} for name in peers}
            for name, (environment, command) in peers.items():
                say(f"{name}: allocations")
                results[name]["seconds"] = float(output_of(
                    *command, "time", str(self.size.peer_allocations),
                    env={**os.environ, **environment}))
            say("the first ports of their processes")
            starts = {(name, mode): (environment, [*command, mode])
                      for name, (environment, command) in peers.items()
                      for mode in ("none", "first")}
            times = self.process_times(starts, self.size.peer_first_ports)
            for (name, mode), seconds in times.items():
                results[name][mode] = seconds
            for name, (environment, command) in peers.items():
                say(f"storm: {name}, {PROCESSES} x {THREADS} tests at a time")
                results[name]["storm"] = self.storm(
                    PROCESSES, self.size.peer_storm, "--command",
                    shlex.join([*command, "serve", "none"]), environment=environment)
                results[name]["starts"] = {}
                for way in report.PEERS_WAYS[name]:
                    say(f"storm: {name}, processes started by: {way}")
                    results[name]["starts"][way] = self.storm_of_starts(
                        self.size.peer_starts, "--command",
                        shlex.join([*command, "serve", way]), environment=environment)
        return results

    # ---- 7: port servers -------------------------------------------------------------------------

    def requests(self):
        """Requests a second that each port server answers, by the clients at a time."""
        servers = {
            "portserver": self.PORTSERVER,
            "portpool serve": [str(self.build / "cli" / "portpool"), "serve", "--ports",
                               "15000-24999", "--address"],
        }
        rates = {name: {clients: [] for clients in report.CLIENTS} for name in servers}
        for _ in range(self.size.request_runs):
            for clients in report.CLIENTS:
                for name, command in servers.items():
                    say(f"{name}: requests, {clients} at a time")
                    with self.port_server(*command) as address:
                        seconds = float(output_of(self.program("port_requests"), address, clients,
                                                  str(self.size.requests)))
                    rates[name][clients].append(self.size.requests / seconds)
        return {name: {clients: statistics.median(each) for clients, each in by_clients.items()}
                for name, by_clients in rates.items()}

    # ---- 8: a suite ------------------------------------------------------------------------------

    def suite(self):
        """Seconds of the demo suite, by tests at a time."""
        times = {"1": [], "16": []}
        for _ in range(self.size.suite_runs):
            for jobs, seconds in times.items():
                say(f"the demo suite, ctest -j{jobs}")
                start = time.perf_counter()
                printed = output_of("ctest", "--test-dir", str(self.build), "-L", "demo",
                                    "--parallel", jobs)
                seconds.append(time.perf_counter() - start)
        tests = int(printed.split("tests failed out of ")[1].split()[0])
        return {"tests": tests, **{jobs: statistics.median(each) for jobs, each in times.items()}}

    # ---- 9: the headers --------------------------------------------------------------------------

    def headers(self):
        """Seconds of a compiler for an empty test, by framework, without and with the adapter."""
        cache = dict(line.split("=", 1) for line in
                     (self.build / "CMakeCache.txt").read_text().splitlines() if "=" in line)
        root = HERE.parent
        catch2 = pathlib.Path(cache["Catch2_DIR:PATH"]).parents[2] / "include"
        compile_test = [*(f"-I{root / folder}" for folder in (
            "include", "gtest_adapter/include", "catch2_adapter/include")),
            "-isystem", str(catch2), "-std=c++17", "-x", "c++", "-c", "-", "-o", os.devnull]
        tests = {"GoogleTest": ("gtest/gtest.h", "portpool/gtest.hpp", "TEST(Empty, Test) {}"),
                 "Catch2": ("catch2/catch_test_macros.hpp", "portpool/catch2.hpp",
                            'TEST_CASE("empty") {}')}
        seconds = {}
        for compiler in ("g++", "clang++"):
            say(f"the headers, {compiler}")
            for framework, (header, adapter, test) in tests.items():
                without = f"#include <{header}>\n"
                texts = {"without": without + test,
                         "with": without + f"#include <{adapter}>\n" + test}
                times = {name: [] for name in texts}
                for _ in range(self.size.compilations):
                    for name, text in texts.items():
                        before = processor_time_of_children()
                        subprocess.run([compiler, *compile_test], input=text, text=True, check=True)
                        times[name].append(processor_time_of_children() - before)
                # Neighbours in time, whose processor runs as fast: the machine's speed changes more
                # in a minute than a header costs.
                usual = statistics.median(times["without"])
                ratio = statistics.median(
                    more / less for less, more in zip(times["without"], times["with"]))
                seconds.setdefault(framework, {})[compiler] = {
                    "without": usual, "with": usual * ratio}
        return seconds

    # ---- All -------------------------------------------------------------------------------------

    def core(self):
        return {
            "allocation": {str(percent): self.allocation(percent)
                           for percent in self.size.occupied},
            "first_port": self.first_port(),
            "storm": self.storms(),
            "starts": self.starts(),
        }

    def everything(self):
        # First what fails at once if something of the build is missing.
        results = {"machine": self.machine(), "suite": self.suite()}
        results["peers"] = self.peers()
        results["requests"] = self.requests()
        results["headers"] = self.headers()
        results.update(self.core())
        return results

    def machine(self):
        cpu = [line.split(":")[1].strip()
               for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
               if line.startswith("model name")]
        get_port = self.build / "peers/node_modules/get-port/package.json"
        package = lambda name: output_of("dpkg-query", "-W", "-f", "${Version}", name)
        return {
            "processors": f"{len(cpu)} x {cpu[0]}",
            "kernel": os.uname().release,
            "versions": {
                "g++": output_of("c++", "-dumpfullversion").strip(),
                "Google Benchmark": package("libbenchmark-dev"),
                "CPython": output_of(PYTHON, "--version").split()[1],
                "portpicker": package("python3-portpicker"),
                "node": output_of("node", "--version").strip().lstrip("v"),
                "get-port": json.loads(get_port.read_text())["version"],
                "redis-server": package("redis-server").split(":")[-1],
            },
        }


def check(results):
    """Ends the program unless every promise of portpool's held."""
    broken = []
    for percent, allocation in results["allocation"].items():
        if allocation["busy"] < allocation["occupied"]:
            broken.append(f"with {percent} % of the ports occupied, occupied ones were handed out")
    starts = results["starts"]["portpool"]
    storms = {f"of {processes} processes": counts
              for processes, counts in results["storm"]["portpool"].items()}
    storms.update((f"with processes started by {way}", counts) for way, counts in starts.items())
    for storm, counts in storms.items():
        for what in report.FAILURES:
            if counts[what] != 0:
                broken.append(f"{counts[what]} {what} in the storm {storm}")
    for way, counts in starts.items():
        if way != "none" and counts["started"] == 0:
            broken.append(f"no process was started by {way}, so that its storm shows nothing")
    for sentence in broken:
        print(f"benchmarks: {sentence}", file=sys.stderr)
    if broken:
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--smoke", action="store_true", help="check that the promises hold, quickly")
    mode.add_argument("--render", action="store_true", help="write the page of the last results")
    arguments = parser.parse_args()

    benchmarks = Benchmarks(arguments.build.resolve(), Size(arguments.smoke))
    kept = benchmarks.programs / "results.json"
    if arguments.smoke:
        check(benchmarks.core())
        print("benchmarks: every promise held")
        return
    if not arguments.render:
        kept.write_text(json.dumps(benchmarks.everything(), indent=1))
    results = json.loads(kept.read_text())
    report.write(results, HERE.parent / "docs")
    check(results)


main()
