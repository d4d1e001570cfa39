#!/usr/bin/env bash
# one-machine-slurm.sh start|stop FOLDER: a Slurm of this machine alone, to try the cluster jobs on.
#
# `start` runs munged, slurmctld and slurmd as root, without systemd, cgroups and a database, until the node is idle;
# everything lies in FOLDER. Then `export SLURM_CONF=FOLDER/slurm.conf`, which every Slurm command reads. It holds no job to
# its memory, and it is no cluster. Needs (Debian, Ubuntu): apt-get install --no-install-recommends slurm-wlm munge
#
# SLURM_CPUS (default 2) is the node's number of CPUs; SLURM_PORTS (default "16817 16818") are the ports of slurmctld and
# slurmd. With SLURM_OWNER=PID everything is stopped as soon as that process is gone, however it ended.
set -euo pipefail

fail() { printf 'one-machine-slurm.sh: %s\n' "$*" >&2; exit 1; }
[ $# -eq 2 ] || fail "usage: one-machine-slurm.sh start|stop FOLDER"
mkdir -p "$2"
folder=$(cd "$2" && pwd -P)
export SLURM_CONF=$folder/slurm.conf

# A PID file counts while its process lives and has the daemon's name.
pid_of() {
    local pid
    pid=$(cat "$folder/$1.pid" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && echo "$pid"
}

stop() {
    if pid_of slurmctld >/dev/null; then
        # Jobs would outlive their daemon: they end first.
        timeout 10 scancel --partition=main 2>/dev/null || true
        for _ in $(seq 100); do
            [ -n "$(timeout 5 squeue --noheader --states=RUNNING,COMPLETING 2>/dev/null || true)" ] || break
            sleep 0.1
        done
    fi
    for daemon in slurmd slurmctld munged; do
        pid=$(pid_of "$daemon") || continue
        kill "$pid"
        for _ in $(seq 100); do pid_of "$daemon" >/dev/null || break; sleep 0.1; done
        pid=$(pid_of "$daemon") && kill -KILL "$pid"
    done
    return 0
}

case $1 in
    stop) stop; exit 0 ;;
    start) ;;
    *) fail "usage: one-machine-slurm.sh start|stop FOLDER" ;;
esac
[ "$(id -u)" = 0 ] || fail "must run as root: slurmd starts each job as the user who submitted it"
for tool in munged mungekey slurmctld slurmd sinfo; do
    command -v "$tool" >/dev/null || fail "'$tool' is missing: apt-get install --no-install-recommends slurm-wlm munge"
done
pid_of slurmctld >/dev/null && fail "it runs already in $folder"

host=$(hostname -s)
read -r port_of_slurmctld port_of_slurmd <<<"${SLURM_PORTS:-16817 16818}"
# Tenths of a second; a loaded machine starts three daemons in many times the usual second.
patience=1200
memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
chmod 755 "$folder"
mkdir -p "$folder"/{state,spool,log,munge,socket}
chmod 700 "$folder/munge"
[ -f "$folder/munge/key" ] || mungekey --create --keyfile "$folder/munge/key" >/dev/null
cat >"$folder/slurm.conf" <<END
ClusterName=one-machine
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port_of_slurmctld
SlurmdPort=$port_of_slurmd
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until its old credential has expired: 10 s, not 2 minutes.
AuthInfo=socket=$folder/socket/munge,cred_expire=10
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/log/jobs.log
MinJobAge=3600
JobRequeue=1
ReturnToService=2
KillWait=5
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=${SLURM_CPUS:-2} RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
# However this ends before the node is idle, no daemon stays.
trap stop EXIT
# Daemons must not hold the caller's pipes open.
munged --force --key-file="$folder/munge/key" --socket="$folder/socket/munge" --pid-file="$folder/munged.pid" \
    --log-file="$folder/log/munged.log" --seed-file="$folder/munge/seed" &>"$folder/log/munged.out"
slurmctld &>"$folder/log/slurmctld.out"
slurmd -N "$host" &>"$folder/log/slurmd.out"
if [ -n "${SLURM_OWNER:-}" ]; then
    (
        while kill -0 "$SLURM_OWNER" 2>/dev/null && pid_of slurmctld >/dev/null; do sleep 1; done
        stop
    ) </dev/null &>/dev/null &
fi
for _ in $(seq "$patience"); do
    if [ "$(timeout 10 sinfo --noheader --format=%t 2>/dev/null)" = idle ]; then
        trap - EXIT
        exit 0
    fi
    sleep 0.1
done
tail -n 5 "$folder"/log/*.log >&2 || true
fail "the node was not idle after $((patience / 10)) s"
