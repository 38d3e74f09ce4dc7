package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
)

func (c *command) relayTop() *cobra.Command {
	w := watching{again: true, interval: 2 * time.Second}
	var once bool
	var urls []string
	cmd := &cobra.Command{
		Use:   "top",
		Short: "show live what the relay daemons carry, by daemon and path; writes nothing",
		Long: "Of each daemon: what it reads, sends, loses and drops by the second, and whether it is well; of the meter each path, its\n" +
			"lead over the reference path, and the run of complete slots up to the tip. Rates are between two looks.\n\n" +
			"A path on which nothing comes is absent; a figure that was not told is unknown. Neither is ever 0.\n\n" +
			"The daemons are those of the plan (relay_service), asked over SSH; with --url, any, asked from here, without a plan.\n" +
			"It goes on until Ctrl-C (exit status 0). With --once: 5 a host cannot be reached, 7 a daemon's figures cannot be\n" +
			"read, 3 a daemon does not run, says that it is not well, or has a path on which nothing comes.",
		Example: "  bisc relay top\n  bisc relay top --once --json\n  bisc relay top --url http://127.0.0.1:9466/metrics --url http://127.0.0.1:9467/metrics",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w.again = !once
			if err := w.check(); err != nil {
				return err
			}
			if len(urls) > 0 {
				return c.topDirect(cmd.Context(), w, urls)
			}
			return c.reading(cmd, "relay top", func(ctx context.Context, s *session) error { return s.top(ctx, w) })
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&c.flags.hosts, "host", nil, "only this host")
	f.DurationVar(&w.interval, "interval", w.interval, "how long between two looks")
	f.BoolVar(&once, "once", false, "look once (twice, an interval apart), and end with what was seen")
	f.StringSliceVar(&urls, "url", nil, "ask this page of metrics from here, without SSH and without a plan (repeatable)")
	f.BoolVar(&c.flags.json, "json", false, "as JSON (bisc schema status), a document a look")
	f.StringVar(&c.flags.reader, "reader", "", "log in with this key, whose forced command is bisc's reader (bisc schedule key)")
	f.StringVar(&c.flags.readerUser, "reader-user", readerName, "with --reader: the account on the hosts")
	return cmd
}

// topDirect watches daemons by their URLs.
func (c *command) topDirect(ctx context.Context, w watching, urls []string) error {
	ends, err := directEnds(urls)
	if err != nil {
		return err
	}
	if c.flags.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.flags.timeout, overtime(c.flags.timeout))
		defer cancel()
	}
	r := &relayWatch{ends: ends}
	here := &spot{name: "from here", look: func(ctx context.Context, _ func(view.HostNow)) view.HostNow {
		return relayNow(ctx, "from here", r, w.interval)
	}}
	return w.rounds(ctx, []*spot{here}, c.showNow("relay top", w))
}

// top watches the daemons of the plan.
func (s *session) top(ctx context.Context, w watching) error {
	var spots []*spot
	for _, name := range s.planHosts() {
		ends := s.relayEnds(name)
		if len(ends) == 0 || len(s.c.flags.hosts) > 0 && !slices.Contains(s.c.flags.hosts, name) {
			continue
		}
		r := &relayWatch{ends: ends}
		spots = append(spots, &spot{name: name, look: func(ctx context.Context, _ func(view.HostNow)) view.HostNow {
			now := relayNow(ctx, name, r, w.interval)
			if now.Error != "" {
				s.forget(name) // the next look dials again
			}
			return now
		}})
	}
	if len(spots) == 0 {
		return fmt.Errorf("the plan has no relay_service with metrics on %s; with --url http://ADDRESS:PORT/metrics daemons are asked without a plan", orAny(s.c.flags.hosts))
	}
	s.progress.Close()
	return w.rounds(ctx, spots, s.c.showNow("relay top", w))
}

func orAny(hosts []string) string {
	if len(hosts) == 0 {
		return "any host"
	}
	return strings.Join(hosts, ", ")
}

// planHosts are the hosts that the plan has something for, in its order.
func (l *loaded) planHosts() []string {
	var names []string
	for _, st := range l.stages {
		if !slices.Contains(names, st.Host) {
			names = append(names, st.Host)
		}
	}
	return names
}

// relayNow is one look at a host's daemons.
func relayNow(ctx context.Context, name string, r *relayWatch, between time.Duration) view.HostNow {
	now := view.HostNow{Host: name}
	daemons, err := r.look(ctx, between)
	now.Daemons = daemons
	if err != nil {
		now.Error, now.ErrorStatus = err.Error(), view.OfError(err)
	}
	return now
}

// showNow writes a look; where it is the only one, its exit status ends the verb.
func (c *command) showNow(verb string, w watching) func([]view.HostNow) error {
	drawn := &screen{c: c}
	return func(hosts []view.HostNow) error {
		doc := view.NewNow(verb, time.Now(), hosts)
		var err error
		switch {
		case c.flags.json && w.again:
			err = json.NewEncoder(c.out).Encode(doc)
		case c.flags.json:
			err = c.writeJSON(doc)
		case w.again:
			err = drawn.show(view.NowText(doc, view.Options{Color: c.color(c.out), Width: c.width(c.out)}))
		default:
			_, err = fmt.Fprint(c.out, view.NowText(doc, view.Options{Color: c.color(c.out), Width: c.width(c.out)}))
		}
		if err != nil || w.again {
			return err
		}
		return exitOf(doc.ExitStatus)
	}
}
