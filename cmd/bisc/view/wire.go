package view

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"bisc/internal/host"
)

// Wire is exactly what would be sent for a step. Which fields are set depends on Do.
type Wire struct {
	Do string `json:"do"` // script, put, edit, remove, push, job, configure, cli or kube
	// Argv is what the host executes, guards included (script).
	Argv   []string    `json:"argv,omitempty"`
	Path   string      `json:"path,omitempty"`
	Mode   string      `json:"mode,omitempty"`  // octal
	Owner  string      `json:"owner,omitempty"` // uid:gid
	Was    string      `json:"was,omitempty"`   // SHA-256 of what must still be there, or absent
	Verify []string    `json:"verify,omitempty"`
	Guards []WireGuard `json:"guards,omitempty"` // of a put or an edit
	Drop   []string    `json:"drop,omitempty"`
	Add    []string    `json:"add,omitempty"`
	Lines  []string    `json:"lines,omitempty"` // of a switch's configuration session, as typed
	Verb   string      `json:"verb,omitempty"`
	Unit   string      `json:"unit,omitempty"`
	Object string      `json:"object,omitempty"` // of a write to Kubernetes; path is the kubeconfig then, and was its preconditions
	Limit  string      `json:"limit,omitempty"`
	// Content is standard input (script) or the file's content (put); what is secret or large has only a size.
	Content *Content `json:"content,omitempty"`

	argv []string // Argv byte for byte: JSON cannot carry every byte
}

// WireGuard is a guard as it is sent.
type WireGuard struct {
	Name string   `json:"name"`
	Text string   `json:"text"`
	Args []string `json:"args,omitempty"`
}

// Content is bytes: as text where they are UTF-8, else in base64, or neither where they are secret or in a file.
type Content struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"` // empty where the content is secret
	Secret bool   `json:"secret,omitempty"`
	Text   string `json:"text,omitempty"`
	Base64 string `json:"base64,omitempty"`
}

// secret tells whether a step carries content that must not be shown.
func secret(s host.Step) bool {
	switch s := s.(type) {
	case host.Put:
		return s.Secret
	case host.Script:
		return s.Secret
	}
	return false
}

func newWire(s host.Step) *Wire {
	switch s := s.(type) {
	case host.Script:
		w := &Wire{Do: "script", Argv: visibleAll(s.Command()), argv: s.Command()}
		if s.Limit > 0 {
			w.Limit = s.Limit.String()
		}
		if len(s.Stdin) > 0 {
			w.Content = newContent(s.Stdin, s.Secret)
		}
		return w
	case host.Put:
		return &Wire{Do: "put", Path: visible(s.Path), Mode: octal(s.Mode), Owner: owner(s.UID, s.GID), Was: s.Was,
			Verify: visibleAll(s.Verify), Guards: newGuards(s.Guards), Content: newContent(s.Content, s.Secret)}
	case host.Edit:
		return &Wire{Do: "edit", Path: visible(s.Path), Drop: visibleAll(s.Drop), Add: visibleAll(s.Add),
			Verify: visibleAll(s.Verify), Guards: newGuards(s.Guards)}
	case host.Remove:
		return &Wire{Do: "remove", Path: visible(s.Path), Guards: newGuards(s.Guards)}
	case host.Push:
		return &Wire{Do: "push", Path: visible(s.Path), Mode: octal(s.Mode), Owner: owner(s.UID, s.GID),
			Content: &Content{Size: s.Size, SHA256: s.Digest}}
	case host.Configure:
		return &Wire{Do: "configure", Lines: visibleAll(s.Lines)}
	case host.CLI:
		return &Wire{Do: "cli", Argv: []string{visible(s.Command)}, argv: []string{s.Command}}
	case host.Job:
		w := &Wire{Do: "job", Verb: s.Verb, Unit: visible(s.Unit)}
		if s.Limit > 0 {
			w.Limit = s.Limit.String()
		}
		return w
	case host.Kube:
		w := &Wire{Do: "kube", Path: visible(s.Kubeconfig), Verb: string(s.Verb), Object: visible(object(s)), Was: visible(preconditions(s)), Guards: newGuards(s.Guards)}
		if s.Grace != nil {
			w.Limit = fmt.Sprintf("%ds", *s.Grace)
		}
		if len(s.Body) > 0 {
			w.Content = newContent(s.Body, false)
		}
		return w
	}
	panic(fmt.Sprintf("view: a step of type %T has no wire form", s)) // a programmer's mistake: the set is closed
}

// object is what a write to Kubernetes is to: its resource, namespace, name, subresource and the kubeconfig's context.
func object(k host.Kube) string {
	s := host.KubeQuery{Resource: k.Resource, Namespace: k.Namespace, Name: k.Name}.String()
	if k.Sub != "" {
		s += "/" + k.Sub
	}
	if k.Context != "" {
		s += " in context " + k.Context
	}
	return s
}

func preconditions(k host.Kube) string {
	var out []string
	if k.UID != "" {
		out = append(out, "uid "+k.UID)
	}
	if k.Version != "" {
		out = append(out, "version "+k.Version)
	}
	return strings.Join(out, ", ")
}

func newContent(b []byte, secret bool) *Content {
	c := &Content{Size: int64(len(b)), Secret: secret}
	if secret {
		return c
	}
	sum := sha256.Sum256(b)
	c.SHA256 = hex.EncodeToString(sum[:])
	if utf8.Valid(b) {
		c.Text = string(b)
	} else {
		c.Base64 = base64.StdEncoding.EncodeToString(b)
	}
	return c
}

func newGuards(guards []host.Guard) []WireGuard {
	var out []WireGuard
	for _, g := range guards {
		out = append(out, WireGuard{Name: g.Name, Text: g.Text, Args: visibleAll(g.Args)})
	}
	return out
}

func octal(mode uint32) string  { return fmt.Sprintf("%04o", mode) }
func owner(uid, gid int) string { return fmt.Sprintf("%d:%d", uid, gid) }

// lines gives the wire form for people.
func (w *Wire) lines() []string {
	switch w.Do {
	case "script":
		return w.Content.below("send: "+pasteable(w.argv...), "stdin")
	case "job":
		return []string{"send: job " + pasteable(w.Verb, w.Unit) + " (by D-Bus)"}
	case "configure":
		return typed("send: into the configuration session", w.Lines)
	case "cli":
		return typed("send: on the command line", w.argv)
	}
	head := "send: " + w.Do + " " + pasteable(w.Path)
	if w.Object != "" {
		head = "send: " + w.Verb + " " + Clean(w.Object) + " by the API of " + pasteable(w.Path)
		if w.Limit != "" {
			head += " with " + w.Limit + " of grace"
		}
	}
	if w.Mode != "" {
		head += " mode " + w.Mode + " owner " + w.Owner
	}
	if w.Was != "" {
		head += " was " + w.Was
	}
	out := []string{head}
	if len(w.Verify) > 0 {
		out = append(out, "  verify: "+pasteable(w.Verify...))
	}
	for _, g := range w.Guards {
		out = append(out, "  guard "+pasteable(append([]string{g.Name}, g.Args...)...))
		out = append(out, prefixed("    | ", g.Text)...)
	}
	out = append(out, w.changedLines()...)
	return append(out, w.Content.below("", "content")...)
}

// typed is what is typed into a switch, a line each.
func typed(head string, lines []string) []string {
	out := []string{head}
	for _, l := range lines {
		out = append(out, "  "+Clean(l))
	}
	return out
}

func (w *Wire) changedLines() []string {
	var out []string
	for _, l := range w.Drop {
		out = append(out, "  - "+Clean(l))
	}
	for _, l := range w.Add {
		out = append(out, "  + "+Clean(l))
	}
	return out
}

// below gives a head, where there is one, and the content under it.
func (c *Content) below(head, name string) []string {
	var out []string
	if head != "" {
		out = append(out, head)
	}
	switch {
	case c == nil:
		return out
	case c.Secret:
		return append(out, fmt.Sprintf("  %s: %d bytes, secret", name, c.Size))
	}
	out = append(out, fmt.Sprintf("  %s: %d bytes, sha256:%s", name, c.Size, c.SHA256))
	text := c.Text
	if c.Base64 != "" {
		out[len(out)-1] += ", in base64:"
		text = c.Base64 + "\n"
	}
	if text == "" {
		return out
	}
	return append(out, prefixed("  | ", text)...)
}

// prefixed takes text apart into cleaned lines behind a prefix, so that no line of it passes for one of the report.
func prefixed(prefix, text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, l := range lines {
		lines[i] = prefix + cleanTabs(l)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		lines = append(lines, prefix[:len(prefix)-2]+`\ no newline at the end`)
	}
	return lines
}

func cleanTabs(line string) string { return CleanText(strings.ReplaceAll(line, "\n", `\n`)) }
