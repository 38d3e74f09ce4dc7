package front

import (
	"regexp"
	"strings"
	"testing"
)

// What a driver does first, as cli-transcripts/scrapli has it: prompt, enable with a password, no paging, a command, exit.
func TestTerminal(t *testing.T) {
	s := newStage(t)
	s.secret, s.length = "hush", 24
	d := s.terminal(s.dial(), 0, 32767, 1)
	if got := d.until("was-sw01>"); !regexp.MustCompile(`^Last login: .* from 127\.0\.0\.1\r\n\r\nwas-sw01>$`).MatchString(got) {
		t.Errorf("the greeting is %q", got)
	}
	d.send("enable\n")
	equal(t, "enable", d.until("Password: "), "enable\r\nPassword: ")
	d.send("hush\n")
	equal(t, "the password", d.until("#"), "\r\nwas-sw01#")
	d.send("terminal length 0\n")
	equal(t, "terminal length", d.until("#"), "terminal length 0\r\nPagination disabled.\r\nwas-sw01#")
	d.send("! bisc-0123 a comment\nshow nothing\n")
	equal(t, "typed ahead", d.until("input\r\nwas-sw01#"), "! bisc-0123 a comment\r\nwas-sw01#show nothing\r\n% Invalid input\r\nwas-sw01#")
	d.send("exit\n")
	equal(t, "exit", d.rest(), "exit\r\n")
	if err := d.s.Wait(); err != nil {
		t.Errorf("the shell's end: %v", err)
	}
	for _, h := range s.Log().All() {
		if strings.Contains(h.Line+h.Detail, "hush") {
			t.Errorf("the log has the password: %+v", h)
		}
	}
	equal(t, "lines heard", s.Log().Lines(), []string{"enable", "(secret)", "terminal length 0", "show nothing", "exit"})
	equal(t, "logins", s.Log().Count("ssh"), 1)
	equal(t, "shells", s.Log().Count("shell"), 1)
}

// Paging eats what is typed ahead, as any pager does: a driver that does not switch it off is broken by it.
func TestPager(t *testing.T) {
	s := newStage(t)
	s.length = 4
	s.answers["show many"] = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
	d := s.terminal(s.dial(), 24, 80, 1)
	d.until("was-sw01>")
	d.send("show many\n")
	equal(t, "page", d.until(more), "show many\r\n1\r\n2\r\n3\r\n"+more)
	wipe := "\r" + strings.Repeat(" ", len(more)) + "\r"
	d.send("xyz ")
	equal(t, "next page", d.until(more), wipe+"4\r\n5\r\n6\r\n"+more)
	d.send("\n")
	equal(t, "next line", d.until(more), wipe+"7\r\n"+more)
	d.send("q")
	equal(t, "quit", d.until(">"), wipe+"was-sw01>")
	d.send("show many\n")
	d.until(more)
	d.send("\x03")
	equal(t, "interrupted", d.until(">"), "\r\n^C\r\nwas-sw01>")
	d.send("terminal length 0\nshow many\n")
	if got := d.until("9\r\nwas-sw01>"); strings.Contains(got, more) {
		t.Errorf("paging is off, and it shows %q", got)
	}
	must(t, s.SetFaults(Faults{Paging: true}))
	s.answers["show many"] = strings.Repeat("line\n", 30)
	d.send("show many\n")
	d.until(more)
}

// Keys: ^C drops the line, "?" asks for help and is no part of it, ^V types it all the same, rubout and ^U erase.
func TestKeys(t *testing.T) {
	s := newStage(t)
	d := s.terminal(s.dial(), 24, 0, 1)
	d.until("was-sw01>")
	d.send("reload now")
	d.until("reload now")
	d.send("\x03")
	equal(t, "^C", d.until(">"), "^C\r\nwas-sw01>")
	d.send("show x?y\n")
	d.until("input\r\nwas-sw01>")
	d.send("show x\x16?y\n")
	d.until("input\r\nwas-sw01>")
	d.send("nonsense\x15show versiom\x7fn\r")
	d.until("32S\r\nwas-sw01>")
	d.send("\x04")
	d.rest()
	equal(t, "lines", s.Log().Lines(), []string{"show xy", "show x?y", "show version"})
}

// The right edge of a terminal breaks what is typed, so a driver has to ask for a wide one.
func TestNarrow(t *testing.T) {
	s := newStage(t)
	d := s.terminal(s.dial(), 24, 20, 1)
	d.until("was-sw01>")
	d.send("show version\n")
	equal(t, "narrow", d.until("32S\r\nwas-sw01>"), "show versio \rn\r\nArista DCS-7280CR3A-32S\r\nwas-sw01>")
}

// A client may ask for no echo: whether EOS's command line follows it is unknown, so it does either.
func TestEcho(t *testing.T) {
	s := newStage(t)
	c := s.dial()
	d := s.terminal(c, 0, 0, 0)
	d.until("was-sw01>")
	d.send("show version\n")
	equal(t, "echo all the same", d.until("32S\r\nwas-sw01>"), "show version\r\nArista DCS-7280CR3A-32S\r\nwas-sw01>")
	must(t, s.SetFaults(Faults{Echo: "asked"}))
	d.send("show version\n")
	equal(t, "no echo", d.until("32S\r\nwas-sw01>"), "\r\nArista DCS-7280CR3A-32S\r\nwas-sw01>")
	for echo, asked := range map[string]uint32{"asked": 1, "twice": 0} {
		d = s.terminal(c, 0, 0, asked)
		d.until("was-sw01>")
		must(t, s.SetFaults(Faults{Echo: echo, Trips: []Trip{{Match: "enable", Do: Stall, When: Unanswered}}}))
		s.Log().Forget()
		d.send("enable\n")
		d.until("enable\r\n")
		_, err := s.Log().Await(limited(t), "^enable$", 1) // the editor has let go of the terminal
		must(t, err)
		d.send("show version\n")
		equal(t, "early: "+echo, d.until("version\r\n"), "show version\r\n")
		s.Release()
		equal(t, "and again: "+echo, d.until("32S\r\nwas-sw01#"), "was-sw01#show version\r\nArista DCS-7280CR3A-32S\r\nwas-sw01#")
		must(t, s.SetFaults(Faults{}))
	}
}

// A text of several lines, a banner, has no prompt, and its comment and "?" lines are its own.
func TestProse(t *testing.T) {
	s := newStage(t)
	d := s.terminal(s.dial(), 0, 0, 1)
	d.until("was-sw01>")
	d.send("enable\nconfigure\nbanner motd\n! not a comment\nwas-sw01# who?\nEOF\nend\nexit\n")
	d.rest()
	_, banners := s.done()
	equal(t, "banner", banners, []string{"! not a comment\nwas-sw01# who?"})
}

// Without a terminal there is no echo and no prompt.
func TestNoTerminal(t *testing.T) {
	s := newStage(t)
	session, err := s.dial().NewSession()
	must(t, err)
	session.Stdin = strings.NewReader("show version\nshow nothing\nshow version")
	var out strings.Builder
	session.Stdout = &out
	must(t, session.Shell())
	must(t, session.Wait())
	equal(t, "output", out.String(), "Arista DCS-7280CR3A-32S\n% Invalid input\nArista DCS-7280CR3A-32S\n")
}

// bash on the terminal: what reads eats what is typed ahead; what does not leaves it to the command line.
func TestTerminalBash(t *testing.T) {
	s := newStage(t)
	d := s.terminal(s.dial(), 0, 0, 1)
	d.until("was-sw01>")
	d.send("bash echo no\n")
	d.until("input\r\nwas-sw01>") // unprivileged
	d.send("enable\nbash [ -t 0 ] && echo yes; exit 3\n")
	d.until("yes\r\n% 'bash [ -t 0 ] && echo yes; exit 3' returned error code: 3\r\nwas-sw01#")
	d.send("bash sleep 0.3; echo done\nshow version\n")
	equal(t, "typed ahead", d.until("32S\r\nwas-sw01#"),
		"bash sleep 0.3; echo done\r\ndone\r\nwas-sw01#show version\r\nArista DCS-7280CR3A-32S\r\nwas-sw01#")
	d.send("bash head -n 1\nfor bash\nshow version\n")
	if got := d.until("32S\r\nwas-sw01#"); !strings.Contains(got, "\r\nfor bash\r\n") {
		t.Errorf("bash did not read what was typed: %q", got)
	}
	d.send("bash echo up; sleep 60\n")
	d.until("up\r\n")
	d.send("\x03")
	d.until("^C\r\nwas-sw01#")
	d.send("show version\n")
	d.until("32S\r\nwas-sw01#")
}
