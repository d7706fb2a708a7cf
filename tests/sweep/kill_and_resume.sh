#!/bin/sh
# Kills a sweep at ten random moments, resumes it, and compares every file with those of a sweep that was left alone.
#
#     tests/sweep/kill_and_resume.sh target/release/rollsim my.toml [arguments of rollsim sweep]
set -eu
rollsim=$1 scenario=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
begun=$(date +%s%N)
"$rollsim" sweep "$scenario" --quiet --out "$folder/whole" "$@" >/dev/null
took=$((($(date +%s%N) - begun) / 1000000))
echo "the whole sweep takes $took ms"
for kill in 1 2 3 4 5 6 7 8 9 10; do
    "$rollsim" sweep "$scenario" --quiet --resume --out "$folder/killed" "$@" >/dev/null &
    process=$!
    after=$(awk -v seed="$kill$$" -v took="$took" 'BEGIN { srand(seed); printf "%d", rand() * took * 0.9 }')
    sleep "$(awk -v ms="$after" 'BEGIN { printf "%.3f", ms / 1000 }')"
    kill -9 "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
    finished=$(wc -l <"$folder/killed/sweep.journal" 2>/dev/null || echo 0)
    "$rollsim" sweep "$scenario" --quiet --resume --out "$folder/killed" "$@" >/dev/null
    diff -r "$folder/whole" "$folder/killed"
    echo "killed after $after ms with $finished lines in the journal, resumed: identical"
    rm -r "$folder/killed"
done
