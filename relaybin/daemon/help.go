package daemon

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
)

func (s *settings) help(w io.Writer) {
	c := s.command
	fmt.Fprintf(w, "%s: %s\n\nexample:\n  %s\n\nsettings (flag, or environment, or a line \"name value\" of the file that --config names):\n", c.Name, c.About, c.Example)
	s.flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "false" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "  --%s %s\n        %s [%s]\n", f.Name, value, usage, s.env(f.Name))
	})
	fmt.Fprint(w, "\nexit status:\n  0  did what was asked, or was told to stop and drained\n  1  could not; the last line says what and why\n  2  a setting is wrong; the line names it, where it was given and the remedy\n")
}

// version is the platform, the compiler and the digest of the running file: the digest is what `bisc relay list` shows.
func version() string {
	out := runtime.GOOS + "/" + runtime.GOARCH + " " + runtime.Version()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				out += " " + s.Value
			}
		}
	}
	return out + " sha256:" + digest()
}

// digest is the SHA-256 of the running program's file, in hex, also after the file was replaced: /proc/self/exe leads to
// the inode that runs, not to the name.
func digest() string {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
