# SPDX-License-Identifier: GPL-2.0-or-later
"""What the host's end-to-end tests share: KTAP, an ordinary user, the daemon, a guest's console."""

import json
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SLOW = int(os.environ.get("PVMEM_SLOW", "1"))
USER = "nobody"  # whom a test started by root runs as


class Failed(Exception):
    """A case's expectation was not met."""


def expect(condition, message):
    if not condition:
        raise Failed(message)


def within(seconds, what, probe):
    """Waits until probe() is true; returns the seconds it took."""
    start = time.monotonic()
    while True:
        value = probe()
        took = time.monotonic() - start
        if value:
            return took
        if took > seconds * SLOW:
            raise Failed(f"{what}: not within {seconds * SLOW:g} s")
        time.sleep(0.02)


class Plan:
    """Cases in their order, as KTAP; the first failure ends the run."""

    def __init__(self, title):
        self.title = title
        self.cases = []

    def case(self, function):
        self.cases.append(function)
        return function

    def run(self, *args):
        print("KTAP version 1")
        print(f"1..{len(self.cases)}", flush=True)
        failed = False
        for number, function in enumerate(self.cases, 1):
            name = function.__name__
            if failed:
                print(f"not ok {number} {name} # not run")
                continue
            try:
                note = function(*args)
            except (Failed, subprocess.SubprocessError, OSError) as error:
                failed = True
                for line in str(error).splitlines():
                    print(f"# {line}")
                print(f"not ok {number} {name}", flush=True)
            else:
                print(f"ok {number} {name}" + (f" # {note}" if note else ""), flush=True)
        return not failed


def work_directory():
    """A short path: sockets' names end at 108 bytes."""
    return tempfile.mkdtemp(prefix="pvmem-", dir="/tmp")


def as_user(prepare):
    """
    Calls prepare(directory), and returns the directory in the process that goes on as an
    ordinary user. Root waits for that process, and ends with its status.
    """
    if os.geteuid() != 0:
        directory = work_directory()
        prepare(directory)
        return directory
    directory = work_directory()
    prepare(directory)
    user = pwd.getpwnam(USER)
    for root, directories, files in os.walk(directory):
        for name in [root] + [os.path.join(root, n) for n in directories + files]:
            os.lchown(name, user.pw_uid, user.pw_gid)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
        os.environ.update(HOME=directory, USER=USER, LOGNAME=USER)
        return directory
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    _, status = os.waitpid(child, 0)
    if status == 0 and not os.environ.get("PVMEM_KEEP"):
        shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"# logs: {directory}")
    sys.stdout.flush()
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


class Host:
    """An ordinary user's runtime directory, with the daemon and its clients in it."""

    def __init__(self, directory, config, bin_directory=None):
        self.directory = directory
        self.bin = bin_directory or os.path.join(directory, "bin")
        self.daemon = None
        self.wrapper = []  # before the daemon's command line
        for name in ("run", "config", "cache", "data"):
            os.makedirs(os.path.join(directory, name), mode=0o700, exist_ok=True)
        self.env = dict(
            os.environ,
            HOME=directory,
            XDG_RUNTIME_DIR=self.path("run"),
            XDG_CONFIG_HOME=self.path("config"),
            XDG_CACHE_HOME=self.path("cache"),
            XDG_DATA_HOME=self.path("data"),
            LIBVIRT_DEFAULT_URI="qemu:///session",
            LC_ALL="C",
            # What is freed is kept from reuse for a while, and would look like growth.
            ASAN_OPTIONS="quarantine_size_mb=4",
        )
        self.env.pop("NOTIFY_SOCKET", None)
        with open(self.path("pvmemd.conf"), "w", encoding="utf-8") as file:
            file.write(config)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def start_daemon(self):
        with open(self.path("pvmemd.log"), "ab") as log:
            self.daemon = subprocess.Popen(
                [*self.wrapper, os.path.join(self.bin, "pvmemd"), "--config", self.path("pvmemd.conf")],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        within(10, "the daemon's control socket", lambda: self.ctl("self-test", check=False).returncode == 0)

    def stop_daemon(self, number=signal.SIGTERM):
        self.daemon.send_signal(number)
        status = self.daemon.wait(timeout=20 * SLOW)
        self.daemon = None
        return status

    def log(self):
        with open(self.path("pvmemd.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def run(self, *command, check=True, timeout=60):
        done = subprocess.run(command, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout * SLOW, check=False)
        if check and done.returncode:
            raise Failed(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()} {done.stdout.strip()}")
        return done

    def ctl(self, *args, check=True):
        return self.run(os.path.join(self.bin, "pvmemctl"), *args, check=check)

    def rows(self, *args):
        return json.loads(self.ctl(*args, "--json").stdout)

    def row(self, domain):
        for row in self.rows("list"):
            if row["domain"] == domain:
                return row
        return None

    def options(self, domain):
        """Every option's row, by name."""
        rows = self.rows("memory-compression", domain) + self.rows("pool", domain)
        return {row["option"]: row for row in rows}

    def virsh(self, *args, check=True):
        return self.run("virsh", "-q", *args, check=check)

    def daemon_status(self, key):
        """A line of the daemon's /proc status, in bytes."""
        with open(f"/proc/{self.daemon.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
        return 0

    def daemon_cpu(self):
        """CPU time the daemon has used, in seconds."""
        with open(f"/proc/{self.daemon.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Console:
    """A guest's ttyS1 through QEMU's pipe device: runs commands in the guest (guest-init)."""

    def __init__(self, path):
        self.path = path
        self.text = b""
        for suffix in (".in", ".out"):
            os.mkfifo(path + suffix)
        # Read and write, so that neither side waits for the other to open it.
        self.into = os.open(path + ".in", os.O_RDWR)
        self.out = os.open(path + ".out", os.O_RDWR | os.O_NONBLOCK)

    def line(self, seconds):
        end = time.monotonic() + seconds * SLOW
        while b"\n" not in self.text:
            ready, _, _ = select.select([self.out], [], [], max(end - time.monotonic(), 0))
            if not ready:
                raise Failed(f"{self.path}: the guest says nothing: {self.text!r}")
            self.text += os.read(self.out, 65536)
        line, self.text = self.text.split(b"\n", 1)
        return line.decode("ascii", "replace").strip()

    def wait_ready(self, seconds=60):
        while self.line(seconds) != "= ready":
            pass

    def run(self, command, seconds=10):
        os.write(self.into, command.encode() + b"\n")
        output = []
        while True:
            line = self.line(seconds)
            if line.startswith("= "):
                return "\n".join(output)
            output.append(line)


def guest_image(directory, *files):
    """Kernel and initramfs of a guest with agent, and the programs under test, for the user to read."""
    subprocess.run([os.path.join(TOP, "tests/host/guest-image"), directory, *files], check=True)
    copy_programs(directory)


def copy_programs(directory, source="build/host"):
    os.makedirs(os.path.join(directory, "bin"), exist_ok=True)
    for name in ("pvmemd", "pvmemctl"):
        shutil.copy(os.path.join(TOP, source, name), os.path.join(directory, "bin", name))


class FakeGuests:
    """
    The guests' ends of QEMU's sockets, in a process of their own: each speaks the agent's
    protocol, or, with a `talk` of its own, whatever that generator yields.
    """

    def __init__(self, directory):
        self.directory = directory
        self.poll = select.epoll()
        self.listeners = {}
        self.guests = {}

    def add(self, name, talk=None):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(self.directory, name + ".sock"))
        listener.listen(1)
        listener.setblocking(False)
        self.listeners[listener.fileno()] = (listener, name, talk)
        self.poll.register(listener, select.EPOLLIN)

    def named(self, name):
        """The guest of that name, if the daemon is connected to it."""
        return next((guest for guest in list(self.guests.values()) if guest.name == name), None)

    def run(self, seconds, each=None):
        """Serves for so long; calls each() now and then."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for number, events in self.poll.poll(0.02):
                if number in self.listeners:
                    self.accept(number)
                elif number in self.guests:
                    self.guests[number].ready(events)
            now = time.monotonic()
            for guest in list(self.guests.values()):
                guest.tick(now)
            if each:
                each()

    def accept(self, number):
        listener, name, talk = self.listeners[number]
        connection, _ = listener.accept()
        connection.setblocking(False)
        self.guests[connection.fileno()] = FakeGuest(self, connection, name, talk)
        self.poll.register(connection, select.EPOLLIN)


class FakeGuest:
    """One of them. Who is called deaf-something does not answer requests."""

    REPORT = 1.0

    def __init__(self, all_guests, connection, name, talk):
        self.all = all_guests
        self.connection = connection
        self.name = name
        self.talk = talk() if talk else None
        self.unsent = b""
        self.received = b""
        self.options = {}
        self.requests = []
        # Spread, as guests that booted at different times are.
        self.due = time.monotonic() + (hash(name) % 1000) / 1000 * self.REPORT

    def close(self):
        del self.all.guests[self.connection.fileno()]
        self.connection.close()

    def ready(self, events):
        try:
            data = self.connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        if self.talk:
            return
        self.received += data
        *lines, self.received = self.received.split(b"\n")
        for line in lines:
            if line:
                self.obey(json.loads(line))

    def obey(self, message):
        if message["type"] == "hello":
            self.say({"type": "hello", "agent": "fake", "boot": "b-" + self.name, "kernel": "k", "backend": "kvm"})
        elif message["type"] == "configure":
            self.options = message["options"]
            self.say({"type": "result", "id": message["id"], "applied": self.options, "refused": {}})
            self.report()
        elif message["type"] == "request":
            self.requests.append(message["do"])
            if self.name.startswith("deaf"):
                return
            self.say({"type": "result", "id": message["id"], "applied": {}, "refused": {}})

    def report(self):
        stats = {name: 1000000 + number for number, name in enumerate(STATS)}
        self.say({"type": "report", "stats": stats, "memory": MEMORY, "psi_avg10": 0, "options": self.options})

    def say(self, message):
        self.unsent += json.dumps({"v": 1, **message}).encode() + b"\n"
        self.flush()

    def flush(self):
        try:
            while self.unsent:
                self.unsent = self.unsent[self.connection.send(self.unsent[:1 << 20]):]
        except BlockingIOError:
            pass
        except OSError:
            self.unsent = b""

    def tick(self, now):
        if self.connection.fileno() < 0:
            return
        if self.talk and not self.unsent:
            self.unsent = next(self.talk, b"")
        elif not self.talk and now >= self.due:
            self.due += self.REPORT
            self.report()
        if self.unsent:
            self.flush()


def stat_names():
    with open(os.path.join(TOP, "include/pvmem/stats.def"), encoding="utf-8") as file:
        return re.findall(r"^PVMEM_(?:STAT|GAUGE)\((\w+),", file.read(), re.M)


STATS = stat_names()
MEMORY = {"total_bytes": 1 << 30, "free_bytes": 1 << 28, "available_bytes": 1 << 29, "swap_total_bytes": 1 << 30,
          "swap_free_bytes": 1 << 29, "zswap_bytes": 1 << 26, "zswapped_bytes": 1 << 28}
