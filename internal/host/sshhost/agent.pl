# The far end of the privileged channel. It is sent over stdin, lives in memory, and writes nothing to the host of its own
# accord. Frames both ways: u32 length of the rest, u8 type, u32 id, payload. See frames.go for the types.
#
# The client puts these in front: $NONCE, $SILENCE (seconds), $RUN and $STATE (folders of the lock and of the token).
use strict; use warnings;
use Fcntl qw(:DEFAULT :flock :mode);
use POSIX ();
use File::Glob ();
our ($NONCE, $SILENCE, $RUN, $STATE, $READER);   # $READER: reader.pl

# Numbers of the protocol, as in frames.go.
my ($KEPT, $HOLD, $MORE, $PUT) = (1, 2, 4, 8);
my ($SLOTS, $MAXSTUCK) = (64, 200);
my ($PATIENCE) = 25;              # hundredths of a second without a sign of life before the next file worker starts
my $CLOCK = 100;                  # POSIX::times counts in these, monotonically

my ($in, $out) = ('', '');        # what came and is not a whole frame yet; what is to be sent
my (%job, @queue, %pid, %stuck);  # jobs by id (queued and running), ids to start, job by pid, abandoned pids
my (@word, $lock, $token, $steps);
my (%note, @told, $log, $end, $seal);   # records that wait for their step, and for the next write; the host's log, its length, its last seal
my ($heard, $checked, $dying) = (now(), now(), 0);

$SIG{PIPE} = $SIG{HUP} = 'IGNORE';
$SIG{CHLD} = sub { };             # only so that select returns
chdir '/';
umask 022;
$ENV{LC_ALL} = 'C';
$ENV{PATH} = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
delete @ENV{qw(LANGUAGE BASH_ENV ENV IFS CDPATH)};
nonblock($_) for \*STDIN, \*STDOUT;
$out = "\x1e$NONCE\n";
frame('h', 0, join "\0", $^O, $>, slurp('/proc/sys/kernel/random/boot_id') // '', slurp('/etc/machine-id') // '', $READER // ());

sub now { (POSIX::times())[0] }
sub nonblock { fcntl($_[0], F_SETFL, fcntl($_[0], F_GETFL, 0) | O_NONBLOCK) }
sub frame { my ($t, $id, $p) = @_; $out .= pack('NaN', 5 + length $p, $t, $id) . $p unless $dying }

# frames takes the whole frames off the front of a buffer.
sub frames {
  my ($b, $take) = @_;
  my $at = 0;
  while (length($$b) - $at >= 9) {
    my $n = unpack 'N', substr($$b, $at, 4);
    last if length($$b) - $at < 4 + $n;
    my ($t, $id) = unpack 'aN', substr($$b, $at + 4, 5);
    $take->($t, $id, substr($$b, $at + 9, $n - 5));
    $at += 4 + $n;
  }
  substr($$b, 0, $at) = '' if $at;
}

sub take {
  my ($t, $id, $p) = @_;
  if ($t eq 'B') { frames(\$p, \&take) }          # a batch starts only when all of it is here
  elsif ($t eq 'R') { request($id, $p) }
  elsif ($t eq 'F') { files($id, $p) }
  elsif ($t eq 'W') { $word[$id] = $p }
  elsif ($t eq 'i') { if (my $j = $job{$id}) { $j->{in} .= $p } }
  elsif ($t eq 'I') { if (my $j = $job{$id}) { $j->{last} = 1 } }
  elsif ($t eq 'K') { cancel($id) }
  elsif ($t eq 'P') { frame('p', $id, '') }
  elsif ($t eq 'L') { frame('l', $id, take_lock($p)) }
  elsif ($t eq 'E') { eval "$p;1" or die $@ }     # record.pl, get.pl
  elsif ($t eq 'N') { $note{$id} = $p }
  elsif ($t eq 'T') { push @told, "end $note{$id} $p" if defined $note{$id} }
  elsif ($t eq 'C') { frame('l', $id, fenced() || defined $note{$id} && begun($id) || 'ok') }
  elsif ($t eq 'G') { leave() }
}

# request queues a program, or a put. Words that start with \x01 stand for one sent before.
sub request {
  my ($id, $p) = @_;
  my ($flags, $limit, $n) = unpack 'CNN', $p;
  my @argv = map { /^\x01(\d+)\z/ ? $word[$1] : s/^\x01\x01/\x01/r } split /\0/, substr($p, 9, $n), -1;
  my $puts = $flags & $PUT ? shift @argv : '';    # put.pl
  if ($puts && !defined &put) { eval "$puts;1" or die $@ }
  push @queue, $id;
  $job{$id} = { id => $id, flags => $flags, end => now() + $limit, argv => \@argv, in => substr($p, 9 + $n), last => !($flags & $MORE), note => delete $note{$id} };
}

# files queues file operations: they are one job, done by one worker in the order given.
sub files {
  my ($id, $p) = @_;
  my (@ops, $at);
  for ($at = 0; $at < length $p; ) {
    my ($op, $kind, $limit, $n) = unpack 'NaNN', substr($p, $at, 13);
    push @ops, { id => $op, kind => $kind, end => now() + $limit, path => substr($p, $at + 13, $n) };
    $at += 13 + $n;
  }
  push @queue, $id;
  $job{$id} = { id => $id, flags => 0, end => 0, ops => \@ops, in => '', last => 1 };
}

sub cancel {
  my $j = $job{$_[0]} or return;
  return kill('KILL', -$j->{pid}) if $j->{pid};
  frame('x', $j->{id}, pack 'N', 9);
  delete $job{$j->{id}};
}

sub begin {
  my $j = shift;
  my $why = $j->{flags} & $KEPT ? fenced() : '';
  $why ||= keys %stuck >= $MAXSTUCK ? 'busy' : '';
  return refuse($j, $why) if $why;
  pipe(my $or, my $ow) && pipe(my $er, my $ew) or return refuse($j, "fork pipe: $!");
  my ($ir, $iw);
  if ($j->{flags} & $MORE || length $j->{in}) { pipe($ir, $iw) or return refuse($j, "fork pipe: $!") }
  else { open($ir, '<', '/dev/null') or return refuse($j, "fork /dev/null: $!") }
  my ($stop, $go);
  if ($j->{ops}) { pipe($stop, $go) or return refuse($j, "fork pipe: $!") }
  my @dead = $j->{flags} & $KEPT ? () : dead();
  my $pid = fork;
  return refuse($j, "fork $!") unless defined $pid;
  child($j, $ir, $ow, $ew, $stop, $iw, $go, @dead) unless $pid;
  setpgrp($pid, $pid);
  syswrite $steps, "$pid " . started($pid) . "\n" if $steps && $j->{flags} & $KEPT;
  nonblock($_) for grep { $_ } $or, $er, $iw;
  @$j{qw(pid out err to go seen buf at)} = ($pid, $or, $er, $iw, $go, now(), '', 0);
  $pid{$pid} = $j;
}

# dead are questions that not even SIGKILL ends, of this run and, orphans in state D, of earlier ones.
my $orphans;
sub dead {
  $orphans //= [ grep { (slurp("/proc/$_/stat") // '') =~ /\) D 1 / } map { m{(\d+)\z} } glob '/proc/[0-9]*' ];
  return (@$orphans, keys %stuck);
}

# behind waits as long as one of them asks the same: dead storage must not collect one more process with each round. Its
# own limit ends the wait; nothing of it hangs. A child does it, since reading of such a process may hang too.
sub behind {
  my ($what, @dead) = @_;
  while (@dead = grep { (slurp("/proc/$_/cmdline") // '') =~ /^\Q$what\E\0*\z/ } @dead) { select undef, undef, undef, 0.1 }
}

sub refuse {
  my ($j, $why) = @_;
  if ($j->{ops}) { frame('f', $_->{id}, "!0 $why") for @{ $j->{ops} } }
  else { told($j, 'not begun') if ($j->{note} // ' ') !~ / /; frame('n', $j->{id}, $why) }
  delete $job{$j->{id}};
}

# child never returns. A worker that outlives the agent must hold neither the lock nor anybody's pipes.
sub child {
  my ($j, $ir, $ow, $ew, $stop, $iw, $go, @dead) = @_;
  setpgrp(0, 0);
  $SIG{$_} = 'DEFAULT' for qw(PIPE HUP CHLD);
  POSIX::dup2(fileno $ir, 0); POSIX::dup2(fileno $ow, 1); POSIX::dup2(fileno $ew, 2);
  my @argv = @{ $j->{argv} || [] };
  unless ($j->{ops} || $j->{flags} & $PUT) {
    no warnings;
    behind(join("\0", @argv), @dead);
    exec { $argv[0] } @argv;
    syswrite STDERR, "\x1ebisc-exec $NONCE " . ($! + 0) . " $!";
    POSIX::_exit(127);
  }
  close $_ for grep { $_ } $lock, $iw, $go;
  %job = (); %pid = (); @queue = ();
  fcntl(STDIN, F_SETFL, fcntl(STDIN, F_GETFL, 0) & ~O_NONBLOCK);
  my $st = eval { $j->{ops} ? look($stop, \@dead, @{ $j->{ops} }) : put(@argv) };
  syswrite STDERR, "\x1ebisc-put fail $@" unless defined $st;
  POSIX::_exit($st // 70);
}

# --- file operations, in a worker -------------------------------------------------------------------------------------

sub give {                        # one frame to the agent, whole
  my $b = pack('NaN', 5 + length $_[2], $_[0], $_[1]) . $_[2];
  while (length $b) { my $n = syswrite STDOUT, $b; defined $n or POSIX::_exit(1); substr($b, 0, $n) = '' }
}

sub look {
  my ($stop, $dead, @ops) = @_;
  my %do = (s => \&op_stat, r => \&op_read, g => \&op_glob, d => \&op_get);   # get.pl
  for my $o (@ops) {
    my $r = ''; vec($r, fileno $stop, 1) = 1;
    last if select($r, undef, undef, 0);          # another worker has the rest
    behind($0 = "bisc-look $o->{path}", @$dead);
    my $answer = eval { $do{ $o->{kind} }->($o) };
    give('f', $o->{id}, defined $answer ? "=$answer" : '!' . ($@ =~ /^(\d+ .*)/ ? $1 : "0 $@"));
  }
  return 0;
}

sub fail { die +($! + 0) . " $!\n" }

# O_PATH (010000000) opens what stands at a path without touching it; the descriptor tells the mount id.
sub op_stat {
  my $path = $_[0]{path};
  my $link = readlink($path) // '';
  my $f;
  unless (sysopen $f, $path, 010000000) {
    fail() unless $!{ENOENT} && -l $path;
    my @s = lstat $path or fail();
    return join "\0", 'dangling', @s[0 .. 7], $s[9], 0, $link;
  }
  my @s = stat $f or fail();
  open(my $i, '<', '/proc/self/fdinfo/' . fileno $f) or fail();
  my ($mnt) = join('', <$i>) =~ /^mnt_id:\s*(\d+)/m;
  return join "\0", '', @s[0 .. 7], $s[9], $mnt // 0, $link;
}

sub op_read {
  my ($id, $path) = @{ $_[0] }{qw(id path)};
  sysopen(my $f, $path, O_RDONLY | O_NONBLOCK | O_NOCTTY) or fail();
  -f $f or -d _ ? ($! = 21, fail()) : die "0 not a regular file\n";
  my $sum = 0;
  while (1) {
    my $n = sysread $f, my $b, 65536;
    if (!defined $n) { next if $!{EINTR}; fail() }
    last unless $n;
    ($sum += $n) > 64 << 20 and die "27 larger than 64 MiB\n";
    give('o', $id, $b);
  }
  return '';
}

sub op_glob { join "\0", File::Glob::bsd_glob($_[0]{path}, File::Glob::GLOB_QUOTE()) }

# --- the host's lock --------------------------------------------------------------------------------------------------

sub sync_folder { sysopen(my $d, $_[0], O_RDONLY) or return; $d->sync }
sub slurp { open(my $f, '<', $_[0]) or return; local $/; return scalar <$f> }

sub take_lock {
  require IO::Handle;             # for sync; who only reads is spared the loading
  my $json = shift;
  mkdir $RUN, 0700;
  my @d = lstat $RUN;
  return "fail $RUN is not a folder of ours" unless @d && S_ISDIR($d[2]) && $d[4] == $>;
  sysopen(my $f, "$RUN/lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600) or return "fail open $RUN/lock: $!";
  flock($f, LOCK_EX | LOCK_NB) or return 'held ' . (slurp("$RUN/lock") // '');
  return 'held ' . (slurp("$RUN/lock") // '') if survivor();
  my ($m) = (slurp("$RUN/lock") // '') =~ /"token":(\d+)/;
  truncate($f, 0) && syswrite($f, $json) or return "fail write $RUN/lock: $!";   # token 0 is nobody's
  mkdir $STATE, 0700;
  my ($n) = (slurp("$STATE/token") // '') =~ /^(\d+)/;
  $n = $m if defined $m && $m > ($n // 0);
  $n = ($n // 0) + 1;
  sysopen(my $t, "$STATE/token.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600) or return "fail open $STATE/token.new: $!";
  syswrite($t, "$n\n") && $t->sync && close($t) && rename("$STATE/token.new", "$STATE/token") or return "fail write $STATE/token: $!";
  sync_folder($STATE) or return "fail fsync $STATE: $!";
  $json =~ s/"token":0/"token":$n/;
  sysopen($steps, "$RUN/steps", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0600) or return "fail open $RUN/steps: $!";
  sysseek($f, 0, 0) && syswrite($f, $json) or return "fail write $RUN/lock: $!";   # no shorter than what is there
  ($lock, $token) = ($f, $n);
  return "ok $n";
}

# survivor tells whether a step of the lock's last holder still runs though its agent is gone: killed, out of memory. The
# kernel has given the lock back by then, as the step's program does not have it.
sub survivor { grep { my ($pid, $start) = split; ($start // '') ne '' && started($pid) eq $start } split /\n/, slurp("$RUN/steps") // '' }
sub started { (slurp("/proc/$_[0]/stat") // '') =~ /^\d+ \(.*\) [^Z] (?:\S+ ){18}(\d+)/s ? $1 : '' }

# fenced tells why a step must not be done; empty when the lock is still ours.
sub fenced {
  return 'fenced no lock was taken' unless $lock;
  my $is = slurp("$RUN/lock") // '';
  return '' if $is =~ /"token":(\d+)/ && $1 == $token;
  return "fenced $is";
}

# --- the loop ---------------------------------------------------------------------------------------------------------

# leave takes nothing new, ends what only asks, and lets steps end while the lock is kept. A put whose content is not
# complete sees the end of its input and removes its temporary file.
sub leave {
  return if $dying;
  $dying = 1; $out = ''; $in = ''; @queue = ();
  for my $j (values %job) {
    if ($j->{pid} && $j->{flags} & $KEPT) { $j->{last} = 1; next }
    kill 'KILL', -$j->{pid} if $j->{pid};
    forget($j);
  }
}

sub forget { my $j = shift; delete $pid{ $j->{pid} } if $j->{pid}; delete $job{ $j->{id} }; delete @$j{qw(out err to go)} }

# pull reads what a child wrote; at its end the handle goes. It tells whether there may be more.
sub pull {
  my ($j, $which) = @_;
  my $n = sysread $j->{$which}, my $b, 65536;
  if (!defined $n) { return 0 if $!{EAGAIN} || $!{EINTR}; $n = 0 }
  if (!$n) { delete $j->{$which}; return 0 }
  $j->{seen} = now();
  if (!$j->{ops}) { frame(substr($which, 0, 1), $j->{id}, $b) }
  elsif ($which eq 'out') {
    $j->{buf} .= $b;
    frames(\$j->{buf}, sub { frame(@_); $j->{at}++ if $_[0] eq 'f' });
  }
  return 1;
}

# push feeds a child; a child that does not read its input loses it.
sub feed {
  my $j = shift;
  if (length $j->{in}) {
    my $n = syswrite $j->{to}, $j->{in}, 262144;
    if (!defined $n) { return if $!{EAGAIN} || $!{EINTR}; $n = length $j->{in}; $j->{deaf} = 1 }
    substr($j->{in}, 0, $n) = '';
    credit($j, $n);
  }
  delete $j->{to} if $j->{deaf} || $j->{last} && !length $j->{in};
}

# credit lets the client send more: it may be 1 MiB ahead of what the child has read.
sub credit {
  my ($j, $n) = @_;
  $j->{credit} += $n;
  return if $j->{last} || $j->{credit} < 262144;
  frame('c', $j->{id}, pack 'N', $j->{credit});
  $j->{credit} = 0;
}

# ended answers for a child that was reaped. What it wrote is in the pipes already; what a child of its own may still
# write is not waited for.
sub ended {
  my ($j, $st) = @_;
  for my $w (qw(out err)) { my $i = 0; 1 while $j->{$w} && $i++ < 64 && pull($j, $w) }
  if ($j->{ops}) {
    my @rest = @{ $j->{ops} }[ $j->{at} .. $#{ $j->{ops} } ];
    if (@rest && $st) {                           # the worker was killed; else it was stopped before it began this one
      my $o = shift @rest;
      frame('f', $o->{id}, "!0 the reader ended with status $st");
    }
    requeue($j, @rest);
  } else { told($j, $st & 127 ? 128 + ($st & 127) : $st >> 8); frame('x', $j->{id}, pack 'N', $st) }
  forget($j);
}

# told keeps how a recorded step ended for the next write to the log, which is before its client hears of it.
sub told { my ($j, $how) = @_; push @told, "end $j->{note} $how" if defined $j->{note} }

my $spare = 0xf0000000;           # ids of jobs that the client did not name
sub requeue {
  my ($j, @ops) = @_;
  $j->{rest} = 1;                 # this job answers for its present operation only
  close delete $j->{go} if $j->{go};
  return unless @ops && !$dying;
  my $id = $spare++;
  $job{$id} = { id => $id, flags => 0, end => 0, ops => \@ops, in => '', last => 1 };
  unshift @queue, $id;
}

# overdue gives up what is past its limit: the process is killed if it can be, and not waited for.
sub overdue {
  my $now = shift;
  for my $j (values %job) {
    if ($j->{ops}) { overdue_files($j, $now) if $j->{pid}; next }
    next if $now < $j->{end};
    if ($j->{pid}) { kill 'KILL', -$j->{pid}; $stuck{ $j->{pid} } = 1; told($j, 'killed') }
    frame('x', $j->{id}, pack 'N', 0xffffffff);
    forget($j);
  }
  for (keys %stuck) { delete $stuck{$_} unless kill 0, $_ }
}

sub overdue_files {
  my ($j, $now) = @_;
  my $o = $j->{ops}[ $j->{at} ] or return;
  if (!$j->{rest} && $now - $j->{seen} > $PATIENCE) { requeue($j, @{ $j->{ops} }[ $j->{at} + 1 .. $#{ $j->{ops} } ]); $#{ $j->{ops} } = $j->{at} }
  return if $now < $o->{end};
  frame('f', $o->{id}, '!stuck');
  kill 'KILL', -$j->{pid};
  $stuck{ $j->{pid} } = 1;
  requeue($j, @{ $j->{ops} }[ $j->{at} + 1 .. $#{ $j->{ops} } ]) unless $j->{rest};
  forget($j);
}

# startable are jobs in the order of arrival; one that holds waits for all of its input.
sub start_some {
  my (@later, @go);
  while (@queue && keys(%pid) + @go < $SLOTS) {
    my $j = $job{ shift @queue } or next;
    if ($j->{flags} & $HOLD && !$j->{last}) {
      if (length $j->{in}) { credit($j, length($j->{in}) - ($j->{counted} // 0)); $j->{counted} = length $j->{in} }
      push @later, $j->{id};
      next;
    }
    push @go, $j;
  }
  unshift @queue, @later;
  if (my @n = grep { defined $_->{note} } @go) {
    if (my $why = fenced() || record(1, map { "step $_->{note}" } @n)) { refuse($_, $why) for @n; @go = grep { !defined $_->{note} } @go }
    else { $_->{note} =~ s/ .*//s for @n }
  }
  begin($_) for @go;
}

while (1) {
  start_some() unless $dying;
  exit 0 if $dying && !%pid;
  my ($r, $w) = ('', '');
  vec($r, 0, 1) = 1 unless $dying;
  vec($w, 1, 1) = 1 if length $out;
  my @fd;
  for my $j (values %pid) {
    if (length $out < 1 << 20) {
      for my $which (grep { $j->{$_} } qw(out err)) { my $n = fileno $j->{$which}; vec($r, $n, 1) = 1; push @fd, [$n, $j, $which] }
    }
    if ($j->{to} && (length $j->{in} || $j->{last})) { vec($w, fileno $j->{to}, 1) = 1 }
  }
  # A child's end may slip in between the last look and select, so that select is not woken: hence the short waits.
  my $wait = %pid ? (grep { !$_->{out} && !$_->{err} } values %pid) ? 0.01 : 0.1 : 1;
  my $n = select $r, $w, undef, $wait;
  ($r, $w) = ('', '') if $n < 0;
  my $now = now();
  if (vec($w, 1, 1)) {
    my $n = syswrite STDOUT, $out, 262144;
    if (defined $n) { substr($out, 0, $n) = '' } elsif (!$!{EAGAIN} && !$!{EINTR}) { leave() }
  }
  if (vec($r, 0, 1) && !$dying) {
    my $n = sysread STDIN, $in, 262144, length $in;
    if ($n) { $heard = $now; frames(\$in, \&take) }
    elsif (defined $n || !$!{EAGAIN} && !$!{EINTR}) { leave() }
  }
  for (@fd) { my ($n, $j, $which) = @$_; pull($j, $which) if vec($r, $n, 1) && $j->{$which} }
  for my $j (values %pid) { feed($j) if $j->{to} && vec($w, fileno $j->{to}, 1) }
  while ((my $p = waitpid -1, 1) > 0) {
    my $st = $?;
    delete $stuck{$p};
    ended($pid{$p}, $st) if $pid{$p};
  }
  if ($now - $checked >= 10) { $checked = $now; overdue($now) }
  record(0, splice @told) if @told;
  leave() if $SILENCE && $now - $heard > $SILENCE * $CLOCK;
}
