package sshhost

import (
	"maps"
	"slices"
	"strings"

	"bisc/internal/host"
)

// mergeMax keeps one command's arguments well below the kernel's limit of 2 MiB.
const mergeMax = 2000

// merge makes one systemctl command of all "systemctl show OPTIONS -- UNIT" with the same options; the rest stays
// as it is. Starting systemctl costs the host some milliseconds each time, and its answer to many is the same as to one.
// The lock is held.
func (w *waves) merge(queue []*request) []*request {
	groups := map[string][]*request{}
	var out []*request
	for _, r := range queue {
		switch {
		case r.answered():
		case mergeable(r):
			options := strings.Join(r.words[:len(r.words)-1], "\x00")
			groups[options] = append(groups[options], r)
		default:
			out = append(out, r)
		}
	}
	for _, options := range slices.Sorted(maps.Keys(groups)) {
		for part := range slices.Chunk(groups[options], mergeMax) {
			out = append(out, w.joint(part))
		}
	}
	return out
}

func mergeable(r *request) bool {
	unit := len(r.words) - 1
	return r.op == opRun && r.question() && !r.alone && unit > 3 &&
		slices.Equal(r.words[:2], []string{"systemctl", "show"}) && slices.Index(r.words, "--") == unit-1 && r.words[unit] != ""
}

// joint is one request for several; its answer is dealt out among them.
func (w *waves) joint(part []*request) *request {
	if len(part) == 1 {
		return part[0]
	}
	words := slices.Clone(part[0].words[:len(part[0].words)-1])
	limit := part[0].limit
	for _, r := range part {
		words = append(words, r.words[len(r.words)-1])
		limit = max(limit, r.limit)
	}
	j := newRequest(opRun, limit, words...)
	j.then = func(a answer) { w.deal(part, a) }
	return j
}

// deal gives each its block. Blocks are separated by one empty line each, also when they are empty themselves; where
// the number does not fit, or systemctl had something to say, each is asked by itself.
func (w *waves) deal(part []*request, a answer) {
	blocks := splitBlocks(string(a.out.Stdout))
	switch {
	case a.err != nil:
		for _, r := range part {
			r.fail(a.err)
		}
		return
	case a.out.Exit == 0 && len(a.out.Stderr) == 0 && len(blocks) == len(part):
		for i, r := range part {
			r.finish(answer{out: host.Output{Stdout: []byte(blocks[i])}})
		}
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range part {
		r.alone = true
		w.enqueue(r)
	}
}

func splitBlocks(text string) []string {
	var blocks []string
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line == "\n" {
			blocks = append(blocks, b.String())
			b.Reset()
			continue
		}
		b.WriteString(line)
	}
	return append(blocks, b.String())
}
