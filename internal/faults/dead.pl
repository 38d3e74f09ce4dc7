# A FUSE server that answers nothing but the greeting: what asks it hangs in the kernel, and not even SIGKILL ends it, until
# this process does. $ARGV[0] is where it is mounted, in a mount namespace of its own.
use strict; use warnings;
open(my $f, '+<', '/dev/fuse') or die "open /dev/fuse: $!\n";
my $options = 'fd=' . fileno($f) . ',rootmode=40000,user_id=0,group_id=0,allow_other';
my ($source, $at, $type) = ('dead', $ARGV[0], 'fuse');
syscall(165, $source, $at, $type, 0, $options) == 0 or die "mount: $!\n";    # mount(2) on x86-64
sysread($f, my $greeting, 1 << 20) or die "read: $!\n";
my $unique = substr $greeting, 8, 8;                                         # struct fuse_in_header
syswrite $f, pack('Ll', 40, 0) . $unique . pack('LLLLLL', 7, 22, 0, 0, 0, 4096) or die "answer: $!\n";
$| = 1;
print "mounted\n";
1 while sysread $f, my $asked, 1 << 20;
