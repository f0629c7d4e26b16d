#!/usr/bin/python3
"""Plays the demonstration and asks it everything the READMEs show: the answers must be those they print.

A ```console block with the prompt `sqlite>` is a session in the sqlite3 shell, from a fresh copy of the demonstration's
database: prompts, statements, and what they answer. The blocks of one file with the prompt `$ ` are one session of a
shell with saldod in its folder. A ```python block is run beside the demonstration. Links must lead somewhere.
`test_readme.py --write` writes the answers into the READMEs."""

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
README_FILES = [ROOT / "README.md", *sorted(ROOT.glob("*/README.md"))]
DEMO = ROOT / "sql" / "demo"
SALDOD = os.environ.get("SALDOD", str(ROOT / "build" / "saldod"))
ADDRESS = re.compile(r"127\.0\.0\.1:80\d\d")
RELAY = "127.0.0.1:2525"
BLOCK = re.compile(r"(?<=```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHELL_SECONDS_MAX = 300  # for a session or the demonstration; no measure of speed
MARK = "-- answered --"


def shell(database, script):
    # Line by line, so that answers and errors come in their order.
    done = subprocess.run(
        ["stdbuf", "-oL", "sqlite3", "-batch", "-box", "-cmd", f".load {EXTENSION}", str(database)], cwd=DEMO,
        input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", check=False,
        timeout=SHELL_SECONDS_MAX)
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
    """The blocks with the answers of one shell, in which `./saldod` is the server, and the ports are free ones."""
    os.symlink(SALDOD, folder / "saldod")
    relay = f"127.0.0.1:{free_port()}"
    asked = [commands(block) for block in blocks]
    addresses = {each: f"127.0.0.1:{free_port()}" for each in sorted(set(ADDRESS.findall("".join(blocks))))}
    script = ""
    for lines in (lines for block in asked for lines in block):
        command = "\n".join([lines[0][2:], *lines[1:]])
        command = ADDRESS.sub(lambda match: addresses[match[0]], command).replace(RELAY, relay)
        script += command + "\n"
        if listening := re.search(r"--listen (\S+) .*&$", command):
            script += f"until curl -sf http://{listening[1]}/healthz > /dev/null; do sleep 0.1; done\n"
        script += f"echo '{MARK}'\n"
    script += "kill $(jobs -p); wait\n"
    # Of its own session, so that nothing of it stays.
    with subprocess.Popen(["bash"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, encoding="utf-8", start_new_session=True) as bash:
        try:
            told = bash.communicate(script, timeout=SHELL_SECONDS_MAX)[0]
            for printed, address in addresses.items():
                told = told.replace(address, printed)
            answers = told.split(MARK + "\n")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(bash.pid, signal.SIGKILL)
    answered_blocks = []
    for block in asked:
        answered_blocks.append("".join("\n".join(lines) + "\n" + answers.pop(0) for lines in block))
    return answered_blocks


def played_demo(folder):
    demo = folder / "demo.db"
    played = make_demo(demo)
    if not played.endswith("closed 2026-11-22\n"):
        raise AssertionError(f"the demonstration did not end well:\n{played[-2000:]}")
    return demo


def asked_anew(text, demo):
    """The text of a README with all answers given again."""
    by_shell = [block for block in BLOCK.findall(text) if block.startswith("$ ")]
    with tempfile.TemporaryDirectory() as folder:
        sessions = iter(session(by_shell, pathlib.Path(folder)) if by_shell else [])

        def again(match):
            if match.group().startswith("$ "):
                return next(sessions)
            copy = pathlib.Path(folder) / "copy.db"
            shutil.copyfile(demo, copy)
            return answered(match.group(), copy)

        return BLOCK.sub(again, text)


def anchors(text):
    """What a link may name after `#`: the headings, as GitHub and others turn them into names."""
    headings = re.findall(r"^#+ (.*)", CODE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


class Readme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.demo = played_demo(pathlib.Path(folder.name))

    def test_answers(self):
        for file in README_FILES:
            with self.subTest(str(file.relative_to(ROOT))):
                printed = file.read_text(encoding="utf-8")
                answers = asked_anew(printed, self.demo)
                difference = difflib.unified_diff(printed.splitlines(), answers.splitlines(), "README", "answers",
                                                  lineterm="")
                if printed != answers:
                    self.fail("it prints other answers:\n" + "\n".join(difference))

    def test_python(self):
        programs = [program for file in README_FILES for program in PYTHON.findall(file.read_text(encoding="utf-8"))]
        self.assertTrue(programs)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copyfile(self.demo, pathlib.Path(folder) / "demo.db")
            os.symlink(EXTENSION, pathlib.Path(folder) / "saldo.so")
            for program in programs:
                done = subprocess.run(["/usr/bin/python3", "-c", program], cwd=folder, capture_output=True, text=True,
                                      check=False, timeout=SHELL_SECONDS_MAX)
                self.assertEqual((0, "('active',)\n", ""), (done.returncode, done.stdout, done.stderr))

    def test_links(self):
        for file in README_FILES:
            text = CODE.sub("", file.read_text(encoding="utf-8"))
            # Links to the outside are not followed.
            for link in re.findall(r"\]\((?!https://)([^)\s]+)\)", text):
                with self.subTest(f"{file.relative_to(ROOT)}: {link}"):
                    path, _, anchor = link.partition("#")
                    target = file.parent / path if path else file
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(target.read_text(encoding="utf-8")))

    def test_the_first_page_is_short(self):
        self.assertLessEqual(len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()), 250)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        with tempfile.TemporaryDirectory() as scratch:
            played = played_demo(pathlib.Path(scratch))
            for readme in README_FILES:
                readme.write_text(asked_anew(readme.read_text(encoding="utf-8"), played), encoding="utf-8")
    else:
        unittest.main()
