package eoshost

import (
	"context"
	"errors"
	"strings"
	"testing"

	"bisc/internal/host/sshhost"
)

const hush = "correct-horse#battery>staple"

func TestEnable(t *testing.T) {
	t.Parallel()
	word := func(p string, err error) func(context.Context, string) (string, error) {
		return func(context.Context, string) (string, error) { return p, err }
	}
	for name, tc := range map[string]struct {
		set  func(*far, *Config)
		want string // of the error; empty: it works
	}{
		"no password":        {func(f *far, _ *Config) {}, ""},
		"password":           {func(f *far, c *Config) { f.password, c.EnablePassword = hush, word(hush, nil) }, ""},
		"password, slow":     {func(f *far, c *Config) { f.password, f.lag, c.EnablePassword = hush, true, word(hush, nil) }, ""},
		"password, readline": {func(f *far, c *Config) { f.password, f.readline, c.EnablePassword = hush, true, word(hush, nil) }, ""},
		"wrong password":     {func(f *far, c *Config) { f.password, c.EnablePassword = "other", word(hush, nil) }, "enable refused the password"},
		"nobody knows it":    {func(f *far, _ *Config) { f.password = hush }, "name it in the inventory"},
		"it cannot be had":   {func(f *far, c *Config) { f.password, c.EnablePassword = hush, word("", errors.New("no such file")) }, "no such file"},
		"denied":             {func(f *far, _ *Config) { f.noEnable = true }, "Authorization denied"},
		"not asked for":      {func(f *far, c *Config) { c.SSH.Become = sshhost.BecomeNone }, ""},
		"enabled, password":  {func(f *far, c *Config) { f.enabled, f.password, c.EnablePassword = true, hush, word(hush, nil) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t)
			f.enabled = false
			cfg := f.start()
			tc.set(f, &cfg)
			f.shows["show x"] = "x\n"
			h, err := openFar(t, cfg)
			if err != nil && strings.Contains(err.Error(), hush) {
				t.Error("the password stands in the error")
			}
			switch {
			case tc.want != "":
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("%v, want %q", err, tc.want)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			if err := asks(h, "show x", "x\n")(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestEnableAskedOnce: a person is asked once, however many consoles there are.
func TestEnableAskedOnce(t *testing.T) {
	f := newFar(t)
	f.enabled, f.password = false, hush
	cfg := f.start()
	asked := 0
	cfg.EnablePassword = func(context.Context, string) (string, error) { asked++; return hush, nil }
	h := opened(t, cfg)
	for range 2 {
		c, err := h.openConsole(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// TestAnotherSwitch: of a switch that is not the one meant nothing is asked but who it is.
func TestAnotherSwitch(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"hostname": func(c *Config) { c.Hostname = "sw2" },
		"serial":   func(c *Config) { c.Hostname, c.Serial = "sw1", "SER2" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t)
			cfg := f.start()
			set(&cfg)
			if _, err := openFar(t, cfg); !errors.Is(err, ErrOtherSwitch) || !strings.Contains(err.Error(), name) {
				t.Errorf("%v, want ErrOtherSwitch", err)
			}
			for _, line := range f.took() {
				switch {
				case line == "enable", strings.HasPrefix(line, "terminal "), line == "show hostname | json", line == "show version | json",
					line == "bash timeout 10 cat /proc/sys/kernel/random/boot_id </dev/null":
				default:
					t.Errorf("it was asked %q", line)
				}
			}
		})
	}
}
