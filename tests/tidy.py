"""Runs clang-tidy on every C++ source file of the project but those of other systems.

tidy.py BUILD ARGUMENT...: with these further arguments of clang-tidy.

BUILD joins source files (CMAKE_UNITY_BUILD). What it joins is checked as one, in a fraction of the
time.
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys

INCLUDE = re.compile(r'^#include "(.*\.c\w*)"', re.MULTILINE)
USING = re.compile(r"^\s*(?:using [\w:]*::(\w+);|namespace (\w+) = )", re.MULTILINE)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def unseen_faults(path):
    """What clang-tidy does not look for in a joined file: bugprone-suspicious-include,
    misc-unused-using-decls and misc-unused-alias-decls."""
    text = re.sub("//.*", "", read(path))
    faults = [f"includes {name}" for name in INCLUDE.findall(text)]
    for match in USING.finditer(text):
        name = match[1] or match[2]
        rest = text[:match.start()] + text[match.end():]
        if not re.search(rf"(?<!::)\b{name}\b", rest):
            faults.append(f"declares and does not use {name}")
    return "".join(f"{path}: {fault}\n" for fault in faults)


def main(build, *arguments):
    listed = subprocess.run(["git", "ls-files", "-z", "*.cpp", ":!*macos*", ":!*windows*"], check=True,
                            capture_output=True, text=True).stdout
    left = {os.path.realpath(path) for path in listed.split("\0") if path}
    checks = []  # size, and arguments of clang-tidy
    faults = ""
    for entry in json.loads(read(os.path.join(build, "compile_commands.json"))):
        source = entry["file"]
        if os.path.basename(os.path.dirname(source)) == "Unity":
            files = left.intersection(map(os.path.realpath, INCLUDE.findall(read(source))))
            faults += "".join(map(unseen_faults, sorted(files)))
            further = ["--checks=-bugprone-suspicious-include"]
        else:
            files = left.intersection([os.path.realpath(source)])
            further = []
        if files:
            left -= files
            checks.append((sum(map(os.path.getsize, files)), [*further, source]))
    # Of projects that use portpool.
    checks += [(os.path.getsize(file), [file]) for file in left]

    def check(some):
        done = subprocess.run(["clang-tidy", "--quiet", "-p", build, *arguments, *some],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout if done.returncode != 0 else ""

    # The longest first, so that all processors end at about the same time.
    checks.sort(reverse=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for report in pool.map(check, [some for _, some in checks]):
            print(report, end="", flush=True)
            faults += report
    return faults != ""


sys.exit(main(*sys.argv[1:]))
