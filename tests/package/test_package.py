#!/usr/bin/python3
"""The Debian package is made, installed into a fresh root, used there, upgraded and removed.

The root holds what the package depends on and what dpkg and the maintainer scripts need, and nothing else: copied from
the packages installed on this machine, so that it takes seconds and no network. Whatever the package does not say that
it needs is missing there. Takes root, for chroot; SALDO_BUILD is the folder in which cpack works."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("SALDO_BUILD", ROOT / "build"))
# What is in every Debian: a shell and its tools, dpkg, and the look-up of users.
BASE = ("base-files", "base-passwd", "bash", "coreutils", "dash", "debianutils", "diffutils", "dpkg", "findutils",
        "grep", "libc-bin", "perl-base", "sed", "tar", "util-linux")
# What the package recommends: the shell and Python.
RECOMMENDED = ("sqlite3", "python3")
SKIPPED = 77
COMMAND_SECONDS_MAX = 300
START_SECONDS_MAX = 60


def run(*command, **options):
    options.setdefault("check", True)
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          encoding="utf-8", timeout=COMMAND_SECONDS_MAX, **{**options, "check": False})
    if options["check"] and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}: {done.stdout}")
    return done.stdout


def installed_packages():
    """{name, or virtual name: (package, [the alternatives of each dependency], stanza)} of what is installed here."""
    packages = {}
    stanzas = pathlib.Path("/var/lib/dpkg/status").read_text(encoding="utf-8").strip().split("\n\n")
    fields = [dict(re.findall(r"^([\w-]+): (.*(?:\n .*)*)", stanza, re.MULTILINE)) for stanza in stanzas]
    for stanza, field in zip(stanzas, fields, strict=True):
        if not field.get("Status", "").endswith(" installed"):
            continue
        wanted = ", ".join(field[name] for name in ("Pre-Depends", "Depends") if name in field)
        entry = (field["Package"], alternatives(wanted), stanza)
        packages[field["Package"]] = entry
        for virtual in re.split(r",\s*", field.get("Provides", "")):
            packages.setdefault(virtual.split(" ")[0], entry)
    return packages


def alternatives(dependencies):
    """'a (>= 1) | b, c:any' is [['a', 'b'], ['c']]."""
    return [[re.split(r"[ :(]", each.strip())[0] for each in dependency.split("|")]
            for dependency in dependencies.split(",") if dependency.strip()]


def closure(names):
    """The stanzas of these packages and of all that they need."""
    known, found, waiting = installed_packages(), {}, [[name] for name in names]
    while waiting:
        choices = waiting.pop()
        package = next((known[name] for name in choices if name in known), None)
        if package is None:
            raise AssertionError(f"none of {choices} is installed here")
        if package[0] not in found:
            found[package[0]] = package[2]
            waiting += package[1]
    return found


def copy_files(packages, root):
    """Copies the files of installed packages, and what their scripts made: users, the linker's cache."""
    files = run("dpkg", "-L", *packages).split("\n")
    listed = sorted({file for file in files if file.startswith("/") and not file.startswith("/usr/share/doc/")})
    for name in ("/bin", "/sbin", "/lib", "/lib64"):  # since Debian 12 these are links into /usr
        if os.path.islink(name):
            (root / os.readlink(name)).mkdir(parents=True)
            (root / name[1:]).symlink_to(os.readlink(name))
    for file in listed:
        target = root / file[1:]
        if os.path.isdir(file) and not os.path.islink(file):
            target.mkdir(parents=True, exist_ok=True)
        elif os.path.lexists(file):
            target.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(target):
                shutil.copy2(file, target, follow_symlinks=False)
    for name in ("passwd", "group", "shadow", "gshadow"):
        text = pathlib.Path("/etc", name).read_text(encoding="utf-8")
        known = re.findall(r"^(?:root|nobody|nogroup|shadow|mail|daemon|bin|sys):.*\n", text, re.MULTILINE)
        (root / "etc" / name).write_text("".join(known), encoding="utf-8")
    shutil.copyfile("/etc/ld.so.cache", root / "etc/ld.so.cache")
    (root / "tmp").mkdir(mode=0o1777, exist_ok=True)
    for folder in ("dev", "proc"):
        (root / folder).mkdir(exist_ok=True)
    (root / "dev/null").touch()


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="saldo-package-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", cls.folder / "packages", cwd=BUILD)
        cls.package, = (cls.folder / "packages").glob("saldo_*.deb")

    def field(self, name):
        return run("dpkg-deb", "--field", self.package, name).strip()

    def make_root(self, *more):
        root = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        root.chmod(0o755)
        needed = [names[0] for names in alternatives(self.field("Depends"))]
        packages = closure((*BASE, *needed, *more))
        copy_files(packages, root)
        admin = root / "var/lib/dpkg"
        for each in ("info", "updates", "triggers"):
            (admin / each).mkdir(parents=True, exist_ok=True)
        (admin / "status").write_text("\n\n".join(packages.values()) + "\n\n", encoding="utf-8")
        return root

    def dpkg(self, root, *arguments, **options):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        return run("dpkg", f"--root={root}", "--force-unsafe-io", *arguments, env=environment, **options)

    def as_saldo(self, root, *command, **options):
        return run("chroot", "--userspec=saldo:saldo", root, *command, **options)

    def test_it_is_small_and_says_what_it_needs(self):
        self.assertEqual("saldo", self.field("Package"))
        version = re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")).group(1)
        self.assertEqual(version, self.field("Version"))
        needed = self.field("Depends")
        for name in ("libsqlite3-0 (>= 3.40)", "libssl3", "libstdc++6", "libdate-tz3", "tzdata"):
            self.assertIn(name, needed)
        listed = run("dpkg-deb", "--contents", self.package)
        files = set(re.findall(r"^-.* \./(.*)$", listed, re.MULTILINE))
        names = ("README.md", "CHANGELOG.md", "extension/README.md", "server/README.md")
        documents = {f"usr/share/doc/saldo/{name}" for name in names}
        self.assertEqual(documents | {"usr/bin/saldod", "usr/bin/saldo-digest", "usr/lib/saldo.so",
                                      "usr/share/saldo/nginx.conf", "usr/lib/systemd/system/saldod.service"}, files)
        self.assertNotRegex(listed, r"^[^ ]* (?!root/root )", "everything belongs to root")
        megabyte = 1 << 20
        self.assertLess(self.package.stat().st_size, 8 * megabyte, "stripped and compressed")

    def test_it_is_installed_served_from_upgraded_and_removed(self):
        root = self.make_root()
        self.dpkg(root, "--install", self.package)
        self.assertEqual("saldo saldo 750\n", run("chroot", root, "stat", "-c", "%U %G %a", "/var/lib/saldo"))
        self.assertRegex(run("chroot", root, "getent", "passwd", "saldo"), ":/var/lib/saldo:/usr/sbin/nologin\n$")

        unit = (root / "usr/lib/systemd/system/saldod.service").read_text(encoding="utf-8")
        program, *flags = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE).group(1).split(" ")
        self.assertEqual(("saldod", "serve"), (program, flags[0]))
        database = flags[flags.index("--database") + 1]
        self.assertIn(f"ConditionPathExists={database}\n", unit)
        # What systemd does, by StateDirectory.
        run("chroot", root, "install", "-d", "-o", "saldo", "-g", "saldo", "/var/lib/saldo-anchor")
        self.as_saldo(root, program, "install", "--database", database, "--opening", "2026-11-01")
        token = self.as_saldo(root, program, "token", "create", "--database", database, "--role", "admin",
                              "--name", "me")
        flags[flags.index("--listen") + 1] = "127.0.0.1:0"
        with subprocess.Popen(["chroot", "--userspec=saldo:saldo", str(root), program, *flags], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as server:
            try:
                signal.alarm(START_SECONDS_MAX)  # the line comes, or the test ends
                url = server.stdout.readline().split(" ")[-1].strip()
                signal.alarm(0)
                with urllib.request.urlopen(f"{url}/healthz", timeout=START_SECONDS_MAX) as answer:
                    self.assertEqual(200, answer.status)
                request = urllib.request.Request(f"{url}/v1/accounts", b'{"name": "A"}', {
                    "Authorization": f"Bearer {token.strip()}", "Content-Type": "application/json"})
                with urllib.request.urlopen(request, timeout=START_SECONDS_MAX) as answer:
                    self.assertEqual(201, answer.status)
                # Over the running server.
                self.dpkg(root, "--install", self.package)
            finally:
                server.send_signal(signal.SIGTERM)
            _, log = server.communicate(timeout=START_SECONDS_MAX)
            self.assertEqual(0, server.returncode, log)
        self.assertIn("in order", self.as_saldo(root, program, "verify", "--database", database))

        self.dpkg(root, "--purge", "saldo")
        self.assertFalse((root / "usr/bin/saldod").exists())
        self.assertTrue((root / database[1:]).exists(), "the books stay")

    def test_the_shell_finds_the_extension(self):
        root = self.make_root(*RECOMMENDED)
        self.dpkg(root, "--install", self.package)
        asked = "SELECT saldo_install('2026-11-01'); SELECT count(*) FROM audit WHERE violations > 0;"
        shell = ("sqlite3", "-batch", "-bail", "-cmd", ".load saldo")
        answer = self.as_saldo(root, *shell, "/var/lib/saldo/own.db", asked)
        self.assertEqual("0", answer.strip().split("\n")[-1])
        self.assertEqual("", self.as_saldo(root, "saldo-digest", "/var/lib/saldo/own.db"))


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("passed over: a fresh root takes root")
        sys.exit(SKIPPED)
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"the server did not start within {START_SECONDS_MAX} s"))
    unittest.main()
