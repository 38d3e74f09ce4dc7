package sshhost

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
)

// send queues requests as one batch, which the far end starts when all of it is there.
func (a *agent) send(rs []*request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		go func() {
			for _, r := range rs {
				r.fail(a.err)
			}
		}()
		return
	}
	var body, files, later []byte
	for _, r := range rs {
		a.ids++
		id := a.ids
		a.pending[id] = r
		r.id.Store(id)
		if r.note != "" {
			if !a.records {
				a.records = true
				body = appendFrame(body, frameMore, 0, []byte(stripPerl(recordText)))
			}
			body = appendFrame(body, frameNote, id, []byte(r.note))
		}
		switch r.op {
		case opGet:
			if !a.gets && !a.link.conn.cfg.Reader { // a reader has its own
				a.gets = true
				body = appendFrame(body, frameMore, 0, []byte(stripPerl(getText)+"sub page_refused { '' }\n"))
			}
			files = appendFileOp(files, id, r)
		case opStat, opRead, opGlob:
			files = appendFileOp(files, id, r)
		case opLock:
			body = appendFrame(body, frameLock, id, []byte(r.words[0]))
		case opCheck:
			body = appendFrame(body, frameCheck, id)
		default:
			body, later = a.appendRun(body, later, id, r)
		}
	}
	if len(files) > 0 {
		a.ids++
		body = appendFrame(body, frameFiles, a.ids, files)
	}
	a.queue = append(appendFrame(a.queue, frameBatch, 0, body), later...)
	a.nudge()
}

func appendFileOp(b []byte, id uint32, r *request) []byte {
	b = binary.BigEndian.AppendUint32(b, id)
	b = append(b, map[op]byte{opStat: 's', opRead: 'r', opGlob: 'g', opGet: 'd'}[r.op])
	b = binary.BigEndian.AppendUint32(b, ticks(r.limit))
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.words[0])))
	return append(b, r.words[0]...)
}

// inline is the most stdin that goes with the request itself.
const inline = 16 << 10

// appendRun adds a program's frame to body, and what follows the batch to later. The lock is held.
func (a *agent) appendRun(body, later []byte, id uint32, r *request) ([]byte, []byte) {
	var flags byte
	if r.step {
		flags |= flagKept
	}
	if r.op == opPut {
		flags |= flagPut
	}
	stdin := r.stdin
	if len(stdin) > inline || r.grow != nil {
		flags |= flagMore
		stdin = nil
		if r.step && r.op == opRun {
			flags |= flagHold // half a script's input must not be acted on
		}
	}
	var argv []byte
	if r.op == opPut {
		body, argv = a.appendWord(body, argv, a.puts)
		argv = append(argv, 0)
	}
	for i, w := range r.words {
		if i > 0 {
			argv = append(argv, 0)
		}
		body, argv = a.appendWord(body, argv, w)
	}
	head := binary.BigEndian.AppendUint32([]byte{flags}, ticks(r.limit))
	head = binary.BigEndian.AppendUint32(head, uint32(len(argv)))
	body = appendFrame(body, frameRun, id, head, argv, stdin)
	if flags&flagMore != 0 {
		f := newFeed(id, r.stdin, r.grow == nil)
		a.feeds[id] = f
		later = f.more(later)
	}
	return body, later
}

// appendWord adds one word of an argv. A long one (the text of a guard) is sent once a channel and then by number.
func (a *agent) appendWord(body, argv []byte, w string) (newBody, newArgv []byte) {
	if len(w) >= 64 {
		n, known := a.words[w]
		if !known {
			n = uint32(len(a.words))
			a.words[w] = n
			body = appendFrame(body, frameWord, n, []byte(w))
		}
		return body, strconv.AppendUint(append(argv, 1), uint64(n), 10)
	}
	if strings.HasPrefix(w, "\x01") {
		argv = append(argv, 1)
	}
	return body, append(argv, w...)
}

// ticks is a limit in the agent's unit, hundredths of a second.
func ticks(d time.Duration) uint32 { return uint32(min(max(d.Milliseconds()/10, 1), 1<<30)) }
