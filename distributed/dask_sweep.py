"""Runs a sweep of rollsim on a Dask cluster: one task a shard, each of which starts the program.

    python distributed/dask_sweep.py my.toml --scheduler tcp://host:8786 --shards 16 --parts /shared/parts

The scenario and the folder of the parts must be reachable from every worker. A shard that ran twice, because its worker
was lost, has written the same bytes; a part that is there already is not run again. Needs the package distributed.
"""

import argparse
import glob
import subprocess

from distributed import Client


def run_shard(rollsim, file, index, shards, parts, more):
    command = [rollsim, "sweep", file, "--quiet", "--threads", "1", "--shard", f"{index}/{shards}", "--out", parts]
    subprocess.run(command + more, check=True)
    return index


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="scenario with a [sweep]")
    parser.add_argument("--scheduler", required=True, help="address of the Dask scheduler")
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--parts", default="parts", help="folder of the parts")
    parser.add_argument("--out", default="merged", help="folder of the merged sweep")
    parser.add_argument("--rollsim", default="rollsim", help="the program")
    arguments, more = parser.parse_known_args()  # what is left goes to rollsim: --set, --seed, --replications
    common = (arguments.shards, arguments.parts, more)
    with Client(arguments.scheduler) as client:
        tasks = [
            client.submit(run_shard, arguments.rollsim, arguments.file, index, *common, pure=False, retries=2)
            for index in range(arguments.shards)
        ]
        client.gather(tasks)
    parts = sorted(glob.glob(f"{arguments.parts}/part-*-of-{arguments.shards}.jsonl"))
    subprocess.run([arguments.rollsim, "merge", "--out", arguments.out, *parts], check=True)


if __name__ == "__main__":
    main()
