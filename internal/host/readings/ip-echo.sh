# $1 = a process whose network is meant, or nothing; $2 $3 = the entrypoint; $4 $5 = TCP and UDP ports; $6 = seconds.
#
# solana.md B.6: 4 zero bytes, 4 TCP and 4 UDP ports (16 bits, little endian), a newline; the entrypoint sends a byte to each UDP
# port, connects to each TCP port, and answers 4 zero bytes, the address that it sees, and its shred version where it has one.
# A port that somebody holds is not taken from him. UDP may be lost: what was not reached is asked for once more. An entrypoint that
# cannot connect to a TCP port answers nothing at all: it is asked once more without them.
if [ -n "$1" ]; then
  [ -r "/proc/$1/ns/net" ] || { echo "there is no process $1" >&2; exit 3; }
  set -- "nsenter --net=/proc/$1/ns/net --" "$2" "$3" "$4" "$5" "$6"
fi
command -v perl >/dev/null || { echo "there is no perl on the host: install perl-base" >&2; exit 3; }
exec $1 perl -e '
use strict; use warnings; use Socket; use IO::Handle; use Errno qw(EADDRINUSE EINPROGRESS EINTR EAGAIN);
$| = 1;
my ($host, $port, $tcp, $udp, $limit) = @ARGV;
sub fail { print STDERR "@_\n"; exit 3 }
my (%wait, @held);
for ([tcp => SOCK_STREAM, $tcp], [udp => SOCK_DGRAM, $udp]) {
  my ($what, $type, $ports) = @$_;
  for my $p (split /,/, $ports) {
    socket(my $s, PF_INET, $type, 0) or fail("socket: $!");
    setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) if $what eq "tcp";
    if (!bind($s, sockaddr_in($p, INADDR_ANY))) { $!{EADDRINUSE} or fail("$what port $p: $!"); print "busy $what $p\n"; next }
    if ($what eq "tcp") { listen($s, 8) or fail("tcp port $p: $!") }
    $s->blocking(0);
    $wait{"$what $p"} = $s;
  }
}
$SIG{ALRM} = sub { print "silent its name $host was not resolved in time\n"; exit 0 };
alarm $limit;
my $to = inet_aton($host);
alarm 0;
if (!$to) { print "no entrypoint by the name $host\n"; exit 0 }
print "entrypoint ", inet_ntoa($to), "\n";

my $mute = 0;
sub ports { my ($what) = @_; return (0) x 4 if $mute && $what eq "tcp"; my @p = map { /^$what (.*)/ ? $1 : () } sort keys %wait; (@p, (0) x 4)[0 .. 3] }
sub took {                             # what came to a port, from wherever
  my ($k) = @_;
  my $s = $wait{$k};
  if ($k =~ /^tcp/) { accept(my $c, $s) or return } else { defined recv($s, my $b, 2048, 0) or return }
  print "$k\n";
  delete $wait{$k};
}
sub exchange {
  my ($until) = @_;
  socket(my $s, PF_INET, SOCK_STREAM, 0) or fail("socket: $!");
  $s->blocking(0);
  connect($s, sockaddr_in($port, $to)) or $!{EINPROGRESS} or return "connect: $!";
  my ($ask, $got, $over) = (pack("x4v4v4C", ports("tcp"), ports("udp"), 10), "", 0);
  while (time < $until && (!$over || %wait)) {
    my ($r, $w) = ("", "");
    vec($r, fileno $s, 1) = 1 if !$over;
    vec($w, fileno $s, 1) = 1 if length $ask;
    vec($r, fileno $wait{$_}, 1) = 1 for keys %wait;
    select($r, $w, undef, 0.2) > 0 or next;
    if (length $ask && vec($w, fileno $s, 1)) {
      my $e = unpack "i", getsockopt($s, SOL_SOCKET, SO_ERROR);
      if ($e) { $! = $e; return "connect: $!" }
      my $n = syswrite $s, $ask;
      if (defined $n) { substr($ask, 0, $n) = "" } elsif (!$!{EAGAIN} && !$!{EINTR}) { return "write: $!" }
    }
    if (!$over && vec($r, fileno $s, 1)) {
      my $n = sysread $s, $got, 4096, length $got;
      if (!defined $n) { $!{EAGAIN} || $!{EINTR} or return "read: $!" }
      elsif (!$n || length $got >= 27) { $over = 1; $until = time + 2 if $until > time + 2 } # the ports were tried before the answer
      return "it is a web server" if $got =~ /^HTTP/;
    }
    for my $k (keys %wait) { took($k) if vec($r, fileno $wait{$k}, 1) }
  }
  return length $got ? "its answer was cut short" : "no answer" if length $got < 12;
  my ($zero, $kind) = unpack "VV", $got;
  return "its answer is not one of ip_echo" if $zero || $kind > 1 || $kind && length $got < 24;
  my ($seen, $rest) = $kind ? (inet_ntop(AF_INET6, substr $got, 8, 16), substr $got, 24) : (inet_ntoa(substr $got, 8, 4), substr $got, 12);
  print "seen $seen\n";
  print "shred_version ", unpack("v", substr $rest, 1), "\n" if length $rest >= 3 && ord $rest == 1;
  return "";
}
my $why;
for my $round (1, 2) {
  $why = exchange(time + int(($limit + 1) / 2));
  last if $why eq "" && !%wait;
  $mute = $why ne "" && grep { /^tcp/ } keys %wait;
}
print "silent $why\n" if $why ne "";
' -- "$2" "$3" "$4" "$5" "$6"
