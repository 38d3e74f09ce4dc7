package front

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"bisc/internal/lab/eos/device"
)

// recorded is a dialog of scrapli's with a vEOS 4.22.1F over SSH: everything that was typed, and everything that was shown.
func recorded(t *testing.T, name string) (typed, shown string) {
	t.Helper()
	var file map[string]struct {
		Interactions []struct {
			Output string `yaml:"channel_output"`
			Input  string `yaml:"expected_channel_input"`
		}
	}
	must(t, yaml.Unmarshal(fixture(t, "cli-transcripts/scrapli/"+name+"[arista_eos-ssh2].yaml"), &file))
	for _, session := range file {
		for _, i := range session.Interactions {
			typed, shown = typed+i.Input, shown+i.Output
		}
	}
	name = "scrapli_cfg_1" // the fixture leaves out the name, and not what the prompt has of it
	return strings.ReplaceAll(typed, placeholder, name), strings.ReplaceAll(shown, placeholder, name)
}

const placeholder = "__SCRAPLI_CFG_SESSION_NAME__"

// The recorded dialogs, typed ahead in one piece: what the terminal shows is what the real one showed, byte for byte, but for the order of
// show running-config's sections (another release), so a diff's line numbers, and who logged in last. The recorder typed a newline before the login had said
// anything, and saw it echoed before all.
func TestRecordedDialogs(t *testing.T) {
	for _, name := range []string{"test_get_config", "test_load_config_merge_diff_and_abort"} {
		t.Run(name, func(t *testing.T) {
			typed, shown := recorded(t, name)
			_, config, _ := strings.Cut(shown, "show running-config\n")
			config, _, _ = strings.Cut(config, "localhost#")
			o := device.Options{Model: "vEOS", Version: "4.22.1F", Image: "flash:/vEOS-lab.swi", EnableSecret: "REDACTED", Startup: config, Ports: []string{"Management1"}}
			for _, m := range regexp.MustCompile(`(?m)^interface (Ethernet\d+)$`).FindAllStringSubmatch(config, -1) {
				o.Ports = append(o.Ports, m[1])
			}
			d := device.New(o)
			s := newStage(t, func(f *Options) { f.Open = func(user, tty string) Shell { return d.Shell(user, tty) } })
			term := s.terminal(s.dial(), 0, 32767, 1)
			term.send(typed)
			got := strings.ReplaceAll(term.rest(), "\r\n", "\n")
			got, _ = strings.CutSuffix(got, "exit\n") // the recorder did not read on
			if got, want := comparable(got), comparable(strings.TrimPrefix(shown, "\n")); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// comparable leaves out what may differ: who logged in last, the order of what show running-config shows, and so a diff's line numbers.
func comparable(shown string) string {
	shown = regexp.MustCompile(`Last login: .*`).ReplaceAllString(shown, "Last login:")
	shown = regexp.MustCompile(`@@ .* @@`).ReplaceAllString(shown, "@@")
	before, config, found := strings.Cut(shown, "show running-config\n")
	config, after, _ := strings.Cut(config, "localhost#")
	if !found {
		return shown
	}
	lines := strings.Split(config, "\n")
	slices.Sort(lines)
	return before + strings.Join(lines, "\n") + "localhost#" + after
}
