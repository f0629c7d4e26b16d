#!/usr/bin/python3
"""Does what server/README.md says of three machines, step by step, on three network namespaces, word for word but for
the folders, which are of the test's own, and for what systemd does. Then one machine goes, and comes again. It takes
root, and is passed over without."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "http"))

import server  # noqa: E402
from test_partition import Switch, inside, require_spaces  # noqa: E402

CHAPTER = re.compile(r"^### Three machines, step by step\n(.*?)^### ", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Machine:
    def __init__(self, switch, number, root):
        self.name, self.space, self.root = f"h{number + 1}", switch.spaces[number], root / f"h{number + 1}"
        for folder in ("etc/saldo", "var/lib/saldo", "var/lib/saldo-anchor", "var/lib/etcd"):
            (self.root / folder).mkdir(parents=True)
        self.address = switch.host(number)
        self.running = []

    def own(self, text):
        """A step of the README for this machine."""
        for folder in ("/etc/saldo", "/var/lib/saldo-anchor", "/var/lib/saldo/", "/var/lib/etcd"):
            text = text.replace(f"{folder}", f"{self.root}{folder}")
        return text

    def command(self, script):
        hosts = self.root.parent / "hosts"
        return [*server.bound(), "ip", "netns", "exec", self.space, "bash", "-ec",
                f"mount --bind {hosts} /etc/hosts\nPATH={pathlib.Path(server.SALDOD).parent}:$PATH\n{script}"]

    def run(self, script):
        script = re.sub(r"^systemctl .*\n", "", script, flags=re.MULTILINE).replace("runuser -u saldo -- ", "")
        done = subprocess.run(self.command(self.own(script)), capture_output=True, text=True, check=False,
                              timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"{self.name}: {script}: {done.stderr}")
        return done.stdout

    def start(self, script):
        with open(self.root / "log", "ab") as log:
            self.running.append(subprocess.Popen(self.command(script), stdin=subprocess.DEVNULL, stdout=log,
                                                 stderr=log))

    def start_etcd(self, settings):
        settings = self.own(settings).replace("10.0.0.1", self.address)
        settings = re.sub(r"^(ETCD_NAME=)h1$", rf"\g<1>{self.name}", settings, flags=re.MULTILINE)
        settings = re.sub(r"^(ETCD_\w+=https://)h1(:\d+)$", rf"\g<1>{self.name}\2", settings, flags=re.MULTILINE)
        self.start(f"set -a\n{settings}\nexec etcd")

    def start_saldod(self, unit):
        line = re.findall(r"^ExecStart=(\S.*)$", unit, re.MULTILINE)[0].replace("--node h1", f"--node {self.name}")
        self.start(f"exec {self.own(line)}")

    def ask(self, method, path, token, *more):
        """Status and body, asked on the machine."""
        told = self.run(f"curl --silent --show-error --max-time 20 --write-out '\n%{{http_code}}' --request {method} "
                        f"--header 'Authorization: Bearer {token}' {' '.join(more)} http://127.0.0.1:8080{path}")
        body, _, status = told.rpartition("\n")
        return int(status), body

    def stop(self):
        for process in self.running:
            process.kill()
            process.wait()
        self.running = []


class Steps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_spaces()

    def test_they_make_three_machines_of_one(self):
        readme = (server.ROOT / "server" / "README.md").read_text(encoding="utf-8")
        certificates, settings, begin, join, unit = (text for _, text in
                                                     BLOCK.findall(CHAPTER.search(readme).group(1)))
        root = pathlib.Path(tempfile.mkdtemp(prefix="saldo-steps-"))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        switch = Switch(3, "10.0.0")
        self.addCleanup(switch.close)
        machines = [Machine(switch, number, root) for number in range(3)]
        for machine in machines:
            self.addCleanup(machine.stop)
        (root / "hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"{machine.address} {machine.name}\n" for machine in machines))
        subprocess.run(["bash", "-ec", certificates], cwd=root, check=True, capture_output=True)
        for machine in machines:
            for made, name in (("ca.pem", "ca.pem"), (f"{machine.name}.pem", "node.pem"),
                               (f"{machine.name}.key", "node.key")):
                shutil.copy(root / made, machine.root / "etc/saldo" / name)
            machine.start_etcd(settings)
        first, second, third = machines
        token = server.Books.copy(first.root / "var/lib/saldo/saldo.db")["admin"]
        first.run(begin)
        for machine in (second, third):
            shutil.copy(first.root / "var/lib/saldo/first.backup", machine.root / "var/lib/saldo")
            self.assertIn("joins", machine.run(join.replace("--node h2", f"--node {machine.name}")))
        for machine in machines:
            machine.start_saldod(unit)

        def is_well(machine):
            try:
                return machine.ask("GET", "/healthz", token)[0] == 200
            except AssertionError:
                return False
        for machine in machines:
            self.assertTrue(server.wait_for(lambda: is_well(machine), 60), (machine.root / "log").read_text()[-3000:])

        def register(machine, name):
            def done():
                status = machine.ask("POST", "/v1/accounts", token, "--header 'Content-Type: application/json'",
                                     f"--header 'Idempotency-Key: {name}'", f"""--data '{{"name": "{name}"}}'""")[0]
                self.assertIn(status, (201, 503))
                return status == 201
            self.assertTrue(server.wait_for(done, 60))
        register(first, "one")
        register(third, "two")
        self.assertTrue(server.wait_for(lambda: '"two"' in second.ask("GET", "/v1/accounts", token)[1], 30))
        # One of the machines is lost, whichever it is.
        first.stop()
        register(second, "three")
        self.assertTrue(server.wait_for(lambda: '"three"' in third.ask("GET", "/v1/accounts", token)[1], 30))
        first.start_etcd(settings)
        first.start_saldod(unit)
        self.assertTrue(server.wait_for(lambda: is_well(first), 60))
        self.assertIn('"three"', first.ask("GET", "/v1/accounts", token)[1])
        status = first.run(begin.splitlines()[1] + "\nsaldod log status --database /var/lib/saldo/saldo.db $LOG "
                           "--node h1\n")
        self.assertIn("node h3: was at", status)
        self.assertEqual(3, len(inside(first.space, lambda: server.peek(
            first.root / "var/lib/saldo/saldo.db", "SELECT 1 FROM account"))))


if __name__ == "__main__":
    if not shutil.which("etcd"):
        sys.exit("test_steps: etcd is not here; .ci/install tests installs it")
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    unittest.main()
