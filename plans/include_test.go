package plans

import (
	"slices"
	"strings"
	"testing"

	"bisc/internal/source"
)

const includeText = `
runbook "stop" {
  layer   = "agave"
  assumes = []
  stage "ask" {
    on = "lab"
    file "/asked" {}
  }
  stage "wait" {
    on = "lab"
    file "/gone" {}
  }
}
runbook "restart" {
  layer = "kind"
  include "stop" {}
  stage "start" {
    on = "lab"
    file "/up" {
      content = run.id
    }
  }
}
runbook "rebuild" {
  layer = "agave"
  stage "first" {
    on = "lab"
    file "/first" {}
  }
  include "restart" {}
}
`

func TestInclude(t *testing.T) {
	p := load(t, includeText)
	for name, want := range map[string][]string{
		"stop":    {"stop/ask", "stop/wait"},
		"restart": {"restart/ask", "restart/wait", "restart/start"},
		"rebuild": {"rebuild/first", "rebuild/ask", "rebuild/wait", "rebuild/start"},
	} {
		var got []string
		for _, st := range p.Runbooks[name].Stages {
			got = append(got, st.Name)
			if st.Layer != p.Runbooks[name].Layer || (st.Assumes == nil) != (name != "stop") {
				t.Errorf("%s: stage %s has layer %s and assumes %v: want those of the runbook that runs", name, st.Name, st.Layer, st.Assumes)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has the stages %q, want %q", name, got, want)
		}
	}
	if !p.Runbooks["rebuild"].NeedsRun || p.Runbooks["stop"].NeedsRun {
		t.Error("what an included stage needs of a run is not that of the runbook")
	}
	if _, err := p.Find("lab:rebuild/wait.file[/gone]"); err != nil {
		t.Error(err)
	}
}

func TestIncludeFaults(t *testing.T) {
	for text, want := range map[string]string{
		`include "stpo" {}`:                         `There is no runbook "stpo" to include. Did you mean "stop"?`,
		`include "again" {}`:                        "The way here is again, which includes again: a runbook cannot hold itself",
		`include "round" {}`:                        "The way here is again, which includes round, which includes again",
		"include \"stop\" {\n on = \"lab\" \n}":     "An include has one label, the runbook whose stages come here, and nothing in it",
		"include \"stop\" {}\n include \"stop\" {}": `This runbook has a stage "ask" at`,
		"includ \"stop\" {}":                        `there is no "includ" here. Did you mean "include"?`,
	} {
		text := includeText + "runbook \"again\" {\nlayer = \"agave\"\n" + text + "\n}\nrunbook \"round\" {\nlayer = \"agave\"\ninclude \"again\" {}\n}\n"
		_, diags := Load(Options{Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(text)}}, Inventory: testInventory(t), Registry: testRegistry()})
		if !strings.Contains(diags.Error(), want) {
			t.Errorf("%s\nwant: %s", diags.Error(), want)
		}
	}
}
