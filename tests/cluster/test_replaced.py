#!/usr/bin/python3
"""While clients write at three nodes: an upgrade from one build to the next, node by node, and a node whose disk is
lost, which joins from a backup."""

import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "http"))

import load  # noqa: E402
import server  # noqa: E402
from server import must, peek, wait_for  # noqa: E402
from test_cluster import ClusterCase  # noqa: E402


class Replaced(ClusterCase):
    def test_an_upgrade(self):
        cluster = self.cluster(opening=load.OPENING)
        # The same program, and yet another file.
        build = cluster.folder / "saldod"
        shutil.copy(server.SALDOD, build)
        with open(build, "ab") as file:
            file.write(b"another build")
        clients = load.Load(cluster.nodes, 1)
        self.assertTrue(wait_for(lambda: clients.wrong or clients.count > 30))
        first = cluster.nodes[0]
        must("log", "seal", "--database", first.database, *first.log_flags)
        for node in cluster.nodes:
            self.expect_problem(node, "sealed")
        sealed = clients.count
        usual, server.SALDOD = server.SALDOD, str(build)
        self.addCleanup(setattr, server, "SALDOD", usual)
        for node in cluster.nodes:
            node.stop()
            node.start()
            cluster.expect_well((node,))
        self.assertTrue(wait_for(lambda: clients.wrong or clients.count > sealed + 30))
        clients.finish()
        self.expect_same(cluster)
        clients.expect_all(self, first.database)
        builds = {row[0] for row in peek(first.database, "SELECT build FROM log_node")}
        self.assertEqual(1, len(builds), builds)
        print(f"an upgrade: {clients}", file=sys.stderr)

    def test_a_lost_disk(self):
        cluster = self.cluster(opening=load.OPENING)
        first, _, third = cluster.nodes
        clients = load.Load(cluster.nodes, 2)
        self.assertTrue(wait_for(lambda: clients.wrong or clients.count > 30))
        third.kill()
        for each in third.database.parent.glob("n2.db*"):
            each.unlink()
        lost = clients.count
        self.assertTrue(wait_for(lambda: clients.wrong or clients.count > lost + 30))
        backup = cluster.folder / "newer.backup"
        must("backup", "--database", first.database, backup)
        must("log", "join", "--database", third.database, *third.log_flags, backup)
        third.start()
        cluster.expect_well()
        joined = clients.count
        self.assertTrue(wait_for(lambda: clients.wrong or clients.count > joined + 30))
        clients.finish()
        self.expect_same(cluster)
        clients.expect_all(self, third.database)
        print(f"a lost disk: {clients}", file=sys.stderr)


if __name__ == "__main__":
    if not shutil.which("etcd"):
        sys.exit("test_replaced: etcd is not here; .ci/install tests installs it")
    unittest.main()
