"""Real programs in temporary directories: a hub, devices, and a network between them that can be cut. Everything waits
for events with a deadline, never for a fixed time."""

import ctypes
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BIN = pathlib.Path(os.environ["STREETLOG_BIN"])
GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
PATIENCE = float(os.environ.get("STREETLOG_PATIENCE", "30"))  # seconds; sanitized programs need more

OK, USAGE, INVALID, NOT_FOUND, CONFLICT, NOT_PERMITTED = 0, 2, 3, 4, 5, 6
TOO_LARGE, UNAVAILABLE, STORAGE, WRONG_DATABASE, LOCKED, DAMAGED = 8, 9, 10, 11, 12, 13


def die_with_parent():
    """In a child, before exec: a test that is ended from outside leaves no programs behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


# What people type in these flags may stand in an answer, never in a log or an error.
PRIVATE = {"--first", "--middle", "--last", "--dob", "--ssn", "--note"}


class CommandFailed(Exception):
    """A command that should have succeeded."""

    def __init__(self, arguments, code, error):
        super().__init__(f"{' '.join(map(str, arguments))} ended with {code}: {error}")
        self.code = code


def wait_for(what, condition, patience=PATIENCE):
    """The first true value of `condition`, which may raise CommandFailed while things are not ready yet."""
    deadline = time.monotonic() + patience
    last = None
    while time.monotonic() < deadline:
        try:
            value = condition()
            if value:
                return value
        except CommandFailed as failed:
            last = failed
        time.sleep(0.02)
    raise AssertionError(f"waited {patience:.0f} s for {what}" + (f"; last: {last}" if last else ""))


class Program:
    """One of the two programs on one data directory: commands, and `serve` as a process of its own."""

    def __init__(self, binary, data):
        self.binary = BIN / binary
        self.data = pathlib.Path(data)
        self.log = self.data.with_suffix(".log")
        self.process = None
        self.said = {}
        self.typed = set()

    def call(self, *arguments, text=None, env=None, limit=None):
        """Exit code, answer and error of one command."""
        line = [self.binary, "--data", self.data, "--json", *arguments]
        self.typed |= {value for flag, value in zip(arguments, arguments[1:]) if flag in PRIVATE and len(value) > 4}
        done = subprocess.run([str(part) for part in line], input=text, capture_output=True, text=True, timeout=120,
                              restore_signals=limit is None,
                              env={**os.environ, **(env or {})}, preexec_fn=limit, check=False)
        answer = json.loads(done.stdout) if done.stdout.startswith("{") else {}
        leaked = [value for value in self.typed if value in done.stderr]
        assert not leaked, f"{leaked} in {done.stderr}"
        errors = [line for line in done.stderr.splitlines() if line.startswith('{"error"')]
        return done.returncode, answer, json.loads(errors[-1])["error"] if errors else {"message": done.stderr}

    def run(self, *arguments, **options):
        code, answer, error = self.call(*arguments, **options)
        if code != OK:
            raise CommandFailed(arguments, code, error["message"])
        return answer

    def serve(self, *arguments):
        assert self.process is None
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.binary), "--data", str(self.data), "serve", *map(str, arguments)],
                stdout=subprocess.PIPE, stderr=log, preexec_fn=die_with_parent)
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else b""
        if not line.startswith(b"{"):
            self.kill()
            raise AssertionError(f"{self.binary.name} did not come up: {self.log.read_text()[-2000:]}")
        self.said = json.loads(line)
        return self

    def kill(self):
        """As a pulled battery, as far as a process can tell."""
        self._end(signal.SIGKILL)

    def stop(self):
        """Asks it to end; returns the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number):
        if self.process is None:
            return None
        self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        self.process = None
        return code

    def dump_hash(self):
        return self.run("verify", "--dump-hash")["dump_hash"]


class Hub(Program):
    def __init__(self, data):
        super().__init__("streetlog-hub", data)
        self.port = 0

    def serve(self, *arguments):
        super().serve("--port", self.port, *arguments)
        self.port = self.said["port"]
        return self

    def records_of(self, device):
        rows = {row["device"]: row for row in self.run("device", "list")["devices"]}
        return rows[device]["records"]


class Agent(Program):
    def __init__(self, data, device):
        super().__init__("streetlog-agent", data)
        self.device = device

    def status(self):
        return self.run("status")

    def sync(self):
        return self.run("sync", "--once")

    def find(self, *words):
        return self.run("find", *words)["people"]

    def intake(self, *arguments):
        """The ids an intake of one person made, by table."""
        made = self.run("intake", *arguments)["created"]
        return {row["table"]: row["id"] for row in made}


class Control:
    """One request to a running agent over its control socket, without a process of its own."""

    @staticmethod
    def ask(agent, command, arguments, timeout=PATIENCE):
        """The answer, or None when the program went away before it answered."""
        request = json.dumps({"command": command, "arguments": arguments}).encode()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(timeout)
                line.connect(str(agent.data / "control"))
                line.sendall(struct.pack("<I", len(request)) + request)
                while True:
                    (length,) = struct.unpack("<I", Control._exactly(line, 4))
                    body = Control._exactly(line, length)
                    if body[:1] == b"R":
                        return json.loads(body[1:])
        except (OSError, EOFError):
            return None

    @staticmethod
    def _exactly(line, size):
        out = b""
        while len(out) < size:
            part = line.recv(size - len(out))
            if not part:
                raise EOFError
            out += part
        return out


def tls_context(shown=None, protocol="streetlog-sync"):
    """What a stranger brings, or with the directory of a device what that device shows. Nothing is checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([protocol])
    if shown is not None:
        context.load_cert_chain(shown / "device.crt", shown / "device.key")
    return context


class Network:
    """A TCP connection in between that can be cut: `down` drops every connection and refuses new ones, as a tunnel
    does; `freeze` keeps them open and carries nothing."""

    def __init__(self, port):
        self.target = port
        self.up = True
        self.flowing = threading.Event()
        self.flowing.set()
        self.lines = set()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def down(self):
        with self.lock:
            self.up = False
            lines, self.lines = self.lines, set()
        for line in lines:
            self._close(line)

    def restore(self):
        with self.lock:
            self.up = True
        self.flowing.set()

    def freeze(self):
        self.flowing.clear()

    def close(self):
        self.down()
        self.flowing.set()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self.lock:
                wanted = self.up
                if wanted:
                    self.lines |= {near, far}
            if not wanted:
                self._close(near)
                self._close(far)
                continue
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    def _carry(self, source, sink):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                self.flowing.wait()
                sink.sendall(data)
        except OSError:
            pass
        self._close(source)
        self._close(sink)

    @staticmethod
    def _close(line):
        try:
            line.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        line.close()


class World(unittest.TestCase):
    """A hub with the projects of the synthetic CSV set, and devices of it. Every program is gone after the test."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="slog-"))
        self.programs = []
        self.networks = []
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.addCleanup(self._clean)

    def _clean(self):
        for network in self.networks:
            network.close()
        for program in self.programs:
            program.kill()
        typed = set().union(*(program.typed for program in self.programs))
        for program in self.programs:
            log = program.log.read_text() if program.log.exists() else ""
            self.assertEqual([value for value in typed if value in log], [], "typed, and in a log")
        if self._failed():
            for program in self.programs:
                if program.log.exists():
                    print(f"--- {program.log.name}\n{program.log.read_text()[-3000:]}", file=sys.stderr)

    def _failed(self):
        outcome = getattr(self, "_outcome", None)
        result = getattr(outcome, "result", None)
        return any(test is self for test, _ in getattr(result, "failures", []) + getattr(result, "errors", []))

    def make_hub(self, seeded=True):
        hub = Hub(self.root / "hub")
        self.programs.append(hub)
        self.found(hub, seeded)
        return hub

    @staticmethod
    def found(hub, seeded=True):
        hub.run("init")
        if seeded:
            hub.run("import", GOLDEN / "hmis-synthetic", "--source", "sample")
        hub.run("user", "add", "--name", "Dana Field")
        hub.run("user", "add", "--name", "Dario Fields")

    def enrolment(self, hub, name, port=None):
        file = self.root / f"{name}.json"
        hub.run("device", "add", "--name", name, "--out", file, "--port", port or hub.port)
        return file

    def make_agent(self, hub, name, *arguments, port=None):
        """`hub` must have been served once, so that its port is known."""
        agent = Agent(self.root / name, None)
        self.programs.append(agent)
        made = agent.run("init", "--enrolment", self.enrolment(hub, name, port), "--coc", "CA-600", *arguments)
        agent.device = made["device"]
        return agent

    def make_network(self, port):
        network = Network(port)
        self.networks.append(network)
        return network

    def project_of(self, agent):
        """A street outreach project that the device knows."""
        projects = agent.run("projects")["projects"]
        return next(row["project"] for row in projects if row["type"] == "Street Outreach")
