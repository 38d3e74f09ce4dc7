package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// initSocket is where init takes what systemctl says: a verb and a unit in a line.
const initSocket = "/run/init.sock"

func (p *initProcess) listen() error {
	os.Remove(initSocket)
	l, err := net.Listen("unix", initSocket)
	if err != nil {
		return fmt.Errorf("listen to systemctl: %w", err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				line, err := bufio.NewReader(conn).ReadString('\n')
				if err == nil {
					fmt.Fprintln(conn, p.obey(strings.Fields(line)))
				}
			}()
		}
	}()
	return nil
}

// obey answers a line: active, inactive, ok, or what is wrong.
func (p *initProcess) obey(words []string) string {
	if len(words) != 2 {
		return "want a verb and a unit"
	}
	for _, s := range p.services {
		if s.name != strings.TrimSuffix(words[1], ".service") {
			continue
		}
		switch words[0] {
		case "stop":
			p.stop(s)
		case "restart":
			p.stop(s)
			fallthrough
		case "start":
			if err := p.start(s); err != nil {
				return err.Error()
			}
		case "is-active":
			p.mu.Lock()
			defer p.mu.Unlock()
			if s.pid == 0 {
				return "inactive"
			}
			return "active"
		default:
			return "unknown command verb " + words[0] + "."
		}
		return "ok"
	}
	return "Unit " + words[1] + " not found."
}

// systemctl asks init. Exit status 3 of is-active is systemd's: not active.
func systemctl(args []string) error {
	var words []string
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") {
			words = append(words, arg)
		}
	}
	conn, err := net.Dial("unix", initSocket)
	if err != nil {
		return fmt.Errorf("ask init: %w", err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, strings.Join(words, " "))
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return fmt.Errorf("ask init: %w", err)
	}
	switch answer = strings.TrimSpace(answer); answer {
	case "ok":
		return nil
	case "active":
		fmt.Println(answer)
		return nil
	case "inactive":
		fmt.Println(answer)
		os.Exit(3)
	}
	return errors.New(answer)
}
