package eoshost

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"bisc/internal/host"
)

var (
	//go:embed linux/make.sh
	makeText string
	//go:embed linux/piece.sh
	pieceText string
	//go:embed linux/seal.sh
	sealText string
)

// A piece is what one line of the console carries of a file: base64 in the script, and the script in base64, within the 4095
// characters that a terminal keeps of a line.
const (
	pieceSize  = 1200
	piecesOnce = 64
)

// flashReserve is what must stay free on flash: a full one breaks the switch's own saves (eos.md D.3).
const flashReserve = 200 << 20

// fewPieces is how much content goes over the console at once: it needs no channel of its own there.
const fewPieces = piecesOnce * pieceSize

// carry brings a file's content to flash: little of it over the console, much of it by the first way that the switch has, and over
// the console where it has none, which needs nothing but what reading needs, and is slow. The content is proved by its SHA-256
// (hex) there.
func (h *Host) carry(ctx context.Context, name string, mode uint32, size int64, digest string, open func() (io.ReadCloser, error)) error {
	ways := []func(context.Context, io.Reader) error{func(ctx context.Context, content io.Reader) error { return h.pieces(ctx, name, content) }}
	if size > fewPieces {
		var fast []func(context.Context, io.Reader) error
		for _, way := range uploadWays() {
			fast = append(fast, func(ctx context.Context, content io.Reader) error { return h.upload(ctx, way, name, size, content) })
		}
		ways = append(fast, ways...)
	}
	var failed []error
	for _, send := range ways {
		err := h.carryBy(ctx, name, mode, size, digest, open, send)
		var sealed *notSent
		if !errors.As(err, &sealed) || ctx.Err() != nil {
			return err
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// notSent is content that one way did not bring; another may.
type notSent struct{ err error }

func (e *notSent) Error() string { return e.err.Error() }
func (e *notSent) Unwrap() error { return e.err }

// carryBy makes the file, has its content sent, and proves it.
func (h *Host) carryBy(ctx context.Context, name string, mode uint32, size int64, digest string, open func() (io.ReadCloser, error), send func(context.Context, io.Reader) error) error {
	content, err := open()
	if err != nil {
		return fmt.Errorf("reading what is to become %s: %w", name, err)
	}
	defer content.Close()
	out, err := h.linux(ctx, flashLimit, true, "make "+name, makeText, name, strconv.FormatInt(size, 10), strconv.Itoa(flashReserve))
	if err == nil && out.Exit != 0 {
		err = &host.ExitError{Argv: []string{"make " + name}, Exit: out.Exit, Stderr: out.Stderr}
	}
	if err != nil {
		return err
	}
	sum := sha256.New()
	if err := send(ctx, io.TeeReader(io.LimitReader(content, size+1), sum)); err != nil {
		return &notSent{fmt.Errorf("bring %s: %w", name, err)}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != digest {
		return fmt.Errorf("%s: what was read here is not what was planned (SHA-256 %.12s, want %.12s)", name, got, digest)
	}
	out, err = h.linux(ctx, flashLimit, true, "verify "+name, sealText, name, fmt.Sprintf("%04o", mode), digest)
	switch {
	case err != nil:
		return err
	case out.Exit == 6:
		return &notSent{&host.ExitError{Argv: []string{"verify " + name}, Exit: out.Exit, Stderr: out.Stderr}}
	case out.Exit != 0:
		return &host.ExitError{Argv: []string{"verify " + name}, Exit: out.Exit, Stderr: out.Stderr}
	}
	return nil
}

// pieces writes content piece by piece, many in one flight.
func (h *Host) pieces(ctx context.Context, name string, content io.Reader) error {
	for at, last := int64(0), false; !last; {
		var ask []func(context.Context) error
		for len(ask) < piecesOnce && !last {
			b := make([]byte, pieceSize)
			n, err := io.ReadFull(content, b)
			if last = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); err != nil && !last {
				return fmt.Errorf("reading what is to become %s: %w", name, err)
			}
			if n == 0 {
				break
			}
			offset, text := strconv.FormatInt(at, 10), base64.StdEncoding.EncodeToString(b[:n])
			at += int64(n)
			ask = append(ask, func(ctx context.Context) error {
				out, err := h.linux(ctx, flashLimit, false, "write "+name, pieceText, name, offset, text)
				if err == nil && out.Exit != 0 {
					err = &host.ExitError{Argv: []string{"write " + name}, Exit: out.Exit, Stderr: out.Stderr}
				}
				return err
			})
		}
		if err := host.Ask(ctx, ask...); err != nil {
			return firstOf(err)
		}
	}
	return nil
}

// firstOf is one of many errors that have one reason.
func firstOf(err error) error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range all.Unwrap() {
			if e != nil {
				return e
			}
		}
	}
	return err
}
