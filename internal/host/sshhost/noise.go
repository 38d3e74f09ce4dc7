package sshhost

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

var errNoise = errors.New("the login shell writes without end")

// skipTo reads past mark; what stood before it goes to noise.
func skipTo(r *bufio.Reader, mark string, noise io.Writer) error {
	said := make([]byte, 0, 256)
	defer func() { _, _ = noise.Write(said) }()
	last := make([]byte, 0, 2*len(mark))
	for range 1 << 20 {
		c, err := r.ReadByte()
		if err != nil {
			return err
		}
		if len(last) == cap(last) {
			last = append(last[:0], last[len(last)-len(mark)+1:]...)
		}
		if said = append(said, c); len(said) == cap(said) {
			_, _ = noise.Write(said)
			said = said[:0]
		}
		if last = append(last, c); bytes.HasSuffix(last, []byte(mark)) {
			return nil
		}
	}
	return errNoise
}
