package config

import (
	"fmt"
	"io"
	"strings"
)

// Write writes the configuration as YAML that [Load] reads back, each setting
// with where it was given.
func (l *Loaded) Write(w io.Writer) error {
	var b strings.Builder
	group := ""
	for _, f := range l.Fields() {
		if strings.HasPrefix(f.Key, "sources.") { // within sources
			continue
		}
		indent, name := "", f.Key
		if head, rest, nested := strings.Cut(f.Key, "."); nested {
			if head != group {
				fmt.Fprintf(&b, "%s:\n", head)
			}
			group, indent, name = head, "  ", rest
		}
		origin := l.Origins[f.Key]
		if origin == "" {
			origin = "default"
		}
		if list, ok := f.Value.(rules); ok {
			writeRules(&b, name, list, origin)
			continue
		}
		line := indent + name + ": " + yamlText(f.Value)
		fmt.Fprintf(&b, "%-45s # %s\n", line, origin)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeRules(b *strings.Builder, name string, list rules, origin string) {
	if len(*list.p) == 0 {
		fmt.Fprintf(b, "%-45s # %s\n", name+": []", origin)
		return
	}
	fmt.Fprintf(b, "%-45s # %s\n", name+":", origin)
	for i := range *list.p {
		fmt.Fprintf(b, "  - %s\n", ruleText(&(*list.p)[i]))
	}
}

// yamlText returns the value as YAML on one line.
func yamlText(v Value) string {
	text := v.Text()
	if _, ok := v.(nodeValue); ok {
		return text
	}
	if text == "" {
		return `""`
	}
	for i := range len(text) {
		c := text[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("./_:-", c) >= 0 && i > 0 || (c == '.' || c == '/')
		if !plain {
			return fmt.Sprintf("%q", text)
		}
	}
	return text
}

// WriteReference writes the documentation of every setting as Markdown.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Configuration

Streamgauge needs none. Every setting is a key of the YAML file that
` + "`--config`" + ` (or ` + "`STREAMGAUGE_CONFIG`" + `) names, an environment variable and a
flag; a flag beats the environment, which beats the file. ` + "`streamgauge check`" + `
says what is in effect and where it comes from.

Durations are written like ` + "`500ms`, `15s`, `10m`, `24h`" + `; sizes like ` + "`256KiB`, `8MiB`, `10MB`" + `.
Lists and mappings are YAML in flags and variables too:
` + "`--streams '[{match: \"logs.>\", keep: {events: 1000}}]'`" + `.

<!-- Written by "go test ./internal/config -update"; edit the declarations in internal/config/config.go. -->

## Settings

| key | default | |
|---|---|---|
`)
	c := Default()
	for _, f := range c.Fields() {
		text := "`" + f.Text() + "`"
		switch f.Key {
		case "streams":
			text = "see below"
		case "sources":
			text = "`host`, `self`; with a shared log `self`"
		case "cors.origins":
			text = "none"
		}
		fmt.Fprintf(&b, "| `%s`<br>`--%s`<br>`%s` | %s | %s |\n", f.Key, Flag(f.Key), Env(f.Key), text, f.Doc)
	}
	b.WriteString("\n## Rules of `streams`\n\n| key | values | |\n|---|---|---|\n")
	r := c.Streams[0]
	for _, f := range ruleFields(&r) {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Key, strings.ReplaceAll(f.Kind(), " | ", ", "), f.Doc)
	}
	b.WriteString(`
The bounds of ` + "`keep`" + ` hold for each stream by itself: a rule that matches ten streams
keeps up to ten times its events and bytes, and only ` + "`limits.streams`" + ` bounds how many
there are. Under ` + "`latest`" + ` the newest event of each of a stream's last 10,000 keys is
kept besides. The folder of the file log is at most about twice as large as what is
kept.

The defaults:

` + "```yaml\nstreams:\n")
	for i := range c.Streams {
		fmt.Fprintf(&b, "  - %s\n", ruleText(&c.Streams[i]))
	}
	b.WriteString("```\n")
	_, err := io.WriteString(w, b.String())
	return err
}
