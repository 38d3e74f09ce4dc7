package eoshost

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// commandLine is one context of far's: a line editor that is in raw mode while it reads and leaves the terminal as it was while a
// command runs, as Python's readline under EOS's CLI does.
type commandLine struct {
	*far
	tty        *os.File
	in         *bufio.Reader
	echo       bool // of the terminal, outside the editor
	cooked     unix.Termios
	privileged bool
	mode       string
	length     int // of the pager
}

func (c *commandLine) run() {
	c.in = bufio.NewReaderSize(c.tty, 512)
	c.length = 24
	fd := int(c.tty.Fd())
	mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		c.t.Error(err)
		return
	}
	if !c.echo {
		mode.Lflag &^= unix.ECHO
	}
	c.cooked = *mode
	c.set(c.cooked, unix.TCSETS)
	if c.losesHead {
		time.Sleep(50 * time.Millisecond) // a login that takes its time
		c.set(c.cooked, unix.TCSETSF)
	}
	fmt.Fprint(c.tty, c.banner)
	for {
		line, err := c.readLine(c.prompt(), true)
		if err != nil || !c.do(line) {
			return
		}
	}
}

// set sets the terminal's modes; TCSETSF drops what was typed ahead, as a question for a password does.
func (c *commandLine) set(mode unix.Termios, how uint) {
	_ = unix.IoctlSetTermios(int(c.tty.Fd()), how, &mode) // an error is the terminal's end
}

func (c *commandLine) prompt() string {
	mark := ">"
	if c.privileged {
		mark = "#"
	}
	if c.mode != "" {
		return c.hostname + c.supers + "(" + c.mode + ")" + mark
	}
	return c.hostname + c.supers + mark
}

// readLine is the editor.
func (c *commandLine) readLine(prompt string, echo bool) (string, error) {
	raw := c.cooked
	raw.Iflag &^= unix.ICRNL
	raw.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	echo = echo && (c.echo || !c.readline)
	c.set(raw, unix.TCSETSW)
	defer c.set(c.cooked, unix.TCSETSW)
	fmt.Fprint(c.tty, prompt)
	var line []byte
	shown := 0
	for {
		b, err := c.in.ReadByte()
		if err != nil {
			return "", err
		}
		if b == '\r' || b == '\n' {
			break
		}
		if line = append(line, b); echo && c.in.Buffered() == 0 {
			fmt.Fprintf(c.tty, "%s", line[shown:])
			shown = len(line)
		}
	}
	if echo {
		fmt.Fprintf(c.tty, "%s", line[shown:])
	}
	fmt.Fprint(c.tty, "\n")
	if echo && c.lag && !strings.HasPrefix(string(line), "!") {
		fmt.Fprint(c.tty, prompt, string(line), "\n")
	}
	return string(line), nil
}

func (c *commandLine) do(line string) bool {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "!") {
		return true
	}
	c.mu.Lock()
	c.far.typed = append(c.far.typed, line)
	why, refused := c.refuses[line]
	text, known := c.shows[line]
	noBash := c.noBash && strings.HasPrefix(line, "bash ")
	noSudo := c.noSudo && strings.HasPrefix(line, "bash sudo ")
	c.mu.Unlock()
	switch {
	case refused:
		c.print(why + "\n")
	case known:
		c.print(text)
	case line == "enable":
		c.enable()
	case line == "terminal length 0" && !c.noLength:
		c.length = 0
		c.print("Pagination disabled.\n")
	case line == "terminal width 32767":
		c.print("Width set to 32767 columns.\n")
	case line == "show hostname | json":
		c.print(fmt.Sprintf("{\n    \"hostname\": %q,\n    \"fqdn\": %q\n}\n", c.hostname, c.hostname))
	case line == "show version | json":
		c.print("{\n    \"serialNumber\": \"SER1\",\n    \"systemMacAddress\": \"00:1c:73:00:00:01\",\n    \"bootupTimestamp\": 1700000000.5,\n    \"version\": \"4.34.0F\"\n}\n")
	case noBash:
		c.print("% Authorization denied for command 'bash'\n")
	case noSudo:
		c.print("sudo: a password is required\n")
	case strings.HasPrefix(line, "bash "):
		cmd := c.bash(strings.TrimPrefix(line, "bash "))
		cmd.Stdin, cmd.Stdout, cmd.Stderr = c.tty, c.tty, c.tty
		_ = cmd.Run()
	case strings.HasPrefix(line, "configure session "):
		c.mode = "config-s-" + fmt.Sprintf("%.6s", strings.Fields(line)[2])
	case c.mode != "":
		return c.configure(line)
	case line == "exit":
		return false
	default:
		c.print("% Invalid input\n")
	}
	return true
}

// configure is a session that takes any line.
func (c *commandLine) configure(line string) bool {
	base, _, inside := strings.Cut(c.mode, "-if-")
	switch {
	case line == "exit" && inside:
		c.mode = base
	case line == "exit", line == "end", line == "abort":
		c.mode = ""
	case strings.HasPrefix(line, "interface "):
		c.mode = base + "-if-" + strings.TrimPrefix(line, "interface ")
	case line == "action bash":
		c.print("Enter command(s). Type 'EOF' on its own line to end.\n")
		for {
			l, err := c.readLine("", true)
			if err != nil {
				return false
			}
			c.mu.Lock()
			c.far.typed = append(c.far.typed, "text: "+l)
			c.mu.Unlock()
			if l == "EOF" {
				break
			}
		}
	}
	return true
}

func (c *commandLine) enable() {
	switch {
	case c.noEnable:
		c.print("% Authorization denied for command 'enable'\n")
		return
	case c.password == "":
		c.privileged = true
		return
	}
	c.set(c.cooked, unix.TCSETSF) // getpass drops what was typed ahead
	if typed, err := c.readLine("Password: ", false); err == nil && typed == c.password {
		c.privileged = true
		return
	}
	c.print("% Bad secret\n")
}

// print pages as less does: it takes a key for each page, whatever key that is.
func (c *commandLine) print(text string) {
	length := c.length
	c.mu.Lock()
	if c.pagesOnce && strings.Count(text, "\n") > 24 {
		c.pagesOnce, length = false, 24
	}
	c.mu.Unlock()
	if length == 0 {
		fmt.Fprint(c.tty, text)
		return
	}
	raw := c.cooked
	raw.Lflag &^= unix.ECHO | unix.ICANON
	for i, line := range strings.SplitAfter(text, "\n") {
		if i > 0 && i%(length-1) == 0 && line != "" {
			fmt.Fprint(c.tty, " --More-- ")
			c.set(raw, unix.TCSETSW)
			_, _ = c.in.ReadByte()
			c.set(c.cooked, unix.TCSETSW)
			fmt.Fprint(c.tty, "\r          \r")
		}
		fmt.Fprint(c.tty, line)
	}
}
