package daemon

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain runs the tests, or, started again by one of them, is the daemon of the tests.
func TestMain(m *testing.M) {
	if os.Getenv("BISC_TEST_DAEMON") != "" {
		os.Unsetenv("BISC_TEST_DAEMON")
		os.Exit(Main(sample(new(netip.AddrPort))))
	}
	os.Exit(m.Run())
}

// sample is a daemon that does nothing but turn its loop.
func sample(to *netip.AddrPort) Command {
	return Command{
		Name: "sampled", About: "turns a loop", Metrics: "127.0.0.1:9460", Example: "sampled --to 127.0.0.1:8001", Sockets: []string{"ip", "sequenced"},
		Flags: func(fs *flag.FlagSet) {
			fs.TextVar(to, "to", netip.AddrPort{}, "`ADDR:PORT` to send to, such as 127.0.0.1:8001")
		},
		Check: func() error {
			if to.IsValid() && to.Addr().IsMulticast() {
				return Bad("to", "give a unicast address", "%s is a group", to)
			}
			return nil
		},
		Dry: func(_ context.Context, w io.Writer) error { fmt.Fprintln(w, "would send to", to); return nil },
		Run: turn,
	}
}

func turn(ctx context.Context, s *Service) error {
	heart := s.Heart("loop")
	for _, name := range []string{"ip", "sequenced"} {
		for _, f := range s.Sockets(name) {
			fmt.Fprintln(s.Out, "socket", name, f.Fd() > 2)
		}
	}
	s.Health("destination", func() error {
		if os.Getenv("TEST_SICK") != "" {
			return Restart(fmt.Errorf("the destination's namespace is gone"))
		}
		return nil
	})
	s.OnReload(func() error { fmt.Fprintln(s.Out, "reloaded"); return nil })
	s.Ready()
	s.Status("turning for %s", "the test")
	fds := []unix.PollFd{{Fd: int32(s.Stop()), Events: unix.POLLIN}}
	for ctx.Err() == nil {
		if os.Getenv("TEST_STUCK") == "" {
			heart.Beat()
		}
		if _, err := unix.Poll(fds, 20); err != nil && err != unix.EINTR {
			return fmt.Errorf("polling: %w", err)
		}
	}
	fmt.Fprintln(s.Out, "drained")
	return nil
}

// Each way to give a setting, and each way to give it wrongly: status 2 and a line with the name, the place and the remedy.
func TestSettings(t *testing.T) {
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "sampled.conf")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, c := range []struct {
		name   string
		args   []string
		env    string
		file   string
		status int
		want   []string // in stdout or stderr
	}{
		{"flag", []string{"--dry", "--to", "127.0.0.1:1"}, "", "", 0, []string{"would send to 127.0.0.1:1", "flag"}},
		{"environment", []string{"--dry"}, "SAMPLED_TO=127.0.0.1:2", "", 0, []string{"would send to 127.0.0.1:2", "SAMPLED_TO"}},
		{"file", []string{"--dry"}, "", "# remark\n\nto 127.0.0.1:3\n", 0, []string{"would send to 127.0.0.1:3", "sampled.conf:3"}},
		{"flag wins over all", []string{"--dry", "--to", "127.0.0.1:1"}, "SAMPLED_TO=127.0.0.1:2", "to 127.0.0.1:3", 0, []string{"would send to 127.0.0.1:1"}},
		{"environment wins over file", []string{"--dry"}, "SAMPLED_TO=127.0.0.1:2", "to 127.0.0.1:3", 0, []string{"would send to 127.0.0.1:2"}},
		{"help", []string{"--help"}, "", "", 0, []string{"turns a loop", "SAMPLED_TO", "exit status"}},
		{"version", []string{"--version"}, "", "", 0, []string{"sampled linux/", "sha256:"}},
		{"unknown flag", []string{"--too", "1"}, "", "", 2, []string{"--too: no such setting (from flag); did you mean to?"}},
		{"argument", []string{"to"}, "", "", 2, []string{`argument "to" belongs to no setting`}},
		{"bad flag", []string{"--to", "x"}, "", "", 2, []string{`--to: "x"`, "(from flag)", "such as 127.0.0.1:8001"}},
		{"no value", []string{"--to"}, "", "", 2, []string{"needs an argument", "--help"}},
		{"bad variable", nil, "SAMPLED_TO=x", "", 2, []string{`--to: "x"`, "(from SAMPLED_TO)"}},
		{"unknown variable", []string{"--dry"}, "SAMPLED_TOO=x", "", 2, []string{"SAMPLED_TOO: no such setting (from environment); did you mean to?"}},
		{"bad line", nil, "", "metrics 127.0.0.1:1\nto x", 2, []string{`--to: "x"`, "sampled.conf:2)"}},
		{"unknown line", []string{"--dry"}, "", "\nlisten x", 2, []string{"listen: no such setting", "sampled.conf:2)", "--help"}},
		{"line twice", []string{"--dry"}, "", "to 127.0.0.1:1\nto 127.0.0.1:2", 2, []string{"is set at", "sampled.conf:1 already", "sampled.conf:2)"}},
		{"checked", []string{"--dry"}, "", "to 224.0.0.1:1", 2, []string{"--to: 224.0.0.1:1 is a group", "sampled.conf:1)", "give a unicast address"}},
		{"no file", []string{"--config", "/nonexistent/x.conf"}, "", "", 2, []string{"--config", "/nonexistent/x.conf", "no such file"}},
		{"tab, and the line of another system", []string{"--dry"}, "", "to\t127.0.0.1:3\r\n", 0, []string{"would send to 127.0.0.1:3"}},
		{"line without a value", []string{"--dry"}, "", "metrics\ndry", 0, []string{"metrics              (none)"}},
		{"metrics without a port", []string{"--dry"}, "", "metrics 9466", 2, []string{`--metrics: "9466"`, "sampled.conf:1)", "give HOST:PORT"}},
		{"metrics at no port", []string{"--dry", "--metrics", "127.0.0.1:94666"}, "", "", 2, []string{`--metrics: "127.0.0.1:94666"`, "(from flag)"}},
		{"bad limit", []string{"--once-limit", "soon"}, "", "", 2, []string{`--once-limit: "soon" is no duration, such as 10s or 2m (from flag); how long --once waits, a DURATION such as 30s`}},
		{"limit in the past", nil, "", "once-limit -5s", 2, []string{"--once-limit: -5s is no time to wait", "sampled.conf:1)"}},
		{"neither true nor false", nil, "SAMPLED_DRY=perhaps", "", 2, []string{`--dry: "perhaps" is neither true nor false (from SAMPLED_DRY)`}},
		{"metrics off", []string{"--dry", "--metrics", ""}, "", "", 0, []string{"(none)"}},
		{"a file in a file", []string{"--dry"}, "", "config x", 2, []string{"--config: is no setting for a file", "sampled.conf:1)", "take the line away"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.env != "" {
				name, value, _ := strings.Cut(c.env, "=")
				t.Setenv(name, value)
			}
			if c.file != "" {
				c.args = append([]string{"--config", file(c.file)}, c.args...)
			}
			var out bytes.Buffer
			if got := sample(new(netip.AddrPort)).main(c.args, &out, &out); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
			for _, w := range c.want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("no %q in\n%s", w, &out)
				}
			}
		})
	}
}
