"""Checks docs/troubleshooting.md against the messages in the sources, in both directions.

usage: check_messages.py SOURCE_FOLDER
"""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
page = (root / "docs/troubleshooting.md").read_text()

LITERAL = r'"(?:[^"\\]|\\.)*"'
BEGINS = r"\b(?:throw \w*Error|throwSystemError|warn|reject|refuse|log|throwError)\(|\badd\(Fault"
SHORTEST = 10  # letters that make a message recognisable


def sources():
    for folder in ("src", "cli", "gtest_adapter", "catch2_adapter", "include"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".cpp", ".hpp"):
                yield file
    for file in sorted((root / "cmake").rglob("*")):
        if file.is_file():
            yield file
    yield root / "CMakeLists.txt"
    yield root / "examples/CMakeLists.txt"


def unquote(literal):
    return literal[1:-1].replace('\\"', '"').replace("\\n", "\n")


def beginning(message):
    return re.split("[;,:(]", message)[0].strip()


def joined_literals(text):
    """The string literals of the text; those that follow each other are one."""
    for run in re.finditer(rf"{LITERAL}(?:\s+{LITERAL})*", text):
        yield "".join(unquote(part) for part in re.findall(LITERAL, run.group()))


def statement(text, begin):
    """From `begin` to the semicolon that ends the statement."""
    end = begin
    for part in re.finditer(rf"{LITERAL}|;", text[begin:]):
        if part.group() == ";":
            end = begin + part.end()
            break
    return text[begin:end]


texts = {file: file.read_text() for file in sources()}
everything = "\n".join(literal for text in texts.values() for literal in joined_literals(text))
everything += "\n".join(texts.values())  # what CMake's messages and #include are made of
faults = []

# Whatever the page quotes in the first column of a table is in a source.
for row in re.findall(r"^\| (?!-)(.*?) \|", page, re.MULTILINE):
    for quote in re.findall(r"`([^`]+)`", row):
        for piece in quote.split("…"):
            piece = piece.strip(' ()",;:')
            if len(piece) > 3 and piece not in everything:
                faults.append(f'docs/troubleshooting.md: no source has "{piece}"')

# Whatever the sources throw or log is on the page.
plain = re.sub(r"\s+", " ", page.replace("`", ""))
for file, text in texts.items():
    if file.suffix not in (".cpp", ".hpp"):
        continue
    for match in re.finditer(BEGINS, text):
        literals = [part.strip(' ()",;:') for part in joined_literals(statement(text, match.start()))]
        literals = [part for part in literals if len(part) >= SHORTEST]
        if literals and not any(beginning(part) in plain for part in literals):
            line = text.count("\n", 0, match.start()) + 1
            faults.append(f'{file.relative_to(root)}:{line}: not in docs/troubleshooting.md: '
                          f'"{literals[0]}"')

print("\n".join(faults) or "every message is documented")
sys.exit(1 if faults else 0)
