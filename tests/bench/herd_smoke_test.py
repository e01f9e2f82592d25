"""Runs `streetlog-bench herd` small (whole: 500 devices with 200 records each): everything arrives, nobody is starved. The
bound on memory is wide: it is there to
notice a hub that keeps what it should not."""

import json
import subprocess
import sys


def main():
    run = subprocess.run([sys.argv[1], "herd", "--devices", "60", "--records", "50", "--json"], capture_output=True,
                         text=True)
    print(run.stderr)
    if run.returncode != 0:
        return f"streetlog-bench ended with {run.returncode}"
    report = json.loads(run.stdout)
    print(run.stdout)
    if report["verified"] is not True:
        return "the hub does not hold what was pushed"
    for field in ("seconds", "ack_p50_ms", "ack_p99_ms", "first_ack_max_ms", "hub_rss_mib"):
        if not report[field] > 0:
            return f"{field} is {report[field]}"
    # All come at once and are served alike: the last is done not long after the middle one.
    fairness = report["done_max_ms"] / report["done_p50_ms"]
    print(f"fairness: the slowest device took {fairness:.2f} times as long as the median one")
    if fairness > 5:
        return "a device was starved"
    if report["hub_rss_mib"] - report["hub_rss_before_mib"] > 256:
        return f"the hub grew to {report['hub_rss_mib']} MiB for 60 devices"
    return 0


if __name__ == "__main__":
    sys.exit(main())
