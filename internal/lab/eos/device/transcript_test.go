package device

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// turn is one exchange of a recorded dialog with a switch (vEOS 4.22.1F): the recorder typed a command (and saw it echoed), then
// a newline, and saw the answer and the next prompt.
type turn struct{ typed, answer string }

func transcript(t *testing.T, name string) []turn {
	t.Helper()
	var file map[string]struct {
		Interactions []struct {
			Output string `yaml:"channel_output"`
			Input  string `yaml:"expected_channel_input"`
		}
	}
	if err := yaml.Unmarshal([]byte(fixture(t, name)), &file); err != nil {
		t.Fatal(err)
	}
	var turns []turn
	for _, session := range file {
		for i, is := range session.Interactions {
			if is.Input != "\n" && i+2 < len(session.Interactions) {
				turns = append(turns, turn{named(is.Input), named(strings.TrimPrefix(session.Interactions[i+2].Output, "\n"))})
			}
		}
	}
	return turns
}

// named gives back the name that the recorder took out: a prompt still shows its beginning, "scrapl".
func named(text string) string {
	return strings.ReplaceAll(text, "__SCRAPLI_CFG_SESSION_NAME__", "scrapli_cfg_1")
}

// vEOS is the switch of the dialog, with the configuration that it showed in it.
func vEOS(t *testing.T, turns []turn) *Device {
	t.Helper()
	o := Options{Model: "vEOS", Version: "4.22.1F", Image: "flash:/vEOS-lab.swi", EnableSecret: "REDACTED", Ports: []string{"Management1"}}
	for _, turn := range turns {
		if turn.typed == "show running-config" {
			o.Startup = turn.answer
		}
	}
	for line := range strings.Lines(o.Startup) {
		if name, is := strings.CutPrefix(line, "interface Ethernet"); is {
			o.Ports = append(o.Ports, "Ethernet"+strings.TrimSpace(name))
		}
	}
	d := New(o)
	for _, err := range d.BootErrors() {
		t.Error(err)
	}
	return d
}

// TestTheRecordedDialogsReplay holds prompts, answers and the diff to the byte. Of show running-config it holds the lines: this
// release has some sections elsewhere than 4.34, whose order is the emulator's. So the four lines of "management api
// http-commands" and its "!" stand before the interfaces and not behind, and the numbers in the diff are 4 more.
func TestTheRecordedDialogsReplay(t *testing.T) {
	for _, name := range []string{"test_load_config_merge_diff_and_abort", "test_get_config"} {
		t.Run(name, func(t *testing.T) {
			turns := transcript(t, "cli-transcripts/scrapli/"+name+"[arista_eos-ssh2].yaml")
			s := vEOS(t, turns).Shell("boxen", "vty2")
			told := 0
			for _, turn := range turns {
				if turn.typed == "exit" {
					break
				}
				out, err := s.Run(turn.typed)
				if err != nil {
					t.Fatalf("%s: %v", turn.typed, err)
				}
				got, want := out+s.Prompt(), strings.Replace(turn.answer, "@@ -245,6 +245,9 @@", "@@ -249,6 +249,9 @@", 1)
				if turn.typed == "show running-config" {
					got, want = sorted(got), sorted(want)
				}
				if got != want {
					t.Errorf("%s:\n got %q\nwant %q", turn.typed, got, want)
				}
				told++
			}
			if told < 5 {
				t.Errorf("only %d exchanges were read", told)
			}
		})
	}
}

func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
