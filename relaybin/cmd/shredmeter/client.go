package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bisc/relaybin/meter"
)

// Exit statuses of mark and report, those of the daemons.
const (
	done    = 0
	failed  = 1
	misused = 2
)

// mark asks the running shredmeter to mark this moment.
func mark(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("shredmeter mark", flag.ContinueOnError)
	flags.SetOutput(errs)
	at := flags.String("at", where, "`HOST:PORT` of the running shredmeter's --metrics")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return done
	case err != nil:
		return misused
	}
	name := strings.Join(flags.Args(), " ")
	if name == "" {
		fmt.Fprintln(errs, `shredmeter: mark: a name is missing, such as shredmeter mark "relay on"`)
		return misused
	}
	text, err := ask(http.MethodPost, *at, "/mark?name="+url.QueryEscape(name))
	if err != nil {
		fmt.Fprintf(errs, "shredmeter: mark: %v\n", err)
		return failed
	}
	fmt.Fprint(out, string(text))
	return done
}

// report shows what the running shredmeter knows.
func report(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("shredmeter report", flag.ContinueOnError)
	flags.SetOutput(errs)
	at := flags.String("at", where, "`HOST:PORT` of the running shredmeter's --metrics")
	raw := flags.Bool("json", false, "print what the daemon answered")
	slots := flags.Int("slots", slotsShown, "how many slots, a `NUMBER`")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return done
	case err != nil:
		return misused
	case flags.NArg() > 0:
		fmt.Fprintf(errs, "shredmeter: report: %q is no argument of it; see shredmeter report --help\n", flags.Arg(0))
		return misused
	}
	text, err := ask(http.MethodGet, *at, fmt.Sprintf("/report?slots=%d", *slots))
	var r meter.Report
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		fmt.Fprintf(errs, "shredmeter: report: %v\n", err)
		return failed
	}
	if *raw {
		fmt.Fprint(out, string(text))
		return done
	}
	printReport(out, &r)
	return done
}

// ask sends one request to the daemon, past any proxy, and returns the answer's body.
func ask(method, at, path string) ([]byte, error) {
	request, err := http.NewRequest(method, "http://"+at+path, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the running shredmeter: %w (is it running, and with --metrics %s?)", err, at)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(text)))
	}
	return text, nil
}
