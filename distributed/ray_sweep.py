"""Runs a sweep of rollsim on a Ray cluster: one task a shard, each of which starts the program.

    python distributed/ray_sweep.py my.toml --address auto --shards 16 --parts /shared/parts

The scenario and the folder of the parts must be reachable from every node. A shard that ran twice, because its worker
was lost, has written the same bytes; a part that is there already is not run again. Needs the package ray.
"""

import argparse
import glob
import subprocess

import ray


@ray.remote(num_cpus=1, max_retries=3)
def run_shard(rollsim, file, index, shards, parts, more):
    command = [rollsim, "sweep", file, "--quiet", "--threads", "1", "--shard", f"{index}/{shards}", "--out", parts]
    subprocess.run(command + more, check=True)
    return index


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="scenario with a [sweep]")
    parser.add_argument("--address", default="auto", help="address of the Ray cluster")
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--parts", default="parts", help="folder of the parts")
    parser.add_argument("--out", default="merged", help="folder of the merged sweep")
    parser.add_argument("--rollsim", default="rollsim", help="the program")
    arguments, more = parser.parse_known_args()  # what is left goes to rollsim: --set, --seed, --replications
    common = (arguments.shards, arguments.parts, more)
    with ray.init(address=arguments.address, log_to_driver=False):
        ray.get([
            run_shard.remote(arguments.rollsim, arguments.file, index, *common) for index in range(arguments.shards)
        ])
    parts = sorted(glob.glob(f"{arguments.parts}/part-*-of-{arguments.shards}.jsonl"))
    subprocess.run([arguments.rollsim, "merge", "--out", arguments.out, *parts], check=True)


if __name__ == "__main__":
    main()
