// Package mark is a packet that is no shred and is known again at the other end of the relay: who sends one to where turbine's
// packets go, and finds it in shredunwrap's figures, has seen the whole way work.
package mark

import (
	"bytes"
	"encoding/hex"
)

// magic begins a marked packet. A shred begins with a signature, whose bytes are as good as drawn: one in 2^128 begins so. All of a
// marked packet is text without a line's end, so that a shell can send it: bash writes line by line, each a packet of its own.
const magic = "bisc relay mark "

// Nonce tells one look at the relay from every other.
type Nonce [16]byte

// String is the nonce in hex, as the packet and shredunwrap's figures have it.
func (n Nonce) String() string { return hex.EncodeToString(n[:]) }

// Size is a marked packet's size in bytes.
const Size = len(magic) + 2*len(Nonce{})

// Packet is the payload of a marked packet.
func Packet(n Nonce) []byte { return []byte(magic + n.String()) }

// Read tells whether a payload is a marked packet, and which.
func Read(payload []byte) (n Nonce, ok bool) {
	if len(payload) != Size || !bytes.HasPrefix(payload, []byte(magic)) {
		return n, false
	}
	_, err := hex.Decode(n[:], payload[len(magic):])
	return n, err == nil
}
