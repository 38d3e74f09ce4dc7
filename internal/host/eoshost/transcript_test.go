package eoshost

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// transcripts are dialogs of scrapli's with a vEOS 4.22.1F over SSH [V].
const transcripts = "../../../../shared/fixtures/eos/cli-transcripts/scrapli"

// shown is what the switch showed, one piece a prompt or question.
func shown(t *testing.T, name string) (pieces []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(transcripts, name+"[arista_eos-ssh2].yaml"))
	if err != nil {
		t.Fatalf("this test replays recorded dialogs, which lie beside the project in ../shared: %v", err)
	}
	var file map[string]struct {
		Interactions []struct {
			Output string `yaml:"channel_output"`
		}
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, session := range file {
		for _, i := range session.Interactions {
			pieces = append(pieces, strings.ReplaceAll(i.Output, "\n", "\r\n"))
		}
	}
	return pieces
}

// TestRecordedDialog: each prompt of a real dialog is known for what it is, nothing else is taken for one, and its configuration is
// read as it was recorded.
func TestRecordedDialog(t *testing.T) {
	p := newPrompt("localhost")
	if got := learnPrompt([]byte("Last login: today\r\n\r\nlocalhost>! bisc-1"), "! bisc-1"); got == nil || got.host != "localhost" {
		t.Fatalf("learned %+v", got)
	}
	var seen []string
	config := ""
	for _, piece := range shown(t, "test_load_config_merge_diff_and_abort") {
		mode, privileged, at := p.standing([]byte(piece))
		last := piece[strings.LastIndex(piece, "\n")+1:]
		switch {
		case asksPassword([]byte(piece)):
			last = "password"
		case at != strings.HasPrefix(last, "localhost") && !strings.HasSuffix(last, "enable"):
			t.Errorf("%q: a prompt: %v", last, at)
		case at && privileged != strings.HasSuffix(last, "#"):
			t.Errorf("%q: privileged: %v", last, privileged)
		case !at:
			continue
		default:
			last = mode
		}
		if len(seen) == 0 || seen[len(seen)-1] != last {
			seen = append(seen, last)
		}
		if text := lines([]byte(piece), false); strings.Contains(text, "! Command: show running-config") {
			config = strings.TrimSuffix(strings.TrimPrefix(text, "\n"), "localhost#")
		}
	}
	if got := strings.Join(seen, " "); got != " password  config-s-scrapl config-s-scrapl-if-Lo1  config-s-scrapl " {
		t.Errorf("the dialog went through %q", got)
	}
	f := newFar(t)
	f.hostname, f.shows["show running-config"] = "localhost", config
	if err := asks(opened(t, f.start()), "show running-config", config)(t.Context()); err != nil || len(config) < 5000 {
		t.Error(err, len(config))
	}
}
