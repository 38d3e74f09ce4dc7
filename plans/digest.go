package plans

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"reflect"
	"slices"

	"bisc/layers"
	"bisc/modules"
)

// itemDigest is a digest of what is wanted: kind, label and decoded values. A secret goes in by its keyed digest.
func (l *loader) itemDigest(kind, label string, d *declaration) string {
	sum := sha256.New()
	add(sum, kind, label)
	if !d.complete {
		add(sum, "incomplete")
		return hex.EncodeToString(sum.Sum(nil))
	}
	fields := reflect.ValueOf(d.item.Resource).Elem()
	for _, a := range d.spec.attrs {
		value := fields.Field(a.Index).Interface()
		if text, ok := value.(modules.Text); ok && text.Secret {
			value = l.secretDigest(text.Value)
		}
		b, err := json.Marshal(value)
		if err != nil { // a type of Attrs that JSON has not: still the same text for the same value
			b = fmt.Appendf(nil, "%v", value)
		}
		add(sum, a.Name, string(b))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// conditionDigest covers the text of a condition and the values of what it names, but facts.
func (l *loader) conditionDigest(label string, c *condition) string {
	sum := sha256.New()
	add(sum, "condition", label, c.text)
	for _, t := range c.expr.Variables() {
		v, ok := traverse(t, c.ctx)
		if !ok {
			continue // a fact
		}
		text := unclipped(v)
		if v.ContainsMarked() {
			text = l.secretDigest(text)
		}
		add(sum, traversalText(t), text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// fromDigest is the digest of what is wanted on another host than the stage's: seen in sync on one, it was not seen on the other.
func fromDigest(digest, from string) string {
	sum := sha256.New()
	add(sum, "from", from, digest)
	return hex.EncodeToString(sum.Sum(nil))
}

// add writes words so that no two lists of words look the same.
func add(h hash.Hash, words ...string) {
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s\n", len(w), w)
	}
}

// finish puts the stages and inputs into the plan and makes its digest.
func (l *loader) finish() {
	for _, st := range l.inOrder() {
		if !st.runbook {
			l.plan.Stages = append(l.plan.Stages, st.Stage)
		}
	}
	l.sameInLayers()
	for _, key := range slices.Sorted(maps.Keys(l.inputs)) {
		l.plan.Inputs = append(l.plan.Inputs, l.inputs[key])
	}
	sum := sha256.New()
	for _, in := range l.plan.Inputs {
		add(sum, "input", in.Kind, in.Name, in.Digest)
	}
	for _, st := range l.plan.Stages {
		addStage(sum, st)
	}
	for _, name := range slices.Sorted(maps.Keys(l.plan.Runbooks)) {
		add(sum, "runbook", name)
		for _, st := range l.plan.Runbooks[name].Stages {
			addStage(sum, st)
		}
	}
	l.plan.Digest = hex.EncodeToString(sum.Sum(nil))
}

func addStage(h hash.Hash, st layers.Stage) {
	add(h, "stage", st.Host, st.Name, fmt.Sprint(st.Layer, st.Assumes == nil, st.Assumes))
	for _, it := range st.Items {
		add(h, it.Address, it.Digest, it.Because)
	}
}
