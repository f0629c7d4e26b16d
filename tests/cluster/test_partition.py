#!/usr/bin/python3
"""Nodes and members of etcd in network namespaces of their own, whose cables are pulled: a node from etcd, a member
from the others, both, and a majority of the members; then they are healed. It takes root, and is passed over without.

SALDO_CLUSTER_CUTS: how often (6)."""

import atexit
import ctypes
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "http"))

from etcd import Cluster, Etcd, Node, dump, first_difference  # noqa: E402
import load  # noqa: E402
import server  # noqa: E402

CUTS = int(os.environ.get("SALDO_CLUSTER_CUTS", "6"))
PREFIX = "saldotest"
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True, capture_output=True)


def inside(space, work):
    """Does something in a namespace, in a thread of its own."""
    came = []

    def run():
        descriptor = os.open(f"/run/netns/{space}", os.O_RDONLY)
        try:
            if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            came.append((work(), None))
        except BaseException as error:  # it is raised where it is waited for
            came.append((None, error))
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if came[0][1] is not None:
        raise came[0][1]
    return came[0][0]


class Switch:
    """A bridge in a namespace, and a namespace for each machine; `spaces` are their names."""

    def __init__(self, machines, network="10.77.0"):
        self.network = network
        name = f"{PREFIX}{os.getpid()}"
        self.spaces = [f"{name}m{i}" for i in range(machines)]
        self.space = f"{name}s"
        atexit.register(remove_spaces, name)
        ip("netns", "add", self.space)
        ip("-n", self.space, "link", "add", "name", "hub", "type", "bridge")
        ip("-n", self.space, "link", "set", "hub", "up")
        ip("-n", self.space, "addr", "add", f"{network}.250/24", "dev", "hub")
        for i, space in enumerate(self.spaces):
            ip("netns", "add", space)
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", self.space, "link", "add", f"v{i}", "type", "veth", "peer", "name", "eth", "netns", space)
            ip("-n", self.space, "link", "set", f"v{i}", "master", "hub")
            ip("-n", space, "addr", "add", f"{self.host(i)}/24", "dev", "eth")
            ip("-n", space, "link", "set", "eth", "up")
            self.plug(i, True)

    def host(self, machine):
        return f"{self.network}.{machine + 1}"

    def plug(self, machine, is_in):
        ip("-n", self.space, "link", "set", f"v{machine}", "up" if is_in else "down")

    def close(self):
        remove_spaces(f"{PREFIX}{os.getpid()}")


def remove_spaces(prefix):
    for space in pathlib.Path("/run/netns").glob(f"{prefix}[ms]*"):
        subprocess.run(["ip", "netns", "del", space.name], capture_output=True, check=False)


def remove_others_spaces():
    """Those of runs that were killed."""
    for space in pathlib.Path("/run/netns").glob(f"{PREFIX}*"):
        number = re.match(rf"{PREFIX}(\d+)", space.name)
        if number and not pathlib.Path(f"/proc/{number.group(1)}").exists():
            remove_spaces(number.group())


def require_spaces():
    if os.geteuid() != 0 or not shutil.which("ip"):
        raise unittest.SkipTest("only root can make network namespaces, by iproute2's ip")
    remove_others_spaces()
    try:
        Switch(1).close()
    except (OSError, subprocess.CalledProcessError) as error:
        remove_spaces(f"{PREFIX}{os.getpid()}")
        told = (getattr(error, "stderr", None) or b"").decode().strip()
        raise unittest.SkipTest(f"network namespaces cannot be made here: {error} {told}") from None


class SpacedEtcd(Etcd):
    def __init__(self, switch, machines):
        self.switch, self.machines = switch, machines
        super().__init__(len(machines), tls=True, hosts=[switch.host(i) for i in machines])

    def prefix(self, member):
        return ("ip", "netns", "exec", self.switch.spaces[self.machines[member]])

    def inside(self, ask):
        return inside(self.switch.space, ask)

    @property
    def log_flags(self):
        flags = super().log_flags
        return flags[:flags.index("--log-user")]


class SpacedNode(Node):
    """The server runs in a namespace, and so do those who ask it."""

    def in_space(self, space):
        self.space = space
        self.program = self.database.with_suffix(".sh")
        self.program.write_text(f'#!/bin/sh\nexec ip netns exec {space} "{server.SALDOD}" "$@"\n')
        self.program.chmod(0o755)
        return self

    def start(self, *flags):
        usual, server.SALDOD = server.SALDOD, str(self.program)
        try:
            return super().start(*flags)
        finally:
            server.SALDOD = usual

    def ask(self, *question):
        return inside(self.space, lambda: super(SpacedNode, self).ask(*question))

    def health(self):
        return inside(self.space, super().health)


class Cut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_spaces()

    def test_nothing_is_lost_or_done_twice(self):
        switch = Switch(6)
        self.addCleanup(switch.close)
        etcd = SpacedEtcd(switch, [0, 1, 2])
        self.addCleanup(etcd.close)
        folder = pathlib.Path(etcd.folder)
        tokens = server.Books.copy(folder / "n0.db", load.OPENING)
        nodes = [SpacedNode(etcd, f"n{i}", folder, tokens).in_space(switch.spaces[3 + i]) for i in range(3)]
        usual, server.SALDOD = server.SALDOD, str(nodes[0].program)
        try:
            server.must("log", "init", "--database", nodes[0].database, *nodes[0].log_flags)
            server.must("backup", "--database", nodes[0].database, folder / "first.backup")
            for node in nodes[1:]:
                server.must("log", "join", "--database", node.database, *node.log_flags, folder / "first.backup")
        finally:
            server.SALDOD = usual
        cluster = Cluster.__new__(Cluster)
        cluster.etcd, cluster.nodes, cluster.folder = etcd, nodes, folder
        self.addCleanup(cluster.close)
        for node in nodes:
            node.start()
        cluster.expect_well()

        seed = int(os.environ.get("SALDO_SEED", time.time_ns() % 10**9))
        chance = random.Random(seed)
        clients = load.Load(nodes, seed)
        for cut in range(CUTS):
            before = clients.count
            self.assertTrue(server.wait_for(lambda: clients.wrong or clients.count > before + 3, 120),
                            (seed, [node.problem() for node in nodes]))
            self.assertEqual([], clients.wrong)
            kind = ("node", "member", "both", "majority")[cut % 4]
            victim = chance.randrange(3)
            pulled = {"node": [3 + victim], "member": [victim], "both": [victim, 3 + (victim + 1) % 3],
                      "majority": [victim, (victim + 1) % 3]}[kind]
            for machine in pulled:
                switch.plug(machine, False)
            time.sleep(chance.uniform(1, 4))
            for machine in pulled:
                switch.plug(machine, True)
        cluster.expect_well(seconds=120)
        clients.finish()
        cluster.hold()
        for node in nodes:
            node.stop()
        files = [dump(node.database) for node in nodes]
        for other in files[1:]:
            self.assertIsNone(first_difference(files[0], other))
        clients.expect_all(self, nodes[0].database)
        print(f"{CUTS} cuts: {clients}", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
