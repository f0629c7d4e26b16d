#!/usr/bin/python3
"""Plays the demonstration and asks it everything the README shows: the answers must be those it prints.

A ```console block with the prompt `sqlite>` is a session in the sqlite3 shell, from a fresh copy of the demonstration's
database: prompts, statements, and what they answer. The blocks with the prompt `$ ` are one session of a shell with saldod in
its folder. `test_readme.py --write` writes the answers into the README."""

import contextlib
import difflib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXTENSION = os.environ.get("SALDO_EXTENSION", str(ROOT / "build" / "saldo.so"))
README = ROOT / "README.md"
DEMO = ROOT / "sql" / "demo"
SALDOD = os.environ.get("SALDOD", str(ROOT / "build" / "saldod"))
ADDRESS = "127.0.0.1:8080"
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


def commands(block):
    """The commands of a block, as lines with their prompts; a command goes on in indented lines."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append([line])
        elif line.startswith("  ") and "".join(found[-1]).count("'") % 2 == 1:
            found[-1].append(line)
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def session(blocks, folder):
    """The blocks with the answers of one shell, in which `./saldod` is the server and port 8080 a free one."""
    os.symlink(SALDOD, folder / "saldod")
    address = f"127.0.0.1:{free_port()}"
    asked = [commands(block) for block in blocks]
    script = ""
    for lines in (lines for block in asked for lines in block):
        command = "\n".join([lines[0][2:], *lines[1:]])
        script += command.replace(ADDRESS, address) + "\n"
        if command.endswith("&"):
            script += f"until curl -sf http://{address}/healthz > /dev/null; do sleep 0.1; done\n"
        script += f"echo '{MARK}'\n"
    script += "kill %1; wait\n"
    # Of its own session, so that nothing of it stays.
    with subprocess.Popen(["bash"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, encoding="utf-8", start_new_session=True) as bash:
        try:
            answers = bash.communicate(script, timeout=60)[0].replace(address, ADDRESS).split(MARK + "\n")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(bash.pid, signal.SIGKILL)
    answered_blocks = []
    for block in asked:
        answered_blocks.append("".join("\n".join(lines) + "\n" + answers.pop(0) for lines in block))
    return answered_blocks


def asked_anew(folder):
    """The README with all answers given again."""
    demo = folder / "demo.db"
    played = make_demo(demo)
    if not played.endswith("closed 2026-11-22\n"):
        raise AssertionError(f"the demonstration did not end well:\n{played[-2000:]}")
    text = README.read_text(encoding="utf-8")
    by_http = iter(session([block for block in BLOCK.findall(text) if block.startswith("$ ")], folder))

    def again(match):
        if match.group().startswith("$ "):
            return next(by_http)
        copy = folder / "copy.db"
        shutil.copyfile(demo, copy)
        return answered(match.group(), copy)

    return BLOCK.sub(again, text)


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
