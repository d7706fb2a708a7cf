"""Reads the files of a sweep with the programs people use, and runs its shards on a real Dask cluster that loses a worker.

    python tests/sweep/check.py target/debug/rollsim

Needs the packages of tests/sweep/requirements.txt. sweep.parquet is read if the program was built with it. With the package ray
the same is done on Ray.
"""

import filecmp
import glob
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import duckdb
import polars

ROLLSIM = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
DISTRIBUTED = os.path.join(HERE, "..", "..", "distributed")
SCENARIO = os.path.join(HERE, "..", "..", "scenarios", "sweep-hook-and-sync-period.toml")
REPLICATIONS = ["--replications", "12"]
SHARDS = 8


def rollsim(*arguments):
    return subprocess.run([ROLLSIM, *arguments], check=True, capture_output=True, text=True).stdout


# The first 151 points lose nothing; readers that look at the first hundred rows must not take means for whole numbers.
QUIET = """name = "quiet-start"
[run]
duration = "30s"
[rollout]
at = "5s"
[deployment]
replicas = 2
[pod]
termination_grace_period = "10s"
[pod.readiness_probe]
period = "1s"
[pod.server]
profile = "nginx-sigterm"
[[clients]]
profile = "fortio"
connections = 4
rate = "100/s"
keep_alive = false
[sweep]
replications = 3
[sweep.vary]
"pod.pre_stop.sleep" = ["9s", "0s"]
"clients.0.rate" = { from = "50/s", to = "200/s", step = "1/s" }
"""


def rows_of(folder, axis):
    with open(f"{folder}/sweep.jsonl") as lines:
        rows = [json.loads(line) for line in lines]
    return [(r["point"], r["axes"][axis], r["metrics"]["failed"]["mean"], r["metrics"]["failed"]["n"]) for r in rows]


def check_readers(readers, truth):
    for name, read in readers.items():
        found = [tuple(row) for row in read()]
        assert found == truth, f"{name} reads other values: {found[:2]} against {truth[:2]}"
        kinds = [[type(value) for value in row] for row in (found[0], truth[0])]
        assert kinds[0] == kinds[1], f"{name} reads other types: {kinds}"
        print(f"{name}: {len(found)} rows as they were written")


def table_readers(folder, axis):
    columns = f'"point", "{axis}", "failed.mean", "failed.n"'
    nested = f'point, axes."{axis}", metrics.failed.mean, metrics.failed.n'
    names = ("point", axis, "failed.mean", "failed.n")
    readers = {
        "duckdb csv": lambda: duckdb.sql(f"select {columns} from '{folder}/sweep.csv' order by point").fetchall(),
        "duckdb jsonl": lambda: duckdb.sql(
            f"select {nested} from read_json('{folder}/sweep.jsonl', maximum_depth=-1) order by point").fetchall(),
        "polars csv": lambda: polars.read_csv(f"{folder}/sweep.csv").select(*names).rows(),
        "polars jsonl": lambda: [
            (r["point"], r["axes"][axis], r["metrics"]["failed"]["mean"], r["metrics"]["failed"]["n"])
            for r in polars.read_ndjson(f"{folder}/sweep.jsonl").iter_rows(named=True)],
    }
    if os.path.exists(f"{folder}/sweep.parquet"):
        readers["duckdb parquet"] = lambda: duckdb.sql(
            f"select {columns} from '{folder}/sweep.parquet' order by point").fetchall()
        readers["polars parquet"] = lambda: polars.read_parquet(f"{folder}/sweep.parquet").select(*names).rows()
    return readers


def check_tables(folder):
    truth = rows_of(folder, "pod.pre_stop.sleep_s")
    assert len(truth) == 52 and any(row[2] > 0 for row in truth)
    check_readers(table_readers(folder, "pod.pre_stop.sleep_s"), truth)


def check_quiet_start(folder):
    """A table whose first hundred rows are whole numbers by chance."""
    with open(f"{folder}/quiet.toml", "w") as out:
        out.write(QUIET)
    rollsim("sweep", f"{folder}/quiet.toml", "--quiet", "--out", f"{folder}/quiet")
    truth = rows_of(f"{folder}/quiet", "clients.0.rate_per_s")
    assert len(truth) == 302 and all(row[2] == 0 for row in truth[:151]) and any(row[2] % 1 for row in truth)
    check_readers(table_readers(f"{folder}/quiet", "clients.0.rate_per_s"), truth)
    schema = polars.read_csv(f"{folder}/quiet/sweep.csv").schema
    texts = {name for name, kind in schema.items() if kind == polars.String}
    texts -= {"clients.0.rate", "pod.pre_stop.sleep", "digest"}
    assert not any(has_values(folder, name) for name in texts), texts


def has_values(folder, name):
    """Whether a column has a value in the first hundred rows, where Polars looks."""
    head = polars.read_csv(f"{folder}/quiet/sweep.csv", infer_schema_length=None)[name].head(100)
    return head.null_count() < len(head)


def check_manifest(folder):
    job = f"{folder}/job.yaml"
    with open(job, "w") as out:
        out.write(rollsim("sweep", SCENARIO, "--shards", str(SHARDS), "--emit", "k8s-job"))
    validate = os.path.join(os.path.dirname(sys.executable), "kubernetes-validate")
    subprocess.run([validate, "--strict", job], check=True)
    script = rollsim("sweep", SCENARIO, "--shards", str(SHARDS), "--emit", "slurm")
    subprocess.run(["sh", "-n"], input=script, check=True, text=True)
    print("the Indexed Job is valid, the Slurm script parses")


def check_same(local, merged):
    names = sorted(os.listdir(local))
    assert names == sorted(os.listdir(merged)), (names, os.listdir(merged))
    _, differ, failed = filecmp.cmpfiles(local, merged, names, shallow=False)
    assert not differ and not failed, (differ, failed)


def wait_for(what, ready, seconds=120):
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, f"{what} did not come"
        time.sleep(0.02)


def check_dask(folder, local):
    """Two worker processes; one is killed while it has a shard and others wait."""
    state = f"{folder}/scheduler.json"
    log = open(f"{folder}/dask.log", "w")
    environment = dict(os.environ, TMPDIR=folder)

    def start(*command):
        return subprocess.Popen([sys.executable, "-m", *command], stdout=log, stderr=log, env=environment)

    started = [start("distributed.cli.dask_scheduler", "--port", "0", "--scheduler-file", state, "--no-dashboard")]
    try:
        wait_for("the scheduler", lambda: os.path.exists(state) and os.path.getsize(state) > 0)
        with open(state) as text:
            address = json.load(text)["address"]
        worker = ["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                  "--local-directory", folder]
        started += [start(*worker), start(*worker)]
        driver = subprocess.Popen([
            sys.executable, f"{DISTRIBUTED}/dask_sweep.py", SCENARIO, "--scheduler", address, "--shards", str(SHARDS),
            "--parts", f"{folder}/dask-parts", "--out", f"{folder}/dask", "--rollsim", ROLLSIM, *REPLICATIONS])
        parts = lambda: len(glob.glob(f"{folder}/dask-parts/part-*.jsonl"))
        wait_for("the first part", lambda: parts() > 0 or driver.poll() is not None)
        assert driver.poll() is None and parts() < SHARDS, "the worker is lost mid-run"
        started[1].send_signal(signal.SIGKILL)
        print(f"dask: a worker of two killed with {parts()} of {SHARDS} parts written")
        assert driver.wait(timeout=600) == 0
        check_same(local, f"{folder}/dask")
        print("dask: the merged sweep is the local one to the byte")
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def check_ray(folder, local):
    """Two worker processes; one is killed while it has a shard and others wait."""
    import ray

    context = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        driver = subprocess.Popen([
            sys.executable, f"{DISTRIBUTED}/ray_sweep.py", SCENARIO, "--address", context.address_info["address"],
            "--shards", str(SHARDS), "--parts", f"{folder}/ray-parts", "--out", f"{folder}/ray", "--rollsim", ROLLSIM,
            *REPLICATIONS])
        parts = lambda: glob.glob(f"{folder}/ray-parts/part-*.jsonl")
        wait_for("the first part", lambda: parts() or driver.poll() is not None)
        assert driver.poll() is None and len(parts()) < SHARDS, "the worker is lost mid-run"
        running = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and runs_a_shard_of(pid, folder)]
        with open(f"/proc/{running[0]}/stat") as text:
            worker = int(text.read().rsplit(")", 1)[1].split()[1])
        os.kill(worker, signal.SIGKILL)
        print(f"ray: a worker killed with {len(parts())} of {SHARDS} parts written")
        assert driver.wait(timeout=600) == 0
        check_same(local, f"{folder}/ray")
        print("ray: the merged sweep is the local one to the byte")
    finally:
        ray.shutdown()


def runs_a_shard_of(pid, folder):
    """Whether a process is rollsim writing parts into this folder, which only this test made."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as text:
            words = text.read().split(b"\0")
    except OSError:
        return False
    return words[0] == ROLLSIM.encode() and f"{folder}/ray-parts".encode() in words


def main():
    with tempfile.TemporaryDirectory(prefix="rollsim-sweep-") as folder:
        local = f"{folder}/local"
        rollsim("sweep", SCENARIO, "--quiet", "--out", local, *REPLICATIONS)
        check_tables(local)
        check_quiet_start(folder)
        check_manifest(folder)
        check_dask(folder, local)
        if importlib.util.find_spec("ray"):
            check_ray(folder, local)
        else:
            print("ray: not installed, not checked")


if __name__ == "__main__":
    main()
