package modules

import (
	"context"
	"strings"
	"time"

	"bisc/internal/host"
)

// Fact is one thing that bisc status says of a host beside how its layers stand. It judges nothing: whether a host is as wanted is
// the layers' word.
type Fact struct {
	Topic string // validator, memory, pod, node, snapshots, jobs
	Text  string
	// Unknown: it could not be asked; Text says why.
	Unknown bool
	// Wrong: an operator should look (a kill for want of memory, a pod that is not ready).
	Wrong bool
	// Numbers are the figures of Text, for machines: slot, gap, memory_bytes.
	Numbers map[string]float64
}

// Teller is a resource that knows more to tell than whether it is as wanted. Tell asks the host and changes nothing; what has no answer
// is a Fact that is Unknown. window is how long it may watch to measure a rate; 0: not at all.
type Teller interface {
	// Tells is the topic, and what of it: two resources that say the same of both are one.
	Tells() (topic, of string)
	Tell(ctx context.Context, h host.Reader, window time.Duration) []Fact
}

// NotKnown is the fact that something could not be asked.
func NotKnown(topic string, err error) []Fact {
	return []Fact{{Topic: topic, Text: strings.ReplaceAll(err.Error(), "\n", "; "), Unknown: true}}
}
