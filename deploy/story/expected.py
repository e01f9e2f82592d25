"""What the databases must hold if everything is so: worked out from the script and the sample HMIS CSV alone. No database is
read here, and no program of ours asked."""

import collections
import csv
import datetime
import itertools

RECORDING = ("intake", "contact", "exit", "update")
HOUR_MS = 3_600_000

Person = collections.namedtuple("Person", "alias first last dob ssn household source")
Pair = collections.namedtuple("Pair", "people equal")
Conflict = collections.namedtuple("Conflict", "alias group lines")


class Line:
    """One interaction of the script, which is one record: the `seq`-th of its device."""

    def __init__(self, step, device, seq, at, happened, wall_error, boot):
        self.step, self.device, self.seq, self.at = step, device, seq, at
        self.typed, self.happened = happened is not None, at if happened is None else happened
        self.wall_error, self.boot = wall_error, boot
        self.kind = step["do"]
        self.met_before = self.handed = self.verdict = self.cause = None

    @property
    def what(self):
        if self.kind == "intake":
            return ", ".join(f"{c['first']} {c['last']}" for c in self.step["clients"])
        if self.kind == "update":
            return f"{self.step['of']}: {', '.join(self.step['set'])}"
        return ", ".join(self.step["with" if self.kind == "contact" else "of"])

    @property
    def name(self):
        return f"record {self.seq} of {self.device} ({self.step['at']}, {self.kind}: {self.what})"


class Expected:
    def __init__(self, script, csv_folder):
        self.script, self.zone, self.days = script, script["zone"], script["days"]
        self.csv = {name: self._rows(csv_folder / f"{name}.csv") for name in ("Client", "Enrollment", "Exit")}
        self.window = script["window_hours"] * HOUR_MS
        self.lines = []
        self.meetings = collections.defaultdict(list)  # device: (when, boot)
        self._read_steps(script["steps"])
        for line in self.lines:
            self._judge(line)
        self.people = self._known_people() + self._new_people()
        self.pairs = [p for a, b in itertools.combinations(self.people, 2) if (p := self._pair(a, b))]

    @staticmethod
    def _rows(file):
        with open(file, encoding="utf-8", newline="") as f:
            return list(csv.DictReader(f))

    def ms(self, when):
        day, hour = when.split()
        return round(datetime.datetime.fromisoformat(f"{self.days[day]}T{hour}:00{self.zone}").timestamp() * 1000)

    def told(self, ms):
        """As the script writes it, "Mon 08:20"; other days as a date."""
        sign = -1 if self.zone[0] == "-" else 1
        minutes = sign * (int(self.zone[1:3]) * 60 + int(self.zone[4:]))
        local = datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone(datetime.timedelta(minutes=minutes)))
        name = {day: name for name, day in self.days.items()}.get(local.date().isoformat())
        return f"{name or local.date().isoformat()} {local:%H:%M}"

    def day(self, ms):
        """Days since 1970 where the story takes place."""
        sign = -1 if self.zone[0] == "-" else 1
        return (ms + sign * (int(self.zone[1:3]) * 60 + int(self.zone[4:])) * 60_000) // 86_400_000

    def of_device(self, device):
        return [line for line in self.lines if line.device == device]

    def _read_steps(self, steps):
        wall = {d["name"]: d["wall_wrong_by_hours"] * HOUR_MS for d in self.script["devices"]}
        boot, count = collections.Counter(), collections.Counter()
        for step in steps:
            at = self.ms(step["at"])
            if step["do"] in ("sync", "reconnect"):
                for device in step["who"]:
                    self.meetings[device].append((at, boot[device]))
            elif step["do"] == "restart":
                boot[step["who"]] += 1
                wall[step["who"]] = step["wall_wrong_by_hours"] * HOUR_MS
            elif step["do"] in RECORDING:
                who = step["who"]
                count[who] += 1
                happened = self.ms(step["happened"]) if "happened" in step else None
                self.lines.append(Line(step, who, count[who], at, happened, wall[who], boot[who]))

    def _judge(self, line):
        """The verdict that the rule of the window wants, from true times. Unproven where nothing can prove them: the device
        met the hub neither before nor after in the same boot, and its wall clock said what cannot be."""
        meetings = self.meetings[line.device]
        line.handed = min(at for at, _ in meetings if at >= line.at)
        met_in_that_boot = any(boot == line.boot for _, boot in meetings)
        line.met_before = max(at for at, _ in meetings if at <= line.at)
        impossible = not line.met_before <= line.at + line.wall_error <= line.handed
        if not line.typed and not met_in_that_boot and impossible:
            line.verdict = "unproven"
        elif line.handed - line.happened > self.window:
            line.verdict = "late"
            line.cause = "entry" if line.at - line.happened > self.window else "sync"
        else:
            line.verdict = "on time"

    # --- who is who

    def _known_people(self):
        households = {e["PersonalID"]: e["HouseholdID"] for e in self.csv["Enrollment"]}
        alias = {source: name for name, source in self.script["known"].items()}
        out = []
        for row in self.csv["Client"]:
            whole = {key: row[key] if row[quality] == "1" else "" for key, quality in
                     (("SSN", "SSNDataQuality"), ("DOB", "DOBDataQuality"))}
            name = (row["FirstName"], row["LastName"]) if row["NameDataQuality"] == "1" else ("", "")
            out.append(Person(alias.get(row["PersonalID"], row["PersonalID"]), *name, whole["DOB"], whole["SSN"],
                              households.get(row["PersonalID"]), row["PersonalID"]))
        return out

    def _new_people(self):
        return [Person(c["as"], c["first"], c["last"], c.get("dob", ""), c.get("ssn", ""), (line.device, line.seq), None)
                for line in self.lines if line.kind == "intake" for c in line.step["clients"]]

    @staticmethod
    def _pair(a, b):
        """The rule of the first tier: two of three equal, the third not contradicting, never inside one household."""
        if a.household is not None and a.household == b.household:
            return None
        facts = {"SSN": (a.ssn, b.ssn), "full name": (f"{a.first} {a.last}".strip().lower(),
                                                      f"{b.first} {b.last}".strip().lower()),
                 "date of birth": (a.dob, b.dob)}
        equal = [name for name, (one, other) in facts.items() if one and one == other]
        contradicted = any(one and other and one != other for one, other in facts.values())
        return Pair((a, b), equal) if len(equal) >= 2 and not contradicted else None

    # --- conflicts

    def conflicts(self, catalogue):
        """Different values for one group of one person, by devices of which neither had the other's."""
        updates = collections.defaultdict(list)
        for line in self.lines:
            if line.kind == "update":
                group = catalogue.group_of[catalogue.column["Client", next(iter(line.step["set"]))]]
                updates[line.step["of"], group].append(line)
        out = []
        for (alias, group), lines in updates.items():
            apart = {line for one, other in itertools.permutations(lines, 2)
                     if one.step["set"] != other.step["set"] and not self._had(one, other) and not self._had(other, one)
                     for line in (one, other)}
            if apart:
                out.append(Conflict(alias, group, sorted(apart, key=lambda line: line.at)))
        return out

    def _had(self, earlier, later):
        if earlier.device == later.device:
            return earlier.seq < later.seq
        return any(earlier.handed <= at < later.at for at, _ in self.meetings[later.device])
