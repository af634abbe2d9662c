#!/usr/bin/env bash
# Runs a list of 200 models through a real Slurm, kills a node in the middle, and compares with a run on one machine.
#
#   sudo scripts/slurm_test.sh [FOLDER]
#
# Needs root and Debian's slurmctld, slurmd and munge (apt-get install slurmctld slurmd slurm-client munge), none of which
# needs to be set up: two nodes, a controller and munge are started in FOLDER (default: a temporary one) with ports of their
# own, and ended. A task of the array that was on the lost node is started anew by Slurm and goes on where it was.
#
# Exit code 0: every job was done, none that was finished was done twice, and the sum is the bytes of one machine's.
#
#   BERTJIT=PATH    the program; default: the one of build/release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly jobs=200 tasks=20 threads=1
root=$PWD
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
export BERTJIT=${BERTJIT:-$root/build/release/bin/bertjit}
export SLURM_CONF=$folder/slurm.conf
host=$(hostname)

for program in slurmctld slurmd sbatch squeue munged python3 "$BERTJIT"; do
  command -v "$program" > /dev/null || { echo "slurm_test.sh: there is no $program" >&2; exit 2; }
done
[ "$(id -u)" = 0 ] || { echo "slurm_test.sh: slurmd needs root" >&2; exit 2; }

say() { echo "$(date +%T.%1N)  $*"; }

stop_all() {
  for name in slurmctld slurmd.n1 slurmd.n2 munged; do
    if [ -e "$folder/$name.pid" ]; then kill "$(cat "$folder/$name.pid")" 2> /dev/null || true; fi
  done
}
trap stop_all EXIT

# Slurm: two nodes of one core each, which are this machine.
mkdir -p "$folder"/{state,n1,n2,zoo/results}
dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
chmod 600 "$folder/munge.key"
cat > "$SLURM_CONF" <<END
ClusterName=zoo
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/%n
SlurmctldPort=26817
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.%n.log
SlurmdTimeout=10
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1
MpiDefault=none
JobRequeue=1
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=27001 CPUs=1
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=27002 CPUs=1
PartitionName=zoo Nodes=n1,n2 Default=YES State=UP
END
munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munged.pid" \
  --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
slurmctld -i
sleep 1
slurmd -N n1
slurmd -N n2
for _ in $(seq 30); do
  [ "$(sinfo --noheader --format=%D%t)" = 2idle ] && break
  sleep 1
done
say "$(slurmctld -V), nodes: $(sinfo --noheader --format='%N %t')"

# The shared folder: four tiny models, one of which is not what it is said to be, and a list of 200 jobs.
cd "$folder/zoo"
for seed in 1 2 3; do
  "$BERTJIT" trace "$root/testdata/tiny-bert/config.json" --init random --seed $seed -o seed$seed.pt --no-check --quiet > /dev/null
done
"$BERTJIT" trace "$root/testdata/tiny-bert" -o traced.pt --no-check --quiet > /dev/null
cp -r "$root/testdata/tiny-bert" .
models=(traced seed1 seed2 seed3)
for i in $(seq $jobs); do
  model=${models[$((i % 4))]}
  source=$([ $((i % 40)) = 1 ] || [ $model = traced ] && echo ', "source": "tiny-bert"' || true)
  echo "{\"name\": \"job$i\", \"module\": \"$model.pt\"$source, \"only\": [\"safety\", \"grad-mode\", \"roundtrip\", \"repeat\", \"source\", \"weights\"]}"
done > zoo.jsonl

lines() { cat results/*.jsonl 2> /dev/null | wc -l; }
on_node() { squeue --noheader --states=RUNNING --nodelist="$1" --format=%K; }

cp "$root/docs/recipes/slurm_zoo.sh" .
say "sbatch: $jobs jobs, $tasks tasks"
array=$(sbatch --parsable --array=1-$tasks --cpus-per-task=1 slurm_zoo.sh zoo.jsonl results --threads $threads)

# In the middle of a task on n2, that node loses its power: nothing of it is left, and nobody is told.
until [ "$(lines)" -ge $((jobs / 4)) ] && task=$(on_node n2) && [ -n "$task" ] && [ -s "results/$task.jsonl" ]; do
  sleep 0.05
done
done_by_then=$(wc -l < "results/$task.jsonl")
cp "results/$task.jsonl" lost_node.jsonl
kill -9 "$(cat "$folder/slurmd.n2.pid")"
for process in /proc/[0-9]*; do
  if { tr '\0' '\n' < "$process/environ"; } 2> /dev/null | grep -qx SLURMD_NODENAME=n2; then
    parent=$(sed -n 's/^PPid:\t//p' "$process/status" 2> /dev/null || true)
    if grep -qs '^slurmstepd' "/proc/${parent:-0}/comm"; then kill -9 "$parent" 2> /dev/null || true; fi
    kill -9 "${process#/proc/}" 2> /dev/null || true
  fi
done
say "killed node n2: $(lines) of $jobs jobs done, its task $task had done $done_by_then of $((jobs / tasks))"

while [ -n "$(squeue --noheader)" ]; do
  now="$(lines) done, $(sinfo --noheader --format='%N %t' | paste -sd' ')"
  [ "$now" = "${before:-}" ] || say "$now"
  before=$now
  sleep 5
done
say "the queue is empty; requeued: $(grep -ciE 'requeue' "$folder/slurmctld.log") lines in slurmctld's log"
grep -iE 'requeu|not responding|DOWN' "$folder/slurmctld.log" | tail -n 5

# The same list on one machine, then both added up.
"$BERTJIT" verify --list zoo.jsonl --jobs 2 --threads $threads --output one.jsonl > /dev/null && code=0 || code=$?
say "one machine: exit code $code"
"$BERTJIT" report merge results/*.jsonl --format json --html zoo.html > slurm.json && merged=0 || merged=$?
"$BERTJIT" report merge one.jsonl --format json > one.json || true
{ "$BERTJIT" report merge results/*.jsonl --quiet || true; } | tail -n 6
say "merge: exit code $merged"

python3 - <<'END'
import collections, glob, json, sys
lines = [json.loads(line) for path in glob.glob("results/*.jsonl") for line in open(path)]
names = collections.Counter(line["name"] for line in lines)
twice = {name for name, count in names.items() if count > 1}
slurm, one = (json.load(open(name)) for name in ("slurm.json", "one.json"))
runs = slurm.pop("runs"), one.pop("runs")
kept = [json.loads(line) for line in open("lost_node.jsonl")]
print(f"{len(lines)} lines, {len(names)} jobs, {len(twice)} done more than once")
print("the lost node's lines are still there:", all(line in lines for line in kept))
print("without what is of single runs, the same bytes:", json.dumps(slurm) == json.dumps(one))
sys.exit(not (len(names) == 200 and not twice and json.dumps(slurm) == json.dumps(one)))
END
[ "$merged" = "$code" ]
say "passed"
