package host

import (
	"errors"
	"testing"
)

func TestEditLines(t *testing.T) {
	tests := map[string]struct {
		in        string
		drop, add []string
		want      string
		changed   bool
	}{
		"appended":               {in: "a\nb\n", add: []string{"c"}, want: "a\nb\nc\n"},
		"into nothing":           {in: "", add: []string{"c"}, want: "c\n"},
		"no newline at the end":  {in: "a\nb", add: []string{"c"}, want: "a\nb\nc\n"},
		"in its place":           {in: "a\nb\nc\n", drop: []string{"b"}, add: []string{"B"}, want: "a\nB\nc\n"},
		"duplicates become one":  {in: "b\na\nb\n", drop: []string{"b", "b"}, add: []string{"B"}, want: "B\na\n"},
		"an earlier second one":  {in: "x\na\nb\n", drop: []string{"b", "x"}, add: []string{"B"}, want: "a\nB\n"},
		"taken away":             {in: "a\nb\n", drop: []string{"a"}, want: "b\n"},
		"nothing is left":        {in: "a\n", drop: []string{"a"}, want: ""},
		"somebody was there":     {in: "a \n", drop: []string{"a"}, add: []string{"A"}, changed: true},
		"the second one is gone": {in: "b\n", drop: []string{"b", "b"}, changed: true},
		"empty lines stay":       {in: "a\n\nb\n", drop: []string{"b"}, add: []string{"B"}, want: "a\n\nB\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := EditLines([]byte(tc.in), tc.drop, tc.add)
			if errors.Is(err, ErrChanged) != tc.changed {
				t.Fatalf("err %v", err)
			}
			if string(got) != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
