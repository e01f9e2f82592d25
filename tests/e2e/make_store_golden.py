"""Makes tests/golden/store-N with the programs of today: a hub and a device of it as they lie on the disk when nothing
runs, and what the programs say about them. For a new version of the schema; a golden directory is never made again."""

import contextlib
import gzip
import json
import sqlite3
import sys

from harness import GOLDEN, World, wait_for

FAMILY = {"interaction": "2026-11-20T09:00:00-05:00", "EntryDate": "2026-11-20", "clients": [
    {"FirstName": "Ana", "LastName": "Ruizfamily", "NameDataQuality": 1, "RelationshipToHoH": 1},
    {"FirstName": "Leo", "LastName": "Ruizfamily", "NameDataQuality": 1, "RelationshipToHoH": 2}]}


def said_by_agent(agent, clients):
    status = agent.status()
    agent.run("verify")
    return {"saved": status["saved"], "unsent": status["unsent"], "clients": {one: agent.run("show", one) for one in clients},
            "found": agent.find("ruizf"), "users": agent.run("user")["users"]}


def said_by_hub(hub):
    verified = hub.run("verify")
    return {"verified": verified["verified"], "late": hub.run("late", "all"), "conflicts": hub.run("conflicts"),
            "devices": hub.run("device", "list"), "users": hub.run("user", "list")}


class Make(World):
    def runTest(self):
        hub = self.make_hub().serve()
        first, second = (self.make_agent(hub, name) for name in ("tablet1", "tablet2"))
        for agent in (first, second):
            agent.sync()
        project = self.project_of(first)
        first.run("user", "Dana")
        lena = first.intake("--first", "Lena", "--last", "Ortiz", "--dob", "1984-02-29", "--ssn", "512449172",
                            "--project", project, "VeteranStatus=0", "--at", "2026-11-19T22:30:00-05:00")
        again = second.intake("--first", "Lena", "--last", "Ortiz", "--dob", "1984-02-29", "--ssn", "512449172",
                              "--project", project)
        first.run("contact", "--enrollment", lena["Enrollment"], "--situation", "116", "--note", "has a new phone")
        family = first.run("intake", "--file", "-", text=json.dumps({**FAMILY, "ProjectID": project}))["created"]
        for agent in (first, second, first, second):
            agent.sync()
        wait_for("the hub to see that two are one", lambda: (first.sync(), first.run("show", lena["Client"]).get("same_person"))[1])
        ana = next(row["id"] for row in family if row["table"] == "Client")
        first.run("update", "--client", ana, "FirstName=Anna")
        second.run("update", "--client", ana, "FirstName=Hanna")
        first.run("exit", "--enrollment", lena["Enrollment"], "--destination", "435")
        for agent in (first, second, first):
            agent.sync()
        # What is not sent yet.
        wren = first.intake("--first", "Wren", "--last", "Unsent", "--project", project)
        first.run("contact", "--enrollment", wren["Enrollment"], "--situation", "116")
        first.run("update", "--client", wren["Client"], "VeteranStatus=1")
        hub.stop()
        print(sorted((f.name, f.stat().st_size) for program in (hub, first) for f in program.data.iterdir()))
        self.save(hub, first, [lena["Client"], again["Client"], ana, wren["Client"]])

    def save(self, hub, agent, clients):
        said = {"clients": clients, "agent": said_by_agent(agent, clients), "hub": said_by_hub(hub)}
        files = {"hub": hub.data / "hub.db", "agent": agent.data / "agent.db"}
        for name, file in files.items():
            with contextlib.closing(sqlite3.connect(file)) as db:
                said[f"{name}_schema"] = db.execute("PRAGMA user_version").fetchone()[0]
                self.assertEqual(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0], 0)
        out = GOLDEN / f"store-{said['agent_schema']}-{said['hub_schema']}"
        out.mkdir()
        for name, file in files.items():
            (out / f"{name}.db.gz").write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
        print(sorted(path.name for program in (hub, agent) for path in program.data.iterdir()))
        (out / "said.json").write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")
        print(out, sum(file.stat().st_size for file in out.iterdir()), "bytes", file=sys.stderr)


if __name__ == "__main__":
    import unittest
    unittest.main()
