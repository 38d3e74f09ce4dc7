package eosconf

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fixtures is the folder of recorded answers; it is not in the repository.
const fixtures = "../../../shared/fixtures/eos"

const realConfig = "configs/real-7280CR3A-4.34.0F/mia-sw01-running.cfg"

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatalf("the fixtures are needed beside the repository, at ../shared/fixtures/eos: %v", err)
	}
	return string(b)
}

func parse(t testing.TB, text string) *Config {
	t.Helper()
	c, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRealConfigRoundTrips: what a real switch printed is printed back byte for byte.
func TestRealConfigRoundTrips(t *testing.T) {
	text := fixture(t, realConfig)
	c := parse(t, text)
	if diff := cmp.Diff(text, c.String()); diff != "" {
		t.Errorf("printed back otherwise (-device +us):\n%s", diff)
	}
	if !c.Whole() || c.Device() != "laconic-mia-sw01 (DCS-7280CR3A-32S, EOS-4.34.0F)" {
		t.Errorf("whole %v, device %q", c.Whole(), c.Device())
	}
}

// personal is what shows that a person wrote a fixture, not a device: another indent than threes, empty lines, comments, tabs,
// lines behind the end.
var personal = regexp.MustCompile(`(?m)^((   )* {1,2}[^ ].*| *![^!\n].*|.*\t.*| +end| *!!!.*|)$|^end\n!.*`)

// TestFixtureConfigsRoundTrip: every fixture of the device's own form is printed back byte for byte, and of every other the
// meaning survives.
func TestFixtureConfigsRoundTrip(t *testing.T) {
	exact := 0
	err := filepath.WalkDir(fixtures, func(name string, d fs.DirEntry, err error) error {
		isConfig := strings.Contains(name, "/configs/") || strings.Contains(name, "running_config") || strings.HasSuffix(name, ".cfg")
		if err != nil || d.IsDir() || !isConfig || strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".yaml") {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text := string(b)
		c, err := Parse(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		head := regexp.MustCompile(`\A(![^\n]*\n)*`).FindString(text)
		if !personal.MatchString(strings.TrimSuffix(text[len(head):], "\n")) {
			exact++
			if diff := cmp.Diff(text, c.String()); diff != "" {
				t.Errorf("%s is printed back otherwise (-device +us):\n%s", name, diff)
			}
		}
		again := parse(t, c.String())
		if again.String() != c.String() {
			t.Errorf("%s changes when it is printed twice", name)
		}
		return nil
	})
	if err != nil || exact < 30 {
		t.Fatalf("%d fixtures of the device's own form (want 30 or more): %v", exact, err)
	}
	t.Logf("%d fixtures printed back byte for byte", exact)
}
