package standin

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// moduleOptions reads the options lines of modprobe.d. A file in /etc takes the place of one of the same name in /lib.
func moduleOptions(module string) map[string]string {
	settings := map[string]string{}
	for _, name := range configFiles("modprobe.d") {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
			words := strings.Fields(line)
			if len(words) < 3 || words[0] != "options" || canonical(words[1]) != module {
				continue
			}
			for _, word := range words[2:] {
				key, value, _ := strings.Cut(word, "=")
				settings[key] = value
			}
		}
	}
	return settings
}

// configFiles returns the *.conf files of a folder that exists in /etc, /run and /lib, in the order of their names.
func configFiles(folder string) []string {
	byName := map[string]string{}
	for _, dir := range []string{"/usr/lib", "/usr/local/lib", "/run", "/etc"} {
		files, _ := filepath.Glob(filepath.Join(dir, folder, "*.conf"))
		for _, file := range files {
			byName[filepath.Base(file)] = file
		}
	}
	var names []string
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = byName[name]
	}
	return names
}
