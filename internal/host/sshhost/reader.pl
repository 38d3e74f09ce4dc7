# The reader: what the agent is on a host where a key may look and do nothing else. It is put there by a plan, belongs to
# root, and is what the key's forced command runs; the far end is not believed. reader.go puts together: the read-only list
# ($QUERIES, $READINGS), this head, the agent without all that writes or takes programs from the far end, and the rest
# of this file in their place.
use strict; use warnings;
our ($NONCE, $SILENCE, $RUN, $STATE, $READER, $QUERIES, $READINGS, $PAGES);
%ENV = (PATH => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL => 'C');
# Each of its processes has 1 GiB at most, and goes first when memory runs out, before a validator: a glob like */../*/../*,
# or a frame that says it is 4 GiB long, must not take the host down. sudo and sshd hand no argument in.
@ARGV or exec('/bin/sh', '-c', 'echo 1000 >/proc/self/oom_score_adj && ulimit -v 1048576 && exec nice -n 10 "$0" bounded', $0) or exit 1;
$SILENCE = 20;
{
  local $SIG{ALRM} = sub { exit 1 };
  alarm 30;
  my $line = '';
  my $hi = 'bisc-reader 1 ';       # who says anything else is told at once
  while (length $line < 80 && $line !~ /\n/ && index($line . substr($hi, length $line < 14 ? length $line : 14), $hi) == 0) { sysread(STDIN, my $c, 1) or exit 1; $line .= $c }
  alarm 0;
  ($NONCE) = $line =~ /\Abisc-reader 1 ([0-9a-f]{32})\n\z/ or do { syswrite STDERR, "this key is for bisc drift --reader: it looks, and does nothing else\n"; exit 1 };
}
# --- agent ---
# take knows the words of a question. What writes, or brings a program, is not among them.
sub take {
  my ($t, $id, $p) = @_;
  if ($t eq 'B') { frames(\$p, \&take) }
  elsif ($t eq 'R') { request($id, $p) }
  elsif ($t eq 'F') { files($id, $p) }
  elsif ($t eq 'W') { $word[$id] = $p if $id < 4096 }
  elsif ($t eq 'K') { cancel($id) }
  elsif ($t eq 'P') { frame('p', $id, '') }
  elsif ($t eq 'L' || $t eq 'C') { frame('l', $id, 'fail this key looks, and does nothing else') }
  elsif ($t eq 'G') { leave() }
}

sub request {
  my ($id, $p) = @_;
  my ($flags, $limit, $n) = unpack 'CNN', $p;
  my @argv = map { /^\x01(\d+)\z/ ? $word[$1] // '' : s/^\x01\x01/\x01/r } split /\0/, substr($p, 9, $n), -1;
  my $why = $flags || length($p) > 9 + $n ? 'it is no question' : refused(@argv);
  return frame('n', $id, "refused $why") if $why;
  push @queue, $id;
  $job{$id} = { id => $id, flags => 0, end => now() + ($limit < 6000 ? $limit : 6000), argv => \@argv, in => '', last => 1 };
}

sub fenced { 'fenced this key looks, and does nothing else' }
sub told { }

# refused tells why a program is not run; empty where it may.
sub refused {
  my ($name, @args) = @_;
  return 'no program is named' unless defined $name;
  return reading_refused(@args) if $name eq 'sh';
  my $rule = $QUERIES->{$name} or return "$name is not on the list of what only reads";
  my $first = $rule->{first};
  if ($first && @$first) {
    my ($n) = grep { my @w = split / /; @w <= @args && !grep { $w[$_] ne $args[$_] } 0 .. $#w } @$first;
    return "$name @args is not on the list" unless defined $n;
    splice @args, 0, scalar(split / /, $n);
  }
  return '' if $rule->{free};
  for my $a (@args) {
    next if $a !~ /^-/ || grep { $_ eq $a || /=\z/ && index($a, $_) == 0 } @{ $rule->{options} };
    return "$name $a is not on the list";
  }
  if ($rule->{device}) { device_like($_) or return "$_ is no block device" for grep { $_ !~ /^-/ } @args }
  return "$name takes no words" if $rule->{bare} && @args;
  return '';
}

# device_like tells what may be opened: to open another device, a watchdog or a tape, is an act.
sub device_like { !-e $_[0] || -b _ || -f _ }

# reading_refused lets the constant texts of the list through, with values of the shape that they are for.
sub reading_refused {
  my ($c, $text, $name, @args) = @_;
  my $r = $READINGS->{ $name // '' };
  return 'sh runs the list of readings and nothing else (a reader of another bisc?)' unless $r && $c eq '-c' && $text eq $r->{text};
  for my $a (@args) {
    return "$name does not take that" if $a =~ /^-|\n/ || $name eq 'blank' && !device_like($a);
  }
  return '';
}

# page_refused lets a key ask the pages of the list, of this host alone: it makes no proxy of it.
sub page_refused {
  my ($net, $at, $page) = @_;
  return 'the page is not on the list' unless grep { $_ eq $page } @{ $PAGES->{pages} };
  return '' if $net eq 'unix' ? $at =~ $PAGES->{sockets} : $at =~ /\A(?:127(?:\.\d{1,3}){3}|\[::1\]):\d+\z/;
  return 'the reader asks loopback addresses and sockets of bisc alone';
}

# What not even root's eyes are lent for: keys. It is judged by where a path leads, and by how the content begins.
sub secret {
  my $path = shift;
  return 1 if $path =~ m{^/(?:dev|proc/kcore|proc/kmsg|sys/kernel/(?:debug|tracing)|var/lib/bisc/kept)(?:/|\z)} || $path =~ m{^/proc/\d+/(?:.*/)?(?:mem|environ|fd/.*|auxv|syscall|stack|root/.*|cwd/.*)\z};
  return $path =~ m{^/etc/g?shadow-?\z|^/etc/ssh/ssh_host_[^/]*_key\z|^/etc/security/opasswd|\.keytab\z} || $path =~ m{/\.ssh/(?!authorized_keys\d?\z|known_hosts|config\z|[^/]*\.pub\z)};
}

sub key_like {
  my $start = shift;
  return 1 if $start =~ /^[^:\s]+:[!*]*\$\w{1,4}\$[^:\s]{20,}(?::|$)/m;   # a copy of shadow: /var/backups, a container's
  return $start =~ /-----BEGIN [A-Z0-9 ]*PRIVATE KEY|AGE-SECRET-KEY-[1]|^\s*PrivateKey\s*=/mi || $start =~ /\A\s*\[\s*(?:\d{1,3}\s*,\s*){31,63}\d{1,3}\s*\]/;
}

# op_read looks at what stands there before it opens it: to open a device is an act (a watchdog starts).
sub op_read {
  my ($id, $path) = @{ $_[0] }{qw(id path)};
  sysopen(my $at, $path, 010000000) or fail();
  -f $at or -d _ ? ($! = 21, fail()) : die "0 not a regular file\n";
  my $real = readlink('/proc/self/fd/' . fileno $at) // '';
  die "13 the reader gives no keys out\n" if secret($real);
  sysopen(my $f, '/proc/self/fd/' . fileno $at, O_RDONLY | O_NONBLOCK | O_NOCTTY) or fail();
  my ($sum, $end) = (0, '');
  while (1) {
    my $n = sysread $f, my $b, 65536;
    if (!defined $n) { next if $!{EINTR}; fail() }
    last unless $n;
    die "13 the reader gives no keys out\n" if key_like($end . $b);
    $end = substr $b, -256;       # what tells a key may lie astride
    ($sum += $n) > 64 << 20 and die "27 larger than 64 MiB\n";
    give('o', $id, $b);
  }
  return '';
}
