package dashboard_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// span is where an entry of a generated document stands: from the comments above
// it to the end of its last line.
type span struct{ from, to int }

// generator writes YAML as people do, with comments, blank lines and all kinds
// of quotes, and notes where everything is. It knows nothing of Patch.
type generator struct {
	*rand.Rand
	b     strings.Builder
	n     int             // names comments and keys
	spans map[string]span // by JSON pointer
	flow  map[string]span // of what stands in brackets: the outermost brackets' entry
	lists []string
	maps  []string
	all   []string
}

func generate(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), spans: map[string]span{}, flow: map[string]span{}}
	if g.chance(3) {
		g.b.WriteString("# head\n\n")
	}
	if g.chance(4) {
		g.b.WriteString("---\n")
	}
	g.mapping("", 0, 3, false)
	if g.chance(4) {
		g.b.WriteString("\n# foot\n")
	}
	return g
}

func (g *generator) chance(n int) bool { return g.IntN(n) == 0 }

func (g *generator) next(prefix string) string {
	g.n++
	return fmt.Sprintf("%s%d", prefix, g.n)
}

// above writes what stands above an entry and returns where its comments begin.
func (g *generator) above(indent int) (from int) {
	for range g.IntN(2) * g.IntN(3) {
		g.b.WriteString("\n")
	}
	from = g.b.Len()
	for range g.IntN(2) * g.IntN(3) {
		g.b.WriteString(strings.Repeat(" ", indent) + g.next("# above ") + " é\n")
	}
	return from
}

// lineEnd ends a line, perhaps with a comment.
func (g *generator) lineEnd() {
	if g.chance(4) {
		g.b.WriteString(strings.Repeat(" ", 1+g.IntN(3)) + g.next("# beside "))
	}
	g.b.WriteString("\n")
}

// mapping writes a block mapping. If begun, its first key comes right after a
// dash.
func (g *generator) mapping(path string, indent, depth int, begun bool) {
	g.maps = append(g.maps, path)
	for i := range 1 + g.IntN(4) {
		from := g.b.Len()
		if i > 0 || !begun {
			from = g.above(indent)
			g.b.WriteString(strings.Repeat(" ", indent))
		}
		key := g.next("k")
		switch g.IntN(6) {
		case 0:
			key += " ü"
			g.b.WriteString("'" + key + "':")
		case 1:
			key += "/~x"
			g.b.WriteString(`"` + key + `":`)
		default:
			g.b.WriteString(key + ":")
		}
		child := path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		g.value(child, indent, depth, false)
		g.note(child, from)
	}
}

func (g *generator) note(path string, from int) {
	g.spans[path] = span{from, g.b.Len()}
	g.all = append(g.all, path)
}

func (g *generator) sequence(path string, indent, depth int, begun bool) {
	g.lists = append(g.lists, path)
	for i := range 1 + g.IntN(4) {
		from := g.b.Len()
		if i > 0 || !begun {
			from = g.above(indent)
			g.b.WriteString(strings.Repeat(" ", indent))
		}
		g.b.WriteString("-")
		child := fmt.Sprintf("%s/%d", path, i)
		g.value(child, indent, depth, true)
		g.note(child, from)
	}
}

// value writes what follows a colon or a dash that stands at indent.
func (g *generator) value(path string, indent, depth int, isItem bool) {
	kind := g.IntN(10)
	switch {
	case depth > 0 && kind < 2 && isItem && g.chance(2):
		g.b.WriteString(" ")
		g.mapping(path, indent+2, depth-1, true)
	case depth > 0 && kind < 2:
		g.lineEnd()
		g.mapping(path, indent+1+g.IntN(3), depth-1, false)
	case depth > 0 && kind < 4 && isItem && g.chance(3):
		g.b.WriteString(" ")
		g.sequence(path, indent+2, depth-1, true)
	case depth > 0 && kind < 4:
		g.lineEnd()
		more := 1 + g.IntN(3)
		if !isItem && g.chance(2) {
			more = 0
		}
		g.sequence(path, indent+more, depth-1, false)
	case kind < 6:
		begin := g.b.Len()
		g.b.WriteString(" ")
		first := len(g.all)
		g.brackets(path, depth, indent)
		g.lineEnd()
		whole := span{begin, g.b.Len()}
		for _, p := range g.all[first:] {
			g.flow[p] = whole
		}
		g.flow[path+"/"] = whole // of what is put in
	default:
		g.scalar(indent)
	}
}

// brackets writes a collection in brackets, on one line or more.
func (g *generator) brackets(path string, depth, indent int) {
	isMap, gap := g.chance(2), ""
	if g.chance(3) {
		gap = "\n" + strings.Repeat(" ", indent+2)
	}
	if isMap {
		g.maps = append(g.maps, path)
		g.b.WriteString("{")
	} else {
		g.lists = append(g.lists, path)
		g.b.WriteString("[")
	}
	n := g.IntN(4)
	for i := range n {
		if i > 0 {
			g.b.WriteString(",")
			if gap != "" && g.chance(3) {
				g.b.WriteString(g.next(" # within "))
			}
		}
		g.b.WriteString(gap + " ")
		child := fmt.Sprintf("%s/%d", path, i)
		if isMap {
			key := g.next("f")
			child = path + "/" + key
			g.b.WriteString(key + ": ")
		}
		if depth > 0 && g.chance(4) {
			g.brackets(child, depth-1, indent)
		} else {
			g.b.WriteString([]string{"1", "x", "'it''s'", `"a, b"`, "true", "-2.5e3", "null", "plain words"}[g.IntN(8)])
		}
		g.all = append(g.all, child)
	}
	if gap != "" && n > 0 && g.chance(3) {
		g.b.WriteString(",")
	}
	if isMap {
		g.b.WriteString(gap + " }")
	} else {
		g.b.WriteString(gap + "]")
	}
}

func (g *generator) scalar(indent int) {
	pad := "\n" + strings.Repeat(" ", indent+2)
	if g.chance(8) { // on a line of its own
		g.lineEnd()
		g.b.WriteString(strings.Repeat(" ", indent+1))
	}
	switch g.IntN(16) {
	case 0:
		g.b.WriteString(" |" + []string{"", "-", "+"}[g.IntN(3)] + []string{"", " # header"}[g.IntN(2)] + pad + "# no comment" + pad + "  more: é\n" + pad + "end\n")
		return
	case 1:
		g.b.WriteString(" >-" + pad + "folded" + pad + "text\n\n")
		return
	case 2:
		g.b.WriteString(" |2" + pad + "    indented\n")
		return
	case 3:
		g.b.WriteString(" plain" + pad + "over lines\n" + pad + "and more")
	case 4:
		g.b.WriteString(` "quoted` + pad + `over\tlines \` + pad + `# no comment"`)
	case 5:
		g.b.WriteString(" 'single ''" + pad + "quotes'")
	default:
		g.b.WriteString([]string{"", " ~", " null", " 12", " -1.5", " 0x1F", " true", " word", " two words", " a:b#c", " 'q # x'", ` "d \" é"`, " http://x.y/z", " yes", " !!str 5"}[g.IntN(15)])
	}
	g.lineEnd()
}
