#!/usr/bin/env python3
"""Says what became of the story, and ends with a non-zero code if anything is not as it should be.

Reads the closed databases of the hub and of every device, and beside them only the script and the sample HMIS CSV, from which
it works out what must be there (expected.py). It knows nothing of how the story was acted out."""

import argparse
import collections
import datetime
import json
import pathlib
import sqlite3
import sys
import tempfile
import textwrap

from databases import Catalogue, Device, Hub, hub_log
from expected import HOUR_MS, Expected

KINDS = {1: "intake", 2: "contact", 3: "exit", 4: "update"}
VERDICTS = {0: "none", 1: "on time", 2: "late", 3: "unproven"}
CAUSES = {0: "none", 1: "entry", 2: "sync", 3: "paused"}
SIMULATED_FLAG = 8
# From a step of the script to the last thing its programs did, in story time, which runs at the machine's speed.
STEP_TAKES_MS = 10 * 60_000
WIDTH = 80


def duration(ms):
    minutes = round(ms / 60_000)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def wrap(text, indent="  "):
    print(textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent))


def title(number, text):
    print(f"\n{number}. {text}\n")


class Report:
    def __init__(self, options):
        script = json.loads(options.script.read_text())
        self.options, self.script = options, script
        self.expected = Expected(script, options.csv)
        self.catalogue = Catalogue(options.catalogue)
        self.hub = Hub(options.bin / "streetlog-hub", options.data / "hub")
        self.devices = {d["name"]: Device(options.bin / "streetlog-agent", options.data / d["name"])
                        for d in script["devices"]}
        self.ids = {name: device.me["device"] for name, device in self.devices.items()}
        self.names = {device: name for name, device in self.ids.items()}
        self.checked, self.differences = 0, []
        self.entities, self.stays = {}, {}  # of people, by the word the script has for them
        self.source = {}  # (file, id) of the CSV to the entity
        self.said, self.dump = None, None

    def must(self, so, otherwise):
        """A fact that has to be so; what it means when it is not."""
        self.checked += 1
        if not so:
            self.differences.append(otherwise)
        return so

    def verdict_of(self, line):
        return self.hub.verdicts.get((self.ids[line.device], line.seq))

    # --- 1. and 2.: the records

    def recorded_and_held(self):
        title(1, "WHAT EACH DEVICE RECORDED AND WHAT THE HUB HOLDS")
        print("  device  worker             recorded  at the hub  on time   late  unproven")
        totals = collections.Counter()
        for device in self.script["devices"]:
            name = device["name"]
            held = self._compare_chains(name)
            seen = collections.Counter(VERDICTS[v["verdict"]] for (id_, _), v in self.hub.verdicts.items()
                                       if id_ == self.ids[name])
            row = {"own": len(self.devices[name].own), "held": held, **seen}
            totals.update(row)
            print(f"  {name:<6}  {device['worker']:<17}  {row['own']:>8}  {held:>10}  {seen['on time']:>7}  "
                  f"{seen['late']:>5}  {seen['unproven']:>8}")
        print(f"  {'':<6}  {'all':<17}  {totals['own']:>8}  {totals['held']:>10}  {totals['on time']:>7}  "
              f"{totals['late']:>5}  {totals['unproven']:>8}\n")
        wrap(f"The script has {len(self.expected.lines)} interactions. Each record of a device is chained to the ones before "
             "it by SHA-256; the hub's chain has the same value at the end of everything it took in, so the records are the "
             "same, byte for byte. Both programs have checked their logs against these hashes just now.")

    def _compare_chains(self, name):
        """Every record of the device is at the hub, once, in order, and with the hash it was saved with."""
        device, id_ = self.devices[name], self.ids[name]
        wanted = len(self.expected.of_device(name))
        for seq in range(1, max(wanted, len(device.own)) + 1):
            self.must(seq in device.own, f"record {seq} of {name} is missing on the device")
            self.must(self.hub.place_of(id_, seq) is not None, f"record {seq} of {name} is missing at the hub")
            self.must(device.receipt_of(seq) is not None, f"{name} has no receipt for its record {seq}")
        self.must(len(device.own) <= wanted, f"{name} holds {len(device.own)} records; the script has {wanted}")
        self.must(device.me["acked"] == wanted and not device.refused, f"{name} does not count all its records as delivered")
        next_seq, held = 1, 0
        for run in (r for r in self.hub.runs if r["device"] == id_):
            last = run["first_seq"] + run["n"] - 1
            self.must(run["first_seq"] == next_seq, f"the hub's records of {name} are not in order from {next_seq} on")
            own = device.own.get(last)
            self.must(own is not None and own["hash"] == run["head"],
                      f"the hub's records {run['first_seq']} to {last} of {name} are not those of the device")
            next_seq, held = last + 1, held + run["n"]
        self.must(held == wanted, f"the hub holds {held} records of {name}; the script has {wanted}")
        return held

    def record_by_record(self):
        title(2, "RECORD BY RECORD, AS THE SCRIPT HAS THEM")
        print("  device no  when       kind     who                            hub no  verdict")
        for line in self.expected.lines:
            place = self.hub.place_of(self.ids[line.device], line.seq)
            before = len(self.differences)
            self._compare_times(line)
            self._compare_verdict(line)
            if self.dump is not None:
                self._compare_contents(line)
            judged = self.verdict_of(line)
            verdict = VERDICTS[judged["verdict"]] if judged else "MISSING"
            mark = "" if len(self.differences) == before else "  <-- not so"
            who = textwrap.shorten(line.what, 30, placeholder=" ...")
            print(f"  {line.device:<5} {line.seq:>3}  {line.step['at']}  {line.kind:<8} {who:<30} {place or '-':>6}  "
                  f"{verdict}{mark}")

    def _compare_times(self, line):
        own = self.devices[line.device].own.get(line.seq)
        if own is None:
            return  # said already
        saved = own["recorded_ms"] - line.wall_error - line.at
        self.must(0 <= saved <= STEP_TAKES_MS, f"{line.name} was not saved at {line.step['at']} by its device's clock")
        said = own["occurred_ms"] - line.happened - (0 if line.typed else line.wall_error)
        self.must(said == 0 if line.typed else 0 <= said <= STEP_TAKES_MS,
                  f"{line.name} does not give the time the script has")

    def _compare_verdict(self, line):
        judged, receipt = self.verdict_of(line), self.devices[line.device].receipt_of(line.seq)
        if not self.must(judged is not None, f"the verdict on {line.name} is missing"):
            return
        verdict, cause = VERDICTS[judged["verdict"]], CAUSES[judged["cause"]]
        self.must(verdict == line.verdict, f"{line.name} is judged {verdict}; by the script it is {line.verdict}")
        self.must(KINDS.get(judged["kind"]) == line.kind, f"the verdict on {line.name} is for another kind of record")
        self.must((judged["source"] == 2) == line.typed, f"{line.name} is not marked right as live or typed")
        self.must(judged["flags"] & SIMULATED_FLAG, f"{line.name} is not marked as made under a simulated clock")
        self.must(judged["occurred_lo"] <= line.happened + STEP_TAKES_MS and judged["occurred_hi"] >= line.happened,
                  f"the hub's bracket of when {line.name} happened does not hold the true time")
        self.must(receipt is not None and receipt["received_ms"] == judged["received_ms"],
                  f"hub and device differ on when {line.name} was received")
        self.must(0 <= judged["received_ms"] - line.handed <= STEP_TAKES_MS,
                  f"{line.name} was not received when its device came online")
        self.must(judged["hub_seq"] == self.hub.place_of(self.ids[line.device], line.seq),
                  f"the verdict on {line.name} belongs to another record")
        if line.verdict == "late":
            self.must(cause == line.cause, f"{line.name} is late by {cause}; by the script it is by {line.cause}")
            late_by = judged["received_ms"] - line.happened - self.expected.window
            self.must(abs(late_by - judged["lateness_ms"]) <= 60_000, f"{line.name} is late by another span of time")

    # --- contents

    def _days(self, date):
        return (datetime.date.fromisoformat(date) - datetime.date(1970, 1, 1)).days

    def _find_people(self):
        """The entities behind the script's words: by the source ids of the CSV, and by what the intakes hold."""
        column, table = self.catalogue.column, self.catalogue.table
        source = self.source
        for write in self.dump.writes:
            if write.table == table["ImportedRow"]:
                key = write.cells.get(column["ImportedRow", "SourceFile"]), write.cells.get(column["ImportedRow", "SourceID"])
                source[key] = write.entity
        exited = {row["EnrollmentID"] for row in self.expected.csv["Exit"]}
        for alias, id_ in self.script["known"].items():
            self.entities[alias] = source.get(("Client.csv", id_))
            stay = next(e["EnrollmentID"] for e in self.expected.csv["Enrollment"]
                        if e["PersonalID"] == id_ and e["EnrollmentID"] not in exited)
            self.stays[alias] = source.get(("Enrollment.csv", stay))
        for line in self.expected.lines:
            if line.kind != "intake":
                continue
            writes = self.dump.by_record[self.ids[line.device], line.seq]
            for client in line.step["clients"]:
                name = {column["Client", "FirstName"]: client["first"], column["Client", "LastName"]: client["last"]}
                entity = next((w.entity for w in writes if name.items() <= w.cells.items()), None)
                self.entities[client["as"]] = entity
                self.stays[client["as"]] = next(
                    (w.entity for w in writes if w.cells.get(column["Enrollment", "PersonalID"]) == entity), None)

    def _compare_contents(self, line):
        """The values of the script are in the hub's state as written by this record."""
        record = self.ids[line.device], line.seq
        users = {w.user for w in self.dump.by_record[record]}
        worker = next(d["worker"] for d in self.script["devices"] if d["name"] == line.device)
        self.must(users == {self.hub.users.get(worker)}, f"{line.name} is not marked as saved by {worker}")
        getattr(self, f"_compare_{line.kind}")(line, record)

    def _holds(self, line, record, entity, table, values):
        """`entity` has `values`, and this record wrote them; what a later record replaced counts as written."""
        writes = [w for w in self.dump.by_record[record] if w.entity == entity and w.table == self.catalogue.table[table]]
        for name, value in values.items():
            column = self.catalogue.column[table, name]
            replaced = any(g.entity == entity and (g.device, g.seq) == record and g.group == self.catalogue.group_of[column]
                           and g.by_device in (*self.names, self.hub.settings["hub"]) for g in self.dump.gone)
            self.must(replaced or any(w.cells.get(column) == value for w in writes),
                      f"{line.name}: {table}.{name} is not what the script says")

    def _created(self, record, table, column):
        """Entities the record made, by the id in `column` of their create."""
        column = self.catalogue.column[table, column]
        return {w.cells[column]: w.entity for w in self.dump.by_record[record]
                if w.table == self.catalogue.table[table] and column in w.cells}

    def _compare_intake(self, line, record):
        clients = line.step["clients"]
        stays = self._created(record, "Enrollment", "PersonalID")
        self.must(len(stays) == len(clients), f"{line.name} holds {len(stays)} stays; the script has {len(clients)}")
        households = {w.cells[c] for w in self.dump.by_record[record]
                      for c in [self.catalogue.column["Enrollment", "HouseholdID"]] if c in w.cells}
        self.must(len(households) == 1, f"{line.name} is not of one household")
        for client in clients:
            entity = self.entities[client["as"]]
            if not self.must(entity is not None, f"{line.name}: the client {client['as']} is missing"):
                continue
            values = {"FirstName": client["first"], "LastName": client["last"]}
            values |= {"DOB": self._days(client["dob"])} if "dob" in client else {}
            values |= {"SSN": client["ssn"]} if "ssn" in client else {}
            self._holds(line, record, entity, "Client", values)
            self._holds(line, record, self.stays[client["as"]], "Enrollment",
                        {"PersonalID": entity, "EntryDate": self.expected.day(line.happened),
                         "RelationshipToHoH": client.get("relationship", 1)})
            for where, store in (("the hub", self.hub), *self.devices.items()):
                row = store.clients.get(entity)
                shown = row and (row["first_name"], row["last_name"], row["dob"], row["ssn"])
                self.must(shown == (client["first"], client["last"], client.get("dob", ""), client.get("ssn", "")),
                          f"{client['as']} is not in the list of clients of {where} as the script has them")

    def _compare_contact(self, line, record):
        made = self._created(record, "CurrentLivingSituation", "EnrollmentID")
        self.must(len(made) == len(line.step["with"]), f"{line.name} holds {len(made)} contacts")
        for alias in line.step["with"]:
            self._holds(line, record, made.get(self.stays[alias]), "CurrentLivingSituation",
                        {"InformationDate": self.expected.day(line.happened),
                         "CurrentLivingSituation": line.step["situation"]})
        notes = [w.cells.get(self.catalogue.column["CaseNote", "Text"]) for w in self.dump.by_record[record]]
        if "note" in line.step:
            self.must(notes.count(line.step["note"]) == len(line.step["with"]), f"{line.name}: the note is missing")

    def _compare_exit(self, line, record):
        for alias in line.step["of"]:
            self._holds(line, record, self.stays[alias], "Exit",
                        {"ExitDate": self.expected.day(line.happened), "Destination": line.step["destination"]})

    def _compare_update(self, line, record):
        values = {name: self._days(v) if name == "DOB" else v for name, v in line.step["set"].items()}
        self._holds(line, record, self.entities[line.step["of"]], "Client", values)

    # --- 3. the kill

    def hub_killed(self):
        title(3, "THE HUB WAS KILLED AND CAME BACK")
        kills = [s for s in self.script["steps"] if s.get("kill_hub")]
        running, again = False, []
        for event in hub_log(self.options.data / "hub.log"):
            if event["event"] == "hub_started":
                if running:
                    again.append(round(datetime.datetime.fromisoformat(event["ts"][:-1] + "+00:00").timestamp() * 1000))
                running = True
            running = running and event["event"] != "hub_stopped"
        self.must(len(again) == len(kills), f"the hub's log shows {len(again)} kills; the script has {len(kills)}")
        for step, back in zip(kills, again):
            at = self.expected.ms(step["at"])
            received = [v["received_ms"] for v in self.hub.verdicts.values() if at <= v["received_ms"] < at + STEP_TAKES_MS]
            before = sum(r < back for r in received)
            self.must(0 < before < len(received), "the hub was not killed in the middle of the reconnect")
            wrap(f"{step['at']}: SIGKILL in the middle of the reconnect, when {before} of {len(received)} records were on its "
                 f"disk. It started again; the devices found it by themselves and handed over the other "
                 f"{len(received) - before}. Lost: none; taken in twice: none (see 1).")

    # --- 4. and 5.

    def duplicates(self):
        title(4, "DUPLICATES RESOLVED, AND WHY")
        column = self.catalogue.column
        reasons = {}
        for write in self.dump.writes if self.dump else ():
            if write.table == self.catalogue.table["ClientLink"]:
                both = frozenset(write.cells.get(column["ClientLink", c]) for c in ("ClientA", "ClientB"))
                reasons[both] = next((v for v in write.cells.values() if isinstance(v, str) and "equal" in v), "")
        wanted = {}
        for pair in self.expected.pairs:
            one, other = pair.people
            ids = frozenset(self.entities.get(p.alias) for p in pair.people)
            wanted[ids] = pair
            label = f"{one.alias} and {other.alias}"
            why = reasons.get(ids, "")
            for where, store in (("the hub", self.hub), *self.devices.items()):
                self.must(store.links.get(ids) == 1, f"the link that {label} are one person is missing on {where}")
                self.must(len({store.canon.get(i, i) for i in ids}) == 1,
                          f"{label} are not shown as one person on {where}")
            if self.dump is not None:
                self.must(all(fact in why.split("equal")[0] for fact in pair.equal),
                          f"the link of {label} does not say why")
            met = [line for line in self.expected.lines if line.kind == "intake"
                   for c in line.step["clients"] if c["as"] in (one.alias, other.alias)]
            by = [f"{line.device} ({line.step['at']})" for line in met] + ([] if len(met) > 1 else ["the sample CSV"])
            wrap(f"{other.first} {other.last}, from {' and '.join(by)}: {why or 'NO REASON FOUND'}.")
        for where, store in (("the hub", self.hub), *self.devices.items()):
            self.must(set(store.links) <= set(wanted), f"{where} has links that the script does not call for")
            self.must(len(store.canon) == len(wanted), f"{where} has {len(store.canon)} people joined to another; "
                                                       f"the script calls for {len(wanted)}")
        namesakes = [(a, b) for i, a in enumerate(self.expected.people) for b in self.expected.people[i + 1:]
                     if a.first and (a.first, a.last) == (b.first, b.last) and a.dob and b.dob and a.dob != b.dob]
        for a, b in namesakes:
            wrap(f"Not joined: {a.first} {a.last} and {b.first} {b.last}, who have different dates of birth.")

    def conflicts(self):
        title(5, "CONFLICTS KEPT FOR A PERSON TO DECIDE")
        wanted = set()
        table = self.catalogue.table["Client"]
        for conflict in self.expected.conflicts(self.catalogue):
            key = self.entities.get(conflict.alias), table, conflict.group
            wanted.add(key)
            group = self.catalogue.group_key[conflict.group]
            for where, store in (("the hub", self.hub), *self.devices.items()):
                self.must(key in store.conflicts, f"the conflict on {group} of {conflict.alias} is missing on {where}")
            print(f"  {conflict.alias}, {group}: both values are kept")
            for line in conflict.lines:
                record = self.ids[line.device], line.seq
                kept = self.dump and any(w.entity == key[0] and w.group == conflict.group for w in self.dump.by_record[record])
                self.must(kept, f"the value of {line.name} was not kept beside the other")
                values = ", ".join(f"{k} {v}" for k, v in line.step["set"].items() if not k.endswith("DataQuality"))
                print(f"    {values:<20} by {line.device}, {line.step['at']}")
        for where, store in (("the hub", self.hub), *self.devices.items()):
            self.must(store.conflicts <= wanted, f"{where} has conflicts that the script does not call for")

    # --- 6. to 8.

    def lateness(self):
        title(6, f"LATE: RECEIVED MORE THAN {self.script['window_hours']} HOURS AFTER IT HAPPENED")
        for cause, words in (("entry", "by entry: the worker typed it in after the window had closed"),
                             ("sync", "by sync: saved in time, but the device was offline until after the window")):
            print(f"  {words}")
            for line in self.expected.lines:
                judged = self.verdict_of(line)
                if judged and VERDICTS[judged["verdict"]] == "late" and CAUSES[judged["cause"]] == cause:
                    print(f"    {line.device:<5} {line.seq:>3}  {line.kind:<8} of {self.expected.told(line.happened)}  received "
                          f"{self.expected.told(judged['received_ms'])}  late by {duration(judged['lateness_ms'])}")
        title(7, "UNPROVEN, AND CLOCKS THAT WERE WRONG")
        for line in self.expected.lines:
            judged = self.verdict_of(line)
            if judged and VERDICTS[judged["verdict"]] == "unproven":
                print(f"  {line.device:<5} {line.seq:>3}  {line.kind:<8} of {self.expected.told(line.happened)}; the hub knows "
                      f"only: {self.expected.told(judged['occurred_lo'])} to {self.expected.told(judged['occurred_hi'])}")
        wrap("Unproven is neither late nor on time. The device restarted with a wrong clock and restarted again before it met "
             "the hub, so nothing says when; and the time between its two meetings with the hub is longer than the window.")
        for device in self.script["devices"]:
            if device["wall_wrong_by_hours"]:
                lines = self.expected.of_device(device["name"])
                on_time = sum(VERDICTS[v["verdict"]] == "on time" for line in lines if (v := self.verdict_of(line)))
                wrap(f"The wall clock of {device['name']} was {device['wall_wrong_by_hours']} hours wrong all along; "
                     f"{on_time} of its {len(lines)} records are proven on time, by the time since boot.")

    def imported(self):
        title(8, "IMPORTED ROWS")
        table = self.catalogue.table
        exits = {w.entity for w in self.dump.writes if w.table == table["Exit"]} if self.dump else ()
        for name, rows in self.expected.csv.items() if self.dump else ():
            for row in rows:
                there = (self.source.get(("Enrollment.csv", row["EnrollmentID"])) in exits if name == "Exit"
                         else self.source.get((f"{name}.csv", next(iter(row.values())))))
                self.must(there, f"{next(iter(row.values()))} of {name}.csv is missing at the hub")
        foreign = [key for key in self.hub.verdicts if key[0] not in self.names]
        self.must(not foreign, f"{len(foreign)} records that no device made have a verdict")
        self.must(len(self.hub.verdicts) == len(self.expected.lines),
                  f"the hub has {len(self.hub.verdicts)} verdicts; the script has {len(self.expected.lines)} interactions")
        self.must(not self.hub.exceptions, f"the hub has set aside {len(self.hub.exceptions)} records")
        told = ", ".join(f"{len(rows)} of {name}.csv" for name, rows in self.expected.csv.items())
        wrap(f"At the hub, with their source ids: {told}. No imported row has a verdict: the rule of the window is for what is "
             "recorded on devices.")

    # --- 9. the same everywhere

    def verify(self):
        with tempfile.TemporaryDirectory() as folder:
            self.said, self.dump = self.hub.verify(folder, "hub")
            self.must(self.dump is not None, f"the hub's check of its own log fails: {self.said}")
            self.device_dumps = {}
            for name, device in self.devices.items():
                said, dump = device.verify(folder, name)
                self.device_dumps[name] = said, dump
                self.must(dump is not None, f"the check of {name}'s own log fails: {said}")
        if self.dump is not None:
            self._find_people()

    def same_everywhere(self):
        title(9, "THE SAME EVERYWHERE")
        print("  hash over everything the records come to, said by each program:")
        for name, (said, dump) in (("hub", (self.said, self.dump)), *self.device_dumps.items()):
            hash_ = said["dump_hash"] if dump else "cannot be made"
            self.must(dump and self.dump and dump.bytes == self.dump.bytes and hash_ == self.said["dump_hash"],
                      f"{name} does not show the same as the hub")
            print(f"  {name:<5} {hash_}")
        simulated = self.hub.settings.get("clock") == "simulated" and all(d.me["simulated"] for d in self.devices.values())
        self.must(simulated, "not every program is marked as living by a simulated clock")
        print()
        wrap("All clocks of this story were simulated; the hub, the devices and each record are marked so.")

    def look_further(self):
        title(10, "TO LOOK FURTHER")
        first = next(iter(self.devices))
        port = self.devices[first].me["hub_address"].rsplit(":", 1)[1]
        print("  From the top of the tree:")
        print(f"  hub() {{ {self.options.bin}/streetlog-hub --data {self.options.data}/hub \"$@\"; }}")
        print(f"  agent() {{ {self.options.bin}/streetlog-agent --data {self.options.data}/{first} \"$@\"; }}\n")
        for command, what in (("hub late", "what came late or is unproven, and why"),
                              ("hub duplicates", "who is one person; 'hub duplicates unlink A B' undoes it"),
                              ("hub conflicts", "both values; 'hub conflicts resolve ID GROUP --pick N'"),
                              ("hub device list", "what came from whom"),
                              ("agent find heron", "a person as the worker sees them; then: agent show ID"),
                              ("agent status", "what is saved, what is not sent yet, and the clock"),
                              ("hub rebuild", "make everything anew from the log; the hash stays"),
                              (f"hub serve --port {port}", "start the hub again, where the devices look for it")):
            print(f"  {command:<17} {what}" if len(command) < 18 else f"  {command}\n{'':<20}{what}")

    def run(self):
        print("\nTHE REPORT")
        wrap("Computed by a program of its own from the closed databases of the hub and the devices, and compared with the "
             "script and the sample CSV.")
        self.verify()
        for section in (self.recorded_and_held, self.record_by_record, self.hub_killed, self.duplicates, self.conflicts,
                        self.lateness, self.imported, self.same_everywhere):
            section()
        if self.options.look_further:
            self.look_further()
        print()
        if not self.differences:
            print(f"EVERYTHING IS SO: {self.checked} facts compared, no difference.")
            return 0
        print(f"NOT SO: {len(self.differences)} of {self.checked} facts differ.")
        for difference in self.differences:
            print(textwrap.fill(difference, WIDTH, initial_indent="  - ", subsequent_indent="    "))
        return 1


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="where the programs are")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="what the story left")
    parser.add_argument("--script", type=pathlib.Path, default=here / "script.json")
    parser.add_argument("--csv", type=pathlib.Path, default=here.parents[1] / "tests/golden/hmis-synthetic")
    parser.add_argument("--catalogue", type=pathlib.Path, default=here.parents[1] / "schema/hud")
    parser.add_argument("--no-look-further", dest="look_further", action="store_false",
                        help="leave out the commands; the data will be gone")
    options = parser.parse_args()
    try:
        return Report(options).run()
    except (OSError, sqlite3.Error) as error:
        print(f"report: {options.data} cannot be read: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
