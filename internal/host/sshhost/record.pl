# The part of the agent that keeps the host's own record of steps, see record.go. It goes once a channel, with its first
# step: the agent itself must fit into a connection's first flight.
#
# open_log finds the end of the host's log: what stands behind the last seal was cut off in the writing, and its steps were
# not begun. Another agent may have written since, under its own lock. It returns why it cannot, or nothing.
sub open_log {
  return '' if $log && -s $log == $end;
  sysopen(my $f, "$STATE/runs.log", O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0600) or return "open $STATE/runs.log: $!";
  my $text = slurp("$STATE/runs.log") // '';
  if (defined(my $kept = shorter($text))) {
    sysopen($f, "$STATE/runs.log", O_RDWR | O_APPEND | O_NOFOLLOW) && sync_folder($STATE) or return "open $STATE/runs.log: $!";
    $text = $kept;
  }
  ($seal) = $text =~ /^# ([0-9a-f]{64})\n\z/m;
  my $good = defined $seal ? length $text : $text =~ /.*^# [0-9a-f]{64}\n/ms ? $+[0] : 0;
  ($seal) = substr($text, 0, $good) =~ /^# ([0-9a-f]{64})\n\z/m unless defined $seal;
  $seal //= '0' x 64;
  if ($good < length $text) { truncate($f, $good) or return "truncate $STATE/runs.log: $!" }
  ($log, $end) = ($f, $good);
  return '';
}

# shorter drops the oldest runs once there are more than 100, or more than 4 MiB. What is left begins with the seal before it.
sub shorter {
  my $text = shift;
  my (%run, @first);
  while ($text =~ /^\S+ step ([^\/\n]+)\//mg) { push @first, $-[0] unless $run{$1}++ }
  return if @first <= 100 && length $text <= 4 << 20;
  my $from = @first > 90 ? $first[-90] : 0;
  $from = length($text) - (3 << 20) if length($text) - $from > 3 << 20;
  my $at = rindex $text, "\n# ", $from;
  return if $at < 0;
  my $kept = substr $text, $at + 1;
  sysopen(my $t, "$STATE/runs.log.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600) or return;
  return unless (syswrite($t, $kept) // -1) == length $kept && $t->sync && close $t && rename "$STATE/runs.log.new", "$STATE/runs.log";
  return $kept;
}

# record adds lines and a seal over them and the seal before. It returns why it cannot, or nothing; then nothing was added.
sub record {
  my ($durable, @lines) = @_;
  my $new = $log ? 0 : ! -e "$STATE/runs.log";
  my $why = open_log();
  return "record $why" if $why;
  my $at = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime);
  my $text = join '', map { "$at $_\n" } @lines;
  my $next = sha("$seal\n$text") or return 'record there is no sha256sum';
  $text .= "# $next\n";
  $! = 0;
  my $n = syswrite $log, $text;
  if (!defined $n || $n < length $text || $durable && !($log->sync && (!$new || sync_folder($STATE)))) {
    $why = $! || 'No space left on device';
    truncate $log, $end;
    return "record write $STATE/runs.log: $why";
  }
  ($end, $seal) = ($end + length $text, $next);
  return '';
}

# begun records, durably, what is about to be done.
sub begun {
  my $id = shift;
  return '' unless defined $note{$id};
  my $why = record(1, "step $note{$id}");
  $note{$id} =~ s/ .*//s;                         # what is left names it at its end
  return $why;
}

sub sha {
  pipe(my $r, my $w) or return '';
  my $pid = open(my $p, '-|') // return '';
  if (!$pid) { POSIX::dup2(fileno $r, 0); no warnings; exec 'sha256sum'; POSIX::_exit(127) }
  close $r;
  for (my $b = $_[0]; length $b;) { my $n = syswrite $w, $b; defined $n or $!{EINTR} or last; substr($b, 0, $n // 0) = '' }
  close $w;
  my ($sum) = (<$p> // '') =~ /^([0-9a-f]{64})/;
  close $p;
  return $sum // '';
}
