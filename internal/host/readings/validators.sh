# $1 = where the process table is (/proc), $2 = for how many seconds threads that show no progress are watched (0: not at all).
#
# A validator is a process whose name or program is agave-validator or solana-validator (the kernel keeps 15 characters of a
# name), whatever else it does: `agave-validator exit` too. A leader that has ended has no program any more: then a living
# thread's tells, and where that is gone too but io workers live, it counts, since nobody can say what it was. A process that
# is gone by the time it is looked at does not count; one that is there and cannot be read means that nothing is known.
#
# A line each: PID COMM START STATE WHY..., START in ticks since boot (a pid is used again, both together are not). STATE is
#   running
#   exiting  it was told to, or its threads are ending
#   stuck    nothing ends it: for $2 seconds a thread of it stood in D, or with a SIGKILL, at one place, without a tick of
#            time and without being woken; or its leader has ended and none of the others moved
# and after a stuck one, of its first such threads: PID/TID COMM START STATE waits WHERE SECONDS FUNCTIONS of its stack.
proc=${1:-/proc} window=${2:-0}
export LC_ALL=C
[ "$(id -u)" = 0 ] && [ -r "$proc/1/comm" ] || { echo "cannot read the process table of others" >&2; exit 3; }
for needed in find awk timeout; do command -v "$needed" >/dev/null || { echo "there is no $needed" >&2; exit 3; }; done

# Files are read whole, in one program: a thousand threads are some milliseconds. A name may hold blanks, brackets and newlines;
# no file has seventeen newlines in a row. What is printed is one word. An awk that cannot go on reading a file because its
# process ends in that moment gives up, and is run again.
words='
function whole(file,   t) { t = ""; if ((getline t < file) < 0) t = ""; close(file); return t }
function word(t) { sub(/\n$/, "", t); gsub(/[^A-Za-z0-9._:\/+@-]/, "?", t); return t == "" ? "?" : t }
function last(path) { sub(/.*\//, "", path); return path }
function bit(n, b) { return int(n / b) % 2 }
function hex(c) { return index("0123456789abcdef", c) - 1 }
function field(t, name) { if (!match(t, "\n" name ":[ \t]*[0-9a-f]+")) return ""; t = substr(t, RSTART, RLENGTH); sub(/.*[ \t]/, "", t); return t }
function stat(t) { # f: state 1, parent 2, flags 7, ticks 12 and 13, start 20, pending signals 29
  if (!match(t, /^.*\) /)) return 0
  comm = substr(t, index(t, "(") + 1, RLENGTH - index(t, "(") - 2)
  return split(substr(t, RLENGTH + 1), f, " ") >= 29
}
BEGIN { blanks = RS = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n" }
'
tell() { [ -z "$told" ] || printf '%s\n' "$told"; }
again() { # what an attempt that fails has printed is not told, and why it failed only of the last
  for try in 1 2 3 4; do told=$("$@" 2>/dev/null) && { tell; return 0; }; done
  told=$("$@") && tell
}

# known prints "is PID" of validators, "dead PID" of leaders that have ended, "unread PID" where there is no name.
known() {
  find "$proc" -mindepth 2 -maxdepth 2 -path "$proc/[0-9]*/exe" -printf '%P %l\n' 2>/dev/null | awk "$words"'
  BEGIN {
    RS = "\n"
    while ((getline line < "-") > 0) {
      pid = line; sub(/\/.*/, "", pid)
      program[pid] = last(substr(line, index(line, " ") + 1)); sub(/ \(deleted\)$/, "", program[pid])
    }
    RS = blanks
    for (i = 1; i < ARGC; i++) {
      dir = ARGV[i]; pid = last(dir)
      name = whole(dir "/comm"); sub(/\n$/, "", name)
      if (name ~ /^(agave-validator|solana-validato)$/ || program[pid] ~ /^(agave|solana)-validator$/) print "is", pid
      else if (name == "") print "unread", pid
      else if (program[pid] == "" && stat(whole(dir "/stat")) && f[1] ~ /[ZX]/) print "dead", pid
    }
  }' "$proc"/[0-9]*
}

# was PID tells whether a leader that has ended was a validator, or may have been one.
was() {
  for t in "$proc/$1"/task/[0-9]*; do
    program=$(readlink "$t/exe" 2>/dev/null)
    program=${program##*/}
    case "${program% (deleted)}" in
    agave-validator | solana-validator) return 0 ;;
    '') case "$(cat "$t/comm" 2>/dev/null)" in iou-wrk-* | iou-sqp-*) return 0 ;; esac ;;
    esac
  done
  return 1
}

validators() {
  list=$(again known) || return 3
  printf '%s\n' "$list" | while read -r how pid; do
    case "$how" in
    is) echo "$pid" ;;
    dead) if was "$pid"; then echo "$pid"; fi ;;
    unread)
      case "$(cat "$proc/$pid/comm" 2>/dev/null)" in
      agave-validator | solana-validato) echo "$pid" ;;
      '') [ ! -e "$proc/$pid/comm" ] || { echo "the name of process $pid could not be read" >&2; exit 3; } ;;
      esac
      ;;
    esac
  done
}

# threads PID... prints, of those that may be stuck, "PID TID START STATE HOW TICKS WOKEN WHERE COMM": HOW is hard for D, for one that
# was killed and for one that is ending, and soft for any other whose leader has ended. Then "process PID COMM START LEADER TOLD LIVE",
# where TOLD is what says that it is to end, and LIVE is how many threads live.
threads() {
  for pid in $1; do set -- "$@" "$proc/$pid"/task/[0-9]*; done
  shift
  awk "$words"'
  BEGIN {
    for (i = 1; i < ARGC; i++) {
      n = split(ARGV[i], path, "/"); pid = path[n - 2]; tid = path[n]
      if (!stat(whole(ARGV[i] "/stat"))) continue
      if (!(pid in known)) { known[pid] = 1; pids[++count] = pid; told[pid] = "-"; leader[pid] = "Z"; live[pid] = 0; name[pid] = comm; start[pid] = f[20] }
      state[i] = f[1]; flags[i] = f[7]; ticks[i] = f[12] + f[13]; pending[i] = f[29]; began[i] = f[20]; called[i] = comm
      if (tid == pid) { leader[pid] = f[1]; name[pid] = comm; start[pid] = f[20]; if (bit(f[7], 4)) told[pid] = "ending" }
      if (f[1] !~ /[ZX]/) live[pid]++
      if (bit(f[29], 16384)) told[pid] = "SIGTERM"
    }
    for (k = 1; k <= count; k++) {
      dir = ARGV[1]; sub(/\/[0-9]+\/task\/[0-9]+$/, "", dir); text = "\n" whole(dir "/" pids[k] "/status"); shared = field(text, "ShdPnd"); n = length(shared)
      if (n > 3 && bit(hex(substr(shared, n - 3, 1)), 4)) told[pids[k]] = "SIGTERM"
      killed[pids[k]] = n > 3 && bit(hex(substr(shared, n - 2, 1)), 1)
      dumps[pids[k]] = field(text, "CoreDumping") == "1"
    }
    for (i = 1; i < ARGC; i++) {
      n = split(ARGV[i], path, "/"); pid = path[n - 2]
      if (state[i] == "" || state[i] ~ /[ZX]/) continue
      kill = killed[pid] || bit(pending[i], 256)
      if (kill) told[pid] = "SIGKILL"
      hard = state[i] == "D" || kill || bit(flags[i], 4)
      if (!hard && leader[pid] !~ /[ZX]/) continue
      text = "\n" whole(ARGV[i] "/status")
      print pid, path[n], began[i], state[i], hard ? "hard" : "soft", ticks[i], field(text, "voluntary_ctxt_switches") + field(text, "nonvoluntary_ctxt_switches"), word(whole(ARGV[i] "/wchan")), word(called[i])
    }
    for (k = 1; k <= count; k++) {
      pid = pids[k]
      if (dumps[pid]) told[pid] = "core"
      print "process", pid, word(name[pid]), start[pid], leader[pid], told[pid], live[pid]
    }
  }' "$@"
}

# asks PID tells whether the process is one that asks a validator to exit. Where a stuck thread has locked the memory of its process,
# reading the command line waits for that: hence the limit.
asks() { timeout -s KILL 2 cat "$proc/$1/cmdline" 2>/dev/null | tr '\0' '\n' | grep -qx exit; }

# idle PID TID prints for how many seconds a thread has not run: against the reading program itself, since the kernel's clock of the
# scheduler is not that of the uptime.
idle() {
  awk '$1 == "se.exec_start" { at[FILENAME] = $3 } END { d = (at["/proc/self/sched"] - at[ARGV[1]]) / 1000; if (at[ARGV[1]] > 0 && d >= 0) printf "%d", d }' \
    "$proc/$1/task/$2/sched" /proc/self/sched 2>/dev/null
}

# lines PID prints the first threads of $still that are of this process.
lines() {
  printf '%s\n' "$still" | grep "^$1 " | head -n 8 | while read -r pid tid start state _ _ _ where comm; do
    seconds=$(idle "$pid" "$tid")
    stack=$(sed -n 's/^\[<[0-9a-f]*>\] \([A-Za-z0-9_.]*\).*/\1/p' "$proc/$pid/task/$tid/stack" 2>/dev/null)
    tell=$(printf '%s\n' "$stack" | grep -xE 'io_wq_put_and_exit|dsl_dir_tempreserve_space|zap_pid_ns_processes')
    echo "$pid/$tid $comm $start $state waits $where ${seconds:-$window}" $(printf '%s\n' "$stack" | head -n 4) $tell
  done
}

pids=$(validators) || exit 3
[ -n "$pids" ] || exit 0
now=$(again threads "$pids") || { echo "the threads of a validator could not be read" >&2; exit 3; }
still=$(printf '%s\n' "$now" | grep -E '^[0-9]+ ')
left=$((window * 5))
while [ -n "$still" ] && [ "$left" -gt 0 ]; do
  sleep 0.2
  now=$(again threads "$pids") || { echo "the threads of a validator could not be read" >&2; exit 3; }
  still=$(printf '%s\n' "$now" | grep -Fx -e "$still")
  left=$((left - 1))
done
[ "$window" -gt 0 ] || still=

for pid in $pids; do [ -d "$proc/$pid" ] && asks "$pid" && askers="$askers $pid"; done
printf '%s\n' "$now" | grep '^process ' | while read -r _ pid comm start leader told live; do
  stood=$(printf '%s\n' "$still" | grep -c "^$pid ")
  hard=$(printf '%s\n' "$still" | grep -cE "^$pid [^ ]+ [^ ]+ [^ ]+ hard ")
  state=running why=
  case "$told" in
  ending) state=exiting why="it is ending" ;;
  SIGTERM) state=exiting why="it was sent SIGTERM" ;;
  SIGKILL) state=exiting why="it was killed" ;;
  core) state=exiting why="it writes a core dump" ;;
  esac
  case "$leader" in [ZX])
    state=exiting why="its main thread has ended, $live others live"
    [ "$live" -gt 0 ] || why="it has ended, and its parent has not collected it"
    ;;
  esac
  case "$askers " in
  *" $pid "*) state=exiting why="it asks a validator to exit" ;;
  *' '[0-9]*) [ "$state" = running ] && state=exiting why="it was asked to exit" ;;
  esac
  if [ "$told" != core ] && { [ "$hard" -gt 0 ] || { [ "$stood" -gt 0 ] && [ "$stood" -ge "$live" ]; }; }; then
    state=stuck why="$why${why:+, }$stood of $live threads stand still"
  fi
  echo "$pid $comm $start $state $why"
  [ "$state" = stuck ] && lines "$pid"
done
# One that went while its threads were read is gone; one that is there and told nothing is not known.
for pid in $pids; do
  printf '%s\n' "$now" | grep -q "^process $pid " || { [ ! -d "$proc/$pid" ] || { echo "process $pid could not be read" >&2; exit 3; }; }
done
exit 0
