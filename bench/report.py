"""Writes what the benchmarks measured as a page, with its plots."""

import subprocess

SOURCES = {
    "portpool": "portpool",
    "bind-zero": "bind port 0, close, reuse the number",
    "random-probe": "random number, and probe",
    "pysys-probe": "random number, and PySys's probe: hosts `\"\"` and `localhost`, with `listen`",
}

FAILURES = ("failed_binds", "misdirected", "failed_connections")  # that the storm counts

# The ways to start processes beside the storm's tests.
WAYS = {
    "none": "none",
    "fork": "`fork`",
    "vfork": "`vfork`",
    "posix_spawn": "`posix_spawn`",
    "popen": "`popen`",
}
PYTHON_WAYS = {
    "none": "none",
    "fork": "`os.fork`",
    "posix_spawn": "`os.posix_spawn`",
    "subprocess": "`subprocess`",
    "system": "`os.system`",
}
NODE_WAYS = {
    "none": "none",
    "spawn": "`spawn`",
    "worker": "`spawnSync` in a worker thread",
}
PEERS_WAYS = {
    "socket_helper": PYTHON_WAYS,
    "portpicker": PYTHON_WAYS,
    "portpicker, portserver": PYTHON_WAYS,
    "get-port": NODE_WAYS,
}

CLIENTS = ("1", "16")  # of a port server, at a time

PROMISES = {
    "portpool": "Nobody on the machine who uses portpool gets the number until the owner returns "
                "it or dies; programs that do not use it can take it, unless it is held.",
    "socket_helper": "The number was free a moment ago. Nothing keeps the system from giving it "
                     "to the next caller, of this process or another.",
    "portpicker": "The number was free for TCP and UDP a moment ago, and this process is not given "
                  "it again before it returns it. Nothing between processes.",
    "portpicker, portserver": "Nobody who asks the same portserver gets the number until this "
                              "process has ended, if the portserver runs and every process asks "
                              "it; where it does not answer, portpicker silently goes on without.",
    "get-port": "The number was free a moment ago, and this process is not given it again for 15 "
                "to 30 seconds. Nothing between processes.",
}


def table(head, *rows, texts=1):
    """A table in Markdown; all columns but the first `texts` are figures."""
    lines = [head, ["---"] * texts + ["---:"] * (len(head) - texts), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def times(ratio):
    return f"{ratio:.2f} ×"


def microseconds(nanoseconds):
    return f"{nanoseconds / 1000:.1f} µs"


def milliseconds(seconds):
    return f"{seconds * 1000:.2f} ms"


def more(seconds):
    """What the adapter's header adds to a compilation."""
    return f"{(seconds['with'] / seconds['without'] - 1) * 100:.1f} %"


def per_million(count, tests):
    return f"{count / tests * 1e6:.0f}" if count else "0"


def tests(storms):
    return sum(counts["tests"] for counts in storms)


def failures(storms):
    return sum(counts[what] for counts in storms for what in FAILURES)


def failed_binds(counts):
    """Per million tests."""
    return per_million(counts["failed_binds"], counts["tests"])


def worst(starts):
    """The counts of the way to start processes at which most binds fail."""
    return max((counts for way, counts in starts.items() if way != "none"),
               key=lambda counts: counts["failed_binds"])


def starts_table(ways, starts):
    """The failed binds of each source, or peer, by the way processes are started."""
    return table(["", "tests of each", "processes started", *ways.values()],
                 *((name, f"{by_way['none']['tests']:,}",
                    f"{sum(counts['started'] for counts in by_way.values()):,}",
                    *(failed_binds(by_way[way]) for way in ways))
                   for name, by_way in starts.items()))


def plot(path, title, script):
    """Has gnuplot draw the script as an SVG. Names are printed as they are."""
    head = (f"set terminal svg size 720,420 noenhanced font 'sans-serif,13' background 'white'\n"
            f"set output '{path.name}'\n"
            f"set title '{title}'\n"
            f"set key outside top center horizontal\n")
    subprocess.run(["gnuplot"], input=head + script, text=True, check=True, cwd=path.parent)


def histogram(name, titles, figure):
    """A clustered histogram of the data of this name, each bar with its figure above it: what is 0
    is seen to be 0, and not missing."""
    gap = 2  # as gnuplot's default, in bars
    plots = [f"${name} using {column}:xtic(1) title '{title}'"
             for column, title in enumerate(titles, 2)]
    for column in range(2, 2 + len(titles)):
        offset = (column - 2 - (len(titles) - 1) / 2) / (len(titles) + gap)
        plots.append(f"'' using ($0 + {offset}):{column}:(sprintf('{figure}', ${column})) "
                     "with labels offset 0,0.6 font ',11' notitle")
    return ("set style data histogram\nset style fill solid border\n"
            "plot " + ", ".join(plots).replace("''", f"${name}") + "\n")


def data(name, rows):
    """Inline data for gnuplot."""
    lines = [" ".join(f'"{cell}"' if isinstance(cell, str) else str(cell) for cell in row)
             for row in rows]
    return f"${name} << EOD\n" + "\n".join(lines) + "\nEOD\n"


class Allocation:
    """What an allocation costs, by percentage of the ports that are occupied."""

    def __init__(self, results):
        self.runs = results["allocation"]

    def ratio(self, suffix="", percent="0"):
        ns = self.runs[percent]["ns"]
        return ns["allocate" + suffix] / ns["floor" + suffix]

    def own_code(self, suffix=""):
        """What an allocation takes beyond its bare system calls, as a share of these."""
        ns = self.runs["0"]["ns"]
        return ns["allocate" + suffix] / ns["calls" + suffix] - 1

    def block(self, count, percent="0"):
        """What a block costs for each of its ports, in floors."""
        ns = self.runs[percent]["ns"]
        return ns[f"block/{count}"] / ns["floor"] / count

    def first_pass(self, percent):
        """What the first pass over all ports costs, in floors."""
        ns = self.runs[percent]["ns"]
        return ns["first_pass/iterations:1"] / ns["floor"]

    def busy_port(self, percent):
        """What the first pass costs for each busy port, in floors: all of it, less what so many
        free ports cost in a first pass where all are free."""
        free_port = self.first_pass("0") / self.runs["0"]["free"]
        run = self.runs[percent]
        return (self.first_pass(percent) - run["free"] * free_port) / run["busy"]


def page(results):
    allocation = Allocation(results)
    quiet = allocation.runs["0"]["ns"]
    first = results["first_port"]
    storm = results["storm"]
    peers = results["peers"]
    requests = results["requests"]
    suite = results["suite"]
    machine = results["machine"]
    portpool_storm = storm["portpool"].values()
    portpool_starts = [counts for way, counts in results["starts"]["portpool"].items()
                       if way != "none"]
    started = sum(counts["started"] for counts in portpool_starts)

    busy_port = max(allocation.busy_port(percent) for percent in allocation.runs
                    if percent != "0")

    request_ratios = {clients: requests["portpool serve"][clients] / requests["portserver"][clients]
                      for clients in CLIENTS}
    bars = [
        ("an allocation and its release, beyond its seven bare system calls", "10 %",
         f"{allocation.own_code():.1%}".replace("%", " %"), allocation.own_code() <= 0.1),
        ("an allocation at 99 % occupied ports, in floors", "2.5", times(allocation.ratio(percent="99")),
         allocation.ratio(percent="99") <= 2.5),
        ("a busy port met for the first time, in floors, at its worst", "1.0", times(busy_port),
         busy_port <= 1.0),
        *((f"a block of {count}, for each port, in floors", bar, times(allocation.block(count)),
           allocation.block(count) <= float(bar))
          for count, bar in ((1, "4.0"), (2, "4.0"), (4, "2.2"), (16, "2.2"))),
        ("a block of 4 at 90 % occupied ports, for each port, in floors", "3.0",
         times(allocation.block(4, "90")), allocation.block(4, "90") <= 3.0),
        ("the first port of a process", "0.3 ms", milliseconds(first["first"] - first["none"]),
         first["first"] - first["none"] < 0.0003),
        (f"failures in the storm, {tests(portpool_storm):,} tests", "0",
         failures(portpool_storm), failures(portpool_storm) == 0),
        (f"failures while {started:,} processes are started, {tests(portpool_starts):,} tests", "0",
         failures(portpool_starts), failures(portpool_starts) == 0),
        ("a request to `portpool serve`, of 16 clients at a time, in those to portserver", "0.1",
         times(1 / request_ratios["16"]), request_ratios["16"] >= 10),
        *((f"what the header for {framework} adds to the compilation of an empty test, {compiler}",
           "5 %", more(seconds), seconds["with"] <= 1.05 * seconds["without"])
          for framework, by_compiler in results["headers"].items()
          for compiler, seconds in by_compiler.items()),
    ]

    occupied = [(percent, microseconds(run["ns"]["allocate"]),
                 times(allocation.ratio(percent=percent)),
                 times(allocation.busy_port(percent)) if int(percent) else "")
                for percent, run in allocation.runs.items()]

    storm_rows = [
        (SOURCES[source], processes, f"{counts['tests']:,}",
         *(per_million(counts[what], counts["tests"])
           for what in FAILURES),
         f"{counts['tests'] / counts['seconds']:,.0f}")
        for source, by_processes in storm.items() for processes, counts in by_processes.items()]

    peer_rows = [("portpool", microseconds(quiet["allocate"]), times(allocation.ratio()),
                  milliseconds(first["first"]), milliseconds(first["first"] - first["none"]),
                  failed_binds(storm["portpool"]["16"]),
                  failed_binds(worst(results["starts"]["portpool"])))]
    peer_rows += [(name, microseconds(peer["seconds"] * 1e9),
                   times(peer["seconds"] * 1e9 / quiet["floor"]), milliseconds(peer["first"]),
                   milliseconds(peer["first"] - peer["none"]),
                   failed_binds(peer["storm"]), failed_binds(worst(peer["starts"])))
                  for name, peer in peers.items()]

    return f"""# Benchmarks

`./dev bench` installs what it needs, measures everything on this page in one run, and writes the
page. What is compared ran side by side in that run, so look at the ratios: the times are those of
one machine, {machine["processors"]}, Linux {machine["kernel"]}, with
{", ".join(f"{name} {version}" for name, version in machine["versions"].items())}.

{table(["bar", "at most", "measured", "met"],
       *((*bar[:3], "yes" if bar[3] else "**no**") for bar in bars))}

## What an allocation costs

The *floor* is the least that any allocation that probes has to do: one `socket`, `bind` and `close`,
on the pool's ports in turn. An allocation makes seven system calls: three for the lease, and
four for the probe, which sets `SO_REUSEADDR` before it closes its socket. The column *calls* has these
seven alone, with the same arguments. (Google Benchmark, 30 repetitions of each in a random order. The
times of portpool on this page are tenth percentiles, but for threads medians: on a shared machine,
slow samples mostly measure other programs' load.)

{table(["", "floor", "calls", "allocation and release", "in floors", "in calls"],
       *((title, *(microseconds(quiet[name + suffix]) for name in ("floor", "calls", "allocate")),
          times(allocation.ratio(suffix)),
          times(allocation.own_code(suffix) + 1)) for title, suffix in (
              ("default request", ""), ("while the process has 1,000 ports", "/leased"),
              ("in 16 threads at once, each", "/real_time/threads:16"))))}

A block costs what its ports cost, each of which is leased and probed:

{table(["consecutive ports", "allocation and release", "in floors, for each port"],
       *((count, microseconds(quiet[f"block/{count}"]), times(allocation.block(count)))
         for count in (1, 2, 4, 16)))}

## A crowded machine

Another program has bound a share of the pool's ports. The pool finds each busy one once, and then
tries it again only when no other port is left.

A busy port costs about one floor (at 50 and 90 % the figure is a small difference of large ones), and
a lease that is a socket makes it no cheaper. It takes four system calls: the three for the lease, and
a `bind` that fails, on a socket that is kept for the next port. Counted apart from this run, with
35,898 busy ports and 363 free ones, `strace -c` finds 36,628 `socket`, 72,526 `bind` (35,898 of them
failed) and 36,654 `close`; the floor of so many ports is 36,261 of each. What a lease saves beside a
TCP socket, the failed `bind` costs. `perf record` finds 93 % of the time in the kernel, and two thirds
in `socket` and `close`.

{table(["ports occupied", "allocation and release, after the first pass", "in floors",
        "first pass, floors per busy port"],
       *((f"{percent} %", *cells) for percent, *cells in occupied))}

A block of 4, after the first pass, costs {times(allocation.block(4, "50"))[:-2]} floors for each port at
50 %, and {times(allocation.block(4, "90"))[:-2]} at 90 %: a pass over what is known of the ports finds
it, and no busy port is probed again.

![Cost of an allocation by share of occupied ports](crowded.svg)

## The first port of a process

`ctest` starts a process for each test, so this is what each test pays: the time of a process that
allocates one port, {milliseconds(first["first"])}, less that of the same program when it allocates
none, {milliseconds(first["none"])}: **{milliseconds(first["first"] - first["none"])}**. (400 of each,
in turns.)

## The storm

Processes with 4 threads each run tests. A test takes a port, starts a server on it after a random 0
to 2 ms, connects to it and checks that it is its own server, by a token, and gives the port back. The
server sets `SO_REUSEADDR` and listens on `0.0.0.0`. If it cannot, the test connects all the same, as
tests do that do not look, and may meet the server of another test: it is *misdirected*.

{table(["ports by", "processes", "tests", "failed binds per million", "misdirected per million",
        "failed connections per million", "tests per second"], *storm_rows)}

![Failed binds per million tests, by number of processes](storm.svg)

## The storm while processes are started

Until it runs its program, a new process has a copy of every socket of the one that starts it, the
probe of a port among them, and a copy that is still bound can keep a server from the port. Here 16
processes with 4 threads each run the tests of the storm without a pause before the server, and in each
process one more thread starts `/bin/true`, waits for its end, and starts the next. portpool's sockets
are close-on-exec; those of the other ways are Boost.Asio's, which are not, and stay until `/bin/true`
ends.

Failed binds per million tests, by how the processes are started:

{starts_table(WAYS, {SOURCES[source]: starts for source, starts in results["starts"].items()})}

## Other libraries

Each through its real package, `portpicker` without and with its `portserver`. The cost of an
allocation is the mean of 2,000 in one process that does nothing else; the first port is that of a whole process,
with the interpreter's start and without it. In the storm, 16 processes with 4 threads each have
one process of the library beside them, which they ask for ports.

{table(["", "allocation", "in floors", "process with one port", "of which for the port",
        "failed binds per million tests", "the same, while it starts processes"], *peer_rows)}

![Time of an allocation, and of a process's first port](peers.svg)

The last column is the worst of the ways to start processes. As above, the tests do not pause, and
`/bin/true` is started again and again, but by the library's process, since that is where the probes
are. Failed binds per million tests, by how the processes are started, in Python by another thread:

{starts_table(PYTHON_WAYS, {name: peer["starts"] for name, peer in peers.items()
                            if PEERS_WAYS[name] is PYTHON_WAYS})}

and in node:

{starts_table(NODE_WAYS, {"get-port": peers["get-port"]["starts"]})}

`subprocess` and `os.posix_spawn` keep CPython's interpreter lock, and `spawn` keeps node's one thread,
until the new process runs its program, so that no port is handed out meanwhile; and a portserver
probes in a process that starts none. What fails while no process is started is a number that two
processes got.

What each of them promises:

{table(["", "promise"], *PROMISES.items(), texts=2)}

## Port servers

`portpool serve` speaks the protocol of Google's `portserver`, so the same client asks both: it connects,
sends its pid, reads a port and closes, in one thread or in 16 at a time. Both have the ports 15000-24999,
and find out of each whether it is free: portserver for TCP and UDP, `portpool serve` for TCP, and leases
it. A run is 4,000 requests to a new server, and the figures are medians of
five runs, in turns.

{table(["requests a second", *(f"{clients} at a time" for clients in CLIENTS)],
       *((f"`{name}`", *(f"{rates[clients]:,.0f}" for clients in CLIENTS))
         for name, rates in requests.items()),
       ("ratio", *(times(request_ratios[clients]) for clients in CLIENTS)))}

## The headers

What including the adapter's header adds to the compilation of a test that includes the framework's
header and is empty, in processor time without optimisation: medians of 60 pairs of compilations, one
after the other, of their ratios for what is more.

{table(["", "compiler", "without", "with", "more"],
       *((framework, compiler, f"{seconds['without'] * 1000:.0f} ms",
          f"{seconds['with'] * 1000:.0f} ms", more(seconds))
         for framework, by_compiler in results["headers"].items()
         for compiler, seconds in by_compiler.items()), texts=2)}

## A whole suite

The demo suite, {suite["tests"]} tests with real servers, takes {suite["1"]:.1f} s under `ctest -j1` and
{suite["16"]:.1f} s under `ctest -j16`: {suite["1"] / suite["16"]:.1f} times as fast, which saves
{suite["1"] - suite["16"]:.1f} s of each run. No test fails in either.
"""


def plots(results, folder):
    allocation = Allocation(results)
    plot(folder / "crowded.svg", "Cost of an allocation on a crowded machine", data("crowded", [
        (int(percent), allocation.ratio(percent=percent)) for percent in allocation.runs]) + """
set xlabel 'ports occupied by another program, %'
set ylabel 'allocation and release, in floors'
set xrange [0:100]
set yrange [0:3]
plot 2.5 title 'the bar at 99 %' with lines dashtype 2 linecolor 'gray40', \\
     $crowded title 'after the first pass' with linespoints linewidth 2 pointtype 7
""")

    processes = list(next(iter(results["storm"].values())))
    plot(folder / "storm.svg", "Servers that could not bind the port they were given", data("storm", [
        (count, *(results["storm"][source][count]["failed_binds"]
                  / results["storm"][source][count]["tests"] * 1e6 for source in SOURCES))
        for count in processes]) + """
set xlabel 'processes, with 4 threads each'
set ylabel 'failed binds per million tests'
set yrange [0:*]
""" + histogram("storm", SOURCES, "%.0f"))

    peers = {"portpool": {"first": results["first_port"]["first"],
                          "seconds": allocation.runs["0"]["ns"]["allocate"] / 1e9},
             **results["peers"]}
    plot(folder / "peers.svg", "What a port costs, by library", data("peers", [
        (name.replace(", ", "\\n"), peer["seconds"] * 1e6, peer["first"] * 1e6)
        for name, peer in peers.items()]) + """
set bmargin 4
set ylabel 'microseconds, on a logarithmic scale'
set logscale y
set yrange [1:*]
""" + histogram("peers", ["an allocation", "a process that takes one port, from its start to its end"],
           "%.0f"))


def write(results, folder):
    """Writes benchmarks.md and its plots into the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "benchmarks.md").write_text(page(results))
    plots(results, folder)
