#!/usr/bin/python3
"""Plays the demonstration and asks it everything the README shows: the answers must be those it prints.

A ```console block is a session in the sqlite3 shell, from a fresh copy of the demonstration's database:
prompts, statements, and what they answer. `test_readme.py --write` writes the answers into the README."""

import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXTENSION = os.environ.get("SALDO_EXTENSION", str(ROOT / "build" / "saldo.so"))
README = ROOT / "README.md"
DEMO = ROOT / "sql" / "demo"
BLOCK = re.compile(r"(?<=```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
MARK = "-- answered --"


def shell(database, script):
    # Line by line, so that answers and errors keep their order.
    done = subprocess.run(
        ["stdbuf", "-oL", "sqlite3", "-batch", "-box", "-cmd", f".load {EXTENSION}", str(database)], cwd=DEMO,
        input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", check=False)
    return done.stdout


def make_demo(database):
    return shell(database, ".bail on\n.mode list\nPRAGMA synchronous = OFF;\nSELECT saldo_install('2025-12-01');\n"
                 ".read catalogue.sql\n.read companies.sql\n.read year.sql\n")


def statements(block):
    """The statements of a block, as lines with their prompts."""
    found = []
    for line in block.splitlines():
        if line.startswith("sqlite> "):
            found.append([line])
        elif line.startswith("   ...> "):
            found[-1].append(line)
    return found


def answered(block, database):
    """The block with the answers of the shell."""
    asked = statements(block)
    script = "".join("\n".join(line[8:] for line in lines) + f"\n.print {MARK}\n" for lines in asked)
    answers = shell(database, script).split(MARK + "\n")
    # In a script the shell tells the line of an error.
    answers = [re.sub(r"^(Runtime error) near line \d+: ", r"\1: ", answer) for answer in answers]
    return "".join("\n".join(lines) + "\n" + answer for lines, answer in zip(asked, answers, strict=False))


def asked_anew(folder):
    """The README with all answers given again."""
    demo = folder / "demo.db"
    played = make_demo(demo)
    if not played.endswith("closed 2026-11-22\n"):
        raise AssertionError(f"the demonstration did not end well:\n{played[-2000:]}")

    def again(match):
        copy = folder / "copy.db"
        shutil.copyfile(demo, copy)
        return answered(match.group(), copy)

    return BLOCK.sub(again, README.read_text(encoding="utf-8"))


class Readme(unittest.TestCase):
    def test_answers(self):
        with tempfile.TemporaryDirectory() as folder:
            printed, answers = README.read_text(encoding="utf-8"), asked_anew(pathlib.Path(folder))
        difference = difflib.unified_diff(printed.splitlines(), answers.splitlines(), "README.md", "answers", lineterm="")
        if printed != answers:
            self.fail("the README prints other answers:\n" + "\n".join(difference))


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        with tempfile.TemporaryDirectory() as scratch:
            README.write_text(asked_anew(pathlib.Path(scratch)), encoding="utf-8")
    else:
        unittest.main()
