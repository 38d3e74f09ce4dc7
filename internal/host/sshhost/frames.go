package sshhost

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// The types of frame. Each is u32 length of the rest, u8 type, u32 id, payload; all numbers are big-endian.
const (
	frameBatch = 'B' // frames, taken only when all are there
	frameRun   = 'R' // u8 flags, u32 limit, u32 n, n bytes of argv joined by NUL, stdin
	frameFiles = 'F' // file operations: u32 id, u8 kind, u32 limit, u32 n, path
	frameWord  = 'W' // a long word, to be named by its number from then on
	frameInput = 'i' // more stdin
	frameEnd   = 'I' // end of stdin
	frameKill  = 'K'
	framePing  = 'P'
	frameLock  = 'L' // the lock's JSON, with "token":0
	frameCheck = 'C' // is the lock still ours?
	frameMore  = 'E' // a part of the agent that not every run needs
	frameNote  = 'N' // before a frameRun or frameCheck with its id: the host's record of the step, "RUN/N JSON"
	frameTold  = 'T' // how the step ended that a frameCheck was recorded for
	frameLeave = 'G' // end, and give the lock back

	frameHello  = 'h' // operating system NUL effective uid NUL boot id NUL machine id
	frameStdout = 'o' // also the content of a file
	frameStderr = 'e'
	frameStatus = 'x' // u32 wait status, or limitOver
	frameNot    = 'n' // not done, and why
	frameFile   = 'f' // "=" and the answer of a file operation, "!" and why there is none
	frameCredit = 'c' // u32 bytes of stdin that the program has taken
	framePong   = 'p'
	frameLocked = 'l'
)

// Flags of a frameRun.
const (
	flagKept = 1 // a step: needs the lock, outlives the connection
	flagHold = 2 // starts only when its whole stdin is there
	flagMore = 4 // more stdin follows in frames of its own
	flagPut  = 8 // argv are the parameters of a put
)

// limitOver is the status of what was given up at its limit.
const limitOver = 0xffffffff

// maxFrame bounds what is believed of a length field. The agent's own frames are at most 64 KiB and a name long; a
// list of paths may be larger.
const maxFrame = 64 << 20

// chunk is the most stdin that goes in one frame, so that pings and answers get between.
const chunk = 256 << 10

func appendFrame(b []byte, kind byte, id uint32, payload ...[]byte) []byte {
	n := 5
	for _, p := range payload {
		n += len(p)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b = append(b, kind)
	b = binary.BigEndian.AppendUint32(b, id)
	for _, p := range payload {
		b = append(b, p...)
	}
	return b
}

type frame struct {
	kind    byte
	id      uint32
	payload []byte
}

func readFrame(r *bufio.Reader) (frame, error) {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 5 || n > maxFrame {
		return frame{}, fmt.Errorf("the channel is out of step: a frame of %d bytes", n)
	}
	f := frame{kind: head[4], id: binary.BigEndian.Uint32(head[5:]), payload: make([]byte, n-5)}
	_, err := io.ReadFull(r, f.payload)
	return f, err
}

// word32 reads a number of a payload; a payload that is too short reads as 0.
func word32(payload []byte) uint32 {
	if len(payload) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(payload)
}
