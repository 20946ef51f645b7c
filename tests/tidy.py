"""Runs clang-tidy on every C++ source file of the project but those of other systems.

tidy.py BUILD ARGUMENT...: with these further arguments of clang-tidy.

BUILD joins source files (CMAKE_UNITY_BUILD). What it joins is checked as one, which takes less time.
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
    """What clang-tidy does not look for in a file that another one includes:
    misc-unused-using-decls and misc-unused-alias-decls."""
    text = re.sub("//.*", "", read(path))
    faults = []
    for match in USING.finditer(text):
        name = match[1] or match[2]
        rest = text[:match.start()] + text[match.end():]
        if not re.search(rf"(?<!::)\b{name}\b", rest):
            faults.append(f"declares and does not use {name}")
    return "".join(f"{path}: {fault}\n" for fault in faults)


def main(build, *arguments):
    others = [":!*macos*", ":!*windows*"]
    listed = subprocess.run(["git", "ls-files", "-z", "*.cpp", *others], check=True,
                            capture_output=True, text=True).stdout
    left = {os.path.realpath(path) for path in listed.split("\0") if path}
    work = os.path.join(os.path.realpath(build), "tidy")
    os.makedirs(work, exist_ok=True)
    database = []
    checks = []  # size, and file
    faults = ""
    for entry in json.loads(read(os.path.join(build, "compile_commands.json"))):
        source = entry["file"]
        joins = os.path.basename(os.path.dirname(source)) == "Unity"
        sources = INCLUDE.findall(read(source)) if joins else [source]
        files = left.intersection(map(os.path.realpath, sources))
        if not files:
            continue
        left -= files
        if joins:
            # By this name the static analyzer knows that what it includes is more than headers.
            entry["file"] = os.path.join(work, f"UnifiedSource{len(database)}.cpp")
            entry["command"] = entry["command"].replace(source, entry["file"])
            with open(entry["file"], "w", encoding="utf-8") as unified:
                for each in sources:
                    unified.write("// NOLINTNEXTLINE(bugprone-suspicious-include)\n"
                                  f'#include "{each}"\n')
            faults += "".join(map(unseen_faults, sorted(files)))
        database.append(entry)
        checks.append((sum(map(os.path.getsize, files)), entry["file"]))
    with open(os.path.join(work, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(database, file)
    # Of projects that use portpool.
    checks += [(os.path.getsize(file), file) for file in left]

    def check(file):
        done = subprocess.run(["clang-tidy", "--quiet", "-p", work, *arguments, file],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout if done.returncode != 0 else ""

    print(faults, end="")
    # The longest first, so that all processors end at about the same time.
    checks.sort(reverse=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for report in pool.map(check, [file for _, file in checks]):
            print(report, end="", flush=True)
            faults += report
    return faults != ""


sys.exit(main(*sys.argv[1:]))
