"""Runs `streetlog-bench sync` small: every figure is there and positive, and the hub held what was pushed. No figure is
judged: that is for people, on a quiet machine."""

import json
import subprocess
import sys

PUSH = {"records_per_s", "floor_records_per_s", "ratio", "bytes_per_record", "hub_cpu_us_per_record", "hub_rss_mib"}
FIELDS = {
    "push_1x100000": PUSH,
    "push_50x200": PUSH,
    "pull_100000": {"records_per_s", "floor_records_per_s", "ratio", "bytes_per_record"},
    "visible": {"p50_ms", "p99_ms", "floor_p50_ms"},
}


def main():
    run = subprocess.run([sys.argv[1], "sync", "--quick", "--json", "--records", "2000"], capture_output=True, text=True)
    print(run.stderr)
    if run.returncode != 0:
        return f"streetlog-bench ended with {run.returncode}"
    report = json.loads(run.stdout)  # exactly one object, or this fails
    for shape, fields in FIELDS.items():
        for field in fields:
            if not report[shape][field] > 0:
                return f"{shape}.{field} is {report[shape][field]}"
    for shape in ("push_1x100000", "push_50x200", "visible"):
        check = report[shape]["check"]
        if check["verified"] is not True or check["dump_equal"] is not True:
            return f"{shape}: the hub does not hold what was pushed: {check}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
