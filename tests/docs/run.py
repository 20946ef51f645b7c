"""Runs a shell block of the documentation.

usage: run.py SOURCE_FOLDER OUTPUT_FOLDER COMMAND_FOLDER NAME

NAME is that of the script, which begins with the place where it runs: `install` in a copy of the
source folder, `first` and `audit` in the project of the README, all others in a folder of
their own. COMMAND_FOLDER has the portpool command. HOME is a folder of the tests.
"""

import os
import pathlib
import shutil
import subprocess
import sys

source, output, commands = map(pathlib.Path, sys.argv[1:4])
name = sys.argv[4]
place = name.rsplit("_", 1)[0]

folder = output / "projects/first" if place in ("first", "audit") else output / "places" / place
folder.mkdir(parents=True, exist_ok=True)
home = output / "home"
home.mkdir(exist_ok=True)

if place == "install":
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("build", ".git"),
                    dirs_exist_ok=True)
elif place == "first":
    shutil.rmtree(folder / "build", ignore_errors=True)
elif place == "command":
    (folder / "server.conf.in").write_text("port @PORT@\n")
elif place == "serve":
    python = subprocess.run(["python3", "-c", "import portpicker"], capture_output=True)
    if python.returncode != 0:
        print("skipped: python3-portpicker is missing")
        sys.exit(0)

environment = dict(os.environ, HOME=str(home), PATH=f"{commands}:{os.environ['PATH']}")
environment.pop("CMAKE_INSTALL_PREFIX", None)
script = (output / "scripts" / f"{name}.sh").read_text()
script = script.replace("@my-suite", f"@docs-{os.getpid()}")  # beside other runs of this test
sys.exit(subprocess.run(["sh", "-eux", "-c", script], cwd=folder, env=environment).returncode)
