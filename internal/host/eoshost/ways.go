package eoshost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/host/eoshost/eapi"
)

// Way is one way to a switch's show commands.
type Way struct {
	Name  string `json:"name"`
	Works bool   `json:"works"`
	Used  bool   `json:"used"`
	// Why it does not work, or is not used though it works.
	Why string `json:"why,omitempty"`
}

// probeLimit is how long a way may take to answer its first question.
const probeLimit = 15 * time.Second

// EAPIState tells whether show commands go over eAPI, and if not, why not.
func (h *Host) EAPIState() Way {
	way := h.eapi
	if e, ok := h.shows.(*eapiShows); ok {
		if err := e.failed(); err != nil {
			way.Works, way.Used, way.Why = false, false, err.Error()
		}
	}
	return way
}

// Ways tries each way to the show commands, whether or not the inventory wants it. It asks what the switch is, and nothing else.
func (h *Host) Ways(ctx context.Context) []Way {
	used := h.EAPIState()
	ways := []Way{{Name: "the command line over SSH", Works: true, Used: !used.Used}}
	for _, cfg := range h.eapiWays() {
		w := Way{Name: cfg.String(), Used: used.Used && used.Name == cfg.String()}
		client, err := h.sameSwitch(h.reachEAPI(ctx, cfg, h.secret))
		if err == nil {
			client.Close()
			w.Works = true
			if !w.Used {
				w.Why = "the inventory has another: eapi = \"" + string(h.eapiMode()) + "\""
			}
		} else {
			w.Why = err.Error()
		}
		ways = append(ways, w)
	}
	return ways
}

func (h *Host) eapiMode() eapi.Mode {
	if h.cfg.EAPI.Mode == "" {
		return eapi.Off
	}
	return h.cfg.EAPI.Mode
}

// eapiWays are the ways to eAPI that can be tried: two through SSH, and HTTPS where the inventory has an address.
func (h *Host) eapiWays() []eapi.Config {
	ways := []eapi.Config{{Mode: eapi.Unix}, {Mode: eapi.HTTP}}
	switch h.eapiMode() {
	case eapi.HTTP:
		ways[1] = h.cfg.EAPI
	case eapi.HTTPS:
		ways = append(ways, h.cfg.EAPI)
	}
	return ways
}

// answered is a way to eAPI, and which switch answered there.
type answered struct {
	client *eapi.Client
	is     identity
	err    error
}

// earlyEAPI begins to ask over eAPI which switch this is, in the flights in which the command line is asked the same. HTTPS waits
// until it is known: a password goes there.
func (h *Host) earlyEAPI(ctx context.Context) {
	if h.early != nil || h.eapiMode() == eapi.Off || h.eapiMode() == eapi.HTTPS {
		return
	}
	early := make(chan answered, 1)
	h.early = early
	secret := h.secret
	go func() { early <- h.reachEAPI(ctx, h.cfg.EAPI, secret) }()
}

// unwanted ends what earlyEAPI began.
func unwanted(early <-chan answered) {
	if early == nil {
		return
	}
	go func() {
		if a := <-early; a.client != nil {
			a.client.Close()
		}
	}()
}

// useEAPI puts eAPI before the command line where the inventory wants it and the switch answers. With "auto" a switch without it is
// a switch like any other; a way that the inventory names must work.
func (h *Host) useEAPI(ctx context.Context) error {
	cfg := h.cfg.EAPI
	h.eapi = Way{Name: cfg.String()}
	if h.eapiMode() == eapi.Off {
		h.eapi.Why = "the inventory has eapi = \"off\""
		return nil
	}
	var a answered
	if h.early != nil {
		a = <-h.early
	} else {
		a = h.reachEAPI(ctx, cfg, h.secret)
	}
	client, err := h.sameSwitch(a)
	switch {
	case err == nil:
	case cfg.Mode == eapi.Auto && ctx.Err() == nil:
		h.eapi.Why = err.Error()
		return nil
	default:
		return fmt.Errorf("%s: %w: %s: %w (the inventory has eapi = %q; \"auto\" and \"off\" need no eAPI)", h.conn.Place(), host.ErrUnreachable, cfg, err, cfg.Mode)
	}
	h.eapi.Works, h.eapi.Used = true, true
	h.shows = newEAPIShows(client, h.shows, cfg.Mode != eapi.Auto)
	return nil
}

// reachEAPI asks over one way which switch answers: that something listens proves nothing. An SSH session that came in through
// Management1 is in the namespace of its VRF, and 127.0.0.1 there is another than the one on which eAPI listens [I]; and HTTPS is an
// address of its own.
func (h *Host) reachEAPI(ctx context.Context, cfg eapi.Config, secret string) answered {
	ctx, cancel := context.WithTimeoutCause(ctx, probeLimit, fmt.Errorf("no answer within %s", probeLimit))
	defer cancel()
	if secret != "" {
		cfg.EnablePassword = func(context.Context) (string, error) { return secret, nil }
	}
	dial := h.dialThrough
	if cfg.Mode == eapi.HTTPS { // it has an address and a certificate of its own
		dial = (&net.Dialer{}).DialContext
	}
	client, err := eapi.New(cfg, dial)
	if err != nil {
		return answered{err: err}
	}
	answers, err := client.Ask(ctx, false, "show hostname", "show version")
	if err != nil {
		client.Close()
		return answered{err: err}
	}
	is, err := identityOf(answers)
	return answered{client, is, err}
}

func identityOf(answers []eapi.Answer) (identity, error) {
	var texts []string
	for _, a := range answers {
		b, err := json.Marshal(a.Result)
		if err := errors.Join(a.Err, err); err != nil {
			return identity{}, err
		}
		texts = append(texts, string(b))
	}
	return readIdentity(texts[0], texts[1])
}

// sameSwitch compares what answers over eAPI with what answered on the command line.
func (h *Host) sameSwitch(a answered) (*eapi.Client, error) {
	err := a.err
	if err == nil && (a.is.machine() != h.is.machine() || a.is.hostname != h.is.hostname) {
		err = fmt.Errorf("%w: over eAPI it is %s (%s), over SSH %s (%s)", ErrOtherSwitch, a.is.hostname, a.is.machine(), h.is.hostname, h.is.machine())
	}
	if err != nil {
		if a.client != nil {
			a.client.Close()
		}
		return nil, err
	}
	return a.client, nil
}

// dialThrough makes a connection that begins on the switch.
func (h *Host) dialThrough(ctx context.Context, network, address string) (net.Conn, error) {
	defer h.conn.Hurry()()
	c, err := h.conn.Client().DialContext(ctx, network, address)
	if err != nil {
		return nil, forwarded(network, address, err)
	}
	return c, nil
}

// forwarded tells a switch that forwards nothing from one where nobody listens.
func forwarded(network, address string, err error) error {
	var open *ssh.OpenChannelError
	if !errors.As(err, &open) {
		return err
	}
	option := "AllowTcpForwarding"
	if network == "unix" {
		option = "AllowStreamLocalForwarding"
	}
	switch open.Reason {
	case ssh.Prohibited:
		return fmt.Errorf("%w: the switch's sshd forwards no connection to %s (%s; management ssh, or a restriction of the key)", errNotForwarded, address, option)
	case ssh.ConnectionFailed:
		return fmt.Errorf("%w at %s, as seen from the SSH session (no management api http-commands with that protocol, or it listens in another VRF): %s", errNobodyThere, address, open.Message)
	case ssh.UnknownChannelType:
		return fmt.Errorf("%w: the switch's sshd knows no such forwarding (%s)", errNotForwarded, option)
	}
	return fmt.Errorf("connect to %s through SSH: %w", address, err)
}

// What keeps a connection from being made through a switch.
var (
	errNotForwarded = errors.New("not forwarded")
	errNobodyThere  = errors.New("nobody listens")
)
