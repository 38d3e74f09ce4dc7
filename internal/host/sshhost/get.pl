# A page over HTTP, asked for on the host itself: a file operation of the agent's, sent with the first question of this kind,
# and a part of the reader. page_refused is the reader's word; the agent's client has judged what it asks.
require Socket;

# The request has nothing in it of the asker's but the page's name, in letters that can begin no second line.
sub op_get {
  my ($id, $what) = @{ $_[0] }{qw(id path)};
  my ($net, $at, $page) = $what =~ m{\A(tcp|unix) (\S+) (/[\w/.-]*)\z} or die "22 no page\n";
  my $why = page_refused($net, $at, $page);
  die "0 refused $why\n" if $why;
  local $SIG{PIPE} = 'IGNORE';
  my $s = dialled($net, $at);
  my $ask = "GET $page HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bisc\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n";
  syswrite($s, $ask) == length $ask or fail();
  my $sum = 0;
  while (1) {
    my $n = sysread $s, my $b, 65536;
    if (!defined $n) { next if $!{EINTR}; last if $!{ECONNRESET} && $sum; fail() }   # whether it is whole, its own length tells
    last unless $n;
    ($sum += $n) > 5 << 20 and die "27 larger than 4 MiB\n";
    give('o', $id, $b);
  }
  return '';
}

# dialled goes from an address to the same address: the kernel gives only one of this host's own to bind to.
sub dialled {
  my ($net, $at) = @_;
  my ($family, $to, $from) = (Socket::AF_UNIX());
  if ($net eq 'unix') { $to = Socket::pack_sockaddr_un($at) }
  else {
    my ($ip, $port) = $at =~ /\A\[?([0-9a-f.:]+)\]?:(\d+)\z/ or die "22 no address\n";
    $family = $ip =~ /:/ ? Socket::AF_INET6() : Socket::AF_INET();
    my $n = Socket::inet_pton($family, $ip) // die "22 no address\n";
    ($to, $from) = map { $ip =~ /:/ ? Socket::pack_sockaddr_in6($_, $n) : Socket::pack_sockaddr_in($_, $n) } $port, 0;
  }
  socket(my $s, $family, Socket::SOCK_STREAM(), 0) or fail();
  !$from || bind($s, $from) or $!{EADDRNOTAVAIL} ? die "99 it is no address of this host's own\n" : fail();
  connect($s, $to) or fail();
  return $s;
}
