"""Extracts the code blocks of README.md, CONTRIBUTING.md, SECURITY.md and docs/, to be compiled and run.

usage: extract.py SOURCE_FOLDER OUTPUT_FOLDER

A comment before a block says what becomes of it. Without one, C++ is a program of its own, and sh is
only checked for its syntax.

    <!-- block: file=P/NAME -->     a file of project P
    <!-- block: project=P -->       CMake: the CMakeLists.txt of project P, below the lines that every
                                    project begins with; before=found, before=target and after=target
                                    add what the block takes for granted (see PARTS)
    <!-- block: wrap=test -->       C++: the body of a test, after prelude.hpp
    <!-- block: wrap=file -->       C++: a file, after prelude.hpp
    <!-- block: main -->            C++: a program that has its own main
    <!-- block: run=NAME -->        sh: run by run.py
    <!-- block: skip="REASON" -->   not looked at

`norun` compiles a block without running it, `needs=FOLDER` leaves it out if build/deps has no such
folder. Also fails for a link within the repository that leads nowhere.
"""

import pathlib
import re
import shlex
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent

PROJECT = """cmake_minimum_required(VERSION 3.21)
project({name} LANGUAGES CXX)
enable_testing()
"""
FOUND = """find_package(portpool REQUIRED)
include(GoogleTest)
"""
TARGET = """add_executable(server_test server_test.cpp)
target_link_libraries(server_test PRIVATE portpool::gtest_main)
"""
PARTS = {
    "found": FOUND,
    "target": FOUND + TARGET,
    "vendored": """add_library(vendored_catch2 INTERFACE)
add_library(Catch2::Catch2 ALIAS vendored_catch2)
target_include_directories(vendored_catch2 INTERFACE third_party)
find_package(portpool REQUIRED COMPONENTS catch2)
""",
}
AFTER = {"target": "include(GoogleTest)\n" + TARGET + "gtest_discover_tests(server_test)\n"}

# What a project has if the page shows no such file.
GTEST = "#include <portpool/gtest.hpp>\nTEST(Port, IsThere) { portpool::getNextAvailableTCPPort(); }\n"
CATCH2 = '#include <portpool/catch2.hpp>\nTEST_CASE("a port") { CHECK(portpool::getNextAvailableTCPPort()); }\n'
PLAIN = "#include <gtest/gtest.h>\nTEST(Server, Answers) {}\n"
LEGACY = "int main() {}\n"


class Block:
    def __init__(self, page, line, language, text, options):
        self.page, self.line, self.language, self.text = page, line, language, text
        self.options = options
        self.name = f"{page.stem.lower()}_{line}"

    def get(self, option):
        return self.options.get(option)


def fail(page, line, message):
    sys.exit(f"{page.name}:{line}: {message}")


def blocks_of(page):
    options, block = {}, None
    for number, line in enumerate(page.read_text().splitlines(), 1):
        comment = re.match(r"<!-- block: (.*) -->$", line)
        fence = re.match(r"( *)```(\w*)$", line)
        if block is not None:
            if fence:
                yield block
                block = None
            else:
                block.text += line[indent:] + "\n"
        elif comment:
            words = shlex.split(comment[1])
            options = dict(word.partition("=")[::2] for word in words)
        elif fence:
            indent = len(fence[1])
            block = Block(page, number, fence[2], "", options)
            options = {}
        elif options and line:
            fail(page, number, "a block should follow its comment")
    if block is not None:
        fail(page, block.line, "the block does not end")


def anchors_of(page):
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def check_links(page):
    for number, line in enumerate(page.read_text().splitlines(), 1):
        for link in re.findall(r"\]\(([^)]+)\)", line):
            if re.match(r"\w+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if not target.exists():
                fail(page, number, f"there is no {path}")
            if anchor and anchor not in anchors_of(target):
                fail(page, number, f"{path or page.name} has no heading #{anchor}")


class Output:
    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        self.programs = {}  # of wrapped tests, by page
        self.cmake = "cmake_minimum_required(VERSION 3.21)\nproject(blocks LANGUAGES CXX)\nenable_testing()\n"
        self.cmake += FOUND + "\n"
        self.projects, self.scripts = [], []
        self.files, self.defaults = set(), {}  # of projects: shown on a page, and not

    def write(self, name, text):
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)

    def add(self, block):
        if "skip" in block.options or block.language in ("", "yaml"):
            return
        needed = block.get("needs")
        if needed and not (self.root / "build/deps" / needed).exists():
            return
        if block.get("file"):
            self.files.add(f"projects/{block.get('file')}")
            self.write(f"projects/{block.get('file')}", block.text)
            name = block.get("file").split("/")[0]
            if block.language == "cmake" and name != "first":  # which run.py builds
                self.projects.append(name)
        elif block.language == "cmake":
            self.add_project(block)
        elif block.language == "cpp":
            self.add_cpp(block)
        elif block.language == "sh":
            subprocess.run(["sh", "-n"], input=block.text, text=True, check=True)
            if block.get("run"):
                script = f"{block.get('run')}_{block.line}"
                self.write(f"scripts/{script}.sh", block.text)
                self.scripts.append(script)
        else:
            fail(block.page, block.line, f'the language "{block.language}" is not known')

    def add_project(self, block):
        name = block.get("project")
        if name is None:
            fail(block.page, block.line, "a CMake block needs a project")
        text = PROJECT.format(name=name) + PARTS.get(block.get("before"), "") + block.text
        self.write(f"projects/{name}/CMakeLists.txt", text + AFTER.get(block.get("after"), ""))
        self.projects.append(name)
        folder = self.folder / "projects" / name
        test = CATCH2 if "::catch2" in block.text else PLAIN if "GTest::" in block.text else GTEST
        for file, contents in (("server_test.cpp", test), ("legacy_test.cpp", LEGACY)):
            self.defaults[f"projects/{name}/{file}"] = contents
        if "tests/*.cpp" in block.text:
            self.write(f"projects/{name}/tests/server_test.cpp", CATCH2)
            self.write(f"projects/{name}/tests/catch_main.cpp",
                       "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n")
        deps = self.root / "build/deps"
        third_party = {"catch2-2": "catch2-2/usr/include",
                       "catch2-3-source": "catch2-3-source/extras"}.get(block.get("needs"))
        if third_party and not (folder / "third_party").exists():
            shutil.copytree(deps / third_party, folder / "third_party")

    def add_cpp(self, block):
        wrap = block.get("wrap")
        location = f'#line {block.line + 1} "{block.page}"\n'
        if wrap == "test":
            disabled = "DISABLED_" if "norun" in block.options else ""
            program = self.programs.setdefault(block.page.stem, '#include "prelude.hpp"\n')
            program += f"TEST(Page, {disabled}Line{block.line}) {{\n{location}{block.text}}}\n"
            self.programs[block.page.stem] = program
            return
        prelude = '#include "prelude.hpp"\n' if wrap == "file" else ""
        self.write(f"blocks/{block.name}.cpp", prelude + location + block.text)
        framework = "catch2" if "portpool/catch2.hpp" in block.text else "gtest"
        if "norun" in block.options:
            self.cmake += f"add_library({block.name} OBJECT {block.name}.cpp)\n"
            self.cmake += f"target_link_libraries({block.name} PRIVATE portpool::portpool GTest::gtest)\n"
        else:
            main = "" if "main" in block.options else "_main"
            self.add_program(block.name, f"portpool::{framework}{main}")

    def add_program(self, name, library):
        self.cmake += f"add_executable({name} {name}.cpp)\n"
        self.cmake += f"target_link_libraries({name} PRIVATE {library})\n"
        self.cmake += f"add_test(NAME {name} COMMAND {name})\n"

    def finish(self):
        for file, contents in self.defaults.items():
            if file not in self.files:
                self.write(file, contents)
        for page, text in self.programs.items():
            self.write(f"blocks/page_{page}.cpp", text)
            self.add_program(f"page_{page}", "portpool::gtest_main")
        self.write("blocks/CMakeLists.txt", self.cmake)
        self.write("blocks/prelude.hpp", (HERE / "prelude.hpp").read_text())
        self.write("list.cmake", f"set(projects {' '.join(dict.fromkeys(self.projects))})\n"
                                 f"set(scripts {' '.join(self.scripts)})\n")


def main():
    root, folder = map(pathlib.Path, sys.argv[1:])
    output = Output(root, folder)
    pages = [root / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")]
    for page in [page for page in pages if page.exists()] + sorted((root / "docs").glob("*.md")):
        check_links(page)
        for block in blocks_of(page):
            output.add(block)
    output.finish()


main()
