#!/usr/bin/env python3
"""Acts out script.json with the real programs: one hub and a few field agents, each a process of its own, on loopback.

What comes of it is left in the data directory; whether it is right is for report.py to say, which knows nothing of what
happened here. Every clock is simulated: a day of outreach takes a minute (see sync/net/simulated_clock.hpp)."""

import argparse
import datetime
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time

PATIENCE_S = 90  # for anything that is waited for
HOUR_MS = 3_600_000
RECORDING = ("intake", "contact", "exit", "update")


class Trouble(Exception):
    """The story cannot go on; the text says why."""


def now_ms():
    return time.time_ns() // 1_000_000


class Calendar:
    """Times of the script, "Mon 08:20", as instants and as the programs want them."""

    def __init__(self, script):
        self.zone, self.days = script["zone"], script["days"]

    def iso(self, when):
        day, hour = when.split()
        return f"{self.days[day]}T{hour}:00{self.zone}"

    def ms(self, when):
        return round(datetime.datetime.fromisoformat(self.iso(when)).timestamp() * 1000)

    def tz(self):
        """For the environment: a zone that needs no database of zones."""
        sign, hours, minutes = self.zone[0], self.zone[1:3], self.zone[4:]
        return f"<{sign}{hours}>{'+' if sign == '-' else '-'}{hours}:{minutes}"


class SimulatedClock:
    """The clock file of one program. All of them run on the same story time; a device's wall clock may be wrong."""

    UPTIME_MS = 5 * HOUR_MS  # of a device when the story begins

    def __init__(self, file, boot, wall_error_ms, start_ms):
        self.file, self.boot, self.wall_error_ms = file, boot, wall_error_ms
        # Boot clock and wall clock move together from here on, however often the time is set.
        self.boottime_less_wall = self._boottime_for(start_ms, self.UPTIME_MS)

    @staticmethod
    def _boottime_for(story_ms, uptime_ms):
        machine_boottime = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        return (uptime_ms - machine_boottime) - (story_ms - now_ms())

    def reboot(self, story_ms, wall_error_ms):
        self.boot += 0x100
        self.wall_error_ms = wall_error_ms
        self.boottime_less_wall = self._boottime_for(story_ms, 60_000)

    def shift(self, offset_ms):
        """Puts story time at `offset_ms` from the machine's."""
        text = (f"wall_offset_ms = {offset_ms + self.wall_error_ms}\n"
                f"boottime_offset_ms = {offset_ms + self.boottime_less_wall}\n"
                f"boot_id = {self.boot:016x}\n")
        fresh = self.file.with_name(self.file.name + ".next")
        fresh.write_text(text)
        os.replace(fresh, self.file)


class Program:
    """One of the two programs with its data directory; at most one long-running process of it."""

    def __init__(self, binary, data, env, log):
        self.binary, self.data, self.env, self.log = binary, data, env, log
        self.process = None

    def ask(self, *arguments, document=None):
        """Runs a command and returns its answer."""
        command = [self.binary, "--data", self.data, "--json", *map(str, arguments)]
        done = subprocess.run(command, input=document, text=True, capture_output=True, env=self.env,
                              timeout=PATIENCE_S)
        if done.returncode != 0:
            raise Trouble(f"{' '.join(map(str, command))}\nended with {done.returncode}: "
                          f"{done.stdout.strip()}{done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def start(self, *arguments):
        """Starts `serve`; returns the line it says once it is ready."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.binary, "--data", self.data, "serve", *map(str, arguments)],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            env=self.env, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise Trouble(f"{self.binary.name} did not start; see {self.log}")
        return json.loads(line)

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process = None


class Story:
    def __init__(self, script, options):
        self.script, self.csv, self.data = script, options.csv, options.data
        self.calendar = Calendar(script)
        self.env = {**os.environ, "TZ": self.calendar.tz(), "LC_ALL": "C.UTF-8"}
        self.bin = options.bin
        self.hub = self._program("streetlog-hub", "hub")
        self.devices = {d["name"]: self._program("streetlog-agent", d["name"]) for d in script["devices"]}
        self.clocks, self.people = {}, {}
        self.port = 0

    def _program(self, binary, name):
        return Program(self.bin / binary, self.data / name, self.env, self.data / f"{name}.log")

    # --- time

    def set_clocks(self, when, *names):
        """Moves the story's time on. The same offset for all, so that nobody's clocks drift apart."""
        offset = self.calendar.ms(when) - now_ms()
        for name in names or self.clocks:
            self.clocks[name].shift(offset)

    def say(self, when, who, what):
        print(f"  {when}  {who:<5} {what}", flush=True)

    # --- the beginning

    def set_up(self):
        first = self.script["steps"][0]["at"]
        start = self.calendar.ms(first)
        (self.data / "clocks").mkdir()
        (self.data / "enrolment").mkdir(mode=0o700)
        for number, who in enumerate(["hub", *self.devices]):
            wrong = next((d["wall_wrong_by_hours"] for d in self.script["devices"] if d["name"] == who), 0)
            file = self.data / "clocks" / who
            self.clocks[who] = SimulatedClock(file, 0xb000 + number, wrong * HOUR_MS, start)
        self.set_clocks(first)
        self.hub.ask("init", "--simulated-clock", self.data / "clocks/hub")
        self.clocks["hub"].file = self.hub.data / "clock"
        self.port = self.hub.start("--port", 0)["port"]
        taken = self.hub.ask("import", self.csv, "--source", self.script["source"])
        rows = {t["table"]: t["rows"] for t in taken["tables"]}
        self.say(first, "hub", f"starts on 127.0.0.1:{self.port}")
        self.say(first, "hub", f"takes in the sample HMIS CSV: {rows['Client']} clients, {rows['Enrollment']} stays")
        for device in self.script["devices"]:
            self._enroll(device, first)

    def _enroll(self, device, when):
        name, file = device["name"], self.data / "enrolment" / f"{device['name']}.json"
        self.hub.ask("user", "add", "--name", device["worker"])
        self.hub.ask("device", "add", "--name", name, "--port", self.port, "--out", file)
        agent = self.devices[name]
        agent.ask("init", "--enrolment", file, "--coc", self.script["coc"], "--simulated-clock", self.data / "clocks" / name)
        self.clocks[name].file = agent.data / "clock"
        wrong = device["wall_wrong_by_hours"]
        self.say(when, "hub", f"lets in the device {name} of {device['worker']}")
        if wrong:
            self.say(when, name, f"has a wall clock that is {abs(wrong)} hours {'fast' if wrong > 0 else 'slow'}")

    # --- what workers do

    def step(self, step):
        do = step["do"]
        if do == "sync":
            self.sync(step)
        elif do == "reconnect":
            self.reconnect(step)
        elif do == "restart":
            self.restart(step)
        elif do in RECORDING:
            self.set_clocks(step["at"], step["who"])
            agent = self.devices[step["who"]]
            arguments, document, words = getattr(self, "_" + do)(agent, step)
            at = ["--at", self.calendar.iso(step["happened"])] if "happened" in step and document is None else []
            answer = agent.ask(do, *arguments, *at, document=document)
            if do == "intake":
                self._remember(step, answer["created"])
            typed = f", typed in now; it was {step['happened']}" if "happened" in step else ""
            self.say(step["at"], step["who"], f"{do:<8} {words}{typed}")
        else:
            raise Trouble(f"the script has an unknown step: {do}")

    def _remember(self, step, created):
        clients = [c["id"] for c in created if c["table"] == "Client"]
        stays = [c["id"] for c in created if c["table"] == "Enrollment"]
        for person, client, stay in zip(step["clients"], clients, stays, strict=True):
            self.people[person["as"]] = {"client": client, "enrollment": stay}

    def _person(self, agent, alias):
        """Somebody met earlier in the story, or looked up on the device as a worker would."""
        if alias in self.people:
            return self.people[alias]
        source = self.script["known"][alias]
        found = agent.ask("find", *self._name_in_csv(source))["people"]
        if len(found) != 1:
            raise Trouble(f"the device finds {len(found)} people for {alias}")
        known = agent.ask("show", found[0]["client"])
        stays = [e["enrollment"] for e in known["enrollments"] if not e["exit"]]
        return {"client": found[0]["client"], "enrollment": stays[0]}

    def _name_in_csv(self, source):
        with open(self.csv / "Client.csv", encoding="utf-8") as file:
            columns = file.readline().strip().split(",")
            for line in file:
                row = dict(zip(columns, line.strip().split(",")))
                if row["PersonalID"] == source:
                    return row["FirstName"], row["LastName"]
        raise Trouble(f"{source} is not in the sample HMIS CSV")

    def _project(self, agent, who):
        wanted = next(d["project"] for d in self.script["devices"] if d["name"] == who)
        return next(p["project"] for p in agent.ask("projects")["projects"] if p["name"] == wanted)

    def _intake(self, agent, step):
        clients, project = step["clients"], self._project(agent, step["who"])
        names = ", ".join(f"{c['first']} {c['last']}" for c in clients)
        if len(clients) == 1:
            person = clients[0]
            flags = [f for key in ("first", "last", "dob", "ssn") if key in person for f in (f"--{key}", person[key])]
            return [*flags, "--project", project, "LivingSituation=116"], None, names
        members = [{
            "FirstName": c["first"], "LastName": c["last"], "NameDataQuality": 1,
            "DOB": c["dob"], "DOBDataQuality": 1,
            **({"SSN": c["ssn"], "SSNDataQuality": 1} if "ssn" in c else {"SSNDataQuality": 99}),
            "RelationshipToHoH": c.get("relationship", 1), "LivingSituation": 116,
            **({} if "relationship" in c else {"EnrollmentCoC": self.script["coc"]}),
        } for c in clients]
        document = {"ProjectID": project, "EntryDate": self.calendar.iso(step["at"])[:10], "interaction": "now",
                    "clients": members}
        return ["--file", "-"], json.dumps(document), names

    def _contact(self, agent, step):
        flags = [f for alias in step["with"] for f in ("--client", self._person(agent, alias)["client"])]
        note = ["--note", step["note"]] if "note" in step else []
        return [*flags, "--situation", step["situation"], *note], None, ", ".join(step["with"])

    def _exit(self, agent, step):
        flags = [f for alias in step["of"] for f in ("--enrollment", self._person(agent, alias)["enrollment"])]
        return [*flags, "--destination", step["destination"]], None, ", ".join(step["of"])

    def _update(self, agent, step):
        answers = [f"{column}={value}" for column, value in step["set"].items()]
        return ["--client", self._person(agent, step["of"])["client"], *answers], None, \
            f"{step['of']}: {', '.join(answers)}"

    # --- clocks and connections

    def restart(self, step):
        hours = step["wall_wrong_by_hours"]
        self.clocks[step["who"]].reboot(self.calendar.ms(step["at"]), hours * HOUR_MS)
        self.set_clocks(step["at"], step["who"])
        stands = f"is {abs(hours)} hours {'fast' if hours > 0 else 'slow'}" if hours else "is right"
        self.say(step["at"], step["who"], f"restarts; its wall clock {stands} now")

    def sync(self, step):
        self.set_clocks(step["at"])
        for name in step["who"]:
            agent = self.devices[name]
            agent.ask("sync", "--once")
            worker = next(d["worker"] for d in self.script["devices"] if d["name"] == name)
            agent.ask("user", worker)
        self.say(step["at"], "all", f"{', '.join(step['who'])} sync once; then nobody is online")

    def reconnect(self, step):
        self.set_clocks(step["at"])
        names = list(step["who"])
        self.say(step["at"], "all", f"{', '.join(names)} come back online: streetlog-agent serve")
        try:
            if step.get("kill_hub"):
                self._kill_hub_in_the_middle(step["at"], names)
            else:
                for name in names:
                    self.devices[name].start()
            self._wait_until_level(names)
        finally:
            for name in names:
                self.devices[name].stop()
        self.say(step["at"], "all", "everything handed over and fetched; nobody is online any more")

    def _kill_hub_in_the_middle(self, when, names):
        """The hub dies when one of the first devices has an acknowledgement; the last one has not been in touch yet."""
        for name in names[:-1]:
            self.devices[name].start()
        give_up = time.monotonic() + PATIENCE_S
        stores = [sqlite3.connect(f"file:{self.devices[n].data}/agent.db?mode=ro", uri=True) for n in names[:-1]]
        while not any(store.execute("SELECT acked FROM me").fetchone()[0] for store in stores):
            if time.monotonic() > give_up:
                raise Trouble("no device handed anything over")
            time.sleep(0.001)
        self.hub.stop(signal.SIGKILL)
        for store in stores:
            store.close()
        self.say(when, "hub", "KILLED (SIGKILL); some records are acknowledged, some are not")
        self.devices[names[-1]].start()
        self.hub.start("--port", self.port)
        self.say(when, "hub", "starts again; the devices find it by themselves")

    def _wait_until_level(self, names):
        """Until nothing is unsent and every device knows all the hub has, what it made of it included."""
        give_up, level = time.monotonic() + PATIENCE_S, 0
        while level < 2:
            if time.monotonic() > give_up:
                raise Trouble("the devices did not get level with the hub")
            self.hub.ask("duplicates")  # the hub answers when it has gone through its log
            head = self.hub.ask("status")["records"]
            states = [self.devices[n].ask("status") for n in names]
            level = level + 1 if all(s["unsent"] == 0 and s["newest_hub_record"] == head for s in states) else 0
            time.sleep(0.1)

    def play(self):
        print("THE STORY\n"
              "  Real programs, one process each, on this machine only.\n"
              "  ALL CLOCKS ARE SIMULATED: two days pass in about a minute, and every record\n"
              "  is marked as made under such a clock.\n", flush=True)
        try:
            self.set_up()
            for step in self.script["steps"]:
                self.step(step)
        finally:
            for program in (*self.devices.values(), self.hub):
                program.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="where the programs are")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="an empty or new directory")
    parser.add_argument("--script", type=pathlib.Path, default=here / "script.json")
    parser.add_argument("--csv", type=pathlib.Path, default=here.parents[1] / "tests/golden/hmis-synthetic",
                        help="the sample HMIS CSV")
    options = parser.parse_args()
    options.data = options.data.resolve()
    options.bin = options.bin.resolve()
    options.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the programs are stopped
    try:
        Story(json.loads(options.script.read_text()), options).play()
    except (Trouble, OSError, subprocess.TimeoutExpired) as trouble:
        print(f"story: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
