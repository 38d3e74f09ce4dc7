package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// AnyJSON writes what has no document of its own. As in JSON, a terminal acts on nothing of it.
func AnyJSON(w io.Writer, v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	_, err := io.WriteString(w, escapeJSON(b.String()))
	return err
}
