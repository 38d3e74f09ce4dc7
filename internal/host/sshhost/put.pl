# The part of the agent that puts files, in a worker, and keeps what they replace. It goes once a channel, with its first
# put, as a long word does: the agent itself must fit into a connection's first flight.
#
# put writes a file whole, or removes one (size -2). Content comes on stdin, or has been put into the temporary file by
# somebody else ("made", size -1): then a line on stdin says that it is complete. Early end of input means that the client
# is gone: nothing happened. What was there is kept first, where a folder for it is named.
sub put {
  my ($path, $mode, $uid, $gid, $was, $size, $name, $sum, $folder, $note, $nv, @rest) = @_;
  my @verify = splice @rest, 0, $nv;
  (my $dir = $path) =~ s{/[^/]*\z}{};
  $dir = '/' if $dir eq '';
  my $tmp = "$dir/$name";
  my $say = sub { unlink $tmp; print STDERR "\x1ebisc-put $_[0]"; STDERR->flush; 70 };
  my ($mine) = $name =~ /^(\.bisc-tmp-\d+-)/;
  if (opendir my $d, $dir) {                      # what a dead run left behind
    for (readdir $d) { unlink "$dir/$_" if /^\.bisc-tmp-\d+-/ && index($_, $mine) }
  }
  return drop($path, $dir, $say, $folder, $note, @rest) if $size == -2;
  sysopen(my $f, $tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600) or return place("create $tmp", $dir);
  local $SIG{TERM} = local $SIG{INT} = sub { unlink $tmp; POSIX::_exit(143) };
  if ($size < 0) {
    syswrite STDOUT, "made\n";
    sysread(STDIN, my $b, 1) or unlink($tmp), return 70;
  } else {
    while ($size > 0) {
      my $n = sysread STDIN, my $b, 262144;
      if (!$n) { next if !defined $n && $!{EINTR}; unlink $tmp; return 70 }
      $size -= $n;
      while (length $b) { my $w = syswrite $f, $b; defined $w or return place("write $tmp", $dir, $say); substr($b, 0, $w) = '' }
    }
  }
  chown($uid, $gid, $f) or return place("chown $tmp", $dir, $say);
  chmod($mode, $f) or return place("chmod $tmp", $dir, $say);
  $f->sync or return place("fsync $tmp", $dir, $say);
  close $f or return place("close $tmp", $dir, $say);
  return $say->('digest') if $sum ne '' && digest($tmp) ne $sum;
  if (@verify) {
    s/\{path\}/$tmp/g for @verify;
    my $st = child_status(1, @verify);
    return $say->("verify $st") if $st;
  }
  if ($was ne '') {
    my $there = lstat $path;
    return place("stat $path", $dir, $say) unless $there || $!{ENOENT};
    return $say->('changed') if $was eq 'absent' ? $there : !$there || digest($path) ne $was;
  }
  if (@rest) { my $st = child_status(0, @rest); if ($st) { unlink $tmp; return $st } }
  my $not = kept($path, $folder, $note, $was, $say);
  return $not if $not;
  rename($tmp, $path) or return place("rename $tmp to $path", $dir, $say);
  return sync_folder($dir) ? 0 : place("fsync $dir", $dir);
}

# place names what failed, and where the file system is that is full or read-only.
sub place {
  my ($what, $dir, $say) = @_;
  my $why = "$!";
  my $m = $dir;
  while ($m ne '/') {
    (my $up = $m) =~ s{/[^/]*\z}{};
    $up = '/' if $up eq '';
    my ($a, $b) = ((stat $m)[0], (stat $up)[0]);
    last unless defined $a && defined $b && $a == $b;
    $m = $up;
  }
  my $text = "fail $what: $why (file system at $m)";
  return $say->($text) if $say;
  print STDERR "\x1ebisc-put $text"; STDERR->flush;
  return 70;
}

# child_status runs a program; an aside's words are no guard's reason, which goes to stdout.
sub child_status {
  my $aside = shift;
  my $pid = fork // return 71;
  if (!$pid) { open STDIN, '<', '/dev/null'; POSIX::dup2(2, 1) if $aside; no warnings; exec { $_[0] } @_; print STDERR "$_[0]: $!\n"; STDERR->flush; POSIX::_exit(127) }
  waitpid $pid, 0;
  return $? & 127 ? 128 + ($? & 127) : $? >> 8;
}

sub digest {
  open(my $p, '-|', 'sha256sum', '--', $_[0]) or die "sha256sum: $!\n";
  my $line = <$p> // '';
  return $line =~ /^\\?([0-9a-f]{64})/ ? $1 : '';
}

# drop removes a plain file; none is as good.
sub drop {
  my ($path, $dir, $say, $folder, $note, @rest) = @_;
  if (@rest) { my $st = child_status(0, @rest); return $st if $st }
  unless (lstat $path) { return $!{ENOENT} || $!{ENOTDIR} ? 0 : place("stat $path", $dir, $say) }
  return $say->("fail remove $path: it is not a plain file") unless -f _;
  my $not = kept($path, $folder, $note, '', $say);
  return $not if $not;
  unlink($path) or return place("remove $path", $dir, $say);
  return sync_folder($dir) ? 0 : place("fsync $dir", $dir);
}

# kept keeps, where there is something to keep, and answers for the put where it cannot.
sub kept {
  my ($path, $folder, $note, $was, $say) = @_;
  my $not = $folder ne '' && keep($path, $folder, $note, $was);
  return $not ? place("keep $path: $not", "$STATE/kept", $say) : 0;
}

# keep copies what stands at a path to where root alone can read it, and says what it was (see host.Kept). The record comes
# last and is what counts. It gives what it could not do, with $!.
sub keep {
  my ($path, $folder, $note, $was) = @_;
  my @s = lstat $path;
  return "stat $path" unless @s || $!{ENOENT};
  return '' if @s && !-f _;                       # kinds replace plain files only
  my $dir = "$STATE/kept/$folder";
  for ([$STATE, "$STATE/kept"], ["$STATE/kept", $dir]) {
    my ($up, $d) = @$_;
    mkdir($d, 0700) ? sync_folder($up) : $!{EEXIST} or return "create $d";
  }
  opendir(my $h, $dir) or return "open $dir";
  my %n = map { /^(\d+)(\.json)?\z/ ? ($1, 1) : () } readdir $h;
  my @n = sort { $a <=> $b } keys %n;
  my ($last) = grep { -e "$dir/$_.json" } reverse @n;
  my $n = @n ? $n[-1] + 1 : 1;
  my $secret = qr/"secret":true/;                 # once a secret was there, it is one in every later copy
  $note .= ',"secret":true' if $note !~ $secret && defined $last && (slurp("$dir/$last.json") // '') =~ $secret;
  $note .= POSIX::strftime(',"at":"%Y-%m-%dT%H:%M:%SZ"', gmtime);
  my $not = '';
  if (@s) {
    $not = copy($path, "$dir/$n") and return $not;
    my $sum = $was =~ /^[0-9a-f]{64}\z/ ? $was : digest("$dir/$n");
    $note .= sprintf ',"mode":%d,"uid":%d,"gid":%d,"size":%d,"digest":"%s"}', $s[2] & 07777, @s[4, 5], -s "$dir/$n", $sum;
  } else { $note .= ',"absent":true}' }
  $not = store("$dir/$n.new", "$note\n") and return $not;
  rename("$dir/$n.new", "$dir/$n.json") or return "rename $dir/$n.new";
  sync_folder($dir) or return "fsync $dir";
  unlink "$dir/$_.json", "$dir/$_", "$dir/$_.new" for grep { $_ <= $n - 10 } @n;
  return '';
}

# copy copies a file, and store writes text; both sync.
sub copy {
  my ($from, $to) = @_;
  sysopen(my $f, $from, O_RDONLY | O_NOFOLLOW) or return "open $from";
  return store($to, sub { sysread $f, $_[0], 262144 });
}

sub store {
  my ($to, $text) = @_;
  my $more = ref $text ? $text : sub { $_[0] = $text; $text = ''; length $_[0] };
  sysopen(my $t, $to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600) or return "create $to";
  my $not = sub { my $e = $! + 0; unlink $to; $! = $e; "$_[0] $to" };
  while (1) {
    my $n = $more->(my $b);
    if (!defined $n) { next if $!{EINTR}; return $not->('read for') }
    last unless $n;
    while (length $b) { my $w = syswrite $t, $b; defined $w or return $not->('write'); substr($b, 0, $w) = '' }
  }
  return $t->sync && close($t) ? '' : $not->('fsync');
}

