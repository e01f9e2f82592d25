"""Runs `streetlog-bench first-sync` small: the device ends with what the hub holds, from a snapshot, and people can save
meanwhile. The bounds are wide; the figures are those of the whole run (README.md)."""

import json
import subprocess
import sys


def main():
    run = subprocess.run([sys.argv[1], "first-sync", "--clients", "3000", "--json"], capture_output=True, text=True)
    print(run.stderr)
    if run.returncode != 0:
        return f"streetlog-bench ended with {run.returncode}"
    report = json.loads(run.stdout)
    print(run.stdout)
    if report["verified"] is not True:
        return "the device does not hold what the hub holds"
    if report["snapshot"] is not True or report["entities"] < 6000:
        return "the device did not come by a snapshot"
    if report["clients"] < 2500:
        return f"only {report['clients']} clients can be found"
    for field in ("seconds", "live_seconds", "mib_received", "snapshot_mib", "saves", "device_rss_mib", "hub_rss_mib"):
        if not report[field] > 0:
            return f"{field} is {report[field]}"
    if report["mib_received"] > 3 * report["snapshot_mib"] + 1:
        return "it read much more than the snapshot"
    if report["save_max_ms"] > 1000:
        return f"a Save waited {report['save_max_ms']} ms"
    if report["device_rss_mib"] > 256:
        return f"the device grew to {report['device_rss_mib']} MiB"
    return 0


if __name__ == "__main__":
    sys.exit(main())
